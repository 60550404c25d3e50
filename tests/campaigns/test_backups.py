"""Backups of a database in use, and `kill -9` while one is made or brought back.

What has the name of a backup opens and is whole; what was brought back by half is never started on. Each with its
control: the same checks find a copy of the file, a name given too early, a start that does not look.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from shelter import age, clock, config
from shelter.config import UnsafeSettings
from shelter.domain.permissions import SYSTEM
from shelter.extensions import db
from shelter.queries.ledger_check import Checked, differences
from shelter.services import audit_trail, backups
from shelter.services.unit_of_work import unit_of_work
from tests import factories as make
from tests.support.backups import (
    CHANGED,
    bring_back,
    differing,
    hashes,
    installed,
    is_blank,
    is_sound,
    naive_copy,
    opened,
)
from tests.support.databases import Database, Databases, application, dispose
from tests.support.figures import CONTROL, Figures
from tests.support.servers import ROOT, eventually, unguarded
from tests.support.settings import IDENTITY, environment
from tests.support.texts import make_textable_stay, queue

pytestmark = pytest.mark.slow

BUSY, KILLED_MAKING, KILLED_BRINGING_BACK = (
    "backups of a database in use",
    "kill -9 while a backup is made",
    "kill -9 while a backup is brought back",
)
HALF = "started by half"
STATES = ("blank", "refused", "finished", HALF)
WEEK = timedelta(days=7)
Backed = tuple[list[str], dict[str, Any]]
FILLING = 20_000  # rows, so that everything takes long enough to be killed


class Writer(threading.Thread):
    """Books one stay after the other, each with its entry in the access log; `done` is what was committed."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._app = application(url)
        self._stopping = threading.Event()
        self.done: list[str] = []

    def run(self) -> None:
        with self._app.app_context():
            units, tonight = [make.make_unit() for _n in range(4)], clock.shelter_day()
            while not self._stopping.is_set():
                arrive_on = tonight + len(self.done) // len(units) * WEEK
                stay = make.make_stay(units[len(self.done) % len(units)], arrive_on=arrive_on)
                reference = stay.id.hex
                with unit_of_work(SYSTEM) as work:
                    work.record("stay.held", subject=f"stay:{reference}")
                self.done.append(reference)

    def __enter__(self) -> Writer:
        self.start()
        eventually(lambda: len(self.done) > 2)
        return self

    def __exit__(self, *_: Any) -> None:
        self._stopping.set()
        self.join(60)
        dispose(self._app)


def faults(acknowledged: list[str]) -> list[str]:
    """What is wrong with the database of the application around."""
    there = {stay.hex if hasattr(stay, "hex") else stay for stay in db.session.scalars(text("SELECT id FROM stay"))}
    found = [f"lost {reference}" for reference in acknowledged if reference not in there]
    found += [f"access log: {report.fault}" for report in audit_trail.verify() if not report.is_intact]
    found += [str(difference) for difference in differences(Checked())]
    db.session.rollback()
    return found


def recipients() -> list[Any]:
    return age.recipients_in(config.active().backup_recipient or "")


@contextmanager
def another(all_databases: Databases, dialect: str) -> Iterator[Database]:
    """Without a table, and gone afterwards."""
    made = all_databases.blank(dialect)
    try:
        yield made
    finally:
        all_databases.drop(made)


def test_a_backup_of_a_busy_database_is_one_moment_of_it(
    fresh_database: Database, all_databases: Databases, dialect: str, tmp_path: Path, figures: Figures, is_proof: bool
) -> None:
    number, wrong, rows = 25 if is_proof else 2, 0, 0
    with installed(fresh_database), Writer(fresh_database.url) as writer:
        for n in range(number):
            before = list(writer.done)
            file = tmp_path / f"{n}.age"
            rows += backups.write(file, recipients()).rows
            with another(all_databases, dialect) as target, installed(target):
                assert bring_back(file).is_in_order
                wrong += bool(faults(before))
    figures(BUSY, backups=number, rows=rows, acknowledged=len(writer.done), wrong=wrong)
    assert wrong == 0


