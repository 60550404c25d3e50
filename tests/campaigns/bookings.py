"""Bookings as a coordinator makes them while everything around is killed, and whether they are all there afterwards.

Acknowledged is what a browser was answered. Whoever gets no answer sends the same form again, as people do; some give
up instead, and nobody knows what became of theirs: it is there whole, or not at all.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask import Flask

from shelter import clock
from shelter.domain.nights import Nights
from tests import factories as make
from tests.campaigns.coordinators import Coordinator
from tests.support.browsers import new_once
from tests.support.databases import application, dispose
from tests.support.servers import Web, eventually

NO_ANSWER = (OSError, http.client.HTTPException)
PERSON = re.compile(r'name="people-0-id"[^>]*value="([0-9a-f-]{36})"')
VERSION = re.compile(r'name="version"[^>]*value="([^"]+)"')
LENGTH = timedelta(days=3)
PERIODS = 30  # of each unit, one after the other


@dataclass
class Booking:
    """What a coordinator asked for, and what of it she was told is done."""

    unit: int
    nights: Nights
    wants_text: bool
    hold_key: str = field(default_factory=new_once)
    confirm_key: str = field(default_factory=new_once)
    reference: str | None = None  # of the stay: the hold is acknowledged
    is_confirmed: bool = False


class GivenUp(Exception):
    """No answer came, and she does not ask again."""


class Slots:
    """Places nobody else asks for: what is refused would say nothing about what is lost. Made before anybody works."""

    def __init__(self, app: Flask, units: int) -> None:
        with app.app_context():
            site = make.make_site()
            self._units = [make.make_unit(site=site).id for _ in range(units)]
            self._first = clock.shelter_day() + timedelta(days=1)
        self._next = self._all()
        self._lock = threading.Lock()

    def _all(self) -> Iterator[tuple[int, date]]:
        for period, unit in itertools.product(range(PERIODS), self._units):
            yield unit, self._first + period * LENGTH

    def next(self, *, wants_text: bool) -> Booking:
        with self._lock:
            unit, arrive_on = next(self._next)
        return Booking(unit, Nights(arrive_on, arrive_on + LENGTH), wants_text)


@contextlib.contextmanager
def opened(url: str, units: int = 60) -> Iterator[tuple[Flask, Slots]]:
    """An application of the campaign's own, to prepare and to look afterwards, and what there is to be booked."""
    app = application(url)
    try:
        yield app, Slots(app, units)
    finally:
        dispose(app)


class Booker:
    """One coordinator, booking until told to stop."""

    def __init__(self, app: Flask, server: Web, slots: Slots, number: int) -> None:
        self.person = Coordinator(app, server)
        self.bookings: list[Booking] = []
        self.answers: Counter[int] = Counter()
        self.slowest = 0.0
        self.unanswered = self.cut_off = self.given_up = 0
        self._slots, self._number, self._random = slots, number, random.Random(number)

    def book(self) -> None:
        booking = self._slots.next(wants_text=self._random.random() < 0.3)
        self.bookings.append(booking)
        is_patient = self._random.random() < 0.8
        try:
            self._book(booking, lambda: is_patient)
        except GivenUp:
            self.given_up += 1

    def _book(self, booking: Booking, asks_again: Callable[[], bool]) -> None:
        browser = self.person.browser
        self._until_done(lambda: self.person.hold(booking.unit, booking.nights, booking.hold_key), asks_again)
        booking.reference = self.person.held
        stay = f"/stays/{booking.reference}"
        if booking.wants_text:
            self._until_done(lambda: browser.get(f"{stay}/intake"), asks_again, done=200)
            number, once = f"010-{2000 + self._number}-{len(self.bookings):04}", new_once()
            told = intake(browser.text, number=number)
            self._until_done(lambda: browser.post(f"{stay}/intake", told, once=once), asks_again)
        told = {
            "expected_at": f"{booking.nights.arrive_on}T21:00",
            "text": "asked_now" if booking.wants_text else "by_voice",
        }
        self._until_done(lambda: browser.post(f"{stay}/confirm", told, once=booking.confirm_key), asks_again)
        booking.is_confirmed = True

    def _until_done(self, act: Callable[[], int], asks_again: Callable[[], bool], done: int = 303) -> None:
        """The same form until it is answered; 503 says that nothing can be done at the moment."""
        while True:
            began = time.monotonic()
            try:
                status = act()
            except NO_ANSWER as broken:
                self.unanswered += 1
                self.cut_off += not isinstance(broken, ConnectionRefusedError)
            else:
                self.answers[status] += 1
                self.slowest = max(self.slowest, time.monotonic() - began)
                if status == done:
                    return
                assert status == 503, f"{status}: {self.person.browser.text[:2000]}"
            if not asks_again():
                raise GivenUp
            time.sleep(0.1)


def intake(page: str, **told: str) -> dict[str, str]:
    """What is sent from the page of the intake for one woman who may be texted, and what else is told."""
    found, version = PERSON.search(page), VERSION.search(page)
    assert found, page[:500]
    assert version, page[:500]
    contact = {"can_call": "yes", "can_text": "yes", "has_consented": "y", "has_consented_abroad": "y"}
    person = {"people-0-id": found[1], "people-0-sex": "female", "people-0-age_band": "adult"}
    return contact | {"detail": "date_only", "language": "ko", "version": version[1]} | person | told


class Bookers:
    """Several at once; `stop` waits for the act each is in. What fails in one of them fails the test."""

    def __init__(self, app: Flask, server: Web, slots: Slots, *, number: int = 4) -> None:
        self.each = [Booker(app, server, slots, n) for n in range(number)]
        self._stopping = threading.Event()
        self._failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=[booker], daemon=True) for booker in self.each]

    def __enter__(self) -> Bookers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, booker: Booker) -> None:
        try:
            while not self._stopping.is_set():
                booker.book()
        except BaseException as failed:
            self._failures.append(failed)

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(120)
        if self._failures:
            raise self._failures[0]

    @property
    def bookings(self) -> list[Booking]:
        return [booking for booker in self.each for booking in booker.bookings]

    @property
    def acknowledged(self) -> int:
        return sum(booking.is_confirmed for booking in self.bookings)

    @property
    def cut_off(self) -> int:
        """Requests that were under way when somebody was killed; for others there was no server."""
        return sum(booker.cut_off for booker in self.each)

    @property
    def slowest(self) -> float:
        return max(booker.slowest for booker in self.each)

    def wait_for_more(self, number: int = 2) -> None:
        """Booking goes on."""
        before = self.acknowledged
        eventually(lambda: self._failures or self.acknowledged >= before + number, 60)

    def figures(self) -> dict[str, Any]:
        return {
            "acknowledged": self.acknowledged,
            "without_an_answer": sum(booker.unanswered for booker in self.each),
            "cut_off": self.cut_off,
            "answered_503": sum(booker.answers[503] for booker in self.each),
            "given_up": sum(booker.given_up for booker in self.each),
        }
