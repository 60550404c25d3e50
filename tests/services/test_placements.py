"""Holding a place: for whom, where, until when, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from shelter import clock
from shelter.domain.errors import KeyReused, NotFound, NotPermitted, UnitJustTaken
from shelter.domain.limits import LeaveAfterLimit
from shelter.domain.matching import AgeBand, Party, PetsAllowed, PetSize, Reason, Sex, Sharing, Species
from shelter.domain.nights import Nights
from shelter.domain.permissions import Role
from shelter.domain.placing import AlreadyPlaced, NightHasPassed, TooManyUnits, UnitFitsNoMore
from shelter.domain.stays import PlacementState, StayState
from shelter.extensions import db
from shelter.models.households import ExclusionKind, SafetyExclusion
from shelter.models.sites import Site
from shelter.models.stays import UnitNight
from shelter.services import placements
from shelter.services.placements import Segment
from shelter.services.unit_of_work import Once
from tests import factories as make
from tests.conftest import Clock
from tests.support.people import Account
from tests.support.placing import (
    CHILD,
    INFANT,
    SHE,
    SMALL_DOG,
    WOMAN,
    actions,
    events,
    hold,
    households,
    nights_of,
    only_placement,
    stay_of,
    tonight,
)


@pytest.fixture(autouse=True)
def clock_stands_still(frozen_clock: Clock) -> Clock:
    return frozen_clock


@pytest.fixture
def coordinator(context: Flask) -> Account:
    return make.make_user()


def test_a_hold_is_a_household_a_stay_a_placement_and_its_nights(coordinator: Account) -> None:
    unit = make.make_unit(pets_allowed=PetsAllowed.SMALL)
    party = Party(people=(WOMAN, CHILD, INFANT), pets=(SMALL_DOG,), needs_cot=False, allergies=frozenset({Species.CAT}))
    stay = hold(coordinator, unit, party=party)
    placement = only_placement(stay)
    assert (stay.state, stay.number, stay.responsible_id) == (StayState.OPEN, 1, coordinator.id)
    assert (stay.arrive_on, stay.limit_on) == (date(2026, 3, 10), date(2026, 9, 10))
    assert (placement.state, placement.people) == (PlacementState.HELD, 3)
    assert placement.held_until == clock.now() + timedelta(minutes=90)
    assert nights_of(unit) == list(tonight())
    assert set(db.session.scalars(select(UnitNight.people))) == {3}
    household = stay.household
    assert [(p.sex, p.age_band) for p in household.people] == [WOMAN, CHILD, INFANT]
    assert household.people[0].allergies == ["cat"]
    assert [(p.species, p.size) for p in household.pets] == [SMALL_DOG]
    assert {member.person_id for member in placement.members} == {person.id for person in household.people}
    assert events(stay) == ["held"]
    assert actions() == ["stay.held"]


def test_what_she_must_be_kept_from_is_kept_with_her(coordinator: Account) -> None:
    unit, elsewhere, other = make.make_unit(), make.make_site(), make.make_household()
    party = Party(
        people=(WOMAN,),
        excluded_districts=frozenset({"11680"}),
        excluded_sites=frozenset({elsewhere.id}),
        must_not_meet=frozenset({other.id}),
    )
    household = hold(coordinator, unit, party=party).household
    kept = {row.kind: row for row in household.exclusions}
    assert kept[ExclusionKind.DISTRICT].district == "11680"
    assert kept[ExclusionKind.SITE].site_id == elsewhere.id
    assert kept[ExclusionKind.HOUSEHOLD].other_household_id == other.id
    assert b"11680" not in (db.session.scalar(select(SafetyExclusion.district_sealed)) or b"")
    assert actions() == ["exclusions.changed", "stay.held"]


def test_a_second_household_is_told_that_the_room_was_just_taken(coordinator: Account) -> None:
    unit = make.make_unit()
    hold(coordinator, unit)
    for nights in (tonight(), tonight(30), Nights(tonight().last, tonight().leave_on)):
        with pytest.raises(UnitJustTaken):
            hold(coordinator, unit, nights=nights)
    assert households() == 1


def test_touching_nights_do_not_collide(coordinator: Account) -> None:
    unit = make.make_unit()
    hold(coordinator, unit)
    hold(coordinator, unit, nights=Nights(tonight().leave_on, tonight(9).leave_on))
    assert len(nights_of(unit)) == 9


def test_a_replay_is_the_same_hold_and_another_body_is_refused(coordinator: Account) -> None:
    unit, second = make.make_unit(), make.make_unit()
    once = Once(key="k" * 20, fingerprint="a")
    first = hold(coordinator, unit, once=once)
    assert hold(coordinator, unit, once=once).id == first.id
    with pytest.raises(KeyReused):
        hold(coordinator, second, once=Once(key="k" * 20, fingerprint="b"))
    assert households() == 1


@pytest.mark.parametrize("change", ["paused", "gone", "later", "closed"])
def test_a_unit_that_is_no_longer_offered_counts_as_taken(coordinator: Account, change: str) -> None:
    unit = make.make_unit()
    match change:
        case "paused":
            db.session.get_one(Site, unit.site_id).is_paused = True
        case "gone":
            unit.in_service_until = tonight().last
        case "later":
            unit.in_service_from = tonight().last
        case "closed":
            make.make_closure(unit, from_on=tonight().last, until_on=tonight().leave_on)
    db.session.commit()
    with pytest.raises(UnitJustTaken):
        hold(coordinator, unit)
    assert households() == 0


def test_a_unit_nobody_knows_is_not_found(coordinator: Account) -> None:
    with pytest.raises(NotFound):
        placements.hold_units(segments=[Segment(999_999, tonight())], party=SHE, by=coordinator.principal)


def test_the_rules_are_asked_again_under_the_lock(coordinator: Account) -> None:
    unit = make.make_unit(capacity=1)
    with pytest.raises(UnitFitsNoMore) as refused:
        hold(coordinator, unit, party=Party(people=(WOMAN, CHILD)))
    assert refused.value.reason is Reason.TOO_SMALL


def test_a_shared_room_is_judged_with_those_who_are_in_it(coordinator: Account) -> None:
    mine, theirs = make.make_beds(sharing=Sharing.ANY)
    hold(coordinator, theirs, party=Party(people=(WOMAN,), pets=(), allergies=frozenset()))
    hold(coordinator, mine)
    db.session.expire_all()
    other, bed = make.make_beds(sharing=Sharing.ANY)
    hold(coordinator, other)
    with pytest.raises(UnitFitsNoMore) as refused:
        hold(coordinator, bed, party=Party(people=((Sex.FEMALE, AgeBand.CHILD),)))
    assert refused.value.reason is Reason.SHARED_ROOM_CHILDREN


def test_an_allergy_in_the_room_is_found_on_either_side(coordinator: Account) -> None:
    beds = make.make_beds(number=3, pets_allowed=PetsAllowed.SMALL)
    hold(coordinator, beds[0], party=Party(people=(WOMAN,), pets=(SMALL_DOG,)))
    with pytest.raises(UnitFitsNoMore):
        hold(coordinator, beds[1], party=Party(people=(WOMAN,), allergies=frozenset({Species.DOG})))
    hold(coordinator, beds[1], party=Party(people=(WOMAN,), allergies=frozenset({Species.CAT})))
    with pytest.raises(UnitFitsNoMore):
        hold(coordinator, beds[2], party=Party(people=(WOMAN,), pets=((Species.CAT, PetSize.SMALL),)))


def test_two_that_must_not_meet_do_not_share_a_site_and_are_not_told_why(coordinator: Account) -> None:
    site = make.make_site()
    here, there = make.make_unit(site=site), make.make_unit(site=site)
    first = hold(coordinator, here)
    with pytest.raises(UnitJustTaken):
        hold(coordinator, there, party=Party(people=(WOMAN,), must_not_meet=frozenset({first.household_id})))
    hold(coordinator, make.make_unit(), party=Party(people=(WOMAN,), must_not_meet=frozenset({first.household_id})))


def test_the_exclusion_of_the_other_side_counts_too(coordinator: Account) -> None:
    site = make.make_site()
    here, there = make.make_unit(site=site), make.make_unit(site=site)
    she = make.make_household(by=coordinator)
    first = hold(coordinator, here, party=Party(people=(WOMAN,), must_not_meet=frozenset({she.id})))
    assert first.household_id != she.id
    with pytest.raises(UnitJustTaken):
        placements.hold_units(segments=[Segment(there.id, tonight())], household=she.id, by=coordinator.principal)


def test_an_excluded_district_is_never_hers(coordinator: Account) -> None:
    unit = make.make_unit(site=make.make_site(district="11680"))
    with pytest.raises(UnitJustTaken):
        hold(coordinator, unit, party=Party(people=(WOMAN,), excluded_districts=frozenset({"11680"})))
    hold(coordinator, unit, party=Party(people=(WOMAN,), excluded_districts=frozenset({"11110"})))


def test_whoever_has_not_left_keeps_the_room(coordinator: Account) -> None:
    unit, first = make.make_unit(), clock.shelter_day()
    make.make_stay(unit, arrive_on=first - timedelta(days=5), leave_on=first, state=PlacementState.IN_HOUSE)
    with pytest.raises(UnitJustTaken):
        hold(coordinator, unit)
    with pytest.raises(UnitJustTaken):
        hold(coordinator, unit, nights=Nights(first + timedelta(days=1), first + timedelta(days=3)))


def test_nobody_is_placed_beyond_the_limit_or_in_a_night_that_is_over(coordinator: Account) -> None:
    unit, first = make.make_unit(site=make.make_site(days=30)), clock.shelter_day()
    with pytest.raises(LeaveAfterLimit):
        hold(coordinator, unit, nights=tonight(31))
    with pytest.raises(NightHasPassed):
        hold(coordinator, unit, nights=Nights(first - timedelta(days=1), first))
    assert hold(coordinator, unit, nights=tonight(30)).limit_on == first + timedelta(days=30)


def test_at_two_in_the_morning_tonight_is_the_night_that_began_yesterday(
    coordinator: Account, frozen_clock: Clock
) -> None:
    frozen_clock.set("2026-03-11 02:10")
    unit = make.make_unit()
    hold(coordinator, unit, nights=Nights(date(2026, 3, 10), date(2026, 3, 12)))
    assert nights_of(unit) == [date(2026, 3, 10), date(2026, 3, 11)]


def test_only_who_may_place_may_hold(context: Flask) -> None:
    unit, manager = make.make_unit(), make.make_user(Role.MANAGER)
    with pytest.raises(NotPermitted):
        hold(manager, unit)


def test_two_units_are_one_hold_and_each_person_sleeps_in_one_of_them(coordinator: Account) -> None:
    site = make.make_site()
    small, large = make.make_unit(site=site, capacity=2), make.make_unit(site=site, capacity=3)
    stay = hold(coordinator, small, large, party=Party(people=(WOMAN, WOMAN, CHILD, CHILD, CHILD)))
    by_unit = {p.unit_id: p for p in stay.placements}
    assert {unit: p.people for unit, p in by_unit.items()} == {small.id: 2, large.id: 3}
    members = [member.person_id for p in stay.placements for member in p.members]
    assert sorted(members) == sorted(person.id for person in stay.household.people)
    adults = {person.id for person in stay.household.people if person.age_band is AgeBand.ADULT}
    assert all(adults & {member.person_id for member in p.members} for p in stay.placements)


def test_two_units_are_held_both_or_not_at_all(coordinator: Account) -> None:
    site = make.make_site()
    one, other = make.make_unit(site=site, capacity=2), make.make_unit(site=site, capacity=2)
    hold(coordinator, other)
    with pytest.raises(UnitJustTaken):
        hold(coordinator, one, other, party=Party(people=(WOMAN, WOMAN, CHILD, CHILD)))
    assert nights_of(one) == []


def test_three_units_at_once_are_divided_by_a_person(coordinator: Account) -> None:
    site = make.make_site()
    units = [make.make_unit(site=site, capacity=2) for _ in range(3)]
    with pytest.raises(TooManyUnits):
        hold(coordinator, *units, party=Party(people=(WOMAN,) * 5))


def test_a_transfer_that_bridges_is_one_stay_in_two_rooms(coordinator: Account) -> None:
    first, then = make.make_unit(), make.make_unit()
    begin, move_on, end = (clock.shelter_day() + timedelta(days=n) for n in (0, 3, 7))
    segments = [Segment(then.id, Nights(move_on, end)), Segment(first.id, Nights(begin, move_on))]
    stay = stay_of(placements.hold_units(segments=segments, party=SHE, by=coordinator.principal))
    assert [(p.unit_id, p.arrive_on, p.leave_on) for p in stay.placements] == [
        (first.id, begin, move_on),
        (then.id, move_on, end),
    ]
    assert [len(p.members) for p in stay.placements] == [1, 1]
    assert stay.arrive_on == begin


def test_a_household_that_was_here_before_gets_its_next_stay(coordinator: Account) -> None:
    household = make.make_household(by=coordinator, children=1)
    make.make_stay(household=household, state=PlacementState.ENDED)
    reference = placements.hold_units(
        segments=[Segment(make.make_unit().id, tonight())], household=household.id, by=coordinator.principal
    )
    assert reference == f"{household.reference}-2"
    assert only_placement(stay_of(reference)).people == 2


def test_a_household_has_one_running_stay(coordinator: Account) -> None:
    household = make.make_household(by=coordinator)
    make.make_stay(household=household)
    with pytest.raises(AlreadyPlaced) as refused:
        placements.hold_units(
            segments=[Segment(make.make_unit().id, tonight())], household=household.id, by=coordinator.principal
        )
    assert refused.value.reference == f"{household.reference}-1"


@pytest.mark.parametrize("is_on_the_way", [False, True])
def test_a_hold_they_let_run_out_is_in_nobodys_way_before_the_job_has_said_so(
    coordinator: Account, frozen_clock: Clock, is_on_the_way: bool
) -> None:
    first, other = make.make_unit(), make.make_unit()  # of two sites
    stay = hold(coordinator, first)
    household, reference = stay.household_id, f"{stay.household.reference}-2"
    if is_on_the_way:
        placements.mark_on_the_way(stay_id=stay.id, by=coordinator.principal)
    frozen_clock.forward(minutes=90)
    again = {"segments": [Segment(other.id, tonight())], "household": household, "by": coordinator.principal}
    if is_on_the_way:
        with pytest.raises(AlreadyPlaced):
            placements.hold_units(**again)
        return
    assert placements.hold_units(**again) == reference
    assert (only_placement(stay).state, stay.state) == (PlacementState.EXPIRED, StayState.CANCELLED)
    assert nights_of(first) == []


def test_a_household_somebody_else_knows_is_not_found(coordinator: Account) -> None:
    household = make.make_household(by=make.make_user())
    with pytest.raises(NotFound):
        placements.hold_units(
            segments=[Segment(make.make_unit().id, tonight())], household=household.id, by=coordinator.principal
        )


def test_a_further_unit_joins_a_running_stay_under_its_limit(coordinator: Account) -> None:
    household = make.make_household(by=coordinator)
    stay = make.make_stay(household=household, state=PlacementState.IN_HOUSE, responsible=coordinator)
    segment = Segment(make.make_unit().id, Nights(stay.limit_on - timedelta(days=2), stay.limit_on))
    reference = placements.hold_units(segments=[segment], stay=stay.id, by=coordinator.principal)
    assert reference == f"{household.reference}-1"
    assert [p.state for p in stay_of(reference).placements] == [PlacementState.IN_HOUSE, PlacementState.HELD]
    late = Segment(make.make_unit().id, Nights(stay.limit_on, stay.limit_on + timedelta(days=1)))
    with pytest.raises(LeaveAfterLimit):
        placements.hold_units(segments=[late], stay=stay.id, by=coordinator.principal)