@pytest.mark.only("sqlite")
def test_a_copy_of_the_file_would_be_found_wrong(
    fresh_database: Database, tmp_path: Path, figures: Figures, is_proof: bool
) -> None:
    """The control arm: `cp` of a database in use, without its log."""
    number, wrong = 25 if is_proof else 2, 0
    with installed(fresh_database), Writer(fresh_database.url) as writer:
        for n in range(number):
            before = list(writer.done)
            copy = tmp_path / f"{n}.sqlite3"
            naive_copy(fresh_database, copy)
            wrong += not is_sound(copy) or bool(_faults_of(copy, before))
    figures(BUSY, arm=CONTROL, backups=number, acknowledged=len(writer.done), wrong=wrong)
    assert wrong


def _faults_of(copy: Path, acknowledged: list[str]) -> list[str]:
    with installed(Database("sqlite", f"sqlite:///{copy}", str(copy))):
        return faults(acknowledged)


# Killed ---------------------------------------------------------------------------------------------------------------


class Victim:
    """A command that is killed somewhere between its start and its end."""

    def __init__(self, *arguments: str, seed: int, guard_removed: str | None = None) -> None:
        app = unguarded(guard_removed) if guard_removed else "app"
        self._command = [sys.executable, "-m", "flask", "--app", app, *arguments]
        self._random = random.Random(seed)
        self._begins, self._lasts = 1.0, 0.5  # seconds to its first word, and from there to its end
        self.ended: Counter[str] = Counter()

    def run_and_kill(self, url: str, *, at: str | None = None, **settings: str) -> bool:
        """At its line that holds `at`, or at a random moment; whether it was killed before it had ended."""
        with subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=environment(url, **settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            process_group=0,
        ) as process:
            assert process.stdout is not None
            spawned, is_early = time.monotonic(), at is None and self._random.random() < 0.2
            began = None
            if is_early:  # before it says anything
                time.sleep(self._random.random() * self._begins)
            else:
                for line in process.stdout:
                    began = began or time.monotonic()
                    if at is None or at in line:
                        break
            if began and at is None:
                # A little more than it takes: some end by themselves.
                time.sleep(self._random.random() * self._lasts * 1.2)
            is_killed = process.poll() is None
            process.kill()
            process.wait()
        if began:
            self._begins = began - spawned
            if not is_killed:
                self._lasts = min(self._lasts, time.monotonic() - began)
        self.ended["killed" if is_killed else "by_itself"] += 1
        return is_killed


def fill(database: Database) -> None:
    """A house with a text that waits, and enough rows for a while of work."""
    with installed(database):
        queue(make_textable_stay())
        now = clock.now()
        rows = [{"subject": f"{n:064x}", "failures": 1, "first_at": now} for n in range(FILLING)]
        db.session.execute(db.metadata.tables["throttle"].insert(), rows)
        db.session.commit()


def looked_at(folder: Path, into: Path) -> tuple[int, int]:
    """How many there are by the name of a backup, and how many of these are none."""
    broken, files = 0, sorted(folder.glob("*.age"))
    for file in files:
        with suppress(FileNotFoundError):
            for left in into.iterdir():
                left.unlink()
        try:
            manifest = opened(file, into)
            assert (into / backups.SEAL).read_bytes() == backups.seal_of(manifest.to_bytes())
        except (age.Damaged, age.NotForThisIdentity):
            broken += 1
        file.unlink()
    return len(files), broken


def test_a_killed_backup_is_not_taken_for_one(
    fresh_database: Database, tmp_path: Path, figures: Figures, is_proof: bool
) -> None:
    fill(fresh_database)
    folder, victim, seen, broken = tmp_path / "backups", Victim("backup", "create", seed=1), 0, 0
    for _n in range(50 if is_proof else 2):
        victim.run_and_kill(fresh_database.url, SHELTER_BACKUP_DIR=str(folder))
        assert not [path for path in folder.glob("*") if path.read_bytes()[:15] == b"SQLite format 3"]
        more, of_them_broken = looked_at(folder, tmp_path / "opened")
        seen, broken = seen + more, broken + of_them_broken
    figures(KILLED_MAKING, **victim.ended, named=seen, half=broken)
    assert broken == 0
    with installed(fresh_database, backup_dir=folder):
        assert backups.back_up().file in folder.iterdir()
    assert len(list(folder.iterdir())) == 1, "what the killed ones left is gone"


