"""One leader among several processes, by a lock that dies with its process.

PostgreSQL: a session's advisory lock, on a connection of its own. SQLite: `flock` on a file beside the database, on a
local disk. A leader that lost its connection may try to become leader again; whoever was faster leads now.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

KEY = 0x53484C54
PATIENCE_SECONDS = 4


class Leadership(Protocol):
    def acquire(self) -> bool:
        """Try once to become, or to be again, the leader."""

    def holds(self) -> bool:
        """Still the leader? False as soon as it cannot be told."""

    def release(self) -> None:
        """Let somebody else lead."""


class NoAnswer(Exception):
    """The lock could not be asked for: nobody knows who leads."""


def leadership_over(engine: Engine) -> Leadership:
    """The lock that belongs to this database."""
    if engine.dialect.name == "postgresql":
        return AdvisoryLock(engine)
    assert engine.url.database is not None
    return FileLock(Path(engine.url.database + ".leader"))


class AdvisoryLock:
    """Needs a session of its own from end to end: not through a pool that shares sessions."""

    def __init__(self, engine: Engine) -> None:
        # A dead network must not keep us believing: the answers are waited for only so long.
        options = f"-c statement_timeout={PATIENCE_SECONDS * 1000} -c idle_session_timeout=0"
        self._engine = create_engine(
            engine.url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={
                "options": options,
                "connect_timeout": PATIENCE_SECONDS,
                "keepalives_idle": PATIENCE_SECONDS,
                "keepalives_interval": 1,
                "keepalives_count": 3,
                "tcp_user_timeout": PATIENCE_SECONDS * 1000,
            },
        )
        self._connection: Connection | None = None

    def acquire(self) -> bool:
        """Raises NoAnswer while the database does not answer."""
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            if self._is_held():
                return True
            return bool(self._connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": KEY}))
        except DBAPIError as silent:
            self.release()
            raise NoAnswer() from silent

    def holds(self) -> bool:
        try:
            return self._connection is not None and self._is_held()
        except DBAPIError:
            self.release()
            return False

    def _is_held(self) -> bool:
        assert self._connection is not None
        mine = text(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND objid = :key"
        )
        return bool(self._connection.scalar(mine, {"key": KEY}))

    def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(DBAPIError):
                connection.invalidate()
                connection.close()


class FileLock:
    """The file stays; what counts is who has it locked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        if self.holds():
            return True
        self.release()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return self.holds()

    def holds(self) -> bool:
        """A file that was removed or replaced locks nobody out any more."""
        if self._descriptor is None:
            return False
        try:
            named, ours = os.stat(self._path), os.fstat(self._descriptor)
        except FileNotFoundError:
            return False
        return (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino)

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
