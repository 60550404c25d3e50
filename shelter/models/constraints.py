"""Which named constraint refused a row, said alike for both databases."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Table, UniqueConstraint
from sqlalchemy.exc import IntegrityError

from shelter.extensions import db

LEDGER_KEY = "pk_unit_night"


def violated_constraint(error: IntegrityError) -> str | None:
    """The constraint's name; None where the database does not say (SQLite: foreign keys)."""
    original: Any = error.orig
    diagnosis = getattr(original, "diag", None)
    if diagnosis is not None:
        return diagnosis.constraint_name
    said = str(original)
    if found := re.search(r"CHECK constraint failed: (\w+)", said):
        return found[1]
    if found := re.search(r"UNIQUE constraint failed: index '(\w+)'", said):
        return found[1]
    if found := re.search(r"UNIQUE constraint failed: ([\w., ]+)", said):
        return _unique_over([part.strip() for part in found[1].split(",")])
    return None


def _unique_over(columns: list[str]) -> str | None:
    table = db.metadata.tables[columns[0].split(".")[0]]
    names = {column.split(".")[1] for column in columns}
    for candidate in _uniques(table):
        if {column.name for column in candidate.columns} == names:
            return str(candidate.name)
    return None


def _uniques(table: Table) -> list[Any]:
    keys = [table.primary_key, *(c for c in table.constraints if isinstance(c, UniqueConstraint))]
    return keys + [index for index in table.indexes if index.unique]
