"""Where two rules meet: between a hold and the end of a stay, each corner that was once, or could be, wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from shelter import clock
from shelter.domain.contacts import TextChoice
from shelter.domain.errors import UnitJustTaken
from shelter.domain.intake import ExclusionsTold, Intake, PersonTold, PetTold
from shelter.domain.matching import AgeBand, Party, PetsAllowed, PetSize, Reason, Sex, Sharing, Species
from shelter.domain.messages import MessageState, Suppression
from shelter.domain.nights import Nights
from shelter.domain.periods import Step, period
from shelter.domain.permissions import SYSTEM, Role
from shelter.domain.placing import NightHasPassed, NothingHeld, UnitFitsNoMore
from shelter.domain.stay_errors import ArrivedAfterLeaving, NightsTaken
from shelter.domain.stays import CancelReason, ClosureReason, Destination, ExitReason, PlacementState, StayState
from shelter.extensions import db
from shelter.gateways.sms.recorded import RecordedGateway
from shelter.models.clockwork import Installation
from shelter.models.households import Household
from shelter.models.messages import Message
from shelter.models.sites import StayPolicyVersion, Unit
from shelter.models.stays import Placement, Stay, UnitNight
from shelter.queries import occupancy
from shelter.queries.ledger_check import Checked, differences
from shelter.services import (
    arrivals,
    closures,
    departures,
    extensions,
    households,
    intake,
    overstays,
    placements,
    transfers,
    units,
)
from shelter.services.delivery import deliver_due
from shelter.services.placements import Segment
from shelter.services.sites import set_paused
from shelter.services.unit_of_work import unit_of_work
from tests import factories as make
from tests.conftest import Clock
from tests.support.nights import at, day, nights, run
from tests.support.people import Account
from tests.support.texts import fresh

P = PlacementState
SHE = Party(people=((Sex.FEMALE, AgeBand.ADULT),))
CHILD = PersonTold(sex=Sex.FEMALE, age_band=AgeBand.CHILD)
DOG = PetTold(species=Species.DOG, size=PetSize.SMALL)


@pytest.fixture(autouse=True)
def _noon(context: Flask, frozen_clock: Clock) -> Iterator[None]:
    """Noon of 10 March 2026; afterwards the ledger agrees with what owns its nights."""
    db.session.get_one(Installation, 1).live_from = day("2026-01-01")
    db.session.commit()
    yield
    db.session.rollback()
    assert [str(difference) for difference in differences(Checked())] == []


@pytest.fixture
def unit() -> Unit:
    return make.make_unit()


@pytest.fixture
def kim(unit: Unit) -> Account:
    return make.make_user(sites=[unit.site_id])


@pytest.fixture
def admin() -> Account:
    return make.make_user(Role.ADMINISTRATOR)


def hold(by: Account, *units: Unit, first: str = "2026-03-10", until: str = "2026-03-17", **more: Any) -> Stay:
    told = {"party": SHE} | more
    segments = [Segment(unit.id, Nights(day(first), day(until))) for unit in units]
    return stay_of(placements.hold_units(segments=segments, by=by.principal, **told))


def stay_of(reference: str) -> Stay:
    household, _, number = reference.rpartition("-")
    found = select(Stay).join(Household).where(Household.reference == household, Stay.number == int(number))
    return db.session.scalars(found).one()


def two_of(**more: Any) -> list[Unit]:
    site = make.make_site()
    return [make.make_unit(site=site, **more), make.make_unit(site=site, **more)]


def confirm(stay: Stay, by: Account, **more: Any) -> None:
    placements.confirm_stay(stay_id=stay.id, expected_at=clock.now(), by=by.principal, **more)


def check_out(stay: Stay, by: Account, **more: Any) -> None:
    departures.check_out(
        stay_id=stay.id, exit_reason=ExitReason.PLANNED, destination=Destination.FAMILY, by=by.principal, **more
    )


def told(stay: Stay, by: Account) -> Intake:
    return households.open_record(household_id=stay.household_id, page="test", by=by.principal).intake


def save(stay: Stay, by: Account, **changes: Any) -> None:
    intake.save_intake(household_id=stay.household_id, intake=replace(told(stay, by), **changes), by=by.principal)


def states(stay: Stay) -> list[PlacementState]:
    db.session.expire_all()
    return [placement.state for placement in stay.placements]


# Holds ---------------------------------------------------------------------------------------------------------------


def test_at_the_very_minute_a_hold_is_over(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    stay = hold(kim, unit)
    frozen_clock.forward(minutes=90)
    assert placements.expire_holds() == 1
    assert states(stay) == [P.EXPIRED]


@pytest.mark.parametrize("is_given_up", [False, True])
def test_a_stay_that_is_over_holds_nothing(unit: Unit, kim: Account, frozen_clock: Clock, is_given_up: bool) -> None:
    """An old page confirms a hold whose stay was cancelled since: nobody would ever come to that room."""
    stay = hold(kim, unit, first="2026-03-15")
    if is_given_up:
        frozen_clock.forward(minutes=91)
        placements.expire_holds()
        frozen_clock.forward(days=1)
        placements.expire_holds()
    else:
        other = make.make_unit()
        frozen_clock.forward(minutes=91)
        placements.expire_holds()
        hold(kim, other, household=stay.household_id, party=None)
    assert states(stay) == [P.EXPIRED]
    assert stay.state is StayState.CANCELLED
    with pytest.raises(NothingHeld):
        confirm(stay, kim)
    with pytest.raises(NothingHeld):
        placements.release_hold(stay_id=stay.id, by=kim.principal)
    assert states(stay) == [P.EXPIRED]


def test_a_hold_of_an_ended_stay_is_not_confirmed(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    stay = hold(kim, unit)
    confirm(stay, kim)
    arrivals.check_in(stay_id=stay.id, by=kim.principal)
    hold(kim, make.make_unit(), stay=stay.id, party=None)
    frozen_clock.forward(minutes=91)
    placements.expire_holds()
    check_out(stay, kim)
    with pytest.raises(NothingHeld):
        confirm(stay, kim)


def test_only_nights_to_come_are_taken_back(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    """Run out last evening, confirmed this morning: the night between is nobody's."""
    make.make_contact(db.session.get_one(Household, (stay := hold(kim, unit)).household_id))
    frozen_clock.set("2026-03-10 20:00")
    placements.expire_holds()
    frozen_clock.set("2026-03-11 09:00")
    confirm(stay, kim, text=TextChoice.ASKED_NOW)
    (placement,) = stay.placements
    assert nights(placement) == run("2026-03-11", "2026-03-17")
    assert (placement.arrive_on, stay.arrive_on) == (day("2026-03-11"), day("2026-03-11"))
    assert "3월 11일" in (db.session.scalars(select(Message)).one().body or "")


