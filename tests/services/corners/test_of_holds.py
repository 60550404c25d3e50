"""Where two rules meet between a hold and its confirmation: each corner that was once, or could be, wrong."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from shelter.domain.contacts import TextChoice
from shelter.domain.errors import UnitJustTaken
from shelter.domain.intake import ExclusionsTold, PersonTold, PetTold
from shelter.domain.matching import AgeBand, Party, PetsAllowed, PetSize, Reason, Sex, Species
from shelter.domain.permissions import SYSTEM
from shelter.domain.placing import NightHasPassed, NothingHeld, UnitFitsNoMore
from shelter.domain.stays import PlacementState, StayState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.messages import Message
from shelter.models.sites import Unit
from shelter.models.stays import Placement, UnitNight
from shelter.services import arrivals, placements, transfers, units
from shelter.services.sites import set_paused
from tests import factories as make
from tests.conftest import Clock
from tests.services.corners.acts import check_out, close, confirm, hold, save, states, told, two_of
from tests.support.nights import day, nights, run
from tests.support.people import Account
from tests.support.placing import SHE

P = PlacementState
CHILD = PersonTold(sex=Sex.FEMALE, age_band=AgeBand.CHILD)
DOG = PetTold(species=Species.DOG, size=PetSize.SMALL)


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
