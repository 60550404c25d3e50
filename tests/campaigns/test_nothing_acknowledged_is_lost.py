"""`kill -9` at random moments while people book: what was acknowledged is there whole, and nothing is there by half.

Killed are workers, whole web servers, schedulers, and the PostgreSQL server itself. On SQLite a killed process loses
nothing that was written, synced or not: what a power cut would take is counted in test_every_booking_is_synced.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.campaigns.bookings import Bookers, opened
from tests.campaigns.wholeness import Found, look
from tests.support.databases import Database, migrate
from tests.support.figures import CONTROL, GUARDED, Figures
from tests.support.postgres import Server, server
from tests.support.servers import Scheduler, Web, eventually, scheduler, web
from tests.support.unguarded import forgetful

pytestmark = pytest.mark.slow

PROCESSES_KILLED = "no acknowledged booking lost: processes killed"
DATABASE_KILLED = "no acknowledged booking lost: PostgreSQL killed"
KILLS = 200  # of the proof, on each database
VICTIMS = ("worker", "web", "scheduler", "worker", "worker", "worker", "worker", "web", "scheduler", "worker")


class Killer:
    """Kills one process after the other, each in the middle of bookings."""

    def __init__(self, server: Web, clockwork: Scheduler, seed: int) -> None:
        self.killed: Counter[str] = Counter()
        self._server, self._clockwork, self._random = server, clockwork, random.Random(seed)

    def kill(self, kind: str) -> None:
        time.sleep(self._random.random() * 0.3)
        match kind:
            case "worker":
                worker = self._random.choice(self._server.workers)
                self._server.kill_worker(worker)
                eventually(lambda: worker not in self._server.workers and self._server.is_ready())
            case "web":
                self._server.kill_hard()
                self._server.start()
            case "scheduler":
                self._clockwork.kill_hard()
                self._clockwork.start()
        self.killed[kind] += 1

    def kill_many(self, number: int, bookers: Bookers) -> None:
        for n in range(number):
            self.kill(VICTIMS[n % len(VICTIMS)])
            bookers.wait_for_more()


def test_killed_processes_lose_nothing(fresh_database: Database, figures: Figures, is_proof: bool) -> None:
    url, units = fresh_database.url, 300 if is_proof else 60  # nobody may run out of places
    with opened(url, units) as (app, slots), web(url) as pages:
        bookers = Bookers(app, pages, slots)
        with scheduler(url) as clockwork, bookers:
            killer = Killer(pages, clockwork, seed=1)
            killer.kill_many(KILLS if is_proof else 3, bookers)
        found = look(app, bookers.bookings)
        note(figures, PROCESSES_KILLED, bookers, found, killed=sum(killer.killed.values()))
        assert found.faults == 0, found
        assert bookers.acknowledged
        assert killer.killed["worker"]
        assert not is_proof or bookers.cut_off, "no kill hit a request under way"
        assert view_failed(pages) == []
        assert {status for each in bookers.each for status in each.answers} <= {200, 303, 503}


@pytest.mark.only("sqlite")
def test_a_booking_in_two_transactions_would_be_found_by_half(
    fresh_database: Database, figures: Figures, is_proof: bool
) -> None:
    """The control arm: the access log is written in a transaction of its own, after that of the booking."""
    kills, url = 10 if is_proof else 2, fresh_database.url
    with opened(url) as (app, slots), web(url, guard_removed="one transaction") as pages:
        with Bookers(app, pages, slots) as bookers:
            for _ in range(kills):
                bookers.wait_for_more()
                pages.kill_hard()
                pages.start()
        found = look(app, bookers.bookings)
    note(figures, PROCESSES_KILLED, bookers, found, arm=CONTROL, killed=kills)
    assert found.half, "a kill between the two must leave a booking without its entry"


@pytest.fixture
def own_server() -> Iterator[Server]:
    """Durable, on disk, and nobody else's: it is going to be killed."""
    with server(durable=True) as running:
        migrate(running.create("shelter"))
        yield running


@pytest.mark.only("postgresql")
def test_a_killed_database_loses_nothing(
    dialect: str, own_server: Server, figures: Figures, is_proof: bool
) -> None:
    kills, url = 50 if is_proof else 2, own_server.url("shelter")
    with opened(url) as (app, slots), web(url) as pages:
        bookers = Bookers(app, pages, slots)
        with scheduler(url), bookers:
            for _ in range(kills):
                kill_and_restart(own_server, random.random() * 0.3)
                bookers.wait_for_more()
        found = look(app, bookers.bookings)
        note(figures, DATABASE_KILLED, bookers, found, killed=kills)
        assert found.faults == 0, found
        assert view_failed(pages) == []


@pytest.mark.only("postgresql")
def test_a_forgetful_database_would_be_found_out(
    dialect: str, own_server: Server, figures: Figures, is_proof: bool
) -> None:
    """The control arm: with synchronous_commit off, which is refused at the start, acknowledged bookings are lost."""
    kills, url = 10 if is_proof else 1, own_server.url("shelter")
    with opened(url) as (app, slots), web(url) as pages:
        bookers = Bookers(app, pages, slots)
        forgetful(own_server)
        # Whoever confirms what was forgotten hears that there is no such stay.
        with suppress(AssertionError), bookers:
            for _ in range(kills):
                bookers.wait_for_more(5)
                kill_and_restart(own_server)
        found = look(app, bookers.bookings)
    note(figures, DATABASE_KILLED, bookers, found, arm=CONTROL, killed=kills)
    assert found.lost, "what was acknowledged just before the kill must be missing"


def view_failed(pages: Web) -> list[str]:
    return [line for line in pages.log().splitlines() if "a view failed" in line]


def kill_and_restart(database: Server, after: float = 0.0) -> None:
    time.sleep(after)
    database.kill()
    database.start()


def note(
    figures: Figures, what: str, bookers: Bookers, found: Found, *, killed: int, arm: str = GUARDED
) -> None:
    figures(what, arm=arm, killed=killed, **bookers.figures(), lost=len(found.lost), half=len(found.half))