def test_a_hold_whose_nights_have_all_passed_is_over(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    stay = hold(kim, unit, until="2026-03-11")
    frozen_clock.set("2026-03-10 20:00")
    placements.expire_holds()
    frozen_clock.set("2026-03-11 09:00")
    with pytest.raises(NightHasPassed):
        confirm(stay, kim)


@pytest.mark.parametrize("what", ["retired", "gone", "paused", "closed"])
def test_a_room_that_is_not_to_be_had_any_more_is_not_taken_back(
    unit: Unit, kim: Account, admin: Account, frozen_clock: Clock, what: str
) -> None:
    stay = hold(kim, unit, first="2026-03-12")
    frozen_clock.forward(minutes=91)
    placements.expire_holds()
    match what:
        case "retired":
            units.retire_unit(unit_id=unit.id, until_on=day("2026-03-15"), by=admin.principal)
        case "gone":
            units.retire_unit(unit_id=unit.id, until_on=day("2026-03-11"), by=admin.principal)
        case "paused":
            set_paused(site_id=unit.site_id, is_paused=True, by=admin.principal)
        case _:
            close(unit, admin, "2026-03-16", "2026-03-18")
    with pytest.raises(UnitJustTaken):
        confirm(stay, kim)
    assert states(stay) == [P.EXPIRED]


def close(unit: Unit, by: Account, first: str, until: str) -> None:
    closures.close_units(
        unit_ids=[unit.id], from_on=day(first), until_on=day(until), reason=ClosureReason.REPAIR, by=by.principal
    )


def test_a_pause_leaves_a_hold_alone(unit: Unit, kim: Account, admin: Account) -> None:
    stay = hold(kim, unit)
    set_paused(site_id=unit.site_id, is_paused=True, by=admin.principal)
    confirm(stay, kim)
    assert states(stay) == [P.BOOKED]


def test_of_two_rooms_held_together_one_lost_is_both_refused(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    small = two_of(capacity=1)
    stay = hold(kim, *small, party=Party(people=SHE.people * 2))
    frozen_clock.forward(minutes=91)
    rival = hold(make.make_user(), small[0])
    assert sorted(states(stay)) == [P.EXPIRED, P.HELD]
    with pytest.raises(UnitJustTaken):
        confirm(stay, kim)
    placements.release_hold(stay_id=stay.id, by=kim.principal)
    assert (sorted(states(stay)), stay.state) == ([P.CANCELLED, P.EXPIRED], StayState.CANCELLED)
    assert states(rival) == [P.HELD]


def test_a_hold_beside_a_later_move_can_still_be_given_back(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    stay = hold(kim, unit)
    confirm(stay, kim)
    arrivals.check_in(stay_id=stay.id, by=kim.principal)
    hold(kim, make.make_unit(), stay=stay.id, party=None)
    frozen_clock.forward(minutes=5)
    transfers.transfer(stay_id=stay.id, to_unit_id=make.make_unit().id, from_night=day("2026-03-10"), by=kim.principal)
    placements.mark_on_the_way(stay_id=stay.id, by=kim.principal)  # it never runs out: a person must be able to end it
    placements.release_hold(stay_id=stay.id, by=kim.principal)
    assert states(stay) == [P.MOVED, P.CANCELLED, P.IN_HOUSE]


# Intake --------------------------------------------------------------------------------------------------------------


def test_who_is_added_to_a_hold_that_ran_out_is_counted_when_it_comes_back(
    unit: Unit, kim: Account, frozen_clock: Clock
) -> None:
    stay = hold(kim, unit)
    frozen_clock.forward(minutes=91)
    placements.expire_holds()
    save(stay, kim, people=(*told(stay, kim).people, CHILD))
    confirm(stay, kim)
    (placement,) = stay.placements
    assert (placement.people, len(placement.members)) == (2, 2)


def test_who_is_added_to_two_rooms_of_which_one_ran_out_sleeps_in_one(kim: Account, frozen_clock: Clock) -> None:
    small = two_of(capacity=2)
    stay = hold(kim, *small, party=Party(people=SHE.people * 3))
    frozen_clock.forward(minutes=91)
    rival = hold(make.make_user(), small[1])
    placements.release_hold(stay_id=rival.id, by=SYSTEM)
    save(stay, kim, people=(*told(stay, kim).people, CHILD))
    assert sum(placement.people for placement in stay.placements) == 4
    members = [member.person_id for placement in stay.placements for member in placement.members]
    assert len(members) == len(set(members)) == 4


def test_who_is_taken_out_sleeps_nowhere(unit: Unit, kim: Account) -> None:
    stay = hold(kim, unit, party=Party(people=SHE.people * 3))
    confirm(stay, kim)
    save(stay, kim, people=told(stay, kim).people[1:])
    (placement,) = stay.placements
    db.session.expire_all()
    assert (placement.people, len(placement.members)) == (2, 2)
    assert [row.people for row in ledger_rows(placement)] == [2] * 7


def ledger_rows(placement: Placement) -> list[Any]:
    return list(db.session.scalars(select(UnitNight).where(UnitNight.placement_id == placement.id)))


def test_a_dog_named_at_intake_is_a_word_to_a_person(unit: Unit, kim: Account) -> None:
    stay = hold(kim, unit)
    save(stay, kim, pets=(DOG,))
    with pytest.raises(UnitFitsNoMore) as refused:
        confirm(stay, kim)
    assert refused.value.reason is Reason.PETS_NOT_ALLOWED
    confirm(stay, kim, accepts_misfit=True)


def test_a_dog_named_for_two_rooms_needs_one_that_takes_it(kim: Account) -> None:
    small = two_of(capacity=1)
    stay = hold(kim, *small, party=Party(people=SHE.people * 2))
    save(stay, kim, pets=(DOG,))
    with pytest.raises(UnitFitsNoMore) as refused:
        confirm(stay, kim)
    assert refused.value.reason is Reason.PETS_NOT_ALLOWED
    confirm(stay, kim, accepts_misfit=True)
    assert states(stay) == [P.BOOKED, P.BOOKED]


def test_a_dog_in_one_of_two_rooms_is_no_matter(kim: Account) -> None:
    site = make.make_site()
    small = [make.make_unit(site=site, capacity=1, pets_allowed=p) for p in (PetsAllowed.NONE, PetsAllowed.SMALL)]
    stay = hold(kim, *small, party=Party(people=SHE.people * 2))
    save(stay, kim, pets=(DOG,))
    confirm(stay, kim)
    assert states(stay) == [P.BOOKED, P.BOOKED]


def test_the_one_cot_of_two_rooms_is_enough(kim: Account) -> None:
    site = make.make_site()
    two = [make.make_unit(site=site, capacity=2, has_cot=has_cot) for has_cot in (True, False)]
    infant, child = (Sex.FEMALE, AgeBand.INFANT), (Sex.FEMALE, AgeBand.CHILD)
    stay = hold(kim, *two, party=Party(people=(*SHE.people * 2, infant, child), needs_cot=True))
    confirm(stay, kim)
    assert states(stay) == [P.BOOKED, P.BOOKED]


def test_an_exclusion_named_at_intake_holds_at_confirming(unit: Unit, kim: Account) -> None:
    stay = hold(kim, unit)
    save(stay, kim, exclusions=ExclusionsTold(sites=(unit.site_id,)))
    with pytest.raises(UnitJustTaken):
        confirm(stay, kim, accepts_misfit=True)


# Arriving ------------------------------------------------------------------------------------------------------------


def booked(unit: Unit, by: Account, first: str, until: str, **more: Any) -> tuple[Stay, Placement]:
    stay = make.make_stay(unit, arrive_on=day(first), leave_on=day(until), responsible=by, **more)
    return stay, stay.placements[0]


@pytest.mark.parametrize(
    ("now", "first_night"),
    [("2026-03-11 00:30", "2026-03-10"), ("2026-03-11 07:59", "2026-03-10"), ("2026-03-11 08:01", "2026-03-11")],
)
def test_the_night_of_an_arrival_changes_at_eight(
    unit: Unit, kim: Account, frozen_clock: Clock, now: str, first_night: str
) -> None:
    stay, placement = booked(unit, kim, "2026-03-10", "2026-03-14")
    frozen_clock.set(now)
    arrivals.check_in(stay_id=stay.id, by=kim.principal)
    assert placement.occupied_from == day(first_night)
    assert nights(placement) == run("2026-03-10", "2026-03-14")
    assert stay.limit_on == day("2026-09-11")  # the day of the door, not of the night


def test_the_policy_of_the_day_she_comes_is_hers(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    stay = hold(kim, unit, first="2026-03-12", until="2026-09-12")
    confirm(stay, kim)
    shorter = StayPolicyVersion(
        site_id=unit.site_id,
        effective_from=day("2026-03-11"),
        days=30,
        counting_rule="civil_code",
        max_extensions=1,
        extension_days=14,
        decided_by=Role.MANAGER,
        thresholds=[14, 7, 1],
        readmission_rule="reset",
    )
    db.session.add(shorter)
    db.session.commit()
    frozen_clock.set("2026-03-12 20:00")
    done = arrivals.check_in(stay_id=stay.id, by=kim.principal)
    assert (done.limit_on, done.nights_dropped) == (day("2026-04-11"), 154)
    assert nights(stay.placements[0]) == run("2026-03-12", "2026-04-11")
    extensions.request_extension(stay_id=stay.id, reason="x", by=kim.principal)
    boss = make.make_user(Role.MANAGER)
    frozen_clock.set("2026-05-01 12:00")  # three weeks past the limit; granted late, counted from the first day
    overstays.roll_overstays()
    decided = extensions.decide_extension(stay_id=stay.id, is_granted=True, reason=None, by=boss.principal)
    assert decided.limit_on == day("2026-04-25")
    assert nights(stay.placements[0]) == run("2026-03-12", "2026-05-02")


def test_a_back_dated_arrival_does_not_take_a_night_somebody_slept(unit: Unit, kim: Account) -> None:
    booked(unit, kim, "2026-03-05", "2026-03-09", state=P.ENDED)
    stay, _ = booked(unit, kim, "2026-03-10", "2026-03-14")
    with pytest.raises(NightsTaken):
        arrivals.check_in(stay_id=stay.id, arrived_at=at("2026-03-08 20:00"), reason="late", by=kim.principal)
    arrivals.check_in(stay_id=stay.id, arrived_at=at("2026-03-09 20:00"), reason="late", by=kim.principal)
    assert nights(stay.placements[0]) == run("2026-03-09", "2026-03-14")


# Leaving -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("now", "last"), [("2026-03-12 23:30", "2026-03-12"), ("2026-03-13 00:30", "2026-03-13")])
def test_before_midnight_the_night_is_free_after_it_it_was_theirs(
    unit: Unit, kim: Account, frozen_clock: Clock, now: str, last: str
) -> None:
    stay, placement = booked(unit, kim, "2026-03-08", "2026-03-12", state=P.IN_HOUSE)
    frozen_clock.set(now)
    check_out(stay, kim)
    assert nights(placement) == run("2026-03-08", last)


def test_come_and_gone_on_one_day_the_room_is_anothers_tonight(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    stay, _ = booked(unit, kim, "2026-03-10", "2026-03-14")
    arrivals.check_in(stay_id=stay.id, by=kim.principal)
    frozen_clock.forward(hours=5)
    check_out(stay, kim)
    assert states(hold(kim, unit)) == [P.HELD]
    with pytest.raises(NightsTaken):
        departures.undo_check_out(stay_id=stay.id, leave_on=day("2026-03-14"), reason="x", by=kim.principal)


def test_a_part_of_a_household_leaves_and_the_others_stay(kim: Account, frozen_clock: Clock) -> None:
    two = two_of(capacity=3)
    stay = hold(kim, *two, party=Party(people=SHE.people * 6))
    confirm(stay, kim)
    arrivals.check_in(stay_id=stay.id, by=kim.principal)
    frozen_clock.forward(days=2)
    gone, there = stay.placements
    check_out(stay, kim, placement_ids=[gone.id])
    assert states(stay) == [P.ENDED, P.IN_HOUSE]
    assert (nights(gone), nights(there)) == (run("2026-03-10", "2026-03-12"), run("2026-03-10", "2026-03-17"))
    assert stay.state is StayState.IN_HOUSE


# Moving --------------------------------------------------------------------------------------------------------------


def test_on_the_last_night_they_still_can_move(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    stay, old = booked(unit, kim, "2026-03-08", "2026-03-11", state=P.IN_HOUSE)
    transfers.transfer(stay_id=stay.id, to_unit_id=make.make_unit().id, from_night=day("2026-03-10"), by=kim.principal)
    assert nights(old) == run("2026-03-08", "2026-03-10")
    assert nights(stay.placements[-1]) == run("2026-03-10", "2026-03-11")


def test_tomorrow_is_too_late_for_it(unit: Unit, kim: Account) -> None:
    stay, _ = booked(unit, kim, "2026-03-08", "2026-03-11", state=P.IN_HOUSE)
    with pytest.raises(ArrivedAfterLeaving):
        transfers.transfer(
            stay_id=stay.id, to_unit_id=make.make_unit().id, from_night=day("2026-03-11"), by=kim.principal
        )


@pytest.mark.parametrize("is_planned", [False, True])
def test_a_move_after_midnight_is_one_night_of_one_household(
    unit: Unit, kim: Account, frozen_clock: Clock, is_planned: bool
) -> None:
    """Both rooms are theirs that night, so that neither is given away; slept in is one."""
    stay, old = booked(unit, kim, "2026-03-08", "2026-03-14", state=P.IN_HOUSE)
    other = make.make_unit()
    if is_planned:
        transfers.transfer(stay_id=stay.id, to_unit_id=other.id, from_night=day("2026-03-11"), by=kim.principal)
        frozen_clock.set("2026-03-11 02:00")
        transfers.move_in(
            stay_id=stay.id, from_placement_id=old.id, to_placement_id=stay.placements[-1].id, by=kim.principal
        )
    else:
        frozen_clock.set("2026-03-11 02:00")
        transfers.transfer(stay_id=stay.id, to_unit_id=other.id, from_night=day("2026-03-10"), by=kim.principal)
    new = stay.placements[-1]
    assert nights(old) == run("2026-03-08", "2026-03-11")
    assert nights(new) == run("2026-03-10", "2026-03-14")
    assert [occupied_on(night) for night in run("2026-03-08", "2026-03-15")] == [1] * 6 + [0]


def occupied_on(night: date) -> int:
    found = occupancy.occupancy(period(Step.DAY, night))
    return found.total.tally.occupied


# Overstaying ---------------------------------------------------------------------------------------------------------


def test_a_closure_may_follow_who_is_late_and_is_not_slept_over(
    unit: Unit, kim: Account, admin: Account, frozen_clock: Clock
) -> None:
    _stay, late = booked(unit, kim, "2026-03-08", "2026-03-10", state=P.IN_HOUSE)
    close(unit, admin, "2026-03-12", "2026-03-15")
    frozen_clock.set("2026-03-13 12:00")
    overstays.roll_overstays()
    assert nights(late) == run("2026-03-08", "2026-03-12")


def test_a_closure_over_a_hold_that_ran_out_takes_it_whole(
    unit: Unit, kim: Account, admin: Account, frozen_clock: Clock
) -> None:
    stay = hold(kim, unit)
    frozen_clock.forward(minutes=91)
    close(unit, admin, "2026-03-14", "2026-03-15")
    assert states(stay) == [P.EXPIRED]
    with pytest.raises(UnitJustTaken):
        confirm(stay, kim)


# Texts ---------------------------------------------------------------------------------------------------------------


def textable(unit: Unit, by: Account, **more: Any) -> Stay:
    stay = hold(by, unit, **more)
    make.make_contact(db.session.get_one(Household, stay.household_id))
    return stay


def only_message() -> Message:
    return db.session.scalars(select(Message)).one()


def test_who_came_before_it_was_decided_and_was_entered_after_is_not_texted(
    unit: Unit, kim: Account, frozen_clock: Clock
) -> None:
    """At the door at 20:45, confirmed at 21:50, entered at 22:10: nothing goes to her in the morning."""
    stay = textable(unit, kim, first="2026-03-11")
    frozen_clock.set("2026-03-10 21:50")
    confirm(stay, kim, text=TextChoice.IN_SAFE_HOURS)
    frozen_clock.set("2026-03-10 22:10")
    arrivals.check_in(stay_id=stay.id, arrived_at=at("2026-03-10 20:45"), reason="at the door", by=kim.principal)
    frozen_clock.set("2026-03-11 08:00")
    deliver_due(gateway := RecordedGateway())
    assert gateway.sent == []
    assert fresh(only_message()).suppression is Suppression.IN_HOUSE


def test_a_text_overtaken_by_voice_does_not_go(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    frozen_clock.set("2026-03-10 21:30")
    stay = textable(unit, kim, first="2026-03-15")
    confirm(stay, kim, text=TextChoice.IN_SAFE_HOURS)
    first = only_message()
    frozen_clock.forward(minutes=10)
    hold(kim, make.make_unit(), stay=stay.id, party=None, first="2026-03-16")
    confirm(stay, kim)
    frozen_clock.set("2026-03-11 08:00")
    deliver_due(gateway := RecordedGateway())
    assert gateway.sent == []
    assert fresh(first).suppression is Suppression.PURPOSE_PASSED


def test_a_day_that_is_not_hers_any_more_is_not_texted(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    frozen_clock.set("2026-03-10 21:30")
    stay = textable(unit, kim, first="2026-03-15")
    confirm(stay, kim, text=TextChoice.IN_SAFE_HOURS)
    transfers.transfer(stay_id=stay.id, to_unit_id=make.make_unit().id, from_night=day("2026-03-16"), by=kim.principal)
    departures.cancel(
        stay_id=stay.id, reason=CancelReason.OTHER, placement_ids=[stay.placements[0].id], by=kim.principal
    )
    frozen_clock.set("2026-03-11 08:00")
    deliver_due(gateway := RecordedGateway())
    assert gateway.sent == []
    assert fresh(only_message()).suppression is Suppression.PURPOSE_PASSED


def test_another_room_on_the_same_day_is_no_change_to_her(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    frozen_clock.set("2026-03-10 21:30")
    stay = textable(unit, kim, first="2026-03-15")
    confirm(stay, kim, text=TextChoice.IN_SAFE_HOURS)
    transfers.transfer(stay_id=stay.id, to_unit_id=make.make_unit().id, from_night=day("2026-03-15"), by=kim.principal)
    frozen_clock.set("2026-03-11 08:00")
    deliver_due(gateway := RecordedGateway())
    assert len(gateway.sent) == 1
    assert fresh(only_message()).state is MessageState.SENT


def test_a_further_room_months_later_says_its_own_day(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    """She is in the house, and a person asks for the text: it is not out of date because the stay began long ago."""
    stay = textable(unit, kim)
    confirm(stay, kim)
    arrivals.check_in(stay_id=stay.id, by=kim.principal)
    frozen_clock.set("2026-03-14 21:30")
    hold(kim, make.make_unit(), stay=stay.id, party=None, first="2026-03-20", until="2026-03-25")
    confirm(stay, kim, text=TextChoice.IN_SAFE_HOURS)
    frozen_clock.set("2026-03-15 08:00")
    deliver_due(gateway := RecordedGateway())
    assert ["3월 20일" in sent.body for sent in gateway.sent] == [True]


def test_a_unit_of_work_within_another_is_refused_even_after_a_flush(unit: Unit) -> None:
    """Its rollback would lose what the outer one has written."""
    with pytest.raises(RuntimeError), unit_of_work(SYSTEM):
        unit.label = "Z"
        db.session.flush()
        with unit_of_work(SYSTEM):
            pass


def test_sharing_is_asked_again_for_nights_added(kim: Account) -> None:
    """A longer stay in a shared room meets who comes later."""
    beds = make.make_beds(sharing=Sharing.ANY)
    one = make.make_household(by=kim)
    make.make_stay(beds[0], household=make.make_household(not_near=[one]), arrive_on=day("2026-03-14"))
    stay = make.make_stay(beds[1], household=one, leave_on=day("2026-03-14"), responsible=kim, state=P.IN_HOUSE)
    with pytest.raises(UnitJustTaken):
        departures.change_leave_on(stay_id=stay.id, leave_on=day("2026-03-16"), by=kim.principal)
