"""The database has the last word, and every word it can say has a name and a sentence."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import CheckConstraint, Enum, Index, MetaData, Table, UniqueConstraint
from sqlalchemy.schema import Constraint

import shelter.models  # noqa: F401 every table is known
from shelter.extensions import db
from shelter.web.sentences import CONSTRAINTS

# What no form can cause: broken only by an error of ours, which the general sentence answers.
INTERNAL = {
    "ck_extension_decided",
    "ck_heartbeat_one_row",
    "ck_installation_one_row",
    "ck_message_language",
    "ck_message_one_recipient",
    "ck_message_suppressed_with_reason",
    "ck_placement_held_until",
    "ck_placement_occupied_from",
    "ck_placement_people",
    "ck_safe_contact_language",
    "ck_safety_exclusion_one_target",
    "ck_stay_cancelled_with_reason",
    "ck_stay_checked_in",
    "ck_stay_ended",
    "ck_stay_flag_threshold",
    "ck_stay_number_positive",
    "ck_unit_night_one_owner",
    "ck_unit_night_people_of_a_placement",
    "ck_user_locale",
    "ck_user_login_lower",
    "uq_audit_entry_chain_seq",
    "uq_closure_id_unit_id",  # for the ledger's composite key
    "uq_draft_user_id_purpose",
    "uq_household_reference",  # drawn again when it is taken
    "uq_job_run_job_due_at",
    "uq_message_dedupe_key",
    "uq_person_household_id_position",
    "uq_pet_household_id_position",
    "uq_placement_id_unit_id",  # for the ledger's composite key
    "uq_room_id_site_id",  # for the unit's composite key
    "uq_safe_contact_household_id",
    "uq_stay_flag_stay_id_limit_on_threshold",
    "uq_stay_household_id_number",
    "uq_task_dedupe_key",
}


def metadata() -> MetaData:
    return db.metadata


def constraints() -> Iterator[tuple[Table, Constraint]]:
    for table in metadata().sorted_tables:
        for constraint in table.constraints:
            yield table, constraint


def what_can_refuse() -> set[str]:
    """Names of all CHECK and UNIQUE constraints and unique indexes."""
    named = {str(c.name) for _, c in constraints() if isinstance(c, CheckConstraint | UniqueConstraint)}
    indexes = {str(i.name) for t in metadata().sorted_tables for i in t.indexes if i.unique}
    return named | indexes


def test_every_constraint_has_a_name() -> None:
    unnamed = [f"{t.name}: {type(c).__name__}" for t, c in constraints() if not isinstance(c.name, str) or not c.name]
    assert not unnamed


def test_every_index_has_a_name() -> None:
    assert not [i for t in metadata().sorted_tables for i in t.indexes if not isinstance(i, Index) or not i.name]


def test_no_name_is_cut_off_by_postgresql() -> None:
    names = [str(c.name) for _, c in constraints()] + [str(i.name) for t in metadata().sorted_tables for i in t.indexes]
    assert not [name for name in names if len(name.encode()) > 63]


def test_no_name_is_used_twice() -> None:
    names = [str(c.name) for _, c in constraints()] + [str(i.name) for t in metadata().sorted_tables for i in t.indexes]
    assert not {name for name in names if names.count(name) > 1}


def test_every_cascade_has_an_index() -> None:
    """Without one, deleting the parent reads the whole child table."""
    bare = []
    for table in metadata().sorted_tables:
        keys = [
            table.primary_key,
            *(c for c in table.constraints if isinstance(c, UniqueConstraint)),
            *table.indexes,
        ]
        leading = {next(iter(key.columns)).name for key in keys if len(key.columns)}
        for key in table.foreign_key_constraints:
            if key.ondelete == "CASCADE" and next(iter(key.columns)).name not in leading:
                bare.append(str(key.name))
    assert not bare


def of_coded_columns() -> set[str]:
    """The CHECK of a column that holds one of the codes: pages offer nothing else."""
    return {
        f"ck_{table.name}_{column.type.name}"
        for table in metadata().sorted_tables
        for column in table.columns
        if isinstance(column.type, Enum)
    }


def test_every_refusal_of_the_database_has_a_sentence() -> None:
    assert what_can_refuse() - INTERNAL - of_coded_columns() - set(CONSTRAINTS) == set()


def test_no_sentence_is_left_of_a_constraint_that_is_gone() -> None:
    assert set(CONSTRAINTS) - what_can_refuse() == set()
    assert INTERNAL - what_can_refuse() == set()
