"""Closures: nights nobody can be placed on, all of what is asked for or nothing."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from shelter import clock
from shelter.domain.errors import DomainError, NotFound, NotPermitted
from shelter.domain.permissions import SYSTEM, Principal, Role
from shelter.domain.sites import (
    AlreadyClosed,
    ClosureOver,
    ClosureTooFarBack,
    ClosureTooLong,
    DaysNotInOrder,
    NightsAreBooked,
    NothingChosen,
)
from shelter.domain.stays import ClosureReason, PlacementState
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.sites import Closure, Unit
from shelter.models.stays import Task, UnitNight
from shelter.queries import sites as queries
from shelter.services import closures
from shelter.services.unit_of_work import Once
from tests import factories
from tests.conftest import Clock

pytestmark = pytest.mark.usefixtures("context", "frozen_clock")

TONIGHT = date(2026, 3, 10)


def day(number: int) -> date:
    return TONIGHT + timedelta(days=number)


def close(*units: Unit, first: int = 0, until: int | None = 3, by: Principal = SYSTEM, once: Once | None = None) -> int:
    return closures.close_units(
        unit_ids=[unit.id for unit in units],
        from_on=day(first),
        until_on=None if until is None else day(until),
        reason=ClosureReason.REPAIR,
        by=by,
        once=once,
    )


def closed(unit: Unit) -> list[int]:
    """Nights from tonight on."""
    rows = select(UnitNight.night).where(UnitNight.unit_id == unit.id, UnitNight.closure_id.is_not(None))
    return sorted((night - TONIGHT).days for night in db.session.scalars(rows))


def the_closure(unit: Unit) -> Closure:
    return db.session.scalars(select(Closure).where(Closure.unit_id == unit.id)).one()


def test_a_closure_takes_its_nights_and_no_more() -> None:
    unit = factories.make_unit()
    assert close(unit, first=1, until=3) == 1
    assert closed(unit) == [1, 2]


def test_until_further_notice_is_180_days() -> None:
    unit = factories.make_unit()
    close(unit, until=None)
    assert closed(unit) == list(range(180))
    assert the_closure(unit).is_open_ended


def test_booked_nights_are_never_closed_and_the_stay_is_named() -> None:
    stay = factories.make_stay(factories.make_unit(), arrive_on=day(2), leave_on=day(5))
    unit = db.session.get_one(Unit, stay.placements[0].unit_id)
    reference = f"{stay.household.reference}-{stay.number}"
    with pytest.raises(NightsAreBooked) as refused:
        close(unit, first=0, until=4)
    assert refused.value.references == [reference]
    assert (refused.value.first_night, refused.value.last_night) == (day(2), day(3))
    assert closed(unit) == []


def test_beside_booked_nights_there_is_room_for_a_closure() -> None:
    unit = factories.make_unit()
    factories.make_stay(unit, arrive_on=day(2), leave_on=day(5))
    close(unit, first=0, until=2)
    close(unit, first=5, until=6)
    assert closed(unit) == [0, 1, 5]


def test_of_several_units_all_are_closed_or_none() -> None:
    site = factories.make_site()
    free, taken = factories.make_unit(site=site), factories.make_unit(site=site)
    factories.make_stay(taken, arrive_on=day(1), leave_on=day(2))
    with pytest.raises(NightsAreBooked):
        close(free, taken)
    assert closed(free) == closed(taken) == []
    assert close(free, taken, first=2) == 2
    assert closed(free) == closed(taken) == [2]


def test_a_night_is_closed_once() -> None:
    unit = factories.make_unit()
    close(unit, first=0, until=3)
    with pytest.raises(AlreadyClosed) as refused:
        close(unit, first=2, until=4)
    assert len(refused.value.units) == 1
    assert closed(unit) == [0, 1, 2]


def test_who_is_still_in_the_house_is_in_the_way() -> None:
    unit = factories.make_unit()
    factories.make_stay(unit, state=PlacementState.IN_HOUSE, arrive_on=day(-9), leave_on=day(-2))
    with pytest.raises(NightsAreBooked):
        close(unit)


def test_an_expired_hold_is_not() -> None:
    unit = factories.make_unit()
    long_ago = clock.now() - timedelta(minutes=1)
    factories.make_stay(unit, state=PlacementState.HELD, held_until=long_ago)
    close(unit)
    assert closed(unit) == [0, 1, 2]


def test_a_running_hold_is() -> None:
    unit = factories.make_unit()
    factories.make_stay(unit, state=PlacementState.HELD)
    with pytest.raises(NightsAreBooked):
        close(unit)


@pytest.mark.parametrize(
    ("first", "until", "refusal"),
    [
        (0, 0, DaysNotInOrder),
        (2, 1, DaysNotInOrder),
        (-32, 1, ClosureTooFarBack),
        (0, 731, ClosureTooLong),
        (731, None, ClosureTooLong),
        (999_999, None, ClosureTooLong),
    ],
)
def test_days_that_make_no_sense_are_refused(first: int, until: int | None, refusal: type[DomainError]) -> None:
    unit = factories.make_unit()
    with pytest.raises(refusal):
        close(unit, first=first, until=until)
    assert closed(unit) == []


def test_a_late_entry_closes_the_nights_that_were_missed() -> None:
    unit = factories.make_unit()
    close(unit, first=-3, until=1)
    assert closed(unit) == [-3, -2, -1, 0]


def test_an_early_end_gives_the_nights_back() -> None:
    unit = factories.make_unit()
    close(unit, until=None)
    closures.end_closure(closure_id=the_closure(unit).id, until_on=day(2), by=SYSTEM)
    assert closed(unit) == [0, 1]
    assert not the_closure(unit).is_open_ended
    factories.make_stay(unit, arrive_on=day(2), leave_on=day(4))


def test_ended_before_it_began_it_never_was() -> None:
    unit = factories.make_unit()
    close(unit, first=5, until=9)
    closures.end_closure(closure_id=the_closure(unit).id, until_on=day(1), by=SYSTEM)
    assert closed(unit) == []
    assert queries.closures(unit.site_id) == []


def test_an_end_cannot_lengthen_a_closure() -> None:
    unit = factories.make_unit()
    close(unit)
    with pytest.raises(ClosureOver):
        closures.end_closure(closure_id=the_closure(unit).id, until_on=day(9), by=SYSTEM)


def test_a_task_asks_for_renewal_two_weeks_ahead_and_once(frozen_clock: Clock) -> None:
    unit = factories.make_unit()
    close(unit, until=None)
    assert closures.raise_closure_renewals() == 0
    frozen_clock.forward(days=180 - 15)
    assert closures.raise_closure_renewals() == 0
    frozen_clock.forward(days=1)
    assert closures.raise_closure_renewals() == 1
    assert closures.raise_closure_renewals() == 0
    frozen_clock.forward(days=3)  # three nights without the job change nothing
    assert closures.raise_closure_renewals() == 0
    task = db.session.scalars(select(Task)).one()
    assert (task.kind, task.site_id, task.done_at) == (TaskKind.CLOSURE_RENEWAL, unit.site_id, None)


def test_a_dated_closure_needs_no_renewal() -> None:
    unit = factories.make_unit()
    close(unit, until=5)
    assert closures.raise_closure_renewals() == 0
    with pytest.raises(ClosureOver):
        closures.renew_closure(closure_id=the_closure(unit).id, by=SYSTEM)


def test_renewed_it_lasts_another_180_days_and_the_task_is_done(frozen_clock: Clock) -> None:
    unit = factories.make_unit()
    close(unit, until=None)
    frozen_clock.forward(days=170)
    closures.raise_closure_renewals()
    closures.renew_closure(closure_id=the_closure(unit).id, by=SYSTEM)
    assert closed(unit) == list(range(360))
    assert db.session.scalars(select(Task)).one().done_at is not None
    frozen_clock.forward(days=180)
    assert closures.raise_closure_renewals() == 1  # and the next time it is asked again


def test_a_renewal_over_booked_nights_is_refused(frozen_clock: Clock) -> None:
    unit = factories.make_unit()
    close(unit, until=None)
    factories.make_stay(unit, arrive_on=day(200), leave_on=day(203))
    frozen_clock.forward(days=170)
    with pytest.raises(NightsAreBooked):
        closures.renew_closure(closure_id=the_closure(unit).id, by=SYSTEM)
    assert len(closed(unit)) == 180


def test_ending_it_settles_the_task_too(frozen_clock: Clock) -> None:
    unit = factories.make_unit()
    close(unit, until=None)
    frozen_clock.forward(days=170)
    closures.raise_closure_renewals()
    closures.end_closure(closure_id=the_closure(unit).id, until_on=day(171), by=SYSTEM)
    assert db.session.scalars(select(Task)).one().done_at is not None


def test_a_second_click_closes_once() -> None:
    by, unit = factories.make_user(Role.ADMINISTRATOR).principal, factories.make_unit()
    once = Once("c" * 20, "f" * 64)
    assert close(unit, by=by, once=once) == close(unit, by=by, once=once) == 1
    assert closed(unit) == [0, 1, 2]


def test_units_of_one_site_at_a_time() -> None:
    with pytest.raises(NotFound):
        close(factories.make_unit(), factories.make_unit())
    with pytest.raises(NothingChosen):
        close()


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.MANAGER, Role.AUDITOR])
def test_only_administrators_close(role: Role) -> None:
    by, unit = factories.make_user(role).principal, factories.make_unit()
    with pytest.raises(NotPermitted):
        close(unit, by=by)


def test_of_two_closures_at_the_same_instant_one_is_made(app: Flask) -> None:
    unit_id = factories.make_unit().id
    db.session.rollback()
    together, outcomes = threading.Barrier(2), []

    def attempt() -> None:
        with app.app_context():
            together.wait()
            try:
                closures.close_units(
                    unit_ids=[unit_id], from_on=day(0), until_on=day(3), reason=ClosureReason.PESTS, by=SYSTEM
                )
                outcomes.append("closed")
            except DomainError as refused:
                outcomes.append(refused.code)
            db.session.remove()

    racers = [threading.Thread(target=attempt) for _ in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(outcomes) == ["already_closed", "closed"]