@pytest.mark.only("sqlite")
def test_with_its_name_from_the_first_byte_on_it_would_be(
    fresh_database: Database, tmp_path: Path, figures: Figures, is_proof: bool
) -> None:
    """The control arm."""
    fill(fresh_database)
    victim, folder = Victim("backup", "create", seed=1, guard_removed="unfinished name"), tmp_path / "backups"
    seen = broken = 0
    while victim.ended.total() < (10 if is_proof else 1) or (not broken and victim.ended.total() < 30):
        victim.run_and_kill(fresh_database.url, at="tables with", SHELTER_BACKUP_DIR=str(folder))
        more, of_them_broken = looked_at(folder, tmp_path / "opened")
        seen, broken = seen + more, broken + of_them_broken
    figures(KILLED_MAKING, arm=CONTROL, **victim.ended, named=seen, half=broken)
    assert broken, "a kill must leave half a backup with the name of a whole one"


def nobody_is_connected(database: Database) -> bool:
    """A program of PostgreSQL whose parent was killed goes on for a moment."""
    connection = database.connect()
    try:
        (others,) = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
        return bool(others == 0)
    finally:
        connection.close()


def state_of(database: Database, known: dict[str, Any]) -> str:
    """After a kill: blank, refused at the start, finished; or, which must never be, something that starts by half."""
    if database.dialect == "postgresql":
        eventually(lambda: nobody_is_connected(database))
    if is_blank(database) or database.tables() == ["unfinished_restore"]:
        database.close()
        return "blank"
    database.close()
    try:
        with installed(database):
            waiting = db.session.scalar(text("SELECT count(*) FROM message WHERE state = 'queued'"))
            return HALF if waiting or differing(known, hashes()) - CHANGED else "finished"
    except UnsafeSettings:
        return "refused"


@pytest.fixture
def backed_up(fresh_database: Database, tmp_path: Path) -> Backed:
    """The command that brings it back, and what is in it."""
    fill(fresh_database)
    (tmp_path / "identity").write_text(IDENTITY)
    with installed(fresh_database):
        backups.write(tmp_path / "backup.age", recipients())
        return ["backup", "restore", str(tmp_path / "backup.age"), "--identity", str(tmp_path / "identity")], hashes()


def test_a_killed_restore_is_not_started_on(
    backed_up: Backed, all_databases: Databases, dialect: str, figures: Figures, is_proof: bool
) -> None:
    command, known = backed_up
    victim, states = Victim(*command, seed=2), Counter[str]()
    for _n in range(50 if is_proof else 1):
        with another(all_databases, dialect) as target:
            victim.run_and_kill(target.url)
            states[state_of(target, known)] += 1
    named = {state.replace(" ", "_"): states[state] for state in STATES}
    figures(KILLED_BRINGING_BACK, **victim.ended, **named)
    assert states[HALF] == 0
    assert not is_proof or states["refused"], "some are killed between their data and their end"


@pytest.mark.only("sqlite")
def test_without_looking_for_the_mark_half_a_restore_would_be_started_on(
    backed_up: Backed,
    all_databases: Databases,
    dialect: str,
    figures: Figures,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control arm: a text that went long ago waits to be sent again."""
    command, known = backed_up
    victim, states = Victim(*command, seed=3), Counter[str]()
    monkeypatch.setattr("shelter.services.installation.MARK", "no such table")
    while not states[HALF] and victim.ended.total() < 30:
        with another(all_databases, dialect) as target:
            victim.run_and_kill(target.url, at="rows are as they were")
            states[state_of(target, known)] += 1
    named = {state.replace(" ", "_"): states[state] for state in STATES}
    figures(KILLED_BRINGING_BACK, arm=CONTROL, **victim.ended, **named)
    assert states[HALF]
