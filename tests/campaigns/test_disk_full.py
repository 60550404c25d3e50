"""The disk of the database fills up while people book: acknowledged equals surviving, and the page says why.

`real disk` is a file system in memory of a few megabytes, filled to the last block. `size limit` is the kernel's
limit on the size of the files of a process, for machines where nothing may be mounted.
"""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.campaigns.bookings import Booking, opened
from tests.campaigns.coordinators import Coordinator
from tests.campaigns.wholeness import look
from tests.support.databases import Database, migrate
from tests.support.figures import CONTROL, GUARDED, Figures
from tests.support.postgres import server
from tests.support.servers import Web, web

pytestmark = pytest.mark.slow

WHAT = "the disk is full: acknowledged equals surviving"
SAID = {
    "en": "Nothing was saved: the disk of the database is full",
    "ko": "저장되지 않았습니다. 데이터베이스 디스크가 가득 찼습니다",
}
LOGGED = "the disk of the database is full"
# What shows nobody's record; whoever opens one is written down, and that cannot be now.
READING = ("/", "/find", "/occupancy", "/stays")
MOST = 2_000  # bookings before it must be full
ROOM = 192 * 1024
LOG, TABLES = 3 << 20, 1 << 20  # for some dozens of bookings


class Disk(Protocol):
    def fill(self, pages: Web) -> None:
        """From now on there is room for a few bookings more."""

    def free(self, pages: Web) -> None: ...


@dataclass
class Mounted:
    """A small file system; what is left of it is taken by a file."""

    place: Path
    left: int

    def fill(self, _pages: Web) -> None:
        room = os.statvfs(self.place)
        free = room.f_bavail * room.f_frsize
        with (self.place / "ballast").open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, max(1, free - self.left))

    def free(self, _pages: Web) -> None:
        (self.place / "ballast").unlink()


@dataclass
class SizeLimit:
    """No file of the workers may grow beyond what the log of the database is now, and what is left."""

    log: Path
    left: int

    def fill(self, pages: Web) -> None:
        self._limit(pages, self.log.stat().st_size + self.left)

    def free(self, pages: Web) -> None:
        self._limit(pages, resource.RLIM_INFINITY)

    def _limit(self, pages: Web, size: int) -> None:
        for worker in pages.workers:
            hard = resource.prlimit(worker, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (size, hard))


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", place], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"NOT PROVEN on a real disk: nothing may be mounted here ({mounted.stderr.strip()})")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.only("sqlite")
def test_on_a_small_disk(fresh_database: Database, tmp_path: Path, figures: Figures, is_proof: bool) -> None:
    with small_disk(tmp_path / "disk") as disk:
        moved = disk / "shelter.sqlite3"
        moved.write_bytes(Path(fresh_database.conninfo).read_bytes())
        fill_up(f"sqlite:///{moved}", Mounted(disk, LOG if is_proof else ROOM), figures, "real disk")


@pytest.mark.only("sqlite")
def test_with_a_limit_on_the_size_of_files(fresh_database: Database, figures: Figures, is_proof: bool) -> None:
    disk = SizeLimit(Path(f"{fresh_database.conninfo}-wal"), LOG if is_proof else ROOM)
    fill_up(fresh_database.url, disk, figures, "size limit")


@pytest.mark.only("postgresql")
def test_with_a_small_tablespace(dialect: str, figures: Figures, is_proof: bool) -> None:
    """The server's log is elsewhere, as it should be: a server that cannot write it stops."""
    with server() as running, small_disk(running.root / "disk") as disk:
        if running.account:
            os.chown(disk, running.account.pw_uid, running.account.pw_gid)
        running.administer(f"CREATE TABLESPACE small LOCATION '{disk}'")
        running.administer("CREATE DATABASE shelter TABLESPACE small")
        migrate(running.url("shelter"))
        fill_up(running.url("shelter"), Mounted(disk, TABLES if is_proof else ROOM), figures, "real disk")
        running.drop("shelter")
        running.administer("DROP TABLESPACE small")


@pytest.mark.only("sqlite")
def test_an_answer_that_hides_the_refusal_would_be_found(fresh_database: Database, figures: Figures) -> None:
    """The control arm: what the database refuses is answered as if it were kept."""
    disk = SizeLimit(Path(f"{fresh_database.conninfo}-wal"), ROOM)
    with opened(fresh_database.url) as (app, slots), web(fresh_database, guard_removed="refusal") as pages:
        person = Coordinator(app, pages)
        disk.fill(pages)
        bookings = [slots.next(wants_text=False) for _ in range(60)]
        for booking in bookings:
            if person.hold(booking.unit, booking.nights, booking.hold_key) == 303:
                booking.reference = person.held
        disk.free(pages)
        found = look(app, bookings)
    acknowledged = sum(booking.reference is not None for booking in bookings)
    figures(WHAT, arm=CONTROL, how="size limit", acknowledged=acknowledged, lost=len(found.lost), half=len(found.half))
    assert found.lost


def fill_up(url: str, disk: Disk, figures: Figures, how: str) -> None:
    with opened(url) as (app, slots), web(url) as pages:
        people = [Coordinator(app, pages, locale=locale) for locale in SAID]
        bookings: list[Booking] = []
        disk.fill(pages)
        for person in people:
            refused = book_until_refused(person, bookings, slots.next)
            assert SAID[person.locale] in person.browser.text
        for page in READING:
            assert person.browser.get(page) == 200, f"reading goes on: {page}"
        assert LOGGED in pages.log()
        full = look(app, bookings)
        disk.free(pages)
        assert person.hold(refused.unit, refused.nights, refused.hold_key) == 303, "and works again, without a restart"
        refused.reference = person.held
        bookings.append(refused)
        found = look(app, bookings)
        surviving = found.stays
    acknowledged = sum(booking.reference is not None for booking in bookings)
    figures(
        WHAT,
        arm=GUARDED,
        how=how,
        acknowledged=acknowledged,
        surviving=surviving,
        lost=len(found.lost),
        half=len(found.half),
    )
    assert full.faults == 0, full
    assert found.faults == 0, found
    assert surviving == acknowledged


def book_until_refused(person: Coordinator, bookings: list[Booking], next_one: Any) -> Booking:
    """Books until the disk is full; the booking that was refused."""
    for _ in range(MOST):
        booking: Booking = next_one(wants_text=False)
        status = person.hold(booking.unit, booking.nights, booking.hold_key)
        if status == 503:
            return booking
        assert status == 303, person.browser.text[:500]
        booking.reference = person.held
        bookings.append(booking)
        status = person.confirm(booking.reference, booking.nights.arrive_on, booking.confirm_key)
        booking.is_confirmed = status == 303
        if status == 503:
            return next_one(wants_text=False)  # type: ignore[no-any-return]
        assert status == 303, person.browser.text[:500]
    raise AssertionError("it was never full")
