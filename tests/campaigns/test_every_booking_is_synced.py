"""SQLite: not one booking is acknowledged before the disk has it. What reaches the disk is counted by strace."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.campaigns.bookings import Bookers, opened
from tests.support.databases import Database
from tests.support.figures import CONTROL, GUARDED, Figures
from tests.support.servers import web

pytestmark = [pytest.mark.slow, pytest.mark.only("sqlite")]

WHAT = "at least one fsync for each acknowledged booking"
CALLS = ("-e", "trace=fsync,fdatasync")
SYNCED = re.compile(r"(?:fsync|fdatasync)\(\d+<([^>]+)>")


@pytest.fixture(scope="module")
def _strace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("NOT PROVEN: strace is missing (tools/system_packages.sh installs it); no fsync was counted")
    tried = subprocess.run(["strace", *CALLS, "true"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"NOT PROVEN: this machine does not permit ptrace; no fsync was counted: {tried.stderr.strip()}")


@pytest.mark.usefixtures("_strace")
def test_every_acknowledged_booking_reached_the_disk(
    fresh_database: Database, figures: Figures, is_proof: bool, tmp_path: Path
) -> None:
    bookings, syncs = count(fresh_database, 200 if is_proof else 10, tmp_path / "calls")
    figures(WHAT, arm=GUARDED, bookings=bookings, acts=bookings * 2, fsyncs=syncs)
    assert syncs >= bookings * 2, "the hold and the confirmation are acknowledged, each after a sync of its own"


@pytest.mark.usefixtures("_strace")
def test_the_count_would_show_a_database_that_does_not_wait(
    fresh_database: Database, figures: Figures, tmp_path: Path
) -> None:
    bookings, syncs = count(
        fresh_database, 10, tmp_path / "calls", guard_removed="sync", SHELTER_ENV="development"
    )
    figures(WHAT, arm=CONTROL, bookings=bookings, acts=bookings * 2, fsyncs=syncs)
    assert syncs < bookings


def count(database: Database, number: int, calls: Path, **how: Any) -> tuple[int, int]:
    """Book so many, one after the other; how many, and how often the database's files were synced meanwhile."""
    strace = ["strace", "-D", "-f", "-y", "-q", "-o", str(calls), *CALLS]
    with opened(database.url) as (app, slots), web(database, workers=1, under=strace, **how) as pages:
        booker = Bookers(app, pages, slots, number=1).each[0]
        before = synced(calls, database)
        for _ in range(number):
            booker.book()
        after = synced(calls, database)
    return sum(booking.is_confirmed for booking in booker.bookings), after - before


def synced(calls: Path, database: Database) -> int:
    """A call is noted before its answer goes on: nothing acknowledged is noted later."""
    return sum(path.startswith(database.conninfo) for path in SYNCED.findall(calls.read_text()))
