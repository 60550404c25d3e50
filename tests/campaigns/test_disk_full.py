"""The disk of the database fills up, or fails, while people book: acknowledged equals surviving, and the page says so.

`real disk` is a file system in memory of a few megabytes, filled to the last block. `size limit` is the kernel's
limit on the size of the files of a process, for machines where nothing may be mounted. A disk that fails is one that
takes what is written and then cannot say that it has it.
"""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.campaigns.bookings import Booking, opened
from tests.campaigns.coordinators import Coordinator
from tests.campaigns.tracing import failing_syncs, let_go, need_strace, not_proven
from tests.campaigns.wholeness import Found, look
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
LEAST = 20  # of which the proof must have seen so many acknowledged before there was no room
FAILS, SYNCS = "the disk fails: acknowledged equals surviving", 60
TRIES = 5
MORE = 12  # tried after the first that was refused


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
def small_disk(place: Path, *, is_proof: bool) -> Iterator[Path]:
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", place], capture_output=True, text=True)
    if mounted.returncode:
        not_proven(f"nothing may be mounted here, no real disk was full: {mounted.stderr.strip()}", is_proof=is_proof)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.only("sqlite")
def test_on_a_small_disk(fresh_database: Database, tmp_path: Path, figures: Figures, is_proof: bool) -> None:
    with small_disk(tmp_path / "disk", is_proof=is_proof) as disk:
        moved = disk / "shelter.sqlite3"
        moved.write_bytes(Path(fresh_database.conninfo).read_bytes())
        fill_up(f"sqlite:///{moved}", Mounted(disk, LOG if is_proof else ROOM), figures, "real disk", is_proof)


@pytest.mark.only("sqlite")
def test_with_a_limit_on_the_size_of_files(fresh_database: Database, figures: Figures, is_proof: bool) -> None:
    disk = SizeLimit(Path(f"{fresh_database.conninfo}-wal"), LOG if is_proof else ROOM)
    fill_up(fresh_database.url, disk, figures, "size limit", is_proof)


@pytest.mark.only("postgresql")
def test_with_a_small_tablespace(dialect: str, figures: Figures, is_proof: bool) -> None:
    """The server's log is elsewhere, as it should be: a server that cannot write it stops."""
    with server() as running, small_disk(running.root / "disk", is_proof=is_proof) as disk:
        if running.account:
            os.chown(disk, running.account.pw_uid, running.account.pw_gid)
        running.administer(f"CREATE TABLESPACE small LOCATION '{disk}'")
        running.administer("CREATE DATABASE shelter TABLESPACE small")
        migrate(running.url("shelter"))
        fill_up(running.url("shelter"), Mounted(disk, TABLES if is_proof else ROOM), figures, "real disk", is_proof)
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


def fill_up(url: str, disk: Disk, figures: Figures, how: str, is_proof: bool) -> None:
    with opened(url) as (app, slots), web(url) as pages:
        people = [Coordinator(app, pages, locale=locale) for locale in SAID]
        bookings: list[Booking] = []
        disk.fill(pages)
        for person in people:
            refused = book_until_refused(person, bookings, slots.next)
            assert SAID[person.locale] in person.browser.text
        for page in READING:
            status = answered(person, partial(person.browser.get, page))
            assert status == 200, f"reading goes on: {page}"
        assert LOGGED in pages.log()
        full, before = look(app, bookings), len(bookings)
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
        before_it_was_full=before,
        surviving=surviving,
        lost=len(found.lost),
        half=len(found.half),
    )
    assert full.faults == 0, full
    assert found.faults == 0, found
    assert surviving == acknowledged
    assert before >= LEAST or not is_proof


def answered(person: Coordinator, act: Callable[[], int]) -> int:
    """Whoever hears that nothing answers in time, on a machine with much to do, does the same again."""
    for _ in range(TRIES):
        status = act()
        if status != 503 or SAID[person.locale] in person.browser.text:
            break
    return status


def book_until_refused(person: Coordinator, bookings: list[Booking], next_one: Any) -> Booking:
    """Books until the disk is full; the booking that was refused."""
    for _ in range(MOST):
        booking: Booking = next_one(wants_text=False)
        hold_it = partial(person.hold, booking.unit, booking.nights, booking.hold_key)
        status = answered(person, hold_it)
        if status == 503:
            return booking
        assert status == 303, person.browser.text[:500]
        booking.reference = person.held
        bookings.append(booking)
        confirm_it = partial(person.confirm, booking.reference, booking.nights.arrive_on, booking.confirm_key)
        status = answered(person, confirm_it)
        booking.is_confirmed = status == 303
        if status == 503:
            return next_one(wants_text=False)  # type: ignore[no-any-return]
        assert status == 303, person.browser.text[:500]
    raise AssertionError("it was never full")


@pytest.mark.only("sqlite")
def test_a_disk_that_fails_loses_nothing(
    fresh_database: Database, tmp_path: Path, figures: Figures, is_proof: bool
) -> None:
    need_strace(is_proof)
    under = failing_syncs(tmp_path / "calls", SYNCS if is_proof else SYNCS // 6)
    with opened(fresh_database.url) as (app, slots), web(fresh_database, workers=1, under=under) as pages:
        people = [Coordinator(app, pages, locale=locale) for locale in SAID]
        bookings: list[Booking] = []
        for person in people:
            refused = book_until_refused(person, bookings, slots.next)
        before = len(bookings)
        for _ in range(MORE):
            hold(person, bookings, slots.next(wants_text=False))
        failed = look(app, bookings)
        let_go(pages)
        assert hold(person, bookings, refused), "and works again, without a restart"
        found = look(app, bookings)
        broken = [line for line in pages.log().splitlines() if "a view failed" in line]
    tell_of_failing(figures, GUARDED, bookings, found, acknowledged_before=before)
    assert failed.faults == 0, failed
    assert found.faults == 0, found
    assert found.stays == len(bookings)
    assert before >= (LEAST if is_proof else 1)
    assert broken == []


@pytest.mark.only("sqlite")
def test_an_answer_that_hides_a_failing_disk_would_be_found(
    fresh_database: Database, tmp_path: Path, figures: Figures, is_proof: bool
) -> None:
    """The control arm: what the disk did not take is answered as if it had."""
    need_strace(is_proof)
    under, how = failing_syncs(tmp_path / "calls", SYNCS // 6), {"guard_removed": "refusal"}
    with opened(fresh_database.url) as (app, slots), web(fresh_database, workers=1, under=under, **how) as pages:
        person, bookings = Coordinator(app, pages), list[Booking]()
        for _ in range(4 * MORE):
            hold(person, bookings, slots.next(wants_text=False))
        let_go(pages)
        found = look(app, bookings)
    tell_of_failing(figures, CONTROL, bookings, found)
    assert found.lost


def hold(person: Coordinator, bookings: list[Booking], booking: Booking) -> bool:
    """Held, and noted, or not."""
    is_held = person.hold(booking.unit, booking.nights, booking.hold_key) == 303
    if is_held:
        booking.reference = person.held
        bookings.append(booking)
    return is_held


def tell_of_failing(figures: Figures, arm: str, bookings: list[Booking], found: Found, **more: int) -> None:
    lost, half = len(found.lost), len(found.half)
    figures(FAILS, arm=arm, acknowledged=len(bookings), **more, surviving=found.stays, lost=lost, half=half)
