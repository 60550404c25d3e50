"""The database stands still, is shut down, or is locked by somebody else, while people work.

Every page answers with a sentence and what to do; nothing typed is lost: the page that says so holds it, and once the
database is back the same act is done once, without signing in again.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask

from tests.campaigns.bookings import Booking, Slots, intake, opened
from tests.campaigns.coordinators import Coordinator, wanted
from tests.campaigns.wholeness import look
from tests.support.browsers import new_once
from tests.support.databases import Database, migrate
from tests.support.figures import CONTROL, Figures
from tests.support.postgres import Server, server
from tests.support.servers import Web, web

pytestmark = pytest.mark.slow

WHAT = "the database stands still: a page in time, nothing typed lost"
PAGES = ("/", "/find", "/stays", "/board", "/occupancy", "/messages")
LONGEST_SECONDS = 5.0
SENTENCE = {"en": "The system cannot answer at the moment", "ko": "지금은 시스템이 응답할 수 없습니다"}
KEPT = {"en": "What you typed is kept on this page", "ko": "입력하신 내용은 이 화면에 남아 있습니다"}


class Form(HTMLParser):
    """What the only form of a page of errors would send, and where."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        if tag == "form":
            self.action = has["action"] or ""
        elif tag == "input":
            self.fields.append((has["name"] or "", has["value"] or ""))


class Worker:
    """Somebody at work when it happens: looks at pages, or sends what she typed."""

    def __init__(self, app: Flask, pages: Web, slots: Slots, number: int) -> None:
        self.locale = ("en", "ko")[number % 2]
        self.person = Coordinator(app, pages, locale=self.locale)
        self.done: list[Booking] = []
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0
        self.kept: Form | None = None
        self.sent_from_page = 0
        self.lost = 0  # answers that did not hold all she had typed
        self.sent = 0
        self.path, self.typed = "", dict[str, Any]()
        self._slots, self._number = slots, number

    def type(self) -> None:
        """The next form, as it is going to be sent: a booking."""
        self.booking = booking = self._slots.next(wants_text=False)
        self.path = "/find/hold"
        self.typed = wanted(booking.unit, booking.nights) | {"once": booking.hold_key}

    def acknowledged(self) -> None:
        """The form was answered as done."""
        self.booking.reference = self.person.held
        self.done.append(self.booking)

    def check(self) -> None:
        """What else must be there afterwards."""

    def work(self, is_over: Callable[[], bool]) -> None:
        """Until the database is back; then what was kept is sent."""
        turn = self._number
        while not is_over():
            turn += 1
            if turn % 3:
                self._timed(lambda: self.person.browser.get(PAGES[turn % len(PAGES)]))  # noqa: B023 called at once
            else:
                self._send()
            time.sleep(0.2)

    def _send(self) -> None:
        form, browser = self.kept, self.person.browser
        if not self.typed:
            self.type()
        if form is None:
            status = self._timed(lambda: browser.post(self.path, self.typed))
        else:
            status = self._timed(lambda: browser.post(form.action, form.fields))
        if status == 503:
            assert KEPT[self.locale] in browser.text, browser.text
            self.kept = Form(browser.text)
            if not self._is_all_in(self.kept):
                self.lost, self.kept = self.lost + 1, None  # and she types it again
        elif status == 303:
            self.sent, self.sent_from_page = self.sent + 1, self.sent_from_page + (form is not None)
            self.kept = None
            self.acknowledged()
            self.typed = {}

    def _is_all_in(self, form: Form) -> bool:
        return form.action == self.path and {(n, str(v)) for n, v in self.typed.items()} <= set(form.fields)

    def _timed(self, act: Callable[[], int]) -> int:
        began = time.monotonic()
        status = act()
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.statuses[status] += 1
        assert status in (200, 303, 503), f"{status}: {self.person.browser.text[:500]}"
        if status == 503:
            assert SENTENCE[self.locale] in self.person.browser.text
        return status

    def send_at_last(self) -> None:
        """What was typed while it was away is sent from the page that kept it."""
        before = self.sent
        for _ in range(100):
            self._send()
            if self.sent > before:
                return
            time.sleep(0.1)
        raise AssertionError(f"what was kept could not be sent: {self.person.browser.text[:500]}")


class Interviewer(Worker):
    """Asks at intake: one household after the other, on pages she has open. Of one she has only begun to, before."""

    BEGUN = "Begun: \"quiet\" & <calm>, 조용한 방"
    OPEN = 15  # pages: more than she comes to

    def __init__(self, app: Flask, pages: Web, slots: Slots, number: int) -> None:
        super().__init__(app, pages, slots, number)
        self.begun, page = self._opened()
        told = intake(page, notes=self.BEGUN)
        assert self.person.browser.post(f"{self.begun}/draft", told) == 204
        self._open = [self._opened() for _ in range(self.OPEN)]
        self.saved: dict[str, str] = {self.begun: self.BEGUN}

    def _opened(self) -> tuple[str, str]:
        """The page of an intake: its address, and what it says."""
        booking, browser = self._slots.next(wants_text=False), self.person.browser
        assert self.person.hold(booking.unit, booking.nights, booking.hold_key) == 303
        booking.reference = self.person.held
        self.done.append(booking)
        path = f"/stays/{booking.reference}/intake"
        assert browser.get(path) == 200
        return path, browser.text

    def type(self) -> None:
        self.path, page = self._open.pop()
        number, heard = f"010-2000-{self.sent:04}", f'Heard {self.sent}: "a" & <b>, 고양이'
        self.typed = intake(page, number=number, notes=heard, once=new_once())

    def acknowledged(self) -> None:
        self.saved[self.path] = self.typed["notes"]

    def check(self) -> None:
        for path, text in self.saved.items():
            assert self.person.browser.get(path) == 200
            assert text in unescape(self.person.browser.text)


