"""A new field key, brought to every sealed value by a process that is killed again and again while people work.

Afterwards the new key alone opens everything, the former one alone nothing; what was written meanwhile is there as
it was written last; the access log holds. Control: a rotation that keeps its place in a file, ahead of the work.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import select, update

from shelter.domain.permissions import SYSTEM
from shelter.extensions import Model, db
from shelter.models.audit import AuditEntry
from shelter.models.households import Household, SafetyExclusion
from shelter.models.people import Draft
from shelter.models.sealed import Sealed
from shelter.models.stays import Stay
from shelter.services import audit_trail, field_keys, history
from shelter.services.unit_of_work import unit_of_work
from tests import factories
from tests.secrecy import world as worlds
from tests.support.databases import Database, application, dispose
from tests.support.figures import Figures
from tests.support.keys import BOTH, NEW, OLD, holding
from tests.support.people import sign_in
from tests.support.servers import ROOT, web
from tests.support.settings import environment

ENTRIES = 250  # of the access log at once
MOST_COMMITS, MOMENTS = 25, 0.02  # before a kill; some of it must be left for the next one


class Rotator:
    """Rotations with both keys, begun one after the other and killed (tests.campaigns.rotator)."""

    def __init__(self, database: Database, *places: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.campaigns.rotator", *places],
            cwd=ROOT,
            env=environment(database.url, SHELTER_FIELD_KEYS=BOTH),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, commits: int | None = None, chance: random.Random | None = None) -> int:
        """Begin one and kill it some moments after so many commits, or let it end; its exit status."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        pid, written = 0, 0
        while True:
            match self._said():
                case ["begun", number]:
                    pid = int(number)
                case ["written"]:
                    written += 1
                case ["ended", status]:
                    return int(status)
                case other:
                    raise AssertionError(f"the rotator said {other}")
            if pid and written == commits:
                time.sleep(chance.uniform(0, MOMENTS) if chance else 0)
                os.kill(pid, signal.SIGKILL)
                commits = None

    def _said(self) -> list[str]:
        assert self._process.stdout is not None
        return self._process.stdout.readline().split()

    def __enter__(self) -> Rotator:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def fill(app: Flask, entries: int) -> None:
    """Every sealed column of every table with something in it, under the former key."""
    worlds.build(app)
    with app.app_context():
        factories.make_household(not_in=["11680"])
    with app.app_context(), unit_of_work(SYSTEM) as work:
        history.note(work, db.session.scalars(select(Stay).limit(1)).one(), "not_arrived")
        db.session.flush()
        for mapper in Model.registry.mappers:
            for name, value in vars(mapper.class_).items():
                if isinstance(value, Sealed) and mapper.class_ not in (AuditEntry, Draft, SafetyExclusion):
                    for row in db.session.scalars(select(mapper.class_)):
                        if getattr(row, value.column) is None:
                            setattr(row, name, f"{mapper.class_.__name__} {name} {row.id}")
    with app.app_context():
        for n in range(entries // ENTRIES):
            with unit_of_work(SYSTEM) as work:
                for m in range(ENTRIES):
                    work.record("site.changed", subject=f"site:{n}", before={"a": m}, after={"a": m + 1})


@contextmanager
def reading(app: Flask, database: Database, *, over_http: bool) -> Iterator[Callable[[], int]]:
    """Somebody who opens one record after the other; the status of the next one."""
    with ExitStack() as stack:
        if over_http:
            server = stack.enter_context(web(database, workers=1, SHELTER_FIELD_KEYS=BOTH))
            browser = server.browser()
            reader, get = browser.enter(app), browser.get
            stack.callback(lambda: no_lines(server.broken()))
        else:
            client = FlaskClient(app, app.response_class)  # others write meanwhile: it does not look at statements
            reader, get = sign_in(client), lambda path: client.get(path).status_code
        with app.app_context():
            db.session.execute(update(Household).values(created_by_id=reader.id))
            db.session.commit()
            references = cycle(db.session.scalars(select(Household.reference)).all())
        yield lambda: get(f"/households/{next(references)}")


def no_lines(found: list[str]) -> None:
    assert found == []


def _households() -> list[UUID]:
    return list(db.session.scalars(select(Household.id).order_by(Household.id)))


class Writer:
    """Somebody at work: one note after the other is changed, and the last word of each is remembered."""

    def __init__(self, app: Flask) -> None:
        self.app, self.said, self.times = app, dict[UUID, str](), 0

    def work(self, is_over: threading.Event) -> None:
        chance = random.Random(1)
        with self.app.app_context():
            ids = _households()
            while not is_over.is_set():
                household_id, word = chance.choice(ids), f"word {self.times}"
                with unit_of_work(SYSTEM) as work:
                    db.session.get_one(Household, household_id, populate_existing=True).notes = word
                    work.record("household.intake_saved", household=household_id, after={"notes": word})
                self.said[household_id] = word
                self.times += 1
                time.sleep(0.01)


@contextmanager
def at_work(writer: Writer) -> Iterator[None]:
    is_over = threading.Event()
    thread = threading.Thread(target=writer.work, args=(is_over,))
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def empty_columns() -> list[str]:
    return [
        f"{table.name}.{column.name}"
        for table, columns in field_keys.sealed_tables()
        for column in columns
        if db.session.scalar(select(table.c.id).where(column.is_not(None)).limit(1)) is None
    ]


@pytest.fixture
def filled(fresh_database: Database, is_proof: bool) -> Iterator[Flask]:
    app = application(fresh_database.url)
    with holding(OLD):
        fill(app, 10_000 if is_proof else 1_500)
        with app.app_context():
            opened = field_keys.open_all()
            assert not empty_columns(), "a column that is not filled is not tried"
        assert opened.is_whole
        assert set(opened.by_key) == {"t1"}
    dispose(app)
    knows_both = application(fresh_database.url, field_keys=SecretStr(BOTH))
    with holding(BOTH):
        yield knows_both
    dispose(knows_both)


@pytest.mark.slow
def test_after_every_kill_the_new_key_alone_opens_everything(
    filled: Flask, fresh_database: Database, is_proof: bool, figures: Figures
) -> None:
    kills, killed, chance, writer = 20 if is_proof else 3, 0, random.Random(20), Writer(filled)
    with ExitStack() as stack:
        look = stack.enter_context(reading(filled, fresh_database, over_http=is_proof))
        rotator = stack.enter_context(Rotator(fresh_database))
        stack.enter_context(at_work(writer))
        for _ in range(kills):
            killed += rotator.run(chance.randrange(MOST_COMMITS), chance) == signal.SIGKILL
            assert look() == 200
        said = filled.test_cli_runner().invoke(args=["keys", "rotate"])
    assert said.exit_code == 0, said.output
    with filled.app_context():
        with holding(NEW):
            alone = field_keys.open_all()
            notes = {h.id: h.notes for h in db.session.scalars(select(Household))}
        with holding(OLD):
            former = field_keys.open_all()
        assert all(report.is_intact for report in audit_trail.verify())
    figures(
        "field key rotated", kills=killed, written_meanwhile=writer.times, values=alone.by_key.total(),
        unreadable_with_the_new_key_alone=len(alone.unreadable), readable_with_the_former_alone=former.by_key.total(),
    )  # fmt: skip
    assert alone.is_whole
    assert set(alone.by_key) == {"t2"}
    assert former.by_key.total() == 0
    assert {household: notes[household] for household in writer.said} == writer.said
    assert killed == kills, "it was faster than we were: fill more"
    assert writer.times > kills


@pytest.mark.slow
def test_a_rotation_that_notes_its_place_ahead_of_the_work_loses_values(
    filled: Flask, fresh_database: Database, tmp_path: Path, figures: Figures
) -> None:
    """The control: what was begun when it was killed counts as done, and stays under the former key."""
    chance, kills = random.Random(3), 3
    with Rotator(fresh_database, str(tmp_path / "places")) as rotator:
        for _ in range(kills):
            rotator.run(chance.randrange(1, MOST_COMMITS), chance)
        rotator.run()
    with filled.app_context(), holding(NEW):
        lost = len(field_keys.open_all().unreadable)
    figures("field key rotated", arm="control", kills=kills, unreadable_with_the_new_key_alone=lost)
    assert lost > 0
