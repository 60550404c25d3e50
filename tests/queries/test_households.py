"""The stays of a household say until when it had, or has, a room: never its limit."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask

from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.queries.households import household_stays
from tests.conftest import Clock
from tests.factories import make_household, make_placement, make_stay, make_unit
from tests.support.nights import at, day

P = PlacementState
FIRST, PLANNED, LATER = day("2026-03-10"), day("2026-03-17"), day("2026-03-24")


@pytest.mark.parametrize(
    ("state", "moved_to", "leave_on"),
    [
        (P.HELD, None, PLANNED),
        (P.IN_HOUSE, None, PLANNED),
        (P.ENDED, None, PLANNED),
        (P.CANCELLED, None, PLANNED),  # as it was planned
        (P.MOVED, P.IN_HOUSE, LATER),
        (P.IN_HOUSE, P.CANCELLED, PLANNED),  # a move that came to nothing
    ],
)
def test_a_stay_is_listed_until_its_last_night(
    context: Flask, frozen_clock: Clock, state: PlacementState, moved_to: PlacementState | None, leave_on: date
) -> None:
    household = make_household()
    stay = make_stay(make_unit(), household=household, arrive_on=FIRST, leave_on=PLANNED, state=state)
    if moved_to is not None:
        make_placement(stay, make_unit(), arrive_on=PLANNED, leave_on=LATER, state=moved_to)
    (line,) = household_stays(household.id)
    assert (line.arrive_on, line.leave_on) == (FIRST, leave_on)


def test_whoever_left_early_is_listed_until_that_day_and_the_newest_stay_is_first(
    context: Flask, frozen_clock: Clock
) -> None:
    household = make_household()
    early = make_stay(make_unit(), household=household, arrive_on=FIRST, leave_on=PLANNED, state=P.ENDED)
    early.ended_at = at("2026-03-13 10:00")
    db.session.commit()
    make_stay(make_unit(), household=household, number=2, arrive_on=PLANNED, leave_on=LATER)
    assert [(line.reference, line.leave_on) for line in household_stays(household.id)] == [
        (f"{household.reference}-2", LATER),
        (f"{household.reference}-1", day("2026-03-13")),
    ]
