"""Nothing is said of what is right, everything that is wrong is named; `tests/cli/test_ledger.py` plants each fault."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, update

from shelter.domain.nights import Nights
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.stays import UnitNight
from shelter.queries.ledger_check import Checked, Difference, Kind, differences
from shelter.services import ledger
from tests.conftest import Clock
from tests.factories import make_closure, make_placement, make_stay, make_unit

P = PlacementState
TODAY = date(2026, 3, 10)


@pytest.fixture(autouse=True)
def _since_january(context: Flask, frozen_clock: Clock) -> None:
    db.session.get_one(Installation, 1).live_from = date(2026, 1, 1)
    db.session.commit()


def found() -> list[Difference]:
    try:
        return list(differences(Checked()))
    finally:
        db.session.rollback()


def lose(unit_id: int, night: date) -> None:
    db.session.execute(delete(UnitNight).where(UnitNight.unit_id == unit_id, UnitNight.night == night))
    db.session.commit()


@pytest.mark.parametrize("state", list(P))
def test_every_state_as_it_should_be_is_no_difference(state: PlacementState) -> None:
    stay = make_stay(state=state)
    if state is P.MOVED:
        until = TODAY + timedelta(days=7)
        make_placement(stay, make_unit(), arrive_on=TODAY, leave_on=until, state=P.IN_HOUSE)
    assert found() == []


def test_a_lost_night_is_named() -> None:
    unit = make_unit()
    make_stay(unit)
    lose(unit.id, TODAY + timedelta(days=2))
    (difference,) = found()
    assert (difference.kind, difference.nights) == (Kind.MISSING, (TODAY + timedelta(days=2),))
    assert "1 nights missing in the ledger: 2026-03-12" in str(difference)


def test_a_night_too_many_is_named() -> None:
    stay = make_stay()
    ledger.claim_for(stay.placements[0], Nights(TODAY + timedelta(days=7), TODAY + timedelta(days=9)))
    db.session.commit()
    (difference,) = found()
    assert (difference.kind, len(difference.nights)) == (Kind.EXTRA, 2)


def test_nights_of_a_hold_that_was_given_up_are_too_many() -> None:
    stay = make_stay(state=P.EXPIRED)
    ledger.claim_for(stay.placements[0], [TODAY])
    db.session.commit()
    assert [d.kind for d in found()] == [Kind.EXTRA]


def test_another_number_of_people_is_named() -> None:
    stay = make_stay()
    db.session.execute(update(UnitNight).where(UnitNight.night == TODAY).values(people=9))
    db.session.commit()
    assert [(d.kind, d.nights) for d in found()] == [(Kind.PEOPLE, (TODAY,))]
    assert stay.placements[0].people == 1


def test_a_closure_has_its_nights_and_no_others() -> None:
    unit = make_unit()
    make_closure(unit, from_on=TODAY, until_on=TODAY + timedelta(days=5))
    assert found() == []
    lose(unit.id, TODAY)
    assert [(d.kind, d.nights) for d in found()] == [(Kind.MISSING, (TODAY,))]


def test_whoever_stays_on_has_tonight_within_the_hour() -> None:
    stay = make_stay(arrive_on=date(2026, 3, 1), leave_on=TODAY, state=P.IN_HOUSE)
    assert found() == []  # tonight is not written yet
    ledger.claim_for(stay.placements[0], [TODAY])
    db.session.commit()
    assert found() == []


def test_an_older_night_of_whoever_stays_on_is_missing() -> None:
    make_stay(arrive_on=date(2026, 3, 1), leave_on=date(2026, 3, 8), state=P.IN_HOUSE)
    assert [d.nights for d in found()] == [(date(2026, 3, 8), date(2026, 3, 9))]


def test_a_night_the_next_household_holds_is_no_difference_for_whoever_stays_on() -> None:
    unit = make_unit()
    make_stay(unit, arrive_on=date(2026, 3, 1), leave_on=date(2026, 3, 8), state=P.IN_HOUSE)
    make_stay(unit, arrive_on=date(2026, 3, 8), leave_on=date(2026, 3, 20))
    assert found() == []


def test_nights_before_the_system_began_are_not_asked_for() -> None:
    unit = make_unit()
    make_stay(unit, arrive_on=date(2025, 12, 20), leave_on=date(2026, 4, 1), state=P.IN_HOUSE)
    for night in Nights(date(2025, 12, 20), date(2026, 1, 1)):
        lose(unit.id, night)
    assert found() == []
