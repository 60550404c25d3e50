"""Counting what is said to the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

TRANSACTION_WORDS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA")


@dataclass
class Statements:
    said: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.said)

    def __str__(self) -> str:
        return "\n".join(" ".join(statement.split()) for statement in self.said)


@contextmanager
def count_statements() -> Iterator[Statements]:
    """Every SQL statement of every engine in this process while it is open; transactions do not count."""
    counted = Statements()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().upper().startswith(TRANSACTION_WORDS):
            counted.said.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield counted
    finally:
        event.remove(Engine, "before_cursor_execute", note)
