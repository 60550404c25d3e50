"""Texts under a provider that fails in every way and dispatchers that are killed: none lost, none doubled.

The control is the same campaign with a dispatcher that sends again when it got no answer; it texts people twice.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from shelter.domain.messages import MessageState, Template
from shelter.extensions import db
from tests.contract import fake_twilio
from tests.contract.fake_twilio import FakeTwilio
from tests.support.databases import Database, application, dispose
from tests.support.settings import environment
from tests.support.texts import make_textable_stay, queue

ROOT = Path(__file__).parents[2]
ENDED = {MessageState.SENT, MessageState.DELIVERED, MessageState.FAILED}
Campaign = Callable[[str, int, int], "tuple[FakeTwilio, Counter[str]]"]


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with fake_twilio.serve() as fake:
        yield fake


def start(database: Database, fake: FakeTwilio, kind: str) -> subprocess.Popen[bytes]:
    settings = environment(
        database.url,
        SHELTER_SMS_GATEWAY="twilio",
        TWILIO_ACCOUNT_SID=fake_twilio.ACCOUNT,
        TWILIO_AUTH_TOKEN=fake.token,
        TWILIO_MESSAGING_SERVICE_SID=fake_twilio.SERVICE,
        TWILIO_API_BASE_URL=fake.url,
    )
    command = [sys.executable, "-m", "tests.jobs.dispatcher", kind]
    process = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert any(b"ready" in line for line in process.stdout)
    process.stdout.close()
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@pytest.fixture
def campaign(fresh_database: Database, twilio: FakeTwilio) -> Iterator[Campaign]:
    app: Flask = application(fresh_database.url)

    def run(kind: str, texts: int, kills: int) -> tuple[FakeTwilio, Counter[str]]:
        with app.app_context():
            for n in range(texts):
                queue(make_textable_stay(f"+8210{n:08}"), Template.CALL_US)
            db.session.remove()
        twilio.by_chance(seed=texts)
        chance, killed = random.Random(texts), 0
        processes = [start(fresh_database, twilio, kind) for _ in range(2)]
        deadline = time.monotonic() + 60 + texts / 2
        while not is_over(fresh_database) and time.monotonic() < deadline:
            time.sleep(chance.uniform(0.05, 0.6))
            if killed < kills and twilio.taken:
                victim = chance.randrange(len(processes))
                end(processes[victim])
                processes[victim] = start(fresh_database, twilio, kind)
                killed += 1
        for process in processes:
            end(process)
        assert killed == kills or len(twilio.taken) >= texts
        return twilio, Counter(taken.to for taken in twilio.taken)

    yield run
    dispose(app)


def is_over(database: Database) -> bool:
    with database.connect() as connection:
        rows = connection.execute("SELECT DISTINCT state FROM message").fetchall()
    return {MessageState(state) for (state,) in rows} <= ENDED


@pytest.mark.slow
def test_none_is_lost_and_none_is_doubled(campaign: Campaign, fresh_database: Database, is_proof: bool) -> None:
    texts, kills = (1_000, 100) if is_proof else (40, 5)
    twilio, received = campaign("real", texts, kills)
    print(
        f"{fresh_database.dialect}: {texts} texts, {kills} kills:"
        f" {len(received)} arrived, {sum(received.values())} sent"
    )
    assert is_over(fresh_database)
    assert len(received) == texts, "lost"
    assert set(received.values()) == {1}, "doubled"
    assert twilio.violations == []


@pytest.mark.slow
def test_a_dispatcher_that_sends_again_texts_people_twice(campaign: Campaign, fresh_database: Database) -> None:
    """The control: without asking first, the same faults double texts."""
    _, received = campaign("plain", 40, 3)
    twice = sum(n > 1 for n in received.values())
    print(f"{fresh_database.dialect}, control: {twice} of 40 people texted twice or more")
    assert twice > 0
