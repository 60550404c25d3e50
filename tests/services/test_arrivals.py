"""Check-in: the clock starts at the real arrival, and the nights are settled with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask

from shelter import clock
from shelter.domain.errors import MoveNotAllowed, NotFound, NotPermitted
from shelter.domain.matching import AgeBand, Sex
from shelter.domain.permissions import Role
from shelter.domain.stay_errors import (
    ArrivedAfterLeaving,
    BeforeArrival,
    InTheFuture,
    NightsTaken,
    NothingToDo,
    ReasonMissing,
    UnitStillOccupied,
)
from shelter.domain.stays import ExtensionDecision, PlacementState, StayState
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.sites import StayPolicyVersion, Unit
from shelter.models.stays import Extension, Placement, Stay, StayEvent, Task
from shelter.queries import policies
from shelter.services import arrivals, departures
from shelter.services.unit_of_work import Once
from tests.conftest import Clock
from tests.factories import make_household, make_placement, make_site, make_stay, make_unit, make_user
from tests.support.nights import at, nights, run
from tests.support.people import Account


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


def booked(unit: Unit, first: str, until: str, **more) -> tuple[Stay, Placement]:
    stay = make_stay(unit, arrive_on=date.fromisoformat(first), leave_on=date.fromisoformat(until), **more)
    return stay, stay.placements[0]


def test_check_in_starts_the_clock_now(unit: Unit, coordinator: Account) -> None:
    stay, placement = booked(unit, "2026-03-10", "2026-09-10")
    done = arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    assert done.limit_on == date(2026, 9, 10)
    assert (done.nights_added, done.nights_dropped) == (0, 0)
    assert stay.state is StayState.IN_HOUSE
    assert stay.checked_in_at == clock.now()
    assert placement.state is PlacementState.IN_HOUSE
    assert placement.occupied_from == date(2026, 3, 10)
    assert nights(placement) == run("2026-03-10", "2026-09-10")


def test_the_limit_is_frozen_at_the_real_check_in(unit: Unit, coordinator: Account, frozen_clock: Clock) -> None:
    """31 August: six months end on the last day of February."""
    frozen_clock.set("2026-08-31 22:00")
    stay, placement = booked(unit, "2026-08-31", "2027-02-28")
    done = arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    assert done.limit_on == stay.limit_on == date(2027, 2, 28)
    assert placement.leave_on == date(2027, 2, 28)


def test_a_later_change_of_the_policy_leaves_the_limit_alone(unit: Unit, coordinator: Account) -> None:
    from shelter.models.sites import StayPolicyVersion

    stay, _ = booked(unit, "2026-03-10", "2026-03-20")
    arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    db.session.query(StayPolicyVersion).filter_by(site_id=unit.site_id).update({"months": 1})
    db.session.commit()
    db.session.refresh(stay)
    assert stay.limit_on == date(2026, 9, 10)


def test_after_midnight_tonight_is_the_operating_night(unit: Unit, coordinator: Account, frozen_clock: Clock) -> None:
    stay, placement = booked(unit, "2026-03-10", "2026-03-15")
    frozen_clock.set("2026-03-11 02:10")
    done = arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    assert placement.occupied_from == date(2026, 3, 10)
    assert done.limit_on == date(2026, 9, 11)  # the calendar day of the arrival counts
    assert nights(placement) == run("2026-03-10", "2026-03-15")


def test_an_earlier_arrival_adds_nights(unit: Unit, coordinator: Account) -> None:
    stay, placement = booked(unit, "2026-03-12", "2026-03-15")
    done = arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    assert done.nights_added == 2
    assert placement.arrive_on == placement.occupied_from == date(2026, 3, 10)
    assert nights(placement) == run("2026-03-10", "2026-03-15")


def test_an_earlier_arrival_is_refused_when_the_nights_are_somebody_elses(unit: Unit, coordinator: Account) -> None:
    booked(unit, "2026-03-10", "2026-03-12")
    stay, placement = booked(unit, "2026-03-12", "2026-03-15")
    with pytest.raises(NightsTaken) as refused:
        arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    assert (refused.value.first_night, refused.value.nights) == (date(2026, 3, 10), 2)
    db.session.refresh(placement)
    assert placement.state is PlacementState.BOOKED
    assert nights(placement) == run("2026-03-12", "2026-03-15")


def test_an_earlier_arrival_takes_the_nights_of_a_hold_that_ran_out(unit: Unit, coordinator: Account) -> None:
    held = make_stay(
        unit,
        arrive_on=date(2026, 3, 10),
        leave_on=date(2026, 3, 12),
        state=PlacementState.HELD,
        held_until=clock.now(),
    )
    stay, placement = booked(unit, "2026-03-12", "2026-03-15")
    arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    assert nights(placement) == run("2026-03-10", "2026-03-15")
    assert held.placements[0].state is PlacementState.EXPIRED


def test_a_later_arrival_leaves_the_missed_nights_reserved(
    unit: Unit, coordinator: Account, frozen_clock: Clock
) -> None:
    stay, placement = booked(unit, "2026-03-10", "2026-03-15")
    frozen_clock.set("2026-03-12 15:00")
    arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    assert nights(placement) == run("2026-03-10", "2026-03-15")
    assert placement.arrive_on == date(2026, 3, 10)
    assert placement.occupied_from == stay.arrive_on == date(2026, 3, 12)


def test_who_comes_after_the_booked_nights_needs_another_day_of_leaving(
    unit: Unit, coordinator: Account, frozen_clock: Clock
) -> None:
    stay, _ = booked(unit, "2026-03-10", "2026-03-11")
    frozen_clock.set("2026-03-11 15:00")
    with pytest.raises(ArrivedAfterLeaving):
        arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    departures.change_leave_on(stay_id=stay.id, leave_on=date(2026, 3, 14), by=coordinator.principal)
    arrivals.check_in(stay_id=stay.id, by=coordinator.principal)


def test_nights_past_the_limit_go_and_are_told(context: Flask, frozen_clock: Clock) -> None:
    """Booked to the projected limit, but here a day before: the real limit is a day earlier."""
    unit = make_unit(site=make_site(days=30))
    coordinator = make_user(sites=[unit.site_id])
    stay, placement = booked(unit, "2026-03-11", "2026-04-10")
    done = arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    assert done.limit_on == date(2026, 4, 9)
    assert done.nights_dropped == 1
    assert placement.leave_on == date(2026, 4, 9)
    assert nights(placement) == run("2026-03-10", "2026-04-09")


def test_a_late_entry_needs_a_reason_and_stands_in_the_history(unit: Unit, coordinator: Account) -> None:
    stay, placement = booked(unit, "2026-03-09", "2026-03-15")
    real = at("2026-03-09 23:30")
    with pytest.raises(ReasonMissing):
        arrivals.check_in(stay_id=stay.id, arrived_at=real, by=coordinator.principal)
    done = arrivals.check_in(stay_id=stay.id, arrived_at=real, reason="system was down", by=coordinator.principal)
    assert done.limit_on == date(2026, 9, 9)
    assert placement.occupied_from == date(2026, 3, 9)
    event = db.session.query(StayEvent).filter_by(kind="checked_in").one()
    assert (event.happened_at, event.at, event.note) == (real, clock.now(), "system was down")


def test_nobody_arrives_in_the_future(unit: Unit, coordinator: Account) -> None:
    stay, _ = booked(unit, "2026-03-10", "2026-03-15")
    with pytest.raises(InTheFuture):
        arrivals.check_in(stay_id=stay.id, arrived_at=at("2026-03-10 13:00"), by=coordinator.principal)


def test_a_double_click_is_one_check_in(unit: Unit, coordinator: Account) -> None:
    stay, _ = booked(unit, "2026-03-10", "2026-03-15")
    once = Once("k" * 20, "same")
    first = arrivals.check_in(stay_id=stay.id, by=coordinator.principal, once=once)
    again = arrivals.check_in(stay_id=stay.id, by=coordinator.principal, once=once)
    assert first.reference == again.reference
    assert db.session.query(StayEvent).filter_by(kind="checked_in").count() == 1
    with pytest.raises(NothingToDo):
        arrivals.check_in(stay_id=stay.id, by=coordinator.principal)


def test_a_room_with_somebody_in_it_takes_nobody(unit: Unit, coordinator: Account) -> None:
    make_stay(unit, arrive_on=date(2026, 3, 1), leave_on=date(2026, 3, 10), state=PlacementState.IN_HOUSE)
    stay, _ = booked(unit, "2026-03-10", "2026-03-15")
    with pytest.raises(UnitStillOccupied):
        arrivals.check_in(stay_id=stay.id, by=coordinator.principal)


def test_only_who_may_read_the_stay_and_place_people_checks_in(unit: Unit) -> None:
    stay, _ = booked(unit, "2026-03-10", "2026-03-15")
    with pytest.raises(NotFound):
        arrivals.check_in(stay_id=stay.id, by=make_user().principal)
    with pytest.raises(NotPermitted):
        arrivals.check_in(stay_id=stay.id, by=make_user(Role.MANAGER).principal)


def test_of_two_rooms_one_after_the_other_only_the_first_is_moved_into(unit: Unit, coordinator: Account) -> None:
    stay, first = booked(unit, "2026-03-10", "2026-03-12")
    other = make_unit(site=None)
    second = make_placement(stay, other, arrive_on=date(2026, 3, 12), leave_on=date(2026, 3, 20))
    arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    assert (first.state, second.state) == (PlacementState.IN_HOUSE, PlacementState.BOOKED)


def test_rooms_booked_past_the_limit_are_given_up(unit: Unit, coordinator: Account, frozen_clock: Clock) -> None:
    """She came two weeks early: a second room planned for the end has no night within the limit any more."""
    stay, _ = booked(unit, "2026-03-24", "2026-09-20", limit_on=date(2026, 9, 24))
    other = make_unit()
    late = make_placement(stay, other, arrive_on=date(2026, 9, 20), leave_on=date(2026, 9, 24))
    done = arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    assert late.state is PlacementState.CANCELLED
    assert nights(late) == []
    assert done.nights_dropped == 10 + 4


# Corrections


def test_a_corrected_arrival_works_out_the_limit_anew(unit: Unit, coordinator: Account, frozen_clock: Clock) -> None:
    stay, placement = booked(unit, "2026-03-10", "2026-09-10")
    arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    frozen_clock.set("2026-03-12 10:00")
    done = arrivals.correct_arrival(
        stay_id=stay.id, arrived_at=at("2026-03-08 21:00"), reason="came on Sunday", by=coordinator.principal
    )
    assert done.limit_on == date(2026, 9, 8)
    assert (done.nights_added, done.nights_dropped) == (2, 2)
    assert nights(placement) == run("2026-03-08", "2026-09-08")
    assert placement.occupied_from == date(2026, 3, 8)


def test_granted_extensions_survive_a_correction(unit: Unit, coordinator: Account) -> None:
    stay, _ = booked(unit, "2026-03-10", "2026-03-20")
    arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    now = clock.now()
    db.session.add(Extension(stay_id=stay.id, decision=ExtensionDecision.GRANTED, requested_at=now, decided_at=now))
    db.session.commit()
    done = arrivals.correct_arrival(
        stay_id=stay.id, arrived_at=at("2026-03-09 20:00"), reason="wrong day", by=coordinator.principal
    )
    assert done.limit_on == date(2026, 12, 9)


def test_what_was_granted_stands_where_the_earlier_policy_knew_no_extension(
    unit: Unit, coordinator: Account
) -> None:
    policy = policies.in_force(unit.site_id, date(2026, 3, 9))
    policy.extension_days = policy.extension_months = None
    db.session.add(
        StayPolicyVersion(
            site_id=unit.site_id, effective_from=date(2026, 3, 10), days=30, counting_rule=policy.counting_rule,
            extension_days=14, max_extensions=2, decided_by=policy.decided_by, thresholds=[7],
            readmission_rule=policy.readmission_rule,
        )
    )  # fmt: skip
    db.session.commit()
    stay, _ = booked(unit, "2026-03-10", "2026-03-20")
    arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    now = clock.now()
    db.session.add(Extension(stay_id=stay.id, decision=ExtensionDecision.GRANTED, requested_at=now, decided_at=now))
    db.session.commit()
    done = arrivals.correct_arrival(
        stay_id=stay.id, arrived_at=at("2026-03-09 20:00"), reason="wrong day", by=coordinator.principal
    )
    assert done.limit_on == date(2026, 4, 22)


def test_nobody_arrives_after_they_left(unit: Unit, coordinator: Account, frozen_clock: Clock) -> None:
    from shelter.domain.stays import Destination, ExitReason

    stay, _ = booked(unit, "2026-03-10", "2026-03-20")
    arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    frozen_clock.set("2026-03-12 10:00")
    departures.check_out(
        stay_id=stay.id,
        exit_reason=ExitReason.PLANNED,
        destination=Destination.FAMILY,
        by=coordinator.principal,
    )
    frozen_clock.set("2026-03-13 10:00")
    with pytest.raises(BeforeArrival):
        arrivals.correct_arrival(
            stay_id=stay.id, arrived_at=at("2026-03-12 12:00"), reason="?", by=coordinator.principal
        )


def test_a_check_in_by_mistake_is_taken_back(unit: Unit, coordinator: Account, frozen_clock: Clock) -> None:
    stay, placement = booked(unit, "2026-03-10", "2026-03-12")
    arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    frozen_clock.set("2026-03-13 15:00")
    with pytest.raises(ReasonMissing):
        arrivals.undo_check_in(stay_id=stay.id, reason=" ", by=coordinator.principal)
    arrivals.undo_check_in(stay_id=stay.id, reason="wrong family", by=coordinator.principal)
    assert stay.state is StayState.OPEN
    assert stay.checked_in_at is None
    assert stay.limit_on == date(2026, 9, 10)
    assert placement.state is PlacementState.BOOKED
    assert (placement.occupied_from, placement.arrived_at) == (None, None)
    assert nights(placement) == run("2026-03-10", "2026-03-12")  # nights kept for who was not there are free


def test_after_a_move_the_check_in_cannot_be_taken_back(unit: Unit, coordinator: Account) -> None:
    stay = make_stay(unit, arrive_on=date(2026, 3, 1), leave_on=date(2026, 3, 5), state=PlacementState.MOVED)
    other = make_unit(site=None)
    make_placement(stay, other, arrive_on=date(2026, 3, 5), leave_on=date(2026, 3, 20), state=PlacementState.IN_HOUSE)
    with pytest.raises(MoveNotAllowed):
        arrivals.undo_check_in(stay_id=stay.id, reason="?", by=coordinator.principal)


# The household that does not come


def test_a_no_show_keeps_the_room_and_raises_a_task(unit: Unit, coordinator: Account) -> None:
    stay, placement = booked(unit, "2026-03-10", "2026-03-12")
    arrivals.mark_no_show(stay_id=stay.id, by=coordinator.principal)
    assert placement.state is PlacementState.NO_SHOW
    assert nights(placement) == run("2026-03-10", "2026-03-12")
    task = db.session.query(Task).one()
    assert (task.kind, task.stay_id, task.placement_id) == (TaskKind.NO_SHOW, stay.id, placement.id)


def test_who_comes_after_all_is_checked_in_and_the_task_is_done(unit: Unit, coordinator: Account) -> None:
    stay, placement = booked(unit, "2026-03-10", "2026-03-12")
    arrivals.mark_no_show(stay_id=stay.id, by=coordinator.principal)
    arrivals.check_in(stay_id=stay.id, by=coordinator.principal)
    assert placement.state is PlacementState.IN_HOUSE
    assert db.session.query(Task).one().done_at is not None


def test_who_is_heard_of_is_expected_again(unit: Unit, coordinator: Account) -> None:
    stay, placement = booked(unit, "2026-03-10", "2026-03-12")
    arrivals.mark_no_show(stay_id=stay.id, by=coordinator.principal)
    arrivals.expect_again(stay_id=stay.id, by=coordinator.principal)
    assert placement.state is PlacementState.BOOKED
    assert db.session.query(Task).one().done_at is not None


def test_two_in_a_shared_room_still_follow_its_rule(coordinator: Account) -> None:
    """An earlier arrival is judged like a new one: a boy of ten does not come into a room with a stranger."""
    from shelter.domain.placing import UnitFitsNoMore
    from tests.factories import make_beds

    beds = make_beds(make_site(), 2)
    by = make_user(sites=[beds[0].site_id]).principal
    make_stay(beds[0], arrive_on=date(2026, 3, 10), leave_on=date(2026, 3, 12))
    household = make_household()
    household.people[0].sex, household.people[0].age_band = Sex.MALE, AgeBand.OLDER_BOY
    db.session.commit()
    stay = make_stay(beds[1], household=household, arrive_on=date(2026, 3, 12), leave_on=date(2026, 3, 14))
    with pytest.raises(UnitFitsNoMore):
        arrivals.check_in(stay_id=stay.id, by=by)
