"""A household is in the house in one stay at a time, whatever is entered late or corrected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from shelter.domain.stay_errors import InAnotherStay
from shelter.domain.stays import Destination, ExitReason, PlacementState, StayState
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.households import Household
from shelter.models.sites import Site
from shelter.models.stays import Stay
from shelter.services import arrivals, departures
from shelter.services.walk_ins import record_walk_in
from tests.conftest import Clock
from tests.factories import make_household, make_site, make_stay, make_unit, make_user
from tests.support.nights import at, day, nights, run
from tests.support.people import Account

WAY: dict[str, Any] = {"exit_reason": ExitReason.PLANNED, "destination": Destination.NEW_HOME}


@pytest.fixture(autouse=True)
def _noon(context: Flask, frozen_clock: Clock) -> Iterator[None]:
    """Noon of 10 March 2026; the ledger begins long before; an application context around the test."""
    db.session.get_one(Installation, 1).live_from = day("2026-01-01")
    db.session.commit()
    yield
    db.session.rollback()


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def kim(site: Site) -> Account:
    return make_user(sites=[site.id])


@pytest.fixture
def she(kim: Account) -> Household:
    return make_household(by=kim)


@pytest.fixture
def earlier(site: Site, she: Household) -> Stay:
    """From the 1st to the 5th of March, when they left at ten."""
    first, until = day("2026-03-01"), day("2026-03-05")
    return make_stay(make_unit(site=site), household=she, arrive_on=first, leave_on=until, state=PlacementState.ENDED)


def later(site: Site, she: Household, first: str, state: PlacementState = PlacementState.IN_HOUSE) -> Stay:
    until, unit = day("2026-03-20"), make_unit(site=site)
    return make_stay(unit, household=she, number=2, arrive_on=day(first), leave_on=until, state=state)


def test_a_departure_is_not_corrected_into_the_next_stay(
    site: Site, kim: Account, she: Household, earlier: Stay
) -> None:
    later(site, she, "2026-03-07")  # at three in the afternoon
    correct = {"stay_id": earlier.id, "reason": "wrong", "by": kim.principal, **WAY}
    with pytest.raises(InAnotherStay) as refused:
        departures.correct_departure(left_at=at("2026-03-07 15:01"), **correct)
    assert refused.value.reference == f"{she.reference}-2"
    departures.correct_departure(left_at=at("2026-03-07 15:00"), **correct)
    assert nights(earlier.placements[0]) == run("2026-03-01", "2026-03-07")


def test_nobody_comes_before_they_left(site: Site, kim: Account, she: Household, earlier: Stay) -> None:
    stay = later(site, she, "2026-03-05", PlacementState.BOOKED)
    check_in = {"stay_id": stay.id, "reason": "late", "by": kim.principal}
    with pytest.raises(InAnotherStay):
        arrivals.check_in(arrived_at=at("2026-03-05 09:59"), **check_in)
    arrivals.check_in(arrived_at=at("2026-03-05 10:00"), **check_in)
    with pytest.raises(InAnotherStay):
        arrivals.correct_arrival(stay_id=stay.id, arrived_at=at("2026-03-04 20:00"), reason="x", by=kim.principal)


def test_nobody_walks_in_before_they_left(site: Site, kim: Account, she: Household, earlier: Stay) -> None:
    unit = make_unit(site=site)
    said = {"unit_id": unit.id, "household": she.id, "reason": "paper", "by": kim.principal}
    with pytest.raises(InAnotherStay):
        record_walk_in(arrived_at=at("2026-03-04 20:00"), **said)
    record_walk_in(arrived_at=at("2026-03-05 20:00"), **said)


def test_a_check_out_is_not_taken_back_over_another_stay(
    site: Site, kim: Account, she: Household, earlier: Stay
) -> None:
    stay = later(site, she, "2026-03-07")
    departures.check_out(stay_id=stay.id, left_at=at("2026-03-09 10:00"), reason="late", by=kim.principal, **WAY)
    with pytest.raises(InAnotherStay):
        departures.undo_check_out(stay_id=earlier.id, leave_on=day("2026-03-12"), reason="x", by=kim.principal)
    db.session.expire_all()
    assert earlier.state is StayState.ENDED
