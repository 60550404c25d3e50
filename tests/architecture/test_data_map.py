"""Every column has a level, and what identifies or locates is sealed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Column, LargeBinary, Uuid

import shelter.models  # noqa: F401 every table is known
from shelter.extensions import db

PAGE = Path(__file__).parents[2] / "docs" / "data-map.md"
SEALED_LEVELS = {"location", "identity"}
LEVELS = SEALED_LEVELS | {"situation", "staff", "credential", "work"}


def columns() -> dict[str, Column[object]]:
    return {f"{table.name}.{c.name}": c for table in db.metadata.sorted_tables for c in table.columns}


@pytest.fixture(scope="module")
def mapped() -> list[tuple[str, str]]:
    """(table.column, level), as the page lists them."""
    found, table = [], ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            table = line.removeprefix("## ").strip()
        elif line.startswith("- "):
            level, _, names = line.removeprefix("- ").partition(":")
            found += [(f"{table}.{name.strip()}", level) for name in names.split(",")]
    return found


def test_every_column_is_in_the_map(mapped: list[tuple[str, str]]) -> None:
    assert set(columns()) - {name for name, _ in mapped} == set()


def test_the_map_names_no_column_that_is_gone(mapped: list[tuple[str, str]]) -> None:
    assert {name for name, _ in mapped} - set(columns()) == set()


def test_every_column_has_one_level(mapped: list[tuple[str, str]]) -> None:
    assert [name for name, n in Counter(name for name, _ in mapped).items() if n > 1] == []
    assert {level for _, level in mapped} <= LEVELS


def test_what_identifies_or_locates_is_sealed_and_nothing_else_is(mapped: list[tuple[str, str]]) -> None:
    wrong = [name for name, level in mapped if (level in SEALED_LEVELS) != name.endswith("_sealed")]
    assert wrong == []


def test_sealed_columns_hold_bytes() -> None:
    sealed = {name: column for name, column in columns().items() if name.endswith("_sealed")}
    assert sealed
    assert [name for name, column in sealed.items() if not isinstance(column.type, LargeBinary)] == []


def test_rows_with_sealed_columns_have_ids_of_our_making() -> None:
    """The id is part of what a ciphertext is bound to, so it must be known before the row is there."""
    tables = [t for t in db.metadata.sorted_tables if any(c.name.endswith("_sealed") for c in t.columns)]
    assert [
        t.name for t in tables if [c.name for c in t.primary_key.columns] != ["id"] or not isinstance(t.c.id.type, Uuid)
    ] == []


def test_bytes_that_are_not_sealed_are_credentials(mapped: list[tuple[str, str]]) -> None:
    levels = dict(mapped)
    plain = [n for n, c in columns().items() if isinstance(c.type, LargeBinary) and not n.endswith("_sealed")]
    assert [name for name in plain if levels.get(name) != "credential"] == []
