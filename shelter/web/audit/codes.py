"""What an auditor sees of an entry's details: which fields, and values that are codes; never what a person told."""

from __future__ import annotations

import re
from typing import Any

from shelter.queries.audit import Line

CODE = re.compile(r"[a-z][a-z_]{0,39}|\d{4}-\d\d-\d\d(?:[T ][\d:.+Z-]+)?")
TELLING = re.compile(r"name|phone|number|district|login|note|code_word|directions|night_line|answers|other_way")
FREE_TEXT = {"site.located"}  # why directions were revealed is written to be reviewed


def details_of(line: Line) -> str:
    """The details of an entry as one line."""
    if line.action in FREE_TEXT:
        return str(line.details.get("reason", ""))
    return as_codes(line.details)


def as_codes(details: dict[str, Any]) -> str:
    """`field` or `field: code`, joined."""
    return "; ".join(_part(name, value) for name, value in sorted(details.items()))


def _part(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"{name}: {as_codes(value)}"
    shown = _value(name, value)
    return name if shown is None else f"{name}: {shown}"


def _value(name: str, value: Any) -> str | None:
    if TELLING.search(name):
        return None
    match value:
        case bool() | int():
            return str(value)
        case str() if CODE.fullmatch(value):
            return value
        case list():
            parts = [_value(name, each) for each in value]
            return ", ".join(part for part in parts if part is not None) or None
    return None
