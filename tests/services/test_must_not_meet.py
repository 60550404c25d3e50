"""Households that must not meet are not let in while one of them stays on; who is in the room is asked at the door."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from flask import Flask

from shelter.domain.errors import UnitJustTaken
from shelter.domain.matching import AgeBand, Reason, Sex
from shelter.domain.placing import UnitFitsNoMore
from shelter.domain.stays import Destination, ExitReason, PlacementState
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.households import Household, Person
from shelter.models.sites import Site, Unit
from shelter.models.stays import Stay, StayEvent, Task
from shelter.queries import tasks
from shelter.services import arrivals, departures, overstays, transfers
from tests.conftest import Clock
from tests.factories import (
    make_beds,
    make_household,
    make_placement,
    make_site,
    make_stay,
    make_unit,
    make_user,
)
from tests.support.nights import day
from tests.support.people import Account

WAY: dict[str, Any] = {"exit_reason": ExitReason.PLANNED, "destination": Destination.NEW_HOME}
P = PlacementState


@pytest.fixture(autouse=True)
def _noon(context: Flask, frozen_clock: Clock) -> Iterator[None]:
    """Noon of 10 March 2026; an application context around the test."""
    yield
    db.session.rollback()


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def kim(site: Site) -> Account:
    return make_user(sites=[site.id])


@pytest.fixture
def stranger(context: Flask) -> Account:
    """Has opened the case of who stays on, and is not of this site."""
    return make_user()


@pytest.fixture
def who_stays_on(site: Site, stranger: Account) -> Stay:
    """To leave by the 12th."""
    household = make_household(by=stranger)
    until = day("2026-03-12")
    return make_stay(
        make_unit(site=site), household=household, arrive_on=day("2026-03-01"), leave_on=until, state=P.IN_HOUSE
    )


@pytest.fixture
def apart(kim: Account, who_stays_on: Stay) -> Household:
    return make_household(by=kim, not_near=[db.session.get_one(Household, who_stays_on.household_id)])


@pytest.fixture
def expected(site: Site, apart: Household, who_stays_on: Stay) -> Stay:
    """From the day on which the others should be gone."""
    return make_stay(
        make_unit(site=site), household=apart, arrive_on=day("2026-03-12"), leave_on=day("2026-03-20"), state=P.BOOKED
    )


def meetings() -> list[Task]:
    db.session.expire_all()
    return [task for task in db.session.query(Task).filter_by(kind=TaskKind.COLLISION) if "must_not_meet" in task.data]


def test_who_must_not_meet_them_is_not_let_in(
    kim: Account, who_stays_on: Stay, expected: Stay, frozen_clock: Clock
) -> None:
    frozen_clock.set("2026-03-12 22:00")
    for accepts in (False, True):
        with pytest.raises(UnitJustTaken):  # which says nothing of why
            arrivals.check_in(stay_id=expected.id, accepts_misfit=accepts, by=kim.principal)
    departures.check_out(stay_id=who_stays_on.id, by=kim.principal, **WAY)
    arrivals.check_in(stay_id=expected.id, by=kim.principal)


def test_nor_do_they_move_into_a_room_of_the_site(
    kim: Account, site: Site, apart: Household, who_stays_on: Stay, frozen_clock: Clock
) -> None:
    elsewhere = make_unit(site=make_site("Juniper"))
    stay = make_stay(
        elsewhere, household=apart, arrive_on=day("2026-03-05"), leave_on=day("2026-03-12"), state=P.IN_HOUSE
    )
    planned = make_placement(stay, make_unit(site=site), arrive_on=day("2026-03-12"), leave_on=day("2026-03-20"))
    move = {"stay_id": stay.id, "from_placement_id": stay.placements[0].id, "to_placement_id": planned.id}
    frozen_clock.set("2026-03-12 14:00")
    with pytest.raises(UnitJustTaken):
        transfers.move_in(**move, accepts_misfit=True, by=kim.principal)
    departures.check_out(stay_id=who_stays_on.id, by=kim.principal, **WAY)
    transfers.move_in(**move, by=kim.principal)


def test_those_of_the_site_are_told_a_week_ahead_and_nobody_else(
    kim: Account, stranger: Account, who_stays_on: Stay, expected: Stay, frozen_clock: Clock
) -> None:
    expected.placements[0].arrive_on = day("2026-03-19")
    db.session.commit()
    frozen_clock.set("2026-03-12 11:59")
    assert overstays.roll_overstays().collisions == 0
    frozen_clock.set("2026-03-12 12:00")
    assert [overstays.roll_overstays().collisions for _time in range(2)] == [1, 0]
    (told,) = meetings()
    assert told.data["night"] == "2026-03-19"
    assert [row.id for row in tasks.open_tasks(kim.principal)] == [told.id]
    assert tasks.open_tasks(stranger.principal) == []


def test_the_task_is_done_when_they_have_left_and_is_there_again_if_they_have_not(
    kim: Account, who_stays_on: Stay, expected: Stay, frozen_clock: Clock
) -> None:
    frozen_clock.set("2026-03-12 12:00")
    overstays.roll_overstays()
    departures.check_out(stay_id=who_stays_on.id, by=kim.principal, **WAY)
    assert [task.done_at is None for task in meetings()] == [False]
    until = day("2026-03-13")
    with pytest.raises(UnitJustTaken):  # the others are expected tonight
        departures.undo_check_out(stay_id=who_stays_on.id, leave_on=until, reason="x", by=kim.principal)
    departures.cancel(stay_id=expected.id, reason=departures.CancelReason.OTHER, by=kim.principal)
    departures.undo_check_out(stay_id=who_stays_on.id, leave_on=until, reason="x", by=kim.principal)
    assert [task.done_at is None for task in meetings()] == [True]


# Who else is in the room


def boy_of(household: Household) -> Person:
    boy = Person(household_id=household.id, position=2, sex=Sex.MALE, age_band=AgeBand.OLDER_BOY, allergies=[])
    db.session.add(boy)
    db.session.commit()
    return boy


def booked(unit: Unit, household: Household, first: date | None = None) -> Stay:
    return make_stay(unit, household=household, arrive_on=first or day("2026-03-10"), leave_on=day("2026-03-20"))


def test_a_room_that_is_not_right_for_others_is_taken_knowingly(kim: Account, site: Site) -> None:
    bed, household = make_beds(site, 2)[0], make_household(by=kim)
    stay = booked(bed, household)
    boy_of(household)
    with pytest.raises(UnitFitsNoMore) as refused:
        arrivals.check_in(stay_id=stay.id, by=kim.principal)
    assert refused.value.reason is Reason.SHARING_WOMEN
    arrivals.check_in(stay_id=stay.id, accepts_misfit=True, by=kim.principal)
    assert db.session.query(StayEvent).filter_by(kind="checked_in").one().data["is_misfit"] is True


def test_comfort_is_not_asked_at_the_door(kim: Account, site: Site) -> None:
    household = make_household(by=kim)
    stay = booked(make_unit(site=site, capacity=1), household)
    boy_of(household)
    arrivals.check_in(stay_id=stay.id, by=kim.principal)


def test_only_who_sleeps_in_the_room_counts_there(kim: Account, site: Site) -> None:
    household = make_household(by=kim)
    stay = booked(make_beds(site, 2)[0], household)
    boy_of(household)
    make_placement(stay, make_unit(site=site), arrive_on=day("2026-03-10"), leave_on=day("2026-03-20"))
    arrivals.check_in(stay_id=stay.id, by=kim.principal)
