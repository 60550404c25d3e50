"""Who is in the house keeps the room, past the plan and past the limit, and is never offered away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from shelter import clock
from shelter.domain.errors import DomainError
from shelter.domain.matching import AgeBand, Party, Reason, Sex
from shelter.domain.nights import Nights
from shelter.domain.stays import CancelReason, Destination, ExitReason, PlacementState, StayState
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.sites import Unit
from shelter.models.stays import Stay, Task
from shelter.queries import find
from shelter.queries.ledger_check import Checked, differences
from shelter.services import departures, ledger, overstays, placements
from shelter.services.second_look import Segment
from tests.conftest import Clock
from tests.factories import make_closure, make_site, make_stay, make_unit, make_user
from tests.support.nights import day, nights, run
from tests.support.people import Account
from tests.support.statements import count_statements


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


def in_house(unit: Unit, first: str, until: str) -> Stay:
    return make_stay(unit, arrive_on=day(first), leave_on=day(until), state=PlacementState.IN_HOUSE)


def roll() -> overstays.Rolled:
    done = overstays.roll_overstays()
    db.session.expire_all()
    return done


def test_nights_are_added_as_they_come(unit: Unit, frozen_clock: Clock) -> None:
    stay = in_house(unit, "2026-03-01", "2026-03-10")
    assert roll().nights == 1  # tonight
    assert roll().nights == 0
    frozen_clock.set("2026-03-11 07:00")
    assert roll().nights == 0  # still the night of the 10th
    frozen_clock.set("2026-03-14 09:00")  # three days without the job
    assert roll().nights == 4
    assert nights(stay.placements[0]) == run("2026-03-01", "2026-03-15")
    assert stay.placements[0].leave_on == day("2026-03-10")  # the plan stays what it was


def test_at_the_limit_nobody_is_checked_out(unit: Unit, frozen_clock: Clock) -> None:
    stay = in_house(unit, "2026-03-01", "2026-09-01")
    frozen_clock.set("2026-09-05 09:00")
    roll()
    assert (stay.state, stay.placements[0].state) == (StayState.IN_HOUSE, PlacementState.IN_HOUSE)
    assert nights(stay.placements[0])[-1] == day("2026-09-05")


def test_whoever_is_still_there_is_never_offered_away(unit: Unit, coordinator: Account, frozen_clock: Clock) -> None:
    """Nobody ran the job: every placing use case keeps the room itself."""
    in_house(unit, "2026-03-01", "2026-03-08")
    woman = Party(people=((Sex.FEMALE, AgeBand.ADULT),))
    offered = find.search(find.Criteria(arrive_on=day("2026-03-10"), leave_on=day("2026-03-12"), party=woman))
    assert offered.total == 0
    assert offered.counts == {Reason.OVERDUE: 1}
    with pytest.raises(DomainError):
        placements.hold_units(
            segments=[Segment(unit.id, Nights(day("2026-03-10"), day("2026-03-12")))],
            party=woman,
            by=coordinator.principal,
        )


def test_nights_of_the_next_household_are_not_overwritten(unit: Unit, frozen_clock: Clock) -> None:
    late = in_house(unit, "2026-03-01", "2026-03-09")
    following = make_stay(unit, arrive_on=day("2026-03-11"), leave_on=day("2026-03-14"))
    frozen_clock.set("2026-03-12 12:00")
    assert roll().nights == 2
    assert nights(late.placements[0]) == run("2026-03-01", "2026-03-11")
    assert nights(following.placements[0]) == run("2026-03-11", "2026-03-14")


def test_a_collision_is_told_from_a_week_ahead(unit: Unit, coordinator: Account, frozen_clock: Clock) -> None:
    late = in_house(unit, "2026-03-01", "2026-03-10")
    make_stay(unit, arrive_on=day("2026-03-18"), leave_on=day("2026-03-20"))
    frozen_clock.set("2026-03-10 20:00")
    assert roll().collisions == 0  # eight days ahead
    frozen_clock.set("2026-03-11 09:00")
    assert roll().collisions == 1
    assert roll().collisions == 0
    task = db.session.query(Task).one()
    assert (task.kind, task.stay_id) == (TaskKind.COLLISION, late.id)
    assert task.data["night"] == "2026-03-18"
    departures.check_out(
        stay_id=late.id,
        exit_reason=ExitReason.PLANNED,
        destination=Destination.FAMILY,
        by=coordinator.principal,
    )
    assert task.done_at is not None


def test_an_ordinary_change_of_guests_is_no_collision_before_noon(unit: Unit, frozen_clock: Clock) -> None:
    in_house(unit, "2026-03-01", "2026-03-10")
    make_stay(unit, arrive_on=day("2026-03-10"), leave_on=day("2026-03-20"))
    frozen_clock.set("2026-03-10 09:00")
    assert roll() == overstays.Rolled(0, 0)
    frozen_clock.set("2026-03-10 12:05")
    assert roll() == overstays.Rolled(0, 1)


def test_a_closure_in_the_way_is_a_collision_too(unit: Unit, frozen_clock: Clock) -> None:
    in_house(unit, "2026-03-01", "2026-03-09")
    make_closure(unit, from_on=day("2026-03-12"), until_on=day("2026-03-20"))
    assert roll().collisions == 1


def test_a_hold_that_ran_out_is_in_nobodys_way(unit: Unit) -> None:
    late = in_house(unit, "2026-03-01", "2026-03-10")
    held = make_stay(
        unit,
        arrive_on=day("2026-03-10"),
        leave_on=day("2026-03-12"),
        state=PlacementState.HELD,
        held_until=clock.now() - timedelta(minutes=1),
    )
    assert roll().nights == 1
    assert nights(late.placements[0])[-1] == day("2026-03-10")
    assert held.placements[0].state is PlacementState.EXPIRED


def test_a_site_that_cannot_be_looked_through_does_not_keep_the_others(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [unit, make_unit(site=make_site()), make_unit(site=make_site())]
    stays = [in_house(one, "2026-03-01", "2026-03-10") for one in others]
    first = min(others, key=lambda one: one.site_id.hex)
    claim = ledger.claim_for_all

    def breaks(owners: list[tuple[Any, list[date]]]) -> int:
        return 1 // 0 if first.id in [owner.unit_id for owner, _nights in owners] else claim(owners)

    monkeypatch.setattr(ledger, "claim_for_all", breaks)
    with pytest.raises(ZeroDivisionError):
        roll()
    db.session.expire_all()
    kept = {stay.placements[0].unit_id for stay in stays if nights(stay.placements[0])[-1] == day("2026-03-10")}
    assert kept == {one.id for one in others} - {first.id}


def test_a_job_for_another_day_works_for_that_day(unit: Unit) -> None:
    stay = in_house(unit, "2026-03-01", "2026-03-08")
    overstays.roll_overstays(date(2026, 3, 8))
    assert nights(stay.placements[0]) == run("2026-03-01", "2026-03-09")


def test_who_stayed_on_over_a_booking_has_her_nights_once_it_is_cancelled(
    unit: Unit, coordinator: Account, frozen_clock: Clock
) -> None:
    db.session.get_one(Installation, 1).live_from = day("2026-01-01")
    first = in_house(unit, "2026-03-01", "2026-03-10")
    second = make_stay(unit, arrive_on=day("2026-03-10"), leave_on=day("2026-03-20"))
    frozen_clock.set("2026-03-15 12:00")
    out = {"exit_reason": ExitReason.OWN_WISH, "destination": Destination.OWN_HOME}
    departures.check_out(stay_id=first.id, by=coordinator.principal, **out)
    assert nights(first.placements[0]) == run("2026-03-01", "2026-03-10")  # nothing is overwritten
    departures.cancel(stay_id=second.id, reason=CancelReason.WENT_HOME, by=coordinator.principal)
    assert nights(first.placements[0]) == run("2026-03-01", "2026-03-15")
    assert nights(second.placements[0]) == []
    assert list(differences(Checked())) == []


def test_a_site_takes_as_many_statements_however_many_have_not_left(frozen_clock: Clock) -> None:
    """Where somebody comes next, a task is raised for each: those are not counted here."""
    site, counts = make_site(), []
    for number in (3, 30):
        for _ in range(number):
            in_house(make_unit(site=site), "2026-03-01", "2026-03-10")
        with count_statements() as said:
            assert roll().nights == number
        counts.append(said.total)
    assert counts[0] == counts[1]
