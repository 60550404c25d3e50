"""SQLite has one writer at a time: the others wait for it, all with the same chance, and not for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from shelter import database as promises
from shelter.domain.errors import DatabaseBusy
from shelter.domain.permissions import SYSTEM
from shelter.extensions import db
from shelter.services.unit_of_work import unit_of_work
from tests.support.databases import Database

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture
def writer(database: Database) -> Iterator[Any]:
    """Somebody who is writing, and does not come to an end by herself."""
    connection = database.connect()
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def test_whoever_waits_writes_when_the_other_has_ended(context: Flask, writer: Any) -> None:
    ended: list[str] = []

    def write() -> None:
        with context.app_context(), unit_of_work(SYSTEM):
            ended.append("hers")

    waiting = threading.Thread(target=write)
    waiting.start()
    waiting.join(0.2)
    ended.append("the other's")
    writer.execute("COMMIT")
    waiting.join(30)
    assert ended == ["the other's", "hers"]


@pytest.mark.usefixtures("writer")
def test_whoever_waited_in_vain_is_told_and_waits_as_long_the_next_time(
    context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.session.remove()
    db.engine.dispose()  # connections that earlier tests have left: what is asked at the end is the one that waited
    monkeypatch.setattr(promises, "BUSY_TIMEOUT_MS", 60)
    for _ in range(2):
        with pytest.raises(DatabaseBusy), unit_of_work(SYSTEM):
            pytest.fail("two write at once")
    assert db.session.scalar(text("PRAGMA busy_timeout")) == 60


def test_reading_waits_for_no_writer(context: Flask, writer: Any) -> None:
    assert db.session.scalar(text("SELECT count(*) FROM stay")) == 0
