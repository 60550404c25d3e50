"""How we talk to SQLite and PostgreSQL: the same promises from both.

SQLite: write-ahead log, every commit on disk, foreign keys on, and a transaction that will write takes the
write lock at once (`BEGIN IMMEDIATE`), because a reader that turns writer fails instead of waiting.
PostgreSQL: READ COMMITTED, rows locked in a fixed order by `unit_of_work`, waits bounded.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Engine, Result, event
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError

BUSY_TIMEOUT_MS = 4_000
WRITE_INTENT = {"begin": "IMMEDIATE"}
NEVER_QUOTED = {"hide_parameters": True}  # in the message of an error, wherever that ends up
# What is raised when the database cannot be reached or does not answer in time.
UNAVAILABLE: tuple[type[Exception], ...] = (OperationalError, InterfaceError, TimeoutError)


def for_flask(url: str) -> dict[str, Any]:
    """What flask-sqlalchemy reads."""
    return {"SQLALCHEMY_DATABASE_URI": url, "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(url)}


def _engine_options(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {**NEVER_QUOTED, "connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}}
    options = f"-c lock_timeout={BUSY_TIMEOUT_MS} -c statement_timeout=30000 -c timezone=UTC"
    return {
        **NEVER_QUOTED,
        "pool_pre_ping": True,
        "pool_size": 8,
        "max_overflow": 8,
        "pool_timeout": 4,
        "connect_args": {"options": options, "connect_timeout": 4},
    }


def prepare(engine: Engine) -> None:
    """Attach the per-connection settings; call once per engine."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "cache_size=-16000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'DEFERRED')}")


def rows_changed(result: Result[Any]) -> int:
    """How many rows an INSERT, UPDATE or DELETE touched."""
    return cast("CursorResult[Any]", result).rowcount
