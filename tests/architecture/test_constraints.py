"""The database has the last word, and every word it can say has a name and a sentence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import CheckConstraint, Index, MetaData, Table, UniqueConstraint
from sqlalchemy.schema import Constraint

import shelter.models  # noqa: F401 every table is known
from shelter.extensions import db

# What no form can cause: broken only by an error of ours, which the general sentence answers.
INTERNAL: set[str] = set()


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
    unnamed = [
        f"{t.name}: {type(c).__name__}" for t, c in constraints() if not isinstance(c.name, str) or not c.name
    ]
    assert not unnamed


def test_every_index_has_a_name() -> None:
    assert not [
        i for t in metadata().sorted_tables for i in t.indexes if not isinstance(i, Index) or not i.name
    ]


def test_no_name_is_cut_off_by_postgresql() -> None:
    names = [str(c.name) for _, c in constraints()] + [
        str(i.name) for t in metadata().sorted_tables for i in t.indexes
    ]
    assert not [name for name in names if len(name.encode()) > 63]


def test_no_name_is_used_twice() -> None:
    names = [str(c.name) for _, c in constraints()] + [
        str(i.name) for t in metadata().sorted_tables for i in t.indexes
    ]
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


def test_every_refusal_of_the_database_has_a_sentence() -> None:
    errors = pytest.importorskip("shelter.web.errors")
    assert what_can_refuse() - INTERNAL <= set(errors.CONSTRAINTS)


def test_no_sentence_is_left_of_a_constraint_that_is_gone() -> None:
    errors = pytest.importorskip("shelter.web.errors")
    assert set(errors.CONSTRAINTS) <= what_can_refuse()
    assert what_can_refuse() >= INTERNAL
