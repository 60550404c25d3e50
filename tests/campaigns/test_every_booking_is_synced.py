"""SQLite: not one booking is acknowledged before the disk has it. What reaches the disk is counted by strace."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.campaigns.bookings import Bookers, opened
from tests.campaigns.tracing import need_strace, noting_syncs
from tests.support.databases import Database
from tests.support.figures import CONTROL, GUARDED, Figures
from tests.support.servers import web

pytestmark = [pytest.mark.slow, pytest.mark.only("sqlite")]

WHAT = "an fsync before each acknowledgement"
SYNCED = re.compile(r"(?:fsync|fdatasync)\(\d+<([^>]+)>")


@pytest.fixture(scope="module")
def _strace(is_proof: bool) -> None:
    need_strace(is_proof)


@pytest.mark.usefixtures("_strace")
def test_every_acknowledged_booking_reached_the_disk(
    fresh_database: Database, figures: Figures, is_proof: bool, tmp_path: Path
) -> None:
    number = 200 if is_proof else 10
    bookings, syncs = count(fresh_database, number, tmp_path / "calls")
    tell(figures, GUARDED, "FULL", bookings, syncs)
    assert bookings == number
    assert syncs.total() >= number * 2, "the hold and the confirmation are acknowledged, each on its own"
    assert syncs[0] == 0, "something was acknowledged before the disk had it"


@pytest.mark.usefixtures("_strace")
@pytest.mark.parametrize(("guard", "mode"), [("sync", "OFF"), ("sync of each commit", "NORMAL")])
def test_the_count_would_show_a_database_that_does_not_wait(
    fresh_database: Database, figures: Figures, tmp_path: Path, guard: str, mode: str
) -> None:
    bookings, syncs = count(fresh_database, 10, tmp_path / "calls", guard_removed=guard, SHELTER_ENV="development")
    tell(figures, CONTROL, mode, bookings, syncs)
    assert bookings == 10
    assert syncs[0] > 0


def tell(figures: Figures, arm: str, mode: str, bookings: int, syncs: Counter[int]) -> None:
    figures(
        f"{WHAT}: synchronous={mode}",
        arm=arm,
        bookings=bookings,
        acts=syncs.total(),
        acts_without_an_fsync=syncs[0],
        fsyncs=sum(number * acts for number, acts in syncs.items()),
    )


def count(database: Database, number: int, calls: Path, **how: Any) -> tuple[int, Counter[int]]:
    """Book so many, one after the other; how many, and of how many acts the database was synced how often meanwhile."""
    syncs: Counter[int] = Counter()
    with opened(database.url) as (app, slots), web(database, workers=1, under=noting_syncs(calls), **how) as pages:
        booker = Bookers(app, pages, slots, number=1).each[0]
        post = booker.person.browser.post

        def post_and_count(*form: Any, **more: Any) -> int:
            before = synced(calls, database)
            status = post(*form, **more)
            if status == 303:
                syncs[synced(calls, database) - before] += 1
            return status

        booker.person.browser.post = post_and_count  # type: ignore[method-assign]
        for _ in range(number):
            booker.book()
    return sum(booking.is_confirmed for booking in booker.bookings), syncs


def synced(calls: Path, database: Database) -> int:
    """A call is noted before its answer goes on: nothing acknowledged is noted later."""
    return sum(path.startswith(database.conninfo) for path in SYNCED.findall(calls.read_text()))