@contextlib.contextmanager
def at_work(app: Flask, pages: Web, slots: Slots, number: int = 6) -> Iterator[list[Worker]]:
    """People at work in the body of the block, each in a thread; what fails there fails the test."""
    workers = [Worker(app, pages, slots, n) for n in range(number - 1)]
    workers.append(Interviewer(app, pages, slots, number - 1))
    over, failures = threading.Event(), []

    def run(worker: Worker) -> None:
        try:
            worker.work(over.is_set)
        except BaseException as failed:
            failures.append(failed)

    threads = [threading.Thread(target=run, args=[worker], daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    yield workers
    over.set()
    for thread in threads:
        thread.join(120)
    if failures:
        raise failures[0]


@pytest.fixture
def own_server() -> Iterator[Server]:
    with server() as running:
        migrate(running.create("shelter"))
        yield running


def frozen(running: Server, seconds: float) -> None:
    running.freeze()
    time.sleep(seconds)
    running.thaw()


def shut_down(running: Server, seconds: float) -> None:
    running.stop()
    time.sleep(seconds)
    running.start()


@pytest.mark.only("postgresql")
@pytest.mark.parametrize("outage", [frozen, shut_down])
def test_every_page_says_so_in_time_and_keeps_what_was_typed(
    dialect: str, own_server: Server, figures: Figures, is_proof: bool, outage: Callable[[Server, float], None]
) -> None:
    seconds, url = 30 if is_proof else 6, own_server.url("shelter")
    with opened(url) as (app, slots), web(url) as pages:
        with at_work(app, pages, slots) as workers:
            time.sleep(1)
            outage(own_server, seconds)
            time.sleep(1)
        finish(app, workers, figures, how=outage.__name__, seconds=seconds, is_proof=is_proof)


@pytest.mark.only("sqlite")
def test_a_file_locked_by_another_writer_is_said_in_time(
    fresh_database: Database, figures: Figures, is_proof: bool
) -> None:
    seconds = 30 if is_proof else 6
    with opened(fresh_database.url) as (app, slots), web(fresh_database) as pages:
        with at_work(app, pages, slots) as workers, contextlib.closing(fresh_database.connect()) as other:
            time.sleep(1)
            other.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            other.execute("ROLLBACK")
            time.sleep(1)
        assert all(worker.statuses[200] for worker in workers), "reading goes on"
        finish(app, workers, figures, how="locked", seconds=seconds, is_proof=is_proof)


def finish(
    app: Flask, workers: list[Worker], figures: Figures, *, how: str, seconds: float, is_proof: bool
) -> None:
    """Everything typed is sent once more by the one who typed it, and done once."""
    for worker in workers:
        worker.send_at_last()
    slowest = max(worker.slowest for worker in workers)
    answered = sum((worker.statuses for worker in workers), Counter[int]())
    figures(
        WHAT,
        how=how,
        outage_seconds=seconds,
        answers_of_503=answered[503],
        typed_and_not_kept=sum(worker.lost for worker in workers),
        slowest_answer_in_seconds=slowest,
        kept_and_sent_afterwards=sum(worker.sent_from_page for worker in workers),
    )
    done = [booking for worker in workers for booking in worker.done]
    found = look(app, done)
    assert answered[503]
    assert not any(worker.lost for worker in workers), "something typed was not on the page"
    assert all(worker.sent_from_page for worker in workers), "everybody had typed something meanwhile"
    assert not answered[302], "nobody had to sign in again"
    assert found.faults == 0, found
    assert found.stays == len(done), "each act was done once"
    for worker in workers:
        worker.check()
    assert slowest <= LONGEST_SECONDS or not is_proof


@pytest.mark.only("postgresql")
def test_without_patience_nobody_would_be_told(dialect: str, own_server: Server, figures: Figures) -> None:
    """The control arm: the page comes when the database is back, and not before."""
    url = own_server.url("shelter")
    with opened(url) as (app, _), web(url, guard_removed="patience") as pages:
        person = Coordinator(app, pages)
        for _ in range(8):  # every worker has a connection that was open before
            with person.browser.twin() as twin:
                twin.get("/find")
        answered = threading.Event()

        def ask() -> None:
            person.browser.get("/find")
            answered.set()

        asking = threading.Thread(target=ask)
        own_server.freeze()
        asking.start()
        was_told = answered.wait(LONGEST_SECONDS + 1)
        own_server.thaw()
        asking.join(60)
    figures(WHAT, arm=CONTROL, how="frozen", outage_seconds=LONGEST_SECONDS + 1, answers_of_503=int(was_told))
    assert not was_told
    assert answered.is_set()


@pytest.mark.only("sqlite")
def test_a_page_that_keeps_nothing_would_be_found(fresh_database: Database, figures: Figures) -> None:
    """The control arm: the page says that it holds what was typed, and does not."""
    url = fresh_database.url
    with opened(url) as (app, slots), web(url, guard_removed="kept form") as pages, at_work(app, pages, slots) as all_:
        other = fresh_database.connect()
        other.execute("BEGIN IMMEDIATE")
        time.sleep(LONGEST_SECONDS + 1)
        other.close()
    lost = [worker.lost for worker in all_]
    figures(WHAT, arm=CONTROL, how="locked", typed_and_not_kept=sum(lost))
    assert sum(lost) > 0
    assert lost[-1] > 0, "the answers of an intake too"
