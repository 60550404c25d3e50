"""The one catalogue: what every code says to people, by subject. `web/errors.py` is how it is asked."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

# Every module here is a subject; each may offer any of the four.
_SUBJECTS = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]


def _merged(name: str) -> dict[Any, Any]:
    merged: dict[Any, Any] = {}
    for subject in _SUBJECTS:
        offered = getattr(subject, name, {})
        if twice := merged.keys() & offered.keys():
            raise RuntimeError(f"{name} says twice: {sorted(map(str, twice))}")
        merged |= offered
    return merged


SENTENCES: dict[str, Any] = _merged("SENTENCES")
REASONS: dict[str, Any] = _merged("REASONS")
LABELS: dict[Any, dict[Any, Any]] = _merged("LABELS")
CONSTRAINTS: dict[str, Any] = _merged("CONSTRAINTS")
