"""A household that came without a booking is recorded as it was, and never over somebody else."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from shelter import clock
from shelter.domain.errors import NotFound, NotPermitted, UnitJustTaken
from shelter.domain.matching import Party
from shelter.domain.permissions import Role
from shelter.domain.placing import AlreadyPlaced
from shelter.domain.stay_errors import InTheFuture, NightsTaken, ReasonMissing, TooLongAgo, UnitStillOccupied
from shelter.domain.stays import PlacementState, StayState
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.households import Household
from shelter.models.messages import Message
from shelter.models.sites import Site, Unit
from shelter.models.stays import Stay
from shelter.queries.ledger_check import Checked, differences
from shelter.services.walk_ins import record_walk_in
from tests.conftest import Clock
from tests.factories import make_closure, make_household, make_room, make_site, make_stay, make_unit, make_user
from tests.support.nights import at, day, nights, run
from tests.support.people import Account
from tests.support.placing import CHILD, SHE, WOMAN, actions, households, only_placement, stay_of

P = PlacementState
TENTH, DAY = date(2026, 3, 10), timedelta(days=1)


@pytest.fixture
def unit(context: Flask, frozen_clock: Clock) -> Unit:
    frozen_clock.set("2026-03-11 09:40")
    db.session.get_one(Installation, 1).live_from = TENTH - 30 * DAY
    db.session.commit()
    return make_unit(make_room(make_site("Magnolia"), "108"), "108")


@pytest.fixture
def coordinator(unit: Unit) -> Account:
    return make_user(sites=[unit.site_id])


def walk_in(unit: Unit, by: Account, **more: Any) -> Stay:
    said: dict[str, Any] = {"arrived_at": at("2026-03-11 02:40"), "reason": "power cut"}
    if "household" not in more:
        said["party"] = SHE
    return stay_of(record_walk_in(unit_id=unit.id, by=by.principal, **(said | more)))


def test_she_is_in_the_house_since_the_real_time(unit: Unit, coordinator: Account) -> None:
    stay = walk_in(unit, coordinator, party=Party(people=(WOMAN, CHILD)))
    placement = only_placement(stay)
    assert (stay.state, placement.state, placement.people) == (StayState.IN_HOUSE, P.IN_HOUSE, 2)
    assert (stay.checked_in_at, placement.arrived_at, placement.occupied_from) == (
        at("2026-03-11 02:40"),
        at("2026-03-11 02:40"),
        TENTH,
    )
    assert (stay.limit_on, placement.leave_on) == (day("2026-09-11"), day("2026-09-11"))
    assert nights(placement) == run("2026-03-10", "2026-09-11")
    assert actions() == ["stay.walk_in"]
    assert db.session.scalar(select(func.count()).select_from(Message)) == 0
    assert list(differences(Checked())) == []


def test_who_should_have_left_by_now_keeps_the_room(unit: Unit, coordinator: Account) -> None:
    stay = walk_in(unit, coordinator, arrived_at=at("2026-03-09 23:00"), leave_on=TENTH)
    assert nights(only_placement(stay)) == run("2026-03-09", "2026-03-12")


@pytest.mark.parametrize("state", [P.BOOKED, P.HELD, P.NO_SHOW])
def test_never_over_somebody_else(unit: Unit, coordinator: Account, state: PlacementState) -> None:
    make_stay(unit, state=state, arrive_on=TENTH + 3 * DAY)
    with pytest.raises(NightsTaken) as refused:
        walk_in(unit, coordinator)
    assert (refused.value.first_night, refused.value.nights) == (TENTH + 3 * DAY, 7)
    assert households() == 1


def test_never_over_somebody_who_is_in_the_room_or_was(unit: Unit, coordinator: Account) -> None:
    stay = make_stay(unit, state=P.IN_HOUSE, arrive_on=TENTH - DAY, leave_on=TENTH + DAY)
    with pytest.raises(UnitStillOccupied):
        walk_in(unit, coordinator)
    placement = only_placement(stay)
    placement.state, placement.left_at = P.ENDED, at("2026-03-11 08:00")
    db.session.commit()
    with pytest.raises(NightsTaken):
        walk_in(unit, coordinator)


def test_never_over_somebody_who_came_after_their_last_night(unit: Unit, coordinator: Account) -> None:
    """Every night asked for was free, and they are still there by what is said: since yesterday somebody else is."""
    make_stay(unit, arrive_on=TENTH, leave_on=TENTH + 5 * DAY, state=P.IN_HOUSE)
    with pytest.raises(UnitStillOccupied):
        walk_in(unit, coordinator, arrived_at=at("2026-03-08 20:00"), leave_on=TENTH)


def test_never_past_the_day_a_room_is_given_up(unit: Unit, coordinator: Account) -> None:
    unit.in_service_until = TENTH + 3 * DAY
    db.session.commit()
    with pytest.raises(NightsTaken):
        walk_in(unit, coordinator, leave_on=TENTH + 4 * DAY)
    walk_in(unit, coordinator, leave_on=TENTH + 3 * DAY)


def test_a_closed_room_is_said_to_be_taken(unit: Unit, coordinator: Account) -> None:
    make_closure(unit, from_on=TENTH, until_on=TENTH + 2 * DAY)
    with pytest.raises(NightsTaken):
        walk_in(unit, coordinator)


def test_a_hold_that_ran_out_gives_way(unit: Unit, coordinator: Account) -> None:
    held = make_stay(unit, state=P.HELD, arrive_on=TENTH, held_until=at("2026-03-11 00:30"))
    stay = walk_in(unit, coordinator, household=held.household_id)
    assert (stay.household_id, stay.number) == (held.household_id, 2)
    assert db.session.get_one(Stay, held.id).state is StayState.CANCELLED
    assert households() == 1


def test_a_running_stay_is_not_doubled(unit: Unit, coordinator: Account) -> None:
    booked = make_stay(household=make_household(by=coordinator))
    with pytest.raises(AlreadyPlaced):
        walk_in(unit, coordinator, household=booked.household_id)


def test_a_household_one_may_not_know_of_is_none(unit: Unit, coordinator: Account) -> None:
    with pytest.raises(NotFound):
        walk_in(unit, coordinator, household=make_household().id)


def test_whom_she_must_not_meet_is_told_to_nobody(unit: Unit, coordinator: Account) -> None:
    other = make_household()
    make_stay(make_unit(make_room(db.session.get_one(Site, unit.site_id), "109"), "109"), household=other)
    her = make_household(not_near=[other], by=coordinator)
    with pytest.raises(UnitJustTaken):
        walk_in(unit, coordinator, household=her.id, accepts_misfit=True)


def test_a_reason_and_a_time_gone_by_are_needed(unit: Unit, coordinator: Account) -> None:
    with pytest.raises(ReasonMissing):
        walk_in(unit, coordinator, reason=" ")
    with pytest.raises(InTheFuture):
        walk_in(unit, coordinator, arrived_at=at("2026-03-11 10:00"))
    with pytest.raises(TooLongAgo):
        walk_in(unit, coordinator, arrived_at=datetime(1, 1, 1, tzinfo=clock.timezone()))
    with pytest.raises(NotFound):
        record_walk_in(
            unit_id=999_999, arrived_at=at("2026-03-11 02:40"), party=SHE, reason="x", by=coordinator.principal
        )


def test_only_who_may_place(unit: Unit) -> None:
    with pytest.raises(NotPermitted):
        walk_in(unit, make_user(Role.MANAGER))
    assert db.session.scalar(select(func.count()).select_from(Household)) == 0
