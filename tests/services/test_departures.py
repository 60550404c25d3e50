"""Leaving: nights go back from the day they left; corrections work everything out anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask

from shelter import clock
from shelter.domain.limits import LeaveAfterLimit
from shelter.domain.nights import NightsEmpty
from shelter.domain.stay_errors import (
    BeforeArrival,
    LeavesTooEarly,
    NightsTaken,
    NothingToDo,
    ReasonMissing,
    UnitStillOccupied,
)
from shelter.domain.stays import CancelReason, Destination, ExitReason, PlacementState, StayState
from shelter.extensions import db
from shelter.models.sites import Unit
from shelter.models.stays import Placement, Stay, StayEvent, Task
from shelter.services import arrivals, departures, plans
from shelter.services.unit_of_work import Once
from tests.conftest import Clock
from tests.factories import make_placement, make_site, make_stay, make_unit, make_user
from tests.support.nights import at, day, nights, run
from tests.support.people import Account

WAY = {"exit_reason": ExitReason.PLANNED, "destination": Destination.NEW_HOME}


@pytest.fixture(autouse=True)
def _noon(context: Flask, frozen_clock: Clock) -> Iterator[None]:
    """Noon of 10 March 2026; an application context around the test."""
    yield
    db.session.rollback()


@pytest.fixture
def unit() -> Unit:
    return make_unit(site=make_site())


@pytest.fixture
def coordinator(unit: Unit) -> Account:
    return make_user(sites=[unit.site_id])


def in_house(unit: Unit, first: str, until: str) -> tuple[Stay, Placement]:
    stay = make_stay(unit, arrive_on=day(first), leave_on=day(until), state=PlacementState.IN_HOUSE)
    return stay, stay.placements[0]


def test_leaving_early_gives_the_rest_back(unit: Unit, coordinator: Account) -> None:
    stay, placement = in_house(unit, "2026-03-01", "2026-03-20")
    left = departures.check_out(stay_id=stay.id, **WAY, by=coordinator.principal)
    assert left.is_over
    assert nights(placement) == run("2026-03-01", "2026-03-10")
    assert (placement.state, placement.leave_on) == (PlacementState.ENDED, day("2026-03-10"))
    assert (stay.state, stay.ended_at) == (StayState.ENDED, clock.now())
    assert (stay.exit_reason, stay.destination) == (ExitReason.PLANNED, Destination.NEW_HOME)


def test_leaving_late_keeps_the_nights_that_were_slept(unit: Unit, coordinator: Account) -> None:
    stay, placement = in_house(unit, "2026-03-01", "2026-03-07")
    departures.check_out(stay_id=stay.id, **WAY, by=coordinator.principal)
    assert placement.leave_on == day("2026-03-10")
    assert nights(placement) == run("2026-03-01", "2026-03-10")


def test_after_midnight_the_night_just_begun_was_still_theirs(
    unit: Unit, coordinator: Account, frozen_clock: Clock
) -> None:
    stay, placement = in_house(unit, "2026-03-01", "2026-03-20")
    frozen_clock.set("2026-03-11 02:10")
    departures.check_out(stay_id=stay.id, **WAY, by=coordinator.principal)
    assert placement.leave_on == day("2026-03-11")
    assert nights(placement)[-1] == day("2026-03-10")


def test_who_comes_and_goes_on_one_day_leaves_the_room_free_tonight(
    unit: Unit, coordinator: Account, frozen_clock: Clock
) -> None:
    stay = make_stay(unit, arrive_on=day("2026-03-10"), leave_on=day("2026-03-20"))
    arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    frozen_clock.forward(hours=5)
    departures.check_out(stay_id=stay.id, **WAY, by=coordinator.principal)
    assert nights(stay.placements[0]) == []


def test_a_late_entry_needs_a_reason(unit: Unit, coordinator: Account) -> None:
    stay, placement = in_house(unit, "2026-03-01", "2026-03-20")
    left = at("2026-03-08 09:00")
    with pytest.raises(ReasonMissing):
        departures.check_out(stay_id=stay.id, left_at=left, **WAY, by=coordinator.principal)
    departures.check_out(stay_id=stay.id, left_at=left, reason="on paper", **WAY, by=coordinator.principal)
    assert nights(placement) == run("2026-03-01", "2026-03-08")
    assert stay.ended_at == left
    event = db.session.query(StayEvent).one()
    assert (event.happened_at, event.note) == (left, "on paper")


def test_nobody_leaves_before_they_came(unit: Unit, coordinator: Account) -> None:
    stay, _ = in_house(unit, "2026-03-01", "2026-03-20")
    with pytest.raises(BeforeArrival):
        departures.check_out(
            stay_id=stay.id, left_at=at("2026-02-27 09:00"), reason="?", **WAY, by=coordinator.principal
        )


def test_a_double_click_is_one_check_out(unit: Unit, coordinator: Account) -> None:
    stay, _ = in_house(unit, "2026-03-01", "2026-03-20")
    once = Once("k" * 20, "same")
    for _n in range(2):
        departures.check_out(stay_id=stay.id, **WAY, by=coordinator.principal, once=once)
    assert db.session.query(StayEvent).count() == 1
    with pytest.raises(NothingToDo):
        departures.check_out(stay_id=stay.id, **WAY, by=coordinator.principal)


def test_one_of_two_rooms_is_left_and_the_stay_goes_on(unit: Unit, coordinator: Account) -> None:
    stay, first = in_house(unit, "2026-03-01", "2026-03-20")
    second = make_placement(
        stay, make_unit(), arrive_on=day("2026-03-01"), leave_on=day("2026-03-20"), state=PlacementState.IN_HOUSE
    )
    left = departures.check_out(stay_id=stay.id, placement_ids=[second.id], **WAY, by=coordinator.principal)
    assert not left.is_over
    assert (first.state, second.state) == (PlacementState.IN_HOUSE, PlacementState.ENDED)
    assert stay.state is StayState.IN_HOUSE
    assert stay.exit_reason is None
    departures.check_out(stay_id=stay.id, **WAY, by=coordinator.principal)
    assert stay.state is StayState.ENDED


def test_with_the_last_room_the_rooms_still_booked_are_given_up(unit: Unit, coordinator: Account) -> None:
    stay, _ = in_house(unit, "2026-03-01", "2026-03-12")
    planned = make_placement(stay, make_unit(), arrive_on=day("2026-03-12"), leave_on=day("2026-03-20"))
    departures.check_out(stay_id=stay.id, **WAY, by=coordinator.principal)
    assert planned.state is PlacementState.CANCELLED
    assert nights(planned) == []


# Corrections


def test_a_corrected_departure_moves_the_nights(unit: Unit, coordinator: Account, frozen_clock: Clock) -> None:
    stay, placement = in_house(unit, "2026-03-01", "2026-03-20")
    departures.check_out(stay_id=stay.id, **WAY, by=coordinator.principal)
    frozen_clock.set("2026-03-15 12:00")
    for real, last in (("2026-03-08 11:00", "2026-03-08"), ("2026-03-14 11:00", "2026-03-14")):
        departures.correct_departure(
            stay_id=stay.id,
            left_at=at(real),
            exit_reason=ExitReason.UNANNOUNCED,
            destination=Destination.UNKNOWN,
            reason="found out",
            by=coordinator.principal,
        )
        assert nights(placement) == run("2026-03-01", last)
        assert stay.ended_at == at(real)
    assert stay.exit_reason is ExitReason.UNANNOUNCED


def test_a_corrected_departure_does_not_take_nights_of_others(
    unit: Unit, coordinator: Account, frozen_clock: Clock
) -> None:
    stay, placement = in_house(unit, "2026-03-01", "2026-03-20")
    departures.check_out(stay_id=stay.id, **WAY, by=coordinator.principal)
    make_stay(unit, arrive_on=day("2026-03-11"), leave_on=day("2026-03-12"))
    frozen_clock.set("2026-03-15 12:00")
    with pytest.raises(NightsTaken):
        departures.correct_departure(
            stay_id=stay.id, left_at=at("2026-03-14 11:00"), reason="?", **WAY, by=coordinator.principal
        )
    assert nights(placement) == run("2026-03-01", "2026-03-10")


def test_a_check_out_by_mistake_is_taken_back(unit: Unit, coordinator: Account, frozen_clock: Clock) -> None:
    stay, placement = in_house(unit, "2026-03-01", "2026-03-20")
    departures.check_out(stay_id=stay.id, **WAY, by=coordinator.principal)
    frozen_clock.set("2026-03-11 12:00")
    departures.undo_check_out(
        stay_id=stay.id, leave_on=day("2026-03-20"), reason="wrong stay", by=coordinator.principal
    )
    assert (stay.state, placement.state) == (StayState.IN_HOUSE, PlacementState.IN_HOUSE)
    assert (stay.ended_at, stay.exit_reason, placement.left_at) == (None, None, None)
    assert nights(placement) == run("2026-03-01", "2026-03-20")


def test_a_check_out_is_not_taken_back_over_somebody_else(
    unit: Unit, coordinator: Account, frozen_clock: Clock
) -> None:
    stay, _ = in_house(unit, "2026-03-01", "2026-03-20")
    departures.check_out(stay_id=stay.id, **WAY, by=coordinator.principal)
    other = make_stay(unit, arrive_on=day("2026-03-10"), leave_on=day("2026-03-12"))
    undo = {"stay_id": stay.id, "leave_on": day("2026-03-20"), "reason": "?", "by": coordinator.principal}
    with pytest.raises(NightsTaken):
        departures.undo_check_out(**undo)
    arrivals.check_in(stay_id=other.id, by=coordinator.principal)
    with pytest.raises(UnitStillOccupied):
        departures.undo_check_out(**undo)


# Another day of leaving


def test_a_longer_stay_claims_nights_and_a_shorter_one_gives_them_back(unit: Unit, coordinator: Account) -> None:
    stay, placement = in_house(unit, "2026-03-01", "2026-03-12")
    for leave_on in ("2026-03-20", "2026-03-15", "2026-09-01"):
        departures.change_leave_on(stay_id=stay.id, leave_on=day(leave_on), by=coordinator.principal)
        assert nights(placement) == run("2026-03-01", leave_on)
        assert placement.leave_on == day(leave_on)


def test_nobody_is_planned_past_the_limit(unit: Unit, coordinator: Account) -> None:
    stay, placement = in_house(unit, "2026-03-01", "2026-03-12")
    with pytest.raises(LeaveAfterLimit):
        departures.change_leave_on(stay_id=stay.id, leave_on=day("2026-09-02"), by=coordinator.principal)
    assert nights(placement) == run("2026-03-01", "2026-03-12")


def test_a_longer_stay_does_not_take_nights_of_others(unit: Unit, coordinator: Account) -> None:
    stay, placement = in_house(unit, "2026-03-01", "2026-03-12")
    make_stay(unit, arrive_on=day("2026-03-14"), leave_on=day("2026-03-16"))
    with pytest.raises(NightsTaken) as refused:
        departures.change_leave_on(stay_id=stay.id, leave_on=day("2026-03-20"), by=coordinator.principal)
    assert (refused.value.first_night, refused.value.nights) == (day("2026-03-14"), 2)
    assert nights(placement) == run("2026-03-01", "2026-03-12")


def test_who_is_in_the_house_leaves_today_at_the_earliest(unit: Unit, coordinator: Account) -> None:
    stay, placement = in_house(unit, "2026-03-01", "2026-03-12")
    with pytest.raises(LeavesTooEarly):
        departures.change_leave_on(stay_id=stay.id, leave_on=day("2026-03-09"), by=coordinator.principal)
    departures.change_leave_on(stay_id=stay.id, leave_on=day("2026-03-10"), by=coordinator.principal)
    assert nights(placement) == run("2026-03-01", "2026-03-11")  # they are still here tonight until checked out


def test_a_booking_keeps_at_least_one_night(unit: Unit, coordinator: Account) -> None:
    stay = make_stay(unit, arrive_on=day("2026-03-12"), leave_on=day("2026-03-15"))
    with pytest.raises((LeavesTooEarly, NightsEmpty)):
        departures.change_leave_on(stay_id=stay.id, leave_on=day("2026-03-12"), by=coordinator.principal)


# Bookings that are not needed


def test_cancelling_gives_every_night_back(unit: Unit, coordinator: Account) -> None:
    stay = make_stay(unit, arrive_on=day("2026-03-12"), leave_on=day("2026-03-15"))
    departures.cancel(stay_id=stay.id, reason=CancelReason.FOUND_OTHER, by=coordinator.principal)
    assert (stay.state, stay.cancel_reason) == (StayState.CANCELLED, CancelReason.FOUND_OTHER)
    assert stay.placements[0].state is PlacementState.CANCELLED
    assert nights(stay.placements[0]) == []


def test_who_is_in_the_house_cannot_be_cancelled(unit: Unit, coordinator: Account) -> None:
    stay, _ = in_house(unit, "2026-03-01", "2026-03-12")
    with pytest.raises(NothingToDo):
        departures.cancel(stay_id=stay.id, reason=CancelReason.OTHER, by=coordinator.principal)


def test_a_no_show_is_given_up_by_a_person(unit: Unit, coordinator: Account) -> None:
    stay = make_stay(unit, arrive_on=day("2026-03-10"), leave_on=day("2026-03-15"))
    arrivals.mark_no_show(stay_id=stay.id, by=coordinator.principal)
    departures.cancel(stay_id=stay.id, reason=CancelReason.NO_SHOW, by=coordinator.principal)
    assert stay.state is StayState.CANCELLED
    assert nights(stay.placements[0]) == []
    assert db.session.query(Task).one().done_at is not None


def test_one_of_two_rooms_is_not_needed(unit: Unit, coordinator: Account) -> None:
    stay = make_stay(unit, arrive_on=day("2026-03-12"), leave_on=day("2026-03-15"))
    second = make_placement(stay, make_unit(), arrive_on=day("2026-03-12"), leave_on=day("2026-03-15"))
    departures.cancel(
        stay_id=stay.id, reason=CancelReason.CHANGED_MIND, placement_ids=[second.id], by=coordinator.principal
    )
    assert (stay.state, stay.cancel_reason) == (StayState.OPEN, None)
    assert nights(second) == []
    assert nights(stay.placements[0]) == run("2026-03-12", "2026-03-15")


# Plans


def test_a_plan_is_kept_sealed_and_touches_no_night(unit: Unit, coordinator: Account) -> None:
    stay, placement = in_house(unit, "2026-03-01", "2026-03-12")
    plans.set_plan(
        stay_id=stay.id,
        plan_on=date(2026, 8, 1),
        plan="public housing applied for",
        expected_leave_on=date(2026, 7, 1),
        by=coordinator.principal,
    )
    assert (stay.plan, stay.plan_on) == ("public housing applied for", date(2026, 8, 1))
    assert b"housing" not in stay.plan_sealed
    assert nights(placement) == run("2026-03-01", "2026-03-12")


def test_only_coordinators_answer_for_a_stay(unit: Unit, coordinator: Account) -> None:
    from shelter.domain.permissions import Role
    from shelter.domain.stay_errors import NotACoordinator

    stay, _ = in_house(unit, "2026-03-01", "2026-03-12")
    other, manager = make_user(), make_user(Role.MANAGER)
    plans.change_responsible(
        stay_id=stay.id, responsible_id=other.id, substitute_id=coordinator.id, by=coordinator.principal
    )
    assert (stay.responsible_id, stay.substitute_id) == (other.id, coordinator.id)
    for wrong in (
        {"responsible_id": manager.id, "substitute_id": None},
        {"responsible_id": other.id, "substitute_id": other.id},
    ):
        with pytest.raises(NotACoordinator):
            plans.change_responsible(stay_id=stay.id, **wrong, by=coordinator.principal)
