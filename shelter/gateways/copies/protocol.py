"""What both kinds of database promise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

# A table that stands in a database from the first moment of a restore to its end: nothing starts on it meanwhile.
MARK = "unfinished_restore"
# A copy's file has a name of this kind for a moment, while it is still empty.
NAMELESS = ".copy-"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Snapshot:
    """One moment of a database that goes on: `connection` sees what `data` gives."""

    connection: Connection
    server: str
    data: Callable[[], Iterator[bytes]]


class Copies(Protocol):
    name: str  # of the data, as any tool of the database reads them

    @property
    def workplace(self) -> Path | None:
        """Where a plain copy without a name lies meanwhile: on the disk of the database, or nowhere."""

    def size(self) -> int:
        """Bytes that a copy may take, generously."""

    def snapshot(self, tell: Tell) -> AbstractContextManager[Snapshot]:
        """Raises DatabaseDamaged, ProgramMissing, ProgramDiffers; `data` ProgramFailed."""

    def check_empty(self) -> None:
        """Raises DatabaseNotEmpty, DatabaseInUse."""

    def load(self, data: Iterable[bytes]) -> None:
        """Into an empty database, all of it or nothing, with the mark in it. Raises as `snapshot` does."""

    def discard(self) -> None:
        """Remove everything again that `load` brought."""
