"""A new field key: everything is under it afterwards, nothing that changed meanwhile is lost, the access log holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

import shelter.models
from shelter.domain.permissions import SYSTEM
from shelter.extensions import Model, db, keyring
from shelter.models.audit import AuditEntry
from shelter.models.data_map import Level, columns_at
from shelter.models.households import ContactNumber, Household
from shelter.models.sealed import Sealed
from shelter.models.sites import Site
from shelter.services import audit_trail, field_keys, index_key
from shelter.services.field_keys import Change
from shelter.services.unit_of_work import unit_of_work
from tests import factories
from tests.support.keys import BOTH, NEW, OLD, holding

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def household(context: Flask) -> Household:
    factories.make_site("Magnolia", district="11680", directions="Left at the bakery")
    made = factories.make_household(children=1)
    factories.make_contact(made, "+821012345678")
    with unit_of_work(SYSTEM) as work:
        made.notes = "as it was"
        work.record("site.changed", subject="site:x", before={"a": 1})
        work.record("site.changed", subject="site:x")
        work.record("site.changed", subject="site:x", before={"a": 2})
    return made


def test_the_data_map_knows_every_sealed_value() -> None:
    """What rotation goes by, against what the models seal."""
    sealed = {
        (mapper.local_table.name, value.column)  # type: ignore[attr-defined]
        for mapper in Model.registry.mappers
        for value in vars(mapper.class_).values()
        if isinstance(value, Sealed)
    }
    assert shelter.models
    assert sealed == {(table, column) for table, columns in columns_at(Level.SEALED).items() for column in columns}


def test_after_a_rotation_the_new_key_alone_opens_everything(household: Household) -> None:
    with holding(BOTH):
        rotated = field_keys.rotate()
    assert rotated.is_complete
    assert rotated.resealed == rotated.remaining > 0
    assert not rotated.unreadable
    with holding(NEW):
        opened = field_keys.open_all()
        assert opened.is_whole
        assert set(opened.by_key) == {"t2"}
        assert db.session.scalars(select(Site)).one().directions == "Left at the bakery"
    with holding(OLD):
        assert not field_keys.open_all().by_key


def test_a_second_rotation_finds_nothing_to_do(household: Household) -> None:
    with holding(BOTH):
        field_keys.rotate()
        again = field_keys.rotate()
    assert (again.remaining, again.resealed) == (0, 0)


def test_the_access_log_holds_after_one_rotation_and_after_two(household: Household) -> None:
    for keys in (BOTH, f"{OLD},{NEW}"):
        with holding(keys):
            assert field_keys.rotate().is_complete
            assert all(report.is_intact for report in audit_trail.verify())
    assert max(report.entries for report in audit_trail.verify()) >= 7


@pytest.mark.parametrize("column", ["action", "details_sealed", "mac", "resealed_mac"])
def test_an_entry_altered_after_a_rotation_is_found(household: Household, column: str) -> None:
    with holding(BOTH):
        field_keys.rotate()
    other = b"x" * 40 if column != "action" else "other"
    db.session.execute(update(AuditEntry).where(AuditEntry.seq == 1).values({column: other}))
    db.session.commit()
    assert [report.broken_at for report in audit_trail.verify() if not report.is_intact] == [1]


def test_a_rotation_does_not_make_an_altered_entry_good(household: Household) -> None:
    db.session.execute(update(AuditEntry).where(AuditEntry.seq == 3).values(subject="site:y"))
    db.session.commit()
    with holding(BOTH):
        assert field_keys.rotate().is_complete
    assert [report.broken_at for report in audit_trail.verify() if not report.is_intact] == [3]


def test_what_changed_meanwhile_is_not_overwritten(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading and writing somebody else saves: theirs stays, and is sealed anew in the next pass."""
    write, household_id = field_keys._write, household.id

    def late(table: Any, changes: list[Change], by: Any) -> Iterator[int]:
        if table is Household.__table__ and changes:
            monkeypatch.setattr(field_keys, "_write", write)
            with holding(OLD), unit_of_work(SYSTEM):  # a process that has not been restarted yet
                db.session.get_one(Household, household_id).notes = "as it is now"
        yield from write(table, changes, by)

    monkeypatch.setattr(field_keys, "_write", late)
    with holding(BOTH):
        rotated = field_keys.rotate()
    assert rotated.is_complete
    with holding(NEW):
        assert db.session.get_one(Household, household_id, populate_existing=True).notes == "as it is now"


def test_what_no_key_opens_is_named_and_left_as_it_is(household: Household) -> None:
    site = db.session.scalars(select(Site)).one()
    moved = site.directions_sealed
    db.session.execute(update(Site).values(night_line_sealed=moved))
    db.session.commit()
    with holding(BOTH):
        rotated = field_keys.rotate()
        assert field_keys.open_all().unreadable == [f"site|night_line_sealed|{site.id.hex}"]
    assert rotated.unreadable == [f"site|night_line_sealed|{site.id.hex}"]
    assert (rotated.is_complete, rotated.left) == (False, 1)
    assert db.session.get_one(Site, site.id, populate_existing=True).night_line_sealed == moved


def test_a_rotation_is_in_the_access_log_with_counts_only(household: Household) -> None:
    with holding(BOTH):
        field_keys.rotate()
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.at.desc(), AuditEntry.seq.desc()).limit(2))
        said = [(entry.action, entry.subject, set(entry.details or {})) for entry in entries]
    assert said == [
        ("keys.rotated", "key:t2", {"resealed", "unreadable", "left"}),
        ("keys.rotation_begun", "key:t2", {"values"}),
    ]


def test_a_new_index_key_finds_every_number_and_the_former_none(household: Household) -> None:
    new = "another-index-key-of-the-tests-0123456789"
    assert index_key.rebuild(new) >= 1
    with holding(OLD, index_key=new):
        assert field_keys.open_all().not_found == []
        assert keyring.index("phone", "+821012345678") in set(db.session.scalars(select(ContactNumber.number_index)))
    assert len(field_keys.open_all().not_found) == len(db.session.scalars(select(ContactNumber.id)).all())
