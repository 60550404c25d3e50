"""A form is one act, however often it is sent: a double click, or a client that gave up waiting and sends it again.

Every booking is made in two steps, the hold and the confirmation, and both are clicked so.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

from shelter import clock
from shelter.domain.errors import KeyReused
from shelter.domain.nights import Nights
from tests import factories as make
from tests.campaigns.arms import Arm, arm
from tests.campaigns.coordinators import Coordinator, expected, together, wanted
from tests.support.browsers import new_once
from tests.support.databases import Databases
from tests.support.figures import CONTROL, Figures

pytestmark = pytest.mark.slow

CLIENTS = 4
WEEKS = 50  # of a unit, from tonight on: no two acts want the same nights
LONGEST_PATIENCE = 0.04  # seconds until a client gives up: before, while and after the act is done
Answers = list[tuple[int, str]]
Click = Callable[[Coordinator, str, dict[str, Any], str], Answers]

COUNTED = {
    "households": "SELECT count(*) FROM household",
    "stays": "SELECT count(*) FROM stay",
    "placements": "SELECT count(*) FROM placement",
    "unit_nights": "SELECT count(*) FROM unit_night",
    "held": "SELECT count(*) FROM stay_event WHERE kind = 'held'",
    "confirmed": "SELECT count(*) FROM stay_event WHERE kind = 'confirmed'",
    "audit": "SELECT count(*) FROM audit_entry WHERE action IN ('stay.held', 'stay.confirmed')",
    "texts": "SELECT count(*) FROM message",
}


@pytest.fixture(scope="module")
def guarded(all_databases: Databases, dialect: str) -> Iterator[Arm]:
    with arm(all_databases, dialect) as made:
        yield made


@pytest.fixture(scope="module")
def keyless(all_databases: Databases, dialect: str) -> Iterator[Arm]:
    """Every click is an act of its own. The ledger's key is away as well: it would say that the place was just taken,
    to her who has it."""
    with arm(all_databases, dialect, guard_removed="act key and ledger key", has_ledger_key=False) as made:
        yield made


def twice_at_once(who: Coordinator, path: str, fields: dict[str, Any], once: str) -> Answers:
    """Two clicks: both are on their way before either is answered."""
    with who.browser.twin() as one, who.browser.twin() as other:
        for browser in (one, other):
            browser.send(path, fields, once=once)
        return [(browser.receive(), browser.location) for browser in (one, other)]


def again_after_giving_up(who: Coordinator, path: str, fields: dict[str, Any], once: str) -> Answers:
    """The first answer is never read: the connection is dropped, and the form is sent again."""
    with who.browser.twin() as gone:
        gone.send(path, fields, once=once)
        time.sleep(random.Random(once).uniform(0, LONGEST_PATIENCE))
    return [(who.browser.post(path, fields, once=once), who.browser.location)]


@dataclass
class Outcome:
    """Of all bookings: how often the answers were the ones that were promised."""

    heard: Counter[str] = field(default_factory=Counter)

    def note(self, step: str, answers: Answers, *, ends_on: str) -> str:
        """`once` when every answer is the same redirect, otherwise what they were; the last redirect."""
        places = set(answers)
        as_promised = len(places) == 1 and answers[0][0] == 303 and answers[0][1].endswith(ends_on)
        otherwise = "_".join(str(status) for status, _ in sorted(places))
        self.heard[f"{step}_once" if as_promised else f"{step}_{otherwise}"] += 1
        return answers[-1][1]


def book(who: Coordinator, click: Click, unit: int, nights: Nights, *, is_control: bool = False) -> Outcome:
    """Hold and confirm, each clicked so; then, unless keys mean nothing, those of both with another body."""
    outcome, keys = Outcome(), (new_once(), new_once())
    held = outcome.note("hold", click(who, "/find/hold", wanted(unit, nights), keys[0]), ends_on="/hold")
    if not held.endswith("/hold"):
        return outcome
    path = held.removesuffix("/hold") + "/confirm"
    outcome.note("confirm", click(who, path, expected(nights.arrive_on), keys[1]), ends_on="/arrival-card")
    if is_control:
        return outcome
    for step, address, other in (
        ("hold", "/find/hold", wanted(unit, nights) | {"men": 1}),
        ("confirm", path, expected(nights.arrive_on) | {"expected_at": f"{nights.arrive_on}T22:00"}),
    ):
        status = who.browser.post(address, other, once=keys[step == "confirm"])
        is_told = status == 409 and SENTENCES[who.locale] in who.browser.text
        outcome.heard["other_body_409" if is_told else f"other_body_of_{step}_{status}"] += 1
    return outcome


SENTENCES: dict[str, str] = {}


def campaign(arm: Arm, click: Click, number: int, *, is_control: bool = False) -> dict[str, int]:
    """So many bookings, of units and weeks of their own; what was heard, and what the database holds."""
    from shelter.web.errors import say

    with arm.app.app_context():
        SENTENCES.update({locale: say(KeyReused(), locale) for locale in ("ko", "en")})
        units, tonight = [make.make_unit().id for _ in range(-(-number // WEEKS))], clock.shelter_day()
    places = [(units[n // WEEKS], week(tonight, n % WEEKS)) for n in range(number)]
    clients = [Coordinator(arm.app, arm.server, locale="ko" if n % 2 else "en") for n in range(CLIENTS)]
    before = counted(arm)

    def work(number: int) -> list[Outcome]:
        return [book(clients[number], click, *place, is_control=is_control) for place in places[number::CLIENTS]]

    outcomes = together([lambda n=n: work(n) for n in range(CLIENTS)])
    after = counted(arm)
    heard = sum((outcome.heard for each in outcomes for outcome in each), Counter[str]())
    return {"bookings": number, **{name: after[name] - before[name] for name in COUNTED}, **heard}


def week(tonight: date, number: int) -> Nights:
    first = tonight + timedelta(days=7 * number)
    return Nights(first, first + timedelta(days=5))


def counted(arm: Arm) -> dict[str, int]:
    return {name: arm.ask(question) for name, question in COUNTED.items()}


CLICKS = pytest.mark.parametrize(
    ("what", "click"),
    [("double clicks", twice_at_once), ("replays after a time-out", again_after_giving_up)],
    ids=["double clicks", "replays"],
)


@CLICKS
def test_however_often_it_is_sent_it_is_one_booking(
    guarded: Arm, is_proof: bool, figures: Figures, what: str, click: Click
) -> None:
    number = 500 if is_proof else 8
    found = campaign(guarded, click, number)
    figures(what, **found)
    every = dict.fromkeys(("households", "stays", "placements", "held", "confirmed", "texts"), number)
    heard = {"hold_once": number, "confirm_once": number, "other_body_409": 2 * number}
    assert found == {"bookings": number, **every, "unit_nights": 5 * number, "audit": 2 * number, **heard}
    assert guarded.server.broken() == []


@CLICKS
def test_control_without_the_key_of_the_form_it_is_two(
    keyless: Arm, figures: Figures, what: str, click: Click
) -> None:
    found = campaign(keyless, click, 8, is_control=True)
    figures(what, arm=CONTROL, **found)
    assert found["stays"] > found["bookings"]
    assert found["unit_nights"] > 5 * found["bookings"]
