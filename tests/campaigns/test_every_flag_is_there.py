"""Down for a minute, an hour, 26 hours, 8 days: every flag that is due is there with the first look around."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from flask import Flask

from shelter import clock
from shelter.domain.limits import StayPolicy
from shelter.domain.timetable import NIGHTLY
from shelter.jobs.clockwork import Clockwork
from shelter.jobs.schedule import JOBS
from shelter.services import limits
from tests.campaigns.limit_house import DAY, WIDEST, Flag, House
from tests.conftest import Clock
from tests.jobs.test_clockwork import Alone
from tests.support.figures import Figures

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("context")]
OUTAGES = {
    "a minute": timedelta(minutes=1),
    "an hour": timedelta(hours=1),
    "26 hours": timedelta(hours=26),
    "8 days": timedelta(days=8),
}
WHAT = "one clockwork: flags after an outage of {}"
Campaign = Callable[..., dict[str, int]]


def looks_around(app: Flask) -> None:
    """The first thing a clockwork does, and does every minute."""
    Clockwork(app, Alone(), [JOBS[NIGHTLY]]).catch_up()


def stays_silent(_app: Flask) -> None:
    """The control: a clockwork that waits for its next time."""


@pytest.fixture
def outages(app: Flask, frozen_clock: Clock, is_proof: bool) -> Campaign:
    """Up for a day or two, then down, then up again; and what is there after the first look around."""
    rounds = 25 if is_proof else 2

    def run(length: timedelta, at_start: Callable[[Flask], None] = looks_around) -> dict[str, int]:
        chance = random.Random(int(length.total_seconds()))
        house, today = House(chance), clock.today()
        # Somebody reaches each threshold on every day there will be.
        house.take_in(*(today + timedelta(days=WIDEST + n) for n in range(1, rounds * (length.days + 3) + WIDEST)))
        for night in range(WIDEST):
            frozen_clock.set(clock.instant(today + timedelta(days=night), 2, 31))
            looks_around(app)
        found = dict.fromkeys(("outages", "flags_due", "missing", "too_early", "doubled"), 0)
        known: set[Flag] = set()  # missing and counted
        for number in range(rounds):
            for _ in range(chance.randrange(12, 36)):
                frozen_clock.forward(hours=1)
                looks_around(app)
            begin = _begin(chance, house, length, over_a_check=number % 2 == 0)
            for moment in sorted(chance.random() for _ in range(3)):
                frozen_clock.set(begin + moment * length)
                house.something_happens()
            due_before = house.recorded().keys()
            frozen_clock.set(begin + length)
            at_start(app)
            now = clock.now()
            missing = house.missing(now) - known
            found["outages"] += 1
            found["flags_due"] += len(house.due(now) - due_before - known)
            known |= missing
            found["missing"] += len(missing)
            found["too_early"] += house.too_early(now)
        found["doubled"] = house.doubled()
        return found

    return run


def _begin(chance: random.Random, house: House, length: timedelta, *, over_a_check: bool) -> datetime:
    """Within the day to come; so that a night's check falls into it, of a long outage more than one."""
    now = clock.now()
    if not over_a_check:
        return now + chance.random() * DAY
    check = house.check(clock.day_of(now) + DAY)
    return check - chance.uniform(0.01, 0.99) * min(length - DAY if length > DAY else length, check - now)


@pytest.mark.parametrize("down", OUTAGES)
def test_every_flag_due_is_there_with_the_first_look_around(outages: Campaign, figures: Figures, down: str) -> None:
    found = outages(OUTAGES[down])
    figures(WHAT.format(down), **found)
    assert found["flags_due"] > 0
    assert (found["missing"], found["too_early"], found["doubled"]) == (0, 0, 0)


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("down", ["a minute", "an hour"])
def test_a_clockwork_that_waits_for_its_time_misses_some(outages: Campaign, figures: Figures, down: str) -> None:
    """The control of short outages: nothing is caught up at the start."""
    found = outages(OUTAGES[down], stays_silent)
    figures(WHAT.format(down), arm="control", **found)
    assert found["missing"] > 0


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("down", ["26 hours", "8 days"])
def test_a_job_that_looks_for_the_day_misses_some(
    outages: Campaign, figures: Figures, down: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of long ones: a flag is made on the day it is due, or never."""

    def on_the_day(policy: StayPolicy, limit_on: date, today: date) -> tuple[int, ...]:
        return tuple(n for n in (*policy.thresholds, 0) if (limit_on - today).days == n)

    monkeypatch.setattr(limits, "crossed_thresholds", on_the_day)
    found = outages(OUTAGES[down])
    figures(WHAT.format(down), arm="control", **found)
    assert found["missing"] > 0
