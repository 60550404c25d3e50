"""Does the database keep what it has confirmed, whatever happens to its machine?"""

from __future__ import annotations

from sqlalchemy import text

from shelter.domain.errors import DomainError, PostgresqlNotDurable, SqliteNotDurable
from shelter.extensions import db

# Every other value of synchronous_commit waits for the local disk; what they differ in is the wait for a standby.
UNSAFE = "off"
POSTGRESQL = text(
    "SELECT name, setting FROM pg_settings"
    " WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name"
)
# What `database.prepare` asks for. A file system without shared memory gives no write-ahead log, and says nothing.
SQLITE = {"journal_mode": ("wal",), "synchronous": ("2", "3")}


def weaknesses() -> list[DomainError]:
    """Each setting with which a confirmed booking could be lost, as this connection has it."""
    if db.engine.dialect.name == "postgresql":
        found = db.session.execute(POSTGRESQL)
        return [PostgresqlNotDurable(name, value) for name, value in found if value == UNSAFE]
    has = {name: str(db.session.scalar(text(f"PRAGMA {name}"))) for name in SQLITE}
    return [SqliteNotDurable(name, has[name]) for name, safe in SQLITE.items() if has[name] not in safe]
