"""Real databases for tests: migrated once per worker by the real migrations, emptied after each test.

Nothing wraps a test in a transaction: what it commits is committed, and locks are real.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask

from tests.support.pages import PageClient
from tests.support.postgres import Server
from tests.support.settings import settings

DIALECTS = ("sqlite", "postgresql")
PREFIX = "shelter-tests-"
LEFT_ALONE = "alembic_version"


def application(url: str, **changes: Any) -> Flask:
    """The application as production has it, on this database."""
    from shelter import create_app

    app = create_app(settings(url, **changes), testing=True)
    app.test_client_class = PageClient
    return app


def dispose(app: Flask) -> None:
    """Close every connection of an application that is not needed any more."""
    from shelter.extensions import db

    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


def migrate(url: str, revision: str = "head") -> None:
    """As `flask db upgrade` does it."""
    import flask_migrate

    app = application(url)
    with app.app_context():
        flask_migrate.upgrade(revision=revision)
    dispose(app)


@dataclass(eq=False)
class Database:
    """One database; `url` is what DATABASE_URL would say."""

    dialect: str
    url: str
    conninfo: str
    _kept: dict[str, tuple[list[str], list[tuple[Any, ...]]]] = field(default_factory=dict)

    def connect(self) -> Any:
        """A plain connection of the driver: no application, no ORM, foreign keys not enforced on SQLite."""
        if self.dialect == "sqlite":
            return sqlite3.connect(self.conninfo, timeout=5, isolation_level=None)
        return psycopg.connect(self.conninfo, autocommit=True, options="-c lock_timeout=5s")

    @cached_property
    def _own(self) -> Any:
        return self.connect()

    def tables(self) -> list[str]:
        found = self._own.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            if self.dialect == "sqlite"
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        return sorted(name for (name,) in found.fetchall() if name != LEFT_ALONE)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        return list(self._own.execute(f'SELECT * FROM "{table}"').fetchall())

    def remember(self) -> None:
        """What is in it now is what `empty` goes back to."""
        self._names = self.tables()
        for table in self._filled():
            rows = self._own.execute(f'SELECT * FROM "{table}"')
            self._kept[table] = ([column[0] for column in rows.description], rows.fetchall())

    def _filled(self) -> list[str]:
        asked = " UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT 1 FROM \"{t}\")" for t in self._names)
        return [name for (name,) in self._own.execute(asked).fetchall()] if asked else []

    def empty(self) -> None:
        """Delete what a test committed; the rows the migrations made come back."""
        filled = self._filled()
        if not filled and not self._kept:
            return
        mark = "?" if self.dialect == "sqlite" else "%s"
        connection = self._own
        connection.execute("BEGIN IMMEDIATE" if self.dialect == "sqlite" else "BEGIN")
        try:
            if self.dialect == "postgresql":  # order does not matter then
                connection.execute("SET LOCAL session_replication_role = replica")
            for table in filled:
                connection.execute(f'DELETE FROM "{table}"')
            for table, (columns, rows) in self._kept.items():
                names, marks = ", ".join(f'"{c}"' for c in columns), ", ".join([mark] * len(columns))
                for row in rows:
                    connection.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', row)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(Exception):
                connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        if "_own" in self.__dict__:
            self._own.close()
            del self.__dict__["_own"]


class Databases:
    """A worker's databases. PostgreSQL is started when the first test asks for it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made: list[Database] = []
        self._templates: dict[str, Database] = {}
        self._number = itertools.count(1)

    @cached_property
    def server(self) -> Server:
        return Server()

    def blank(self, dialect: str) -> Database:
        """Without a table: for tests of the migrations themselves."""
        name = f"blank_{next(self._number)}"
        if dialect == "postgresql":
            self.server.create(name)
        return self._database(dialect, name)

    def fresh(self, dialect: str) -> Database:
        """Migrated and nobody else's: for a server of its own, a kill, a backup."""
        template, name = self._template(dialect), f"fresh_{next(self._number)}"
        template.close()
        if dialect == "sqlite":
            shutil.copy(template.conninfo, self._directory / f"{name}.sqlite3")
        else:
            self.server.create(name, template=Path(template.url.split("?")[0]).name)
        return self._database(dialect, name)

    def _template(self, dialect: str) -> Database:
        if dialect not in self._templates:
            template = self.blank(dialect)
            migrate(template.url)
            if dialect == "sqlite":
                # The copy is of one file: nothing may be left in the log beside it.
                template._own.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._templates[dialect] = template
        return self._templates[dialect]

    def _database(self, dialect: str, name: str) -> Database:
        if dialect == "sqlite":
            file = self._directory / f"{name}.sqlite3"
            made = Database(dialect, f"sqlite:///{file}", str(file))
        else:
            made = Database(dialect, self.server.url(name), self.server.conninfo(name))
        self._made.append(made)
        return made

    def drop(self, database: Database) -> None:
        """Gone for good."""
        database.close()
        self._made.remove(database)
        if database.dialect == "sqlite":
            for left in Path(database.conninfo).parent.glob(Path(database.conninfo).name + "*"):
                left.unlink()
        else:
            self.server.drop(Path(database.url.split("?")[0]).name)

    def close(self) -> None:
        for database in self._made:
            database.close()
        if "server" in self.__dict__:
            self.server.close()


@contextlib.contextmanager
def databases() -> Iterator[Databases]:
    """SQLite files are kept in memory where that is possible, as PostgreSQL's are: every commit is synced, for free."""
    memory = Path("/dev/shm")
    _sweep(memory)
    place = str(memory) if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=place) as directory:
        made = Databases(Path(directory))
        try:
            yield made
        finally:
            made.close()


def _sweep(place: Path) -> None:
    """What a killed run of yesterday left."""
    for left in place.glob(f"{PREFIX}*"):
        if time.time() - left.stat().st_mtime > 24 * 3600:
            shutil.rmtree(left, ignore_errors=True)


def chosen(asked: str | None, marked: Iterable[str]) -> list[str]:
    """The dialects a test runs on: those its marker names, of those the command line asks for."""
    return [d for d in DIALECTS if d in (set(marked) or set(DIALECTS)) and asked in (None, d)]
