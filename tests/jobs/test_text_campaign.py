"""Texts under a provider that fails in every way and dispatchers that are killed: none lost, none doubled.

The control is the same campaign with a dispatcher that sends again when it got no answer; it texts people twice.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask

from shelter.domain.contacts import TextChoice
from shelter.domain.messages import MessageState, Template
from shelter.extensions import db
from tests.contract import fake_twilio
from tests.contract.fake_twilio import FakeTwilio, Fault
from tests.support.databases import Database, application, dispose
from tests.support.figures import CONTROL, Figures
from tests.support.settings import environment
from tests.support.texts import make_textable_stay, queue

ROOT = Path(__file__).parents[2]
ENDED = {MessageState.SENT, MessageState.DELIVERED, MessageState.FAILED}
WHAT = "texts under faults and killed dispatchers"
Campaign = Callable[[str, int, int], "Came"]


@dataclass
class Came:
    """What came of a campaign: how often each number was texted, and how many dispatchers were killed meanwhile."""

    received: Counter[str]
    killed: int
    seconds: float

    @property
    def twice(self) -> int:
        return sum(n > 1 for n in self.received.values())

    def figures(self, texts: int) -> dict[str, float]:
        sent, arrived = self.received.total(), len(self.received)
        return {"texts": texts, "dispatchers_killed": self.killed, "sent": sent, "lost": texts - arrived,
                "texted_twice": self.twice, "seconds": self.seconds}  # fmt: skip


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with fake_twilio.serve() as fake:
        yield fake


class Dispatchers:
    """As many as are started, forked from one process that has everything imported: a kill costs no time."""

    def __init__(self, database: Database, fake: FakeTwilio, kind: str) -> None:
        settings = environment(
            database.url,
            SHELTER_SMS_GATEWAY="twilio",
            TWILIO_ACCOUNT_SID=fake_twilio.ACCOUNT,
            TWILIO_AUTH_TOKEN=fake.token,
            TWILIO_MESSAGING_SERVICE_SID=fake_twilio.SERVICE,
            TWILIO_API_BASE_URL=fake.url,
        )
        self._maker = subprocess.Popen(
            [sys.executable, "-m", "tests.jobs.dispatcher", kind],
            cwd=ROOT,
            env=settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.alive: list[int] = []

    def start(self) -> None:
        assert self._maker.stdin is not None
        assert self._maker.stdout is not None
        print("start", file=self._maker.stdin, flush=True)
        self.alive.append(int(self._maker.stdout.readline()))

    def kill_hard(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self.alive.remove(pid)

    def close(self) -> None:
        for pid in self.alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._maker.communicate(timeout=20)


@pytest.fixture
def campaign(fresh_database: Database, twilio: FakeTwilio) -> Iterator[Campaign]:
    app: Flask = application(fresh_database.url)

    def run(kind: str, texts: int, kills: int) -> Came:
        with app.app_context():
            for n in range(texts):  # asked for now: they go at whatever hour this runs
                queue(make_textable_stay(f"+8210{n:08}"), Template.CALL_US, choice=TextChoice.ASKED_NOW)
            db.session.remove()
        take_time(twilio, texts)
        dispatchers = Dispatchers(fresh_database, twilio, kind)
        try:
            dispatchers.start()
            dispatchers.start()
            began = time.monotonic()
            killed = work(fresh_database, twilio, dispatchers, texts, kills)
            return Came(Counter(taken.to for taken in twilio.taken), killed, time.monotonic() - began)
        finally:
            dispatchers.close()

    yield run
    dispose(app)


def take_time(twilio: FakeTwilio, seed: int) -> None:
    """Faults by chance, and each call takes a moment: who is killed is mostly killed in one."""
    twilio.by_chance(seed)
    chance, decide = random.Random(seed), twilio.decide

    def decide_slowly() -> Fault | None:
        time.sleep(chance.uniform(0, 0.1))
        return decide()

    twilio.decide = decide_slowly


def work(database: Database, twilio: FakeTwilio, dispatchers: Dispatchers, texts: int, kills: int) -> int:
    """Until everything has gone, with the kills spread over it; how many there were."""
    chance, killed = random.Random(texts), 0
    deadline = time.monotonic() + 60 + texts / 2
    while not is_over(database) and time.monotonic() < deadline:
        time.sleep(chance.uniform(0, 0.05))
        if killed < kills and len(twilio.taken) * (kills + 1) >= (killed + 1) * texts:
            dispatchers.kill_hard(chance.choice(dispatchers.alive))
            dispatchers.start()
            killed += 1
    return killed


def is_over(database: Database) -> bool:
    with database.connect() as connection:
        rows = connection.execute("SELECT DISTINCT state FROM message").fetchall()
    return {MessageState(state) for (state,) in rows} <= ENDED


@pytest.mark.slow
def test_none_is_lost_and_none_is_doubled(
    campaign: Campaign, twilio: FakeTwilio, fresh_database: Database, is_proof: bool, figures: Figures
) -> None:
    texts, kills = (1_000, 100) if is_proof else (40, 5)
    came = campaign("real", texts, kills)
    figures(WHAT, **came.figures(texts))
    assert is_over(fresh_database)
    assert len(came.received) == texts, "lost"
    assert set(came.received.values()) == {1}, "doubled"
    assert twilio.violations == []
    assert came.killed == kills, "all texts had gone before"


@pytest.mark.slow
def test_a_dispatcher_that_sends_again_texts_people_twice(campaign: Campaign, figures: Figures) -> None:
    """The control: without asking first, the same faults double texts."""
    came = campaign("plain", 40, 3)
    figures(WHAT, arm=CONTROL, **came.figures(40))
    assert came.twice > 0
