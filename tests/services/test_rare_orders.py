"""Acts in orders that are rare, as the campaign of the life of stays found them; each is one small rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from shelter import clock
from shelter.domain.limits import LeaveAfterLimit, ReadmissionRule
from shelter.domain.nights import Nights
from shelter.domain.placing import NightHasPassed
from shelter.domain.stay_errors import NightsTaken, UnitStillOccupied
from shelter.domain.stays import Destination, ExitReason, PlacementState
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.sites import Unit
from shelter.models.stays import Placement, Stay, Task
from shelter.services import arrivals, departures, extensions, overstays, placements, transfers
from shelter.services.second_look import Segment
from tests.conftest import Clock
from tests.factories import make_household, make_placement, make_site, make_stay, make_unit, make_user
from tests.support.nights import at, day, nights, run
from tests.support.people import Account
from tests.support.placing import confirm, hold, only_placement

WAY: dict[str, Any] = {"exit_reason": ExitReason.PLANNED, "destination": Destination.NEW_HOME}


@pytest.fixture(autouse=True)
def _noon(context: Flask, frozen_clock: Clock) -> Iterator[None]:
    """Noon of 10 March 2026; an application context around the test."""
    yield
    db.session.rollback()


@pytest.fixture
def unit() -> Unit:
    return make_unit(site=make_site(days=30))


@pytest.fixture
def kim(unit: Unit) -> Account:
    return make_user(sites=[unit.site_id])


def in_house(unit: Unit, first: str, until: str, **more: Any) -> tuple[Stay, Placement]:
    stay = make_stay(unit, arrive_on=day(first), leave_on=day(until), state=PlacementState.IN_HOUSE, **more)
    return stay, stay.placements[0]


# A unit that is given up


def test_nobody_is_planned_past_the_day_a_room_is_given_up(unit: Unit, kim: Account) -> None:
    stay, placement = in_house(unit, "2026-03-08", "2026-03-12")
    unit.in_service_until = day("2026-03-15")
    db.session.commit()
    with pytest.raises(NightsTaken) as refused:
        departures.change_leave_on(stay_id=stay.id, leave_on=day("2026-03-17"), by=kim.principal)
    assert (refused.value.first_night, refused.value.nights) == (day("2026-03-15"), 2)
    departures.change_leave_on(stay_id=stay.id, leave_on=day("2026-03-15"), by=kim.principal)
    assert nights(placement) == run("2026-03-08", "2026-03-15")


def test_a_longer_limit_does_not_book_a_room_that_is_given_up(unit: Unit, kim: Account) -> None:
    stay, placement = in_house(unit, "2026-02-20", "2026-03-22")  # the limit
    unit.in_service_until = day("2026-03-25")
    db.session.commit()
    extensions.request_extension(stay_id=stay.id, reason="x", by=kim.principal)
    boss = make_user(stay.policy.decided_by)
    done = extensions.decide_extension(stay_id=stay.id, is_granted=True, reason=None, by=boss.principal)
    assert (done.limit_on, done.is_longer) == (day("2026-04-05"), False)
    assert placement.leave_on == day("2026-03-22")


# Transfers entered late


def test_a_transfer_entered_late_writes_no_night_of_before_the_start(unit: Unit, kim: Account) -> None:
    db.session.get_one(Installation, 1).live_from = day("2026-03-09")
    stay, _ = in_house(unit, "2026-03-09", "2026-03-20")
    placement = stay.placements[0]
    placement.arrive_on = placement.occupied_from = day("2026-03-01")
    placement.arrived_at = at("2026-03-01 12:00")
    other = make_unit()
    transfers.transfer(
        stay_id=stay.id, to_unit_id=other.id, from_night=day("2026-03-07"), reason="quarrel", by=kim.principal
    )
    db.session.expire_all()
    assert nights(stay.placements[-1]) == run("2026-03-09", "2026-03-20")


def test_nobody_is_moved_into_a_room_somebody_lives_in_by_now(unit: Unit, kim: Account) -> None:
    """The nights of the move have passed and were free; since yesterday somebody is there."""
    stay, _ = in_house(unit, "2026-03-01", "2026-03-05")
    other = make_unit()
    in_house(other, "2026-03-09", "2026-03-20")
    with pytest.raises(UnitStillOccupied):
        transfers.transfer(
            stay_id=stay.id, to_unit_id=other.id, from_night=day("2026-03-07"), reason="quarrel", by=kim.principal
        )


# The clock of a stay of two rooms


def two_rooms(kim: Account, unit: Unit, second: str) -> tuple[Stay, Placement, Placement]:
    """One since noon of the 5th, the other since the instant given."""
    stay, one = in_house(unit, "2026-03-05", "2026-03-20")
    db.session.refresh(stay)
    stay.checked_in_at = one.arrived_at = at("2026-03-05 12:00")
    other = make_placement(
        stay, make_unit(site=make_site(days=30)), arrive_on=day(second[:10]), leave_on=day("2026-03-20"),
        state=PlacementState.IN_HOUSE,
    )  # fmt: skip
    other.arrived_at = at(second)
    db.session.commit()
    return stay, one, other


def test_a_corrected_arrival_leaves_the_other_room_as_the_first(unit: Unit, kim: Account) -> None:
    stay, _, other = two_rooms(kim, unit, "2026-03-06 12:00")
    arrivals.correct_arrival(stay_id=stay.id, arrived_at=at("2026-03-08 12:00"), reason="wrong", by=kim.principal)
    db.session.refresh(stay)
    assert (stay.checked_in_at, stay.arrive_on) == (other.arrived_at, day("2026-03-06"))
    assert stay.limit_on == day("2026-04-05")


def test_a_check_in_taken_back_leaves_the_other_room_as_the_first(unit: Unit, kim: Account) -> None:
    stay, one, other = two_rooms(kim, unit, "2026-03-06 12:00")
    arrivals.undo_check_in(stay_id=stay.id, placement_ids=[one.id], reason="mistake", by=kim.principal)
    db.session.refresh(stay)
    assert (stay.checked_in_at, stay.limit_on) == (other.arrived_at, day("2026-04-05"))


def test_a_corrected_departure_leaves_the_end_with_whoever_left_last(unit: Unit, kim: Account) -> None:
    stay, one, other = two_rooms(kim, unit, "2026-03-06 12:00")
    for placement, left in ((one, "2026-03-09 10:00"), (other, "2026-03-09 20:00")):
        departures.check_out(
            stay_id=stay.id, placement_ids=[placement.id], left_at=at(left), reason="late", **WAY, by=kim.principal
        )
    departures.correct_departure(
        stay_id=stay.id, left_at=at("2026-03-08 10:00"), reason="wrong", **WAY, by=kim.principal
    )
    assert stay.ended_at == at("2026-03-09 10:00")


# The limit


def test_a_corrected_arrival_does_not_count_the_stay_itself_as_an_earlier_one(kim: Account) -> None:
    """Where nights of earlier stays are taken off the limit."""
    unit = make_unit(site=make_site(days=30, readmission_rule=ReadmissionRule.CUMULATIVE))
    stay, placement = in_house(unit, "2026-03-01", "2026-03-20", household=make_household(by=kim))
    stay.checked_in_at = placement.arrived_at = at("2026-03-01 15:00")
    db.session.commit()
    departures.check_out(stay_id=stay.id, **WAY, by=kim.principal)
    arrivals.correct_arrival(stay_id=stay.id, arrived_at=at("2026-03-03 15:00"), reason="wrong", by=kim.principal)
    assert stay.limit_on == date(2026, 4, 2)


# A hold


def test_a_hold_on_the_way_whose_nights_have_all_passed_is_not_confirmed(kim: Account, frozen_clock: Clock) -> None:
    first = clock.shelter_day()
    stay = hold(kim, make_unit(), nights=None)
    placements.mark_on_the_way(stay_id=stay.id, by=kim.principal)
    frozen_clock.set(f"{first + timedelta(days=7)} 08:00")
    with pytest.raises(NightHasPassed):
        confirm(stay, kim)
    assert only_placement(stay).state is PlacementState.HELD


# Corrections that must leave nothing behind


def test_a_hold_that_ran_out_is_not_confirmed_past_the_limit_of_an_earlier_check_in(
    unit: Unit, kim: Account, frozen_clock: Clock
) -> None:
    first, other = day("2026-03-14"), make_unit(unit.room, "102")
    stay = hold(kim, unit, nights=Nights(first, day("2026-03-19")))
    confirm(stay, kim)
    frozen_clock.forward(minutes=1)
    further = [Segment(other.id, Nights(first, stay.limit_on))]
    placements.hold_units(segments=further, stay=stay.id, by=kim.principal)
    frozen_clock.forward(minutes=200)
    placements.expire_holds()
    booked = [p.id for p in stay.placements if p.unit_id == unit.id]
    arrivals.check_in(stay_id=stay.id, placement_ids=booked, by=kim.principal)
    assert stay.limit_on == day("2026-04-09")  # four days earlier
    with pytest.raises(LeaveAfterLimit):
        confirm(stay, kim)


@pytest.mark.parametrize("is_told_by_hand", [False, True])
def test_what_a_check_out_by_mistake_had_settled_is_a_task_again(
    unit: Unit, kim: Account, is_told_by_hand: bool
) -> None:
    stay, _placement = in_house(unit, "2026-03-01", "2026-03-09")
    make_stay(unit, arrive_on=day("2026-03-14"), leave_on=day("2026-03-20"))
    assert overstays.roll_overstays().collisions == 1
    task = db.session.query(Task).filter_by(kind=TaskKind.COLLISION).one()
    if is_told_by_hand:
        task.done_at = clock.now()
        db.session.commit()
    departures.check_out(stay_id=stay.id, by=kim.principal, **WAY)
    assert task.done_at is not None
    departures.undo_check_out(stay_id=stay.id, leave_on=day("2026-03-11"), reason="x", by=kim.principal)
    assert (task.done_at is None) is not is_told_by_hand
    assert "closed_with_check_out" not in task.data


def test_a_check_in_by_mistake_leaves_no_night_and_no_shorter_limit(unit: Unit, kim: Account) -> None:
    stay = make_stay(unit, arrive_on=day("2026-03-14"), leave_on=day("2026-03-20"))
    (placement,), limit = stay.placements, stay.limit_on
    for _time in range(2):
        arrivals.check_in(stay_id=stay.id, by=kim.principal)
        assert nights(placement) == run("2026-03-10", "2026-03-20")
        arrivals.undo_check_in(stay_id=stay.id, reason="wrong household", by=kim.principal)
        assert (stay.arrive_on, placement.arrive_on, stay.limit_on) == (day("2026-03-14"), day("2026-03-14"), limit)
        assert nights(placement) == run("2026-03-14", "2026-03-20")


def test_a_check_in_by_mistake_keeps_a_night_of_who_would_leave_before_the_booked_ones(
    unit: Unit, kim: Account
) -> None:
    stay = make_stay(unit, arrive_on=day("2026-03-14"), leave_on=day("2026-03-20"))
    (placement,) = stay.placements
    arrivals.check_in(stay_id=stay.id, by=kim.principal)
    departures.change_leave_on(stay_id=stay.id, leave_on=day("2026-03-12"), by=kim.principal)
    arrivals.undo_check_in(stay_id=stay.id, reason="wrong household", by=kim.principal)
    assert nights(placement) == run("2026-03-10", "2026-03-12")


@pytest.mark.parametrize("rule", list(ReadmissionRule))
def test_the_limit_of_who_is_in_the_house_goes_with_the_correction_of_an_earlier_stay(rule: ReadmissionRule) -> None:
    site, old_site = make_site(days=30, readmission_rule=rule), make_site(days=30)
    kim = make_user(sites=[site.id, old_site.id])
    household, new = make_household(by=kim), make_unit(site=site)
    earlier = make_stay(
        make_unit(site=old_site), household=household, arrive_on=day("2026-02-01"), leave_on=day("2026-02-05"),
        state=PlacementState.ENDED,
    )  # fmt: skip
    limit = day("2026-04-05") if rule is ReadmissionRule.CUMULATIVE else day("2026-04-09")
    stay, placement = in_house(new, "2026-03-10", "2026-04-05", household=household, number=2, limit_on=limit)
    correct: dict[str, Any] = {"stay_id": earlier.id, "reason": "wrong", "by": kim.principal}
    done = departures.correct_departure(left_at=at("2026-02-15 10:00"), **correct, **WAY)
    if rule is ReadmissionRule.RESET:
        assert (done.running, stay.limit_on) == (None, limit)
        return
    assert done.running is not None
    assert (done.running.reference, done.running.nights_dropped) == (f"{household.reference}-2", 10)
    assert stay.limit_on == placement.leave_on == day("2026-03-26")
    assert nights(placement) == run("2026-03-10", "2026-03-26")
    came = arrivals.correct_arrival(arrived_at=at("2026-02-14 20:00"), **correct)
    assert came.running is not None
    assert came.running.limit_on == stay.limit_on == day("2026-04-08")
