"""Backups for tests: an application on any database in this process, its backup, and a database made from it."""

from __future__ import annotations

import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask

from shelter import age, config
from shelter.domain.backups import Manifest, Table
from shelter.extensions import db
from shelter.queries.fingerprints import fingerprints
from shelter.services import backups, restore
from tests.support.databases import Database, application, dispose
from tests.support.settings import IDENTITY

# What a restore changes on purpose: nobody is texted, signed in or let in by an old link, and that is recorded.
CHANGED = {"audit_entry", "audit_head", "installation", "message", "one_time_link", "sign_in_session"}


@contextmanager
def installed(database: Database, **changes: Any) -> Iterator[Flask]:
    """An application on the database and its context; afterwards the settings and keys of before."""
    before = config._active
    app = application(database.url, **changes)
    try:
        with app.app_context():
            yield app
    finally:
        dispose(app)
        if before is not None and changes:
            dispose(application(before.database_url))  # the keys are of the process
        config._active = before


def silent(_said: str) -> None:
    pass


def bring_back(file: Path, identity: str = IDENTITY) -> restore.Restored:
    """Into the database of the application around."""
    return restore.restore(file, identity.splitlines(), silent)


def hashes() -> dict[str, Table]:
    """Of the database of the application around."""
    with db.engine.connect() as connection:
        return fingerprints(connection, but="")[0]


def differing(one: dict[str, Table], other: dict[str, Table]) -> set[str]:
    return {name for name in {*one, *other} if one.get(name) != other.get(name)}


def is_blank(database: Database) -> bool:
    database.close()
    if database.dialect == "sqlite" and not Path(database.conninfo).exists():
        return True
    try:
        return database.tables() == []
    finally:
        database.close()


def opened(file: Path, into: Path) -> Manifest:
    """As in an emergency: with age and tar alone. What was in it lies in `into`."""
    with file.open("rb") as sealed, tempfile.TemporaryFile() as plain:
        age.decrypt(sealed, plain, age.identities_in([IDENTITY]))
        plain.seek(0)
        with tarfile.open(fileobj=plain) as archive:
            archive.extractall(into, filter="data")
    return Manifest.from_bytes((into / backups.MANIFEST).read_bytes())


def repacked(file: Path, into: Path, change: Callable[[Path], None]) -> Path:
    """The same backup with something changed inside, and sealed again for the same identity."""
    opened(file, into)
    change(into)
    altered = file.with_name("altered.age")
    with tempfile.TemporaryFile() as plain, altered.open("wb") as out:
        with tarfile.open(fileobj=plain, mode="w") as archive:
            for name in (backups.MANIFEST, backups.SEAL):
                archive.add(into / name, name)
            for part in sorted(into.glob("database.*")):
                archive.add(part, part.name)
        plain.seek(0)
        chunks = iter(lambda: plain.read(65_536), b"")
        age.encrypt(chunks, out, age.recipients_in(config.active().backup_recipient or ""))
    return altered


def naive_copy(database: Database, to: Path) -> None:
    """What somebody does who thinks that a database is a file."""
    shutil.copyfile(database.conninfo, to)


def is_sound(file: Path) -> bool:
    """SQLite's own check of a file."""
    try:
        with sqlite3.connect(file) as connection:
            return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        return False
