"""The daily copy: whole, readable with the keys alone, and not too many of them."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from shelter.extensions import db
from shelter.services import backups
from tests.conftest import Clock
from tests.factories import make_site

pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.mark.only("sqlite")
def test_the_copy_holds_what_was_committed_sealed_and_for_its_owner_alone(context: Flask) -> None:
    make_site("Magnolia", directions="Left at the bakery")
    copy = backups.back_up()
    assert copy is not None
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as opened:
        assert opened.execute("SELECT code_name FROM site").fetchall() == [("Magnolia",)]
    assert b"bakery" not in copy.read_bytes()
    assert not list(copy.parent.glob("*.unfinished"))
    copy.unlink()


@pytest.mark.only("sqlite")
def test_only_the_latest_copies_stay(context: Flask, frozen_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "KEEP", 3)
    copies = []
    for _day in range(5):
        copies.append(backups.back_up())
        frozen_clock.forward(days=1)
    there = sorted(Path(str(copies[0])).parent.glob("*.*"))
    stem = Path(str(db.engine.url.database)).stem
    assert [path for path in there if path.name.startswith(f"{stem}-")] == copies[2:]
    for path in copies[2:]:
        assert path is not None
        path.unlink()


@pytest.mark.only("postgresql")
def test_postgresql_is_left_to_its_own_tools(context: Flask) -> None:
    assert backups.back_up() is None
