"""Holding, renewing, confirming and releasing a place."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from shelter import clock
from shelter.domain import references
from shelter.domain.errors import KeyReused, NotFound, NotPermitted, UnitJustTaken
from shelter.domain.limits import LeaveAfterLimit
from shelter.domain.matching import AgeBand, Party, PetsAllowed, PetSize, Reason, Sex, Sharing, Species
from shelter.domain.nights import Nights
from shelter.domain.permissions import Role
from shelter.domain.placing import AlreadyPlaced, HoldRanOut, NightHasPassed, NothingHeld, TooManyUnits, UnitFitsNoMore
from shelter.domain.stays import CancelReason, HoldAlreadyRenewed, PlacementState, StayState
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.models.households import ExclusionKind, Household, SafetyExclusion
from shelter.models.messages import Message
from shelter.models.sites import Site, Unit
from shelter.models.stays import Placement, Stay, StayEvent, UnitNight
from shelter.services import placements
from shelter.services.placements import Segment
from shelter.services.unit_of_work import Once
from tests import factories as make
from tests.conftest import Clock
from tests.support.people import Account

WOMAN, MAN = (Sex.FEMALE, AgeBand.ADULT), (Sex.MALE, AgeBand.ADULT)
CHILD, INFANT = (Sex.OTHER, AgeBand.CHILD), (Sex.OTHER, AgeBand.INFANT)
SMALL_DOG = (Species.DOG, PetSize.SMALL)
SHE = Party(people=(WOMAN,))


@pytest.fixture(autouse=True)
def clock_stands_still(frozen_clock: Clock) -> Clock:
    return frozen_clock


@pytest.fixture
def coordinator(context: Flask) -> Account:
    return make.make_user()


def tonight(nights: int = 7) -> Nights:
    first = clock.shelter_day()
    return Nights(first, first + timedelta(days=nights))


def hold(coordinator: Account, *units: Unit, party: Party = SHE, nights: Nights | None = None, **more: Any) -> Stay:
    segments = [Segment(unit.id, nights or tonight()) for unit in units]
    return stay_of(placements.hold_units(segments=segments, party=party, by=coordinator.principal, **more))


def stay_of(reference: str) -> Stay:
    household, number = references.split_stay_reference(reference)
    found = select(Stay).join(Household).where(Household.reference == household, Stay.number == number)
    return db.session.scalars(found).one()


def confirm(stay: Stay, coordinator: Account, **more: Any) -> None:
    expected = clock.now() + timedelta(hours=2)
    placements.confirm_stay(stay_id=stay.id, expected_at=expected, by=coordinator.principal, **more)


def nights_of(unit: Unit) -> list[date]:
    return list(db.session.scalars(select(UnitNight.night).where(UnitNight.unit_id == unit.id).order_by("night")))


def only_placement(stay: Stay) -> Placement:
    db.session.expire_all()
    (placement,) = stay.placements
    return placement


def events(stay: Stay) -> list[str]:
    return sorted(db.session.scalars(select(StayEvent.kind).where(StayEvent.stay_id == stay.id)))


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.chain, AuditEntry.seq)))


def households() -> int:
    return db.session.scalar(select(func.count()).select_from(Household)) or 0


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


def test_a_hold_is_renewed_once(coordinator: Account, frozen_clock: Clock) -> None:
    stay = hold(coordinator, make.make_unit())
    frozen_clock.forward(minutes=60)
    placements.renew_hold(stay_id=stay.id, by=coordinator.principal)
    assert only_placement(stay).held_until == clock.now() + timedelta(minutes=90)
    with pytest.raises(HoldAlreadyRenewed):
        placements.renew_hold(stay_id=stay.id, by=coordinator.principal)


def test_the_act_of_a_stranger_is_not_found(coordinator: Account) -> None:
    stay = hold(coordinator, make.make_unit())
    stranger = make.make_user()
    for act in (placements.renew_hold, placements.mark_on_the_way, placements.release_hold):
        with pytest.raises(NotFound):
            act(stay_id=stay.id, by=stranger.principal)
    with pytest.raises(NotFound):
        confirm(stay, stranger)


def test_a_hold_that_ran_out_gives_its_nights_to_whoever_needs_them(coordinator: Account, frozen_clock: Clock) -> None:
    unit = make.make_unit()
    stay = hold(coordinator, unit)
    frozen_clock.forward(minutes=90)
    hold(coordinator, unit)
    assert only_placement(stay).state is PlacementState.EXPIRED
    assert events(stay) == ["held", "hold_expired"]
    with pytest.raises(UnitJustTaken):
        confirm(stay, coordinator)
    with pytest.raises(HoldRanOut):
        placements.renew_hold(stay_id=stay.id, by=coordinator.principal)


def test_one_minute_earlier_it_is_still_hers(coordinator: Account, frozen_clock: Clock) -> None:
    unit = make.make_unit()
    hold(coordinator, unit)
    frozen_clock.forward(minutes=89, seconds=59)
    assert placements.expire_holds() == 0
    with pytest.raises(UnitJustTaken):
        hold(coordinator, unit)


def test_a_hold_on_the_way_is_never_released_unasked(coordinator: Account, frozen_clock: Clock) -> None:
    unit = make.make_unit()
    stay = hold(coordinator, unit)
    placements.mark_on_the_way(stay_id=stay.id, by=coordinator.principal)
    frozen_clock.forward(hours=20)
    assert placements.expire_holds() == 0
    with pytest.raises(UnitJustTaken):
        hold(coordinator, unit, nights=Nights(date(2026, 3, 12), date(2026, 3, 13)))
    placements.release_hold(stay_id=stay.id, by=coordinator.principal)
    assert nights_of(unit) == []


def test_the_job_releases_and_cancels_a_day_later(coordinator: Account, frozen_clock: Clock) -> None:
    unit = make.make_unit()
    stay = hold(coordinator, unit)
    frozen_clock.forward(minutes=91)
    assert placements.expire_holds() == 1
    assert placements.expire_holds() == 0
    db.session.expire_all()
    assert (nights_of(unit), stay.state) == ([], StayState.OPEN)
    frozen_clock.forward(hours=25)
    assert placements.expire_holds() == 0
    db.session.expire_all()
    assert (stay.state, stay.cancel_reason) == (StayState.CANCELLED, CancelReason.HOLD_EXPIRED)


def test_an_expired_hold_is_confirmed_while_its_nights_are_free(coordinator: Account, frozen_clock: Clock) -> None:
    unit = make.make_unit()
    stay = hold(coordinator, unit)
    frozen_clock.forward(minutes=95)
    placements.expire_holds()
    confirm(stay, coordinator)
    assert only_placement(stay).state is PlacementState.BOOKED
    assert nights_of(unit) == list(tonight())


def test_confirming_books_and_leaves_a_row_that_says_why_no_text_goes(coordinator: Account) -> None:
    stay = hold(coordinator, make.make_unit())
    confirm(stay, coordinator)
    placement = only_placement(stay)
    assert (placement.state, placement.held_until) == (PlacementState.BOOKED, None)
    assert placement.expected_at == clock.now() + timedelta(hours=2)
    assert placement.confirmed_at == clock.now()
    assert events(stay) == ["confirmed", "held"]
    (message,) = db.session.scalars(select(Message)).all()
    assert message.suppression is not None
    with pytest.raises(NothingHeld):
        confirm(stay, coordinator)


def test_confirming_twice_with_one_key_is_one_booking(coordinator: Account) -> None:
    stay = hold(coordinator, make.make_unit())
    once = Once(key="c" * 20, fingerprint="a")
    confirm(stay, coordinator, once=once)
    confirm(stay, coordinator, once=once)
    assert events(stay) == ["confirmed", "held"]


def test_a_larger_household_is_confirmed_only_by_a_person_who_accepts_it(coordinator: Account) -> None:
    stay = hold(coordinator, make.make_unit(capacity=1))
    add_person(stay.household_id, AgeBand.CHILD)
    with pytest.raises(UnitFitsNoMore):
        confirm(stay, coordinator)
    confirm(stay, coordinator, accepts_misfit=True)
    assert only_placement(stay).state is PlacementState.BOOKED


def test_what_concerns_others_cannot_be_accepted(coordinator: Account) -> None:
    beds = make.make_beds(sharing=Sharing.ANY)
    hold(coordinator, beds[0])
    stay = hold(coordinator, beds[1])
    add_person(stay.household_id, AgeBand.CHILD)
    with pytest.raises(UnitFitsNoMore) as refused:
        confirm(stay, coordinator, accepts_misfit=True)
    assert refused.value.reason is Reason.SHARED_ROOM_CHILDREN


def add_person(household_id: UUID, age_band: AgeBand) -> None:
    from shelter.models.households import Person

    db.session.add(Person(household_id=household_id, position=2, sex=Sex.FEMALE, age_band=age_band, allergies=[]))
    db.session.commit()


def test_a_released_hold_leaves_no_night_and_no_stay(coordinator: Account) -> None:
    unit = make.make_unit()
    stay = hold(coordinator, unit)
    placements.release_hold(stay_id=stay.id, by=coordinator.principal)
    assert only_placement(stay).state is PlacementState.CANCELLED
    assert (stay.state, stay.cancel_reason) == (StayState.CANCELLED, CancelReason.HOLD_RELEASED)
    assert nights_of(unit) == []
    with pytest.raises(NothingHeld):
        placements.release_hold(stay_id=stay.id, by=coordinator.principal)


def test_releasing_a_further_unit_leaves_the_stay_alone(coordinator: Account) -> None:
    household = make.make_household(by=coordinator)
    stay = make.make_stay(household=household, state=PlacementState.IN_HOUSE, responsible=coordinator)
    extra = make.make_unit()
    placements.hold_units(segments=[Segment(extra.id, tonight())], stay=stay.id, by=coordinator.principal)
    placements.release_hold(stay_id=stay.id, by=coordinator.principal)
    db.session.expire_all()
    assert stay.state is StayState.IN_HOUSE
    assert [p.state for p in stay.placements] == [PlacementState.IN_HOUSE, PlacementState.CANCELLED]


def test_a_night_refused_leaves_nothing_half_written(coordinator: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when the second look sees nothing, the key of the ledger does."""
    unit = make.make_unit()
    make.make_stay(unit, arrive_on=tonight().last, leave_on=tonight().leave_on)
    monkeypatch.setattr("shelter.services.placements.parts_that_fit", lambda segments, party, now: [party])
    with pytest.raises(UnitJustTaken):
        hold(coordinator, unit)
    assert (households(), nights_of(unit)) == (1, [tonight().last])
