"""What is measured over HTTP: each work as a person would do it, told as the requests of one client."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from shelter.domain.limits import StayPolicy, limit_on
from tests.support.browsers import new_once
from tools.bench.client import Flow, Visitor

FAR = timedelta(days=365)  # how far ahead a booking may begin
FAMILY = (("women", "1"), ("children", "2"), ("infants", "1"), ("small_dogs", "1"))  # four people and a dog
WOMAN = (("women", "1"),)


@dataclass(frozen=True)
class Work:
    """`steps`: the requests an act consists of, by the names the flow gives them. `floor`: its bare statement."""

    key: str
    what: str
    flow: Callable[[Visitor], Flow]
    steps: tuple[str, ...] = ("get",)
    expects: int = 200
    floor: str | None = None
    is_managers: bool = False
    before: Callable[[Visitor], None] | None = None
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # more rows: some of its steps alone


class Places:
    """Units and nights nobody has yet, each given out once."""

    def __init__(self, free: list[tuple[int, str]], tonight: date) -> None:
        chance = random.Random(1)  # noqa: S311 the same order in every run
        since = {unit: date.fromisoformat(day) for unit, day in free}
        short = [
            (unit, first, first + timedelta(days=7))
            for unit, day in since.items()
            if unit % 3 == 0
            for first in _days(max(day, tonight + timedelta(days=1)), tonight + FAR, 7)
        ]
        # Only from some days on do six months hold 184 nights.
        long_days = [first for first in _days(tonight + timedelta(days=1), tonight + FAR, 1) if _holds_184(first)]
        long = [
            (unit, first, first + timedelta(days=184))
            for unit, day in since.items()
            if unit % 3
            for first in [next((first for first in long_days if first >= day), None)]
            if first is not None
        ]
        chance.shuffle(short)
        chance.shuffle(long)
        self._left = {7: iter(short), 184: iter(long)}

    def next(self, nights: int) -> tuple[int, date, date] | None:
        return next(self._left[nights], None)


def _days(first: date, last: date, step: int) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=step)


def _holds_184(first: date) -> bool:
    return (limit_on(first, StayPolicy(months=6)) - first).days >= 184


def works(prepared: dict[str, Any]) -> list[Work]:
    tonight, site = date.fromisoformat(prepared["tonight"]), prepared["site"]
    places = Places(prepared["free"], tonight)
    month = f"/occupancy?step=month&on={tonight}&site={site}"
    found: list[Work] = [
        Work("static", "a bare answer, no page", page("/healthz")),
        Work("bare", "a bare signed-in page", page("/account")),
    ]
    for nights in (7, 184):
        asked = criteria(tonight, nights, FAMILY)
        found += [
            Work(
                f"find-{nights}",
                f"find, {nights} nights, four people, a dog: the page",
                page("/find"),
                floor=f"free {nights}",
                before=lambda who, asked=asked: search(who, asked),  # type: ignore[misc]
            ),
            Work(
                f"search-{nights}",
                f"find, {nights} nights: the form sent, then the page",
                lambda who, asked=asked: searching(who, asked),  # type: ignore[misc]
                steps=("post", "get"),
                floor=f"free {nights}",
            ),
        ]
    for nights in (7, 184):
        found.append(
            Work(
                f"book-{nights}",
                f"book {nights} nights: hold, then confirm",
                lambda who, nights=nights: booking(who, places, nights),  # type: ignore[misc]
                steps=("hold", "confirm"),
                expects=303,
                floor=f"book {nights}",
                parts={"hold alone": ("hold",), "confirm alone": ("confirm",)},
            )
        )
    found += [
        Work("month", "occupancy of a site for a month", page(month), floor="month", is_managers=True),
        Work(
            "year",
            "occupancy of all sites for a year",
            page(f"/occupancy?step=year&on={tonight}"),
            floor="year",
            is_managers=True,
        ),
        Work("board", "the board of a site, 28 nights", page(f"/board/{site}?nights=28"), floor="board"),
        Work("today", "Today of a coordinator", page("/"), floor="tonight"),
        Work("today-manager", "Today of a manager", page("/"), floor="tonight", is_managers=True),
        Work("stays", "the list of stays", page("/stays"), floor="running"),
        Work("past", "the list of past stays", page("/stays/list/past")),
    ]
    return found


def page(path: str) -> Callable[[Visitor], Flow]:
    def ask(who: Visitor) -> Flow:
        request = who.get(path)
        while True:
            yield "get", request

    return ask


def criteria(first: date, nights: int, who: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return [("arrive_on", first.isoformat()), ("until", "nights"), ("nights", str(nights)), *who]


def search(who: Visitor, asked: list[tuple[str, str]]) -> None:
    """What /find then shows to this person."""
    answer = who.send(who.post("/find", asked))
    if answer.status != 303:
        raise SystemExit(f"the search was answered with {answer.status}")


def searching(who: Visitor, asked: list[tuple[str, str]]) -> Flow:
    form, result = who.post("/find", asked), who.get("/find")
    while True:
        yield "post", form
        yield "get", result


def booking(who: Visitor, places: Places, nights: int) -> Flow:
    """The button of an offer, then the confirmation with the time she is expected; both up to their redirect."""
    while place := places.next(nights):
        unit, first, last = place
        asked = criteria(first, nights, WOMAN)
        answer = yield "hold", who.post("/find/hold", [*asked, ("segments", f"{unit}:{first}:{last}"), once()])
        if answer.status != 303:
            continue
        reference = answer.location.split("/")[2]
        told = [("expected_at", f"{first}T15:00"), ("text", "by_voice"), once()]
        yield "confirm", who.post(f"/stays/{reference}/confirm", told)


def once() -> tuple[str, str]:
    return "once", new_once()
