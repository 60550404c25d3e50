"""How we talk to SQLite and PostgreSQL: the same promises from both.

SQLite: write-ahead log, every commit on disk, foreign keys on, and a transaction that will write takes the
write lock at once (`BEGIN IMMEDIATE`), because a reader that turns writer fails instead of waiting.
PostgreSQL: READ COMMITTED, rows locked in a fixed order by `unit_of_work`, waits bounded (`outage`).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import Any, cast

from flask import g, has_request_context
from sqlalchemy import Connection, CursorResult, Engine, Result, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError

CONNECT_SECONDS = 4
BUSY_TIMEOUT_MS = 4_000
SHORTEST_WAIT_MS = 500
ASK_AGAIN_MS = 1
STATEMENT_TIMEOUT_MS = 30_000  # of jobs and commands; while somebody waits for a page, BUSY_TIMEOUT_MS
WRITE_INTENT = {"begin": "IMMEDIATE"}
# With ON CONFLICT, which both have and SQLAlchemy keeps apart.
INSERT: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
NEVER_QUOTED = {"hide_parameters": True}  # in the message of an error, wherever that ends up
# What is raised when the database cannot be reached or does not answer in time.
UNAVAILABLE: tuple[type[Exception], ...] = (OperationalError, InterfaceError, TimeoutError)
DISK_FULL = "53100"  # PostgreSQL
# SQLite cannot write: no room, a quota, a limit on the size of a file.
NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)


def for_flask(url: str) -> dict[str, Any]:
    """What flask-sqlalchemy reads."""
    return {"SQLALCHEMY_DATABASE_URI": url, "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(url)}


def _engine_options(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {**NEVER_QUOTED, "connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}}
    options = f"-c lock_timeout={BUSY_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC"
    return {
        **NEVER_QUOTED,
        "pool_pre_ping": True,
        "pool_size": 8,
        "max_overflow": 8,
        "pool_timeout": CONNECT_SECONDS,
        "connect_args": {"options": options, "connect_timeout": CONNECT_SECONDS},
    }


def prepare(engine: Engine) -> None:
    """Attach the per-connection settings; call once per engine."""
    if engine.dialect.name != "sqlite":
        from shelter import outage

        return outage.watch(engine)

    lock = _WriteLock()

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("begin") == "IMMEDIATE":
            lock.take(connection)
        else:
            connection.exec_driver_sql("BEGIN DEFERRED")


class _WriteLock:
    """SQLite's one write lock, as this process knows it."""

    def __init__(self) -> None:
        self._is_stuck = False  # somebody waited in vain, and nobody has had it since
        self._line = threading.Lock()

    def take(self, connection: Connection) -> None:
        """All who wait ask equally often. Left to itself, SQLite asks the more seldom the longer it has waited:
        whoever came last goes first, and of eight who write without a pause one waits for seconds, until it is sent
        away.
        """
        deadline = time.monotonic() + self._patience_ms() / 1000
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA busy_timeout=0")
        try:
            if not self._is_taken(raw, deadline):
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # once more: its error is the one to be told
            self._is_stuck = False
        except OperationalError:
            self._is_stuck = True
            raise
        finally:
            raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")

    def _is_taken(self, raw: Any, deadline: float) -> bool:
        """One of this process asks, the others stand in line: many who ask are in the way of whoever is writing."""
        if not self._line.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return False
        try:
            while True:
                try:
                    raw.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as refused:
                    if not _is_locked(refused) or time.monotonic() >= deadline:
                        return False
                else:
                    return True
                time.sleep(ASK_AGAIN_MS / 1000)
        finally:
            self._line.release()

    def _patience_ms(self) -> int:
        """A page that writes several times waits for all of it no longer than once. While the lock is stuck nobody
        waits for long: those behind, for whom there is no thread yet, would have to wait for that as well.
        """
        if not has_request_context():
            return BUSY_TIMEOUT_MS
        first = g.setdefault("first_wrote_at", time.monotonic())
        left = 0 if self._is_stuck else BUSY_TIMEOUT_MS - int((time.monotonic() - first) * 1000)
        return max(SHORTEST_WAIT_MS, left)


def _is_locked(error: sqlite3.OperationalError) -> bool:
    """By another writer. The lower byte of SQLite's code is the kind, the rest how it came to it."""
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def is_full(error: BaseException) -> bool:
    """Whether nothing could be written because the database's disk has no room."""
    cause = getattr(error, "orig", None)
    return getattr(cause, "sqlite_errorcode", None) in NO_ROOM or getattr(cause, "sqlstate", None) == DISK_FULL


def rows_changed(result: Result[Any]) -> int:
    """How many rows an INSERT, UPDATE or DELETE touched."""
    return cast("CursorResult[Any]", result).rowcount
