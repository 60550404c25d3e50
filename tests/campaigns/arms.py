"""A campaign's arms: the product on a database of its own, with every guard, or without one that is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask

from tests.support.databases import Database, Databases, application, dispose
from tests.support.servers import Web, web
from tests.support.unguarded import drop_ledger_key


@dataclass
class Arm:
    """`app` prepares and looks, in this process; `server` is what the campaign is about."""

    app: Flask
    database: Database
    server: Web

    def ask(self, question: str) -> int:
        """A number from the database, asked without the product."""
        connection = self.database.connect()
        try:
            return int(connection.execute(question).fetchone()[0])
        finally:
            connection.close()


@contextmanager
def arm(
    databases: Databases, dialect: str, *, guard_removed: str | None = None, has_ledger_key: bool = True
) -> Iterator[Arm]:
    from shelter import config

    before, database = config._active, databases.fresh(dialect)
    if not has_ledger_key:
        drop_ledger_key(database)
    app = application(database.url)
    try:
        with web(database, guard_removed=guard_removed) as server:
            yield Arm(app, database, server)
    finally:
        dispose(app)
        databases.drop(database)
        config._active = before
