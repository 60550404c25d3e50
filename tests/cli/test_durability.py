"""A database that could forget what it confirmed is refused before anything is served, with a sentence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event

from shelter.cli.durability import refuse_forgetful_database
from shelter.config import UnsafeSettings
from shelter.extensions import db
from tests.support.databases import Database, application, dispose
from tests.support.postgres import Server, server
from tests.support.settings import environment

ROOT = Path(__file__).parents[2]
SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")
WEB = ("-m", "gunicorn", "--config", "python:shelter.cli.webserver")
SCHEDULER = ("-m", "flask", "--app", "app", "scheduler", "run")


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server whose settings a test may spoil."""
    with server() as running:
        running.create("shelter")
        yield running


def say(running: Server, *statements: str) -> None:
    with psycopg.connect(running.conninfo("shelter"), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def spoil(own_server: Server) -> Iterator[Callable[[str], None]]:
    """`spoil("fsync")`: off, as a new connection sees it."""

    def off(setting: str) -> None:
        say(own_server, f"ALTER SYSTEM SET {setting} = off", "SELECT pg_reload_conf()")
        shown = "on"
        while shown != "off":  # the server reads its settings when it comes to it
            with psycopg.connect(own_server.conninfo("shelter")) as connection:
                shown = str(connection.execute(f"SHOW {setting}").fetchone()[0])  # type: ignore[index]

    yield off
    say(own_server, "ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()")


@pytest.mark.only("postgresql")
@pytest.mark.parametrize("setting", SETTINGS)
def test_each_unsafe_setting_is_named_with_what_to_do(
    dialect: str, own_server: Server, spoil: Callable[[str], None], setting: str
) -> None:
    spoil(setting)
    app = application(own_server.url("shelter"))
    with pytest.raises(UnsafeSettings) as refused:
        refuse_forgetful_database(app)
    dispose(app)
    said = str(refused.value)
    assert f"ALTER SYSTEM SET {setting} = on" in said
    assert "이미 확정된 배정이 사라질 수 있습니다" in said
    assert not any(other in said for other in SETTINGS if other != setting)


@pytest.mark.only("postgresql")
def test_neither_web_nor_scheduler_starts_on_it(
    dialect: str, own_server: Server, spoil: Callable[[str], None]
) -> None:
    for setting in SETTINGS:
        spoil(setting)
    settings = environment(own_server.url("shelter"), PORT="0")
    for command in (WEB, SCHEDULER):
        ended = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=settings, capture_output=True, text=True, timeout=60
        )
        assert ended.returncode == 1
        assert "The system does not start, because its database is not safe" in ended.stderr
        assert all(f"ALTER SYSTEM SET {setting} = on" in ended.stderr for setting in SETTINGS)
        assert "Traceback" not in ended.stderr


@pytest.mark.only("postgresql")
@pytest.mark.parametrize("value", ["local", "remote_write", "on", "remote_apply"])
def test_every_value_that_waits_for_the_own_disk_is_safe(fresh_database: Database, value: str) -> None:
    name = fresh_database._own.info.dbname
    fresh_database._own.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = {value}')
    app = application(fresh_database.url)
    refuse_forgetful_database(app)
    dispose(app)


@pytest.mark.only("postgresql")
def test_what_is_set_for_the_database_alone_counts(fresh_database: Database) -> None:
    name = fresh_database._own.info.dbname
    fresh_database._own.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    app = application(fresh_database.url)
    with pytest.raises(UnsafeSettings, match="synchronous_commit is off"):
        refuse_forgetful_database(app)
    dispose(app)


def test_our_own_settings_are_safe(app: Flask) -> None:
    refuse_forgetful_database(app)


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("pragma", "said"),
    [
        ("synchronous=OFF", "synchronous is 0"),
        ("synchronous=NORMAL", "synchronous is 1"),
        ("journal_mode=DELETE", "journal_mode is delete"),
    ],
)
def test_a_file_that_would_not_be_synced_is_refused(fresh_database: Database, pragma: str, said: str) -> None:
    app = application(fresh_database.url)
    weaken(app, pragma)
    with pytest.raises(UnsafeSettings, match=said) as refused:
        refuse_forgetful_database(app)
    dispose(app)
    assert "Put the database file on a local disk" in str(refused.value)


@pytest.mark.only("sqlite")
def test_in_development_it_is_only_said(fresh_database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    app = application(fresh_database.url, env="development")
    weaken(app, "synchronous=OFF")
    refuse_forgetful_database(app)
    dispose(app)
    said = capsys.readouterr().err
    assert "In production the system would not start" in said
    assert "synchronous is 0" in said


def test_a_database_that_does_not_answer_is_not_judged(tmp_path: Path) -> None:
    app = application(f"postgresql+psycopg://nobody@/nothing?host={tmp_path}")
    refuse_forgetful_database(app)
    dispose(app)


def weaken(app: Flask, pragma: str) -> None:
    """As if the file system, or somebody, had it otherwise."""
    with app.app_context():
        event.listen(db.engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {pragma}"))
