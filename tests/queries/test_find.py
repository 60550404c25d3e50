"""What a search finds: free, fitting, best first; and why the rest is not offered."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from shelter import clock
from shelter.domain.matching import (
    AgeBand,
    Audience,
    Merit,
    Party,
    PetsAllowed,
    PetSize,
    Reason,
    Sex,
    Sharing,
    Species,
)
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.sites import Site, Unit
from shelter.queries import find, parties
from shelter.queries.find import Found
from shelter.queries.vacancies import Criteria
from tests import factories as make
from tests.conftest import Clock
from tests.support.statements import count_statements

WOMAN, MAN = (Sex.FEMALE, AgeBand.ADULT), (Sex.MALE, AgeBand.ADULT)
CHILD, BOY = (Sex.OTHER, AgeBand.CHILD), (Sex.MALE, AgeBand.OLDER_BOY)
DOG = (Species.DOG, PetSize.SMALL)
TONIGHT = date(2026, 3, 10)


@pytest.fixture(autouse=True)
def clock_stands_still(context: Flask, frozen_clock: Clock) -> Clock:
    return frozen_clock


def search(*people: Any, nights: int | None = 7, arrive_on: date = TONIGHT, page: int = 1, **wishes: Any) -> Found:
    leave_on = arrive_on + timedelta(days=nights) if nights else None
    party = Party(people=people or (WOMAN,), **wishes)
    return find.search(Criteria(arrive_on=arrive_on, leave_on=leave_on, party=party), page=page)


def found(result: Found) -> list[int]:
    return [offer.unit.unit_id for offer in result.offers]


def days(number: int) -> date:
    return TONIGHT + timedelta(days=number)


def test_a_free_unit_is_offered_by_its_code_name_and_label() -> None:
    site = make.make_site("Magnolia")
    unit = make.make_unit(make.make_room(site, "201", floor="2"), "A", capacity=1)
    (offer,) = search().offers
    assert (offer.unit.unit_id, offer.unit.site_name, offer.unit.unit_label) == (unit.id, "Magnolia", "201-A")
    assert (offer.floor, offer.leave_on, offer.wasted) == ("2", days(7), 0)
    assert Merit.EXACT in offer.merits


@pytest.mark.parametrize(
    ("arrive", "leave", "is_free"), [(-3, 0, True), (7, 9, True), (0, 1, False), (6, 9, False), (3, 4, False)]
)
def test_a_unit_is_free_when_no_night_is_taken(arrive: int, leave: int, is_free: bool) -> None:
    unit = make.make_unit()
    make.make_stay(unit, arrive_on=days(arrive), leave_on=days(leave), state=PlacementState.BOOKED)
    result = search()
    assert found(result) == ([unit.id] if is_free else [])
    assert result.counts == ({} if is_free else {Reason.TAKEN: 1})


def test_a_closed_unit_is_counted_as_closed() -> None:
    unit = make.make_unit()
    make.make_closure(unit, from_on=days(6), until_on=days(60))
    assert search().counts == {Reason.CLOSED: 1}
    assert found(search(nights=6)) == [unit.id]


def test_a_unit_out_of_service_is_not_offered_and_one_that_is_gone_is_not_even_counted() -> None:
    make.make_unit(in_service_from=days(1))
    make.make_unit(in_service_until=days(6))
    make.make_unit(in_service_until=TONIGHT)
    until = make.make_unit(in_service_until=days(7))
    result = search()
    assert found(result) == [until.id]
    assert result.counts == {Reason.NOT_IN_SERVICE: 2}


def test_a_paused_site_is_not_offered() -> None:
    unit = make.make_unit()
    db.session.get_one(Site, unit.site_id).is_paused = True
    db.session.commit()
    assert search().counts == {Reason.SITE_PAUSED: 1}


def test_whoever_stays_past_the_plan_is_never_offered_away(frozen_clock: Clock) -> None:
    unit = make.make_unit()
    make.make_stay(unit, arrive_on=days(-5), leave_on=TONIGHT, state=PlacementState.IN_HOUSE)
    frozen_clock.set("2026-03-10 09:00")
    assert search().counts == {Reason.OVERDUE: 1}
    assert found(search(arrive_on=days(1))) == [unit.id]  # they leave today at noon
    frozen_clock.set("2026-03-10 12:00")
    assert search(arrive_on=days(1)).counts == {Reason.OVERDUE: 1}
    assert search(arrive_on=days(40)).counts == {Reason.OVERDUE: 1}


def test_a_hold_that_ran_out_is_nobodys_and_one_on_the_way_is(frozen_clock: Clock) -> None:
    unit = make.make_unit()
    stay = make.make_stay(unit, state=PlacementState.HELD)
    assert search().counts == {Reason.TAKEN: 1}
    frozen_clock.forward(minutes=90)
    assert found(search()) == [unit.id]
    stay.placements[0].is_on_the_way = True
    db.session.commit()
    assert search().counts == {Reason.TAKEN: 1}


def test_the_limit_of_each_site_is_its_own() -> None:
    half_year, month = make.make_unit(site=make.make_site("A")), make.make_unit(site=make.make_site("B", days=30))
    make.make_stay(month, arrive_on=days(60), leave_on=days(61))
    result = search(nights=None)
    assert {o.unit.unit_id: (o.leave_on, o.is_limit) for o in result.offers} == {
        half_year.id: (date(2026, 9, 10), True),
        month.id: (days(30), True),
    }
    shorter = {o.unit.unit_id: (o.leave_on, o.is_limit) for o in search(nights=60).offers}
    assert shorter == {half_year.id: (days(60), False), month.id: (days(30), True)}


def test_fewest_wasted_places_first_and_special_rooms_kept() -> None:
    site = make.make_site()
    large = make.make_unit(site=site, capacity=4)
    pets = make.make_unit(site=site, capacity=2, pets_allowed=PetsAllowed.ANY)
    step_free = make.make_unit(site=site, capacity=2, is_step_free=True)
    plain = make.make_unit(site=site, capacity=2)
    hotel = make.make_unit(site=make.make_site(is_overflow=True), capacity=2)
    order = found(search(WOMAN, CHILD))
    assert order[0] == plain.id
    assert set(order[1:3]) == {pets.id, step_free.id}
    assert order[3:] == [large.id, hotel.id]
    assert found(search(WOMAN, CHILD, pets=(DOG,)))[0] == pets.id
    assert found(search(WOMAN, CHILD, needs_step_free=True)) == [step_free.id]


@pytest.mark.parametrize(
    ("people", "wishes", "unit", "reason"),
    [
        ((WOMAN, CHILD), {}, {"capacity": 1}, Reason.TOO_SMALL),
        ((MAN,), {}, {"audience": Audience.WOMEN}, Reason.AUDIENCE),
        ((WOMAN, BOY), {}, {"accepts_older_boys": False}, Reason.OLDER_BOY),
        ((WOMAN,), {"needs_step_free": True}, {}, Reason.NOT_STEP_FREE),
        ((WOMAN,), {"needs_cot": True}, {}, Reason.NO_COT),
        ((WOMAN,), {"pets": (DOG,)}, {}, Reason.PETS_NOT_ALLOWED),
        ((WOMAN,), {"pets": (DOG, DOG)}, {"pets_allowed": PetsAllowed.ANY, "max_pets": 1}, Reason.TOO_MANY_PETS),
    ],
)
def test_every_other_unit_is_counted_by_its_first_reason(
    people: Any, wishes: dict[str, Any], unit: dict[str, Any], reason: Reason
) -> None:
    made = make.make_unit(**unit)
    result = search(*people, **wishes)
    assert result.counts == {reason: 1}
    criteria = Criteria(arrive_on=TONIGHT, leave_on=days(7), party=Party(people=people, **wishes))
    assert [u.unit_id for u in find.kept_out(criteria, reason).units] == [made.id]


def test_a_shared_room_is_judged_with_everybody_in_it() -> None:
    beds = make.make_beds(number=3, sharing=Sharing.WOMEN, pets_allowed=PetsAllowed.SMALL)
    mother = make.make_household(children=1, pets=[(Species.CAT, PetSize.SMALL)])
    make.make_stay(beds[0], household=mother)
    assert found(search()) == [beds[1].id, beds[2].id]
    assert Merit.SHARED_ROOM in search().offers[0].merits
    assert search(allergies=frozenset({Species.CAT})).counts == {Reason.TAKEN: 1, Reason.ALLERGY: 2}
    assert search(MAN).counts == {Reason.TAKEN: 1, Reason.SHARING_WOMEN: 2}


def test_whoever_is_still_there_is_in_the_room_too() -> None:
    late, free = make.make_beds(sharing=Sharing.ANY)
    make.make_stay(
        late,
        household=make.make_household(women=0, children=1),
        arrive_on=days(-9),
        leave_on=days(-2),
        state=PlacementState.IN_HOUSE,
    )
    assert search().counts == {Reason.OVERDUE: 1, Reason.SHARED_ROOM_CHILDREN: 1}
    assert free.id not in found(search())


def test_a_room_of_one_household_is_not_shared_by_beds() -> None:
    room = make.make_room(sharing=Sharing.HOUSEHOLD)
    first, second = make.make_unit(room, "A", capacity=1), make.make_unit(room, "B", capacity=1)
    assert found(search()) == [first.id, second.id]
    make.make_stay(first)
    assert search().counts == {Reason.TAKEN: 1, Reason.ROOM_OF_ANOTHER_HOUSEHOLD: 1}


def test_places_withheld_for_safety_are_those_that_would_fit() -> None:
    here, there = make.make_site("A", district="11680"), make.make_site("B", district="11110")
    fits, small = make.make_unit(site=here, capacity=2), make.make_unit(site=here, capacity=1)
    other = make.make_unit(site=there, capacity=2)
    result = search(WOMAN, CHILD, excluded_districts=frozenset({"11680"}))
    assert found(result) == [other.id]
    assert result.counts == {Reason.TOO_SMALL: 1, Reason.WITHHELD_FOR_SAFETY: 1}
    assert all(offer.unit.district is None for offer in result.offers)
    assert found(search(WOMAN, CHILD, excluded_sites=frozenset({there.id}))) == [fits.id]
    assert small.id not in found(result)


def test_two_that_must_not_meet_are_kept_from_one_site() -> None:
    site = make.make_site()
    taken, free = make.make_unit(site=site), make.make_unit(site=site)
    elsewhere = make.make_unit()
    stay = make.make_stay(taken, arrive_on=days(5), leave_on=days(9))
    result = search(must_not_meet=frozenset({stay.household_id}))
    assert found(result) == [elsewhere.id]
    assert result.counts == {Reason.TAKEN: 1, Reason.MUST_NOT_MEET: 1}
    assert free.id in found(search(nights=5, must_not_meet=frozenset({stay.household_id})))


def test_a_household_is_known_with_the_exclusions_of_both_sides() -> None:
    site = make.make_site()
    other = make.make_household()
    she = make.make_household(children=1, not_in=["11680"], not_at=[site], not_near=[other], needs_cot=True)
    party = parties.party_of(she.id)
    assert party.people == (WOMAN, (Sex.FEMALE, AgeBand.CHILD))
    assert (party.excluded_districts, party.excluded_sites) == (frozenset({"11680"}), frozenset({site.id}))
    assert party.must_not_meet == frozenset({other.id})
    assert party.needs_cot
    assert parties.party_of(other.id).must_not_meet == frozenset({she.id})
    assert parties.party_of(other.id).excluded_sites == frozenset()


def test_pages_of_twenty_follow_each_other() -> None:
    site = make.make_site()
    units = [make.make_unit(site=site).id for _ in range(45)]
    pages = [search(page=n) for n in (1, 2, 3, 4)]
    assert [len(found(p)) for p in pages] == [20, 20, 5, 0]
    assert [unit for p in pages for unit in found(p)] == units
    assert {p.total for p in pages} == {45}


def test_reasons_add_up_to_all_units() -> None:
    site = make.make_site(district="11680")
    units = [make.make_unit(site=site, capacity=1 + n % 3) for n in range(9)]
    make.make_stay(units[0])
    make.make_stay(units[1], arrive_on=days(-9), leave_on=days(-1), state=PlacementState.IN_HOUSE)
    make.make_closure(units[2], from_on=TONIGHT, until_on=days(3))
    for people in ((WOMAN,), (WOMAN, CHILD), (WOMAN, CHILD, CHILD)):
        for districts in (frozenset(), frozenset({"11680"})):
            result = search(*people, excluded_districts=districts)
            assert result.total + sum(result.counts.values()) == 9
            for reason, count in result.counts.items():
                criteria = Criteria(
                    arrive_on=TONIGHT, leave_on=days(7), party=Party(people=people, excluded_districts=districts)
                )
                assert find.kept_out(criteria, reason).total == count, reason


@pytest.mark.only("sqlite")
def test_the_number_of_statements_does_not_grow_with_the_units() -> None:
    def asked() -> int:
        with count_statements() as counted:
            search(allergies=frozenset({Species.DOG}))
        return counted.total

    make.make_stay(make.make_beds()[0])
    few = asked()
    for _ in range(10):
        make.make_stay(make.make_beds()[0])
    assert asked() == few
    assert few <= 7


def test_search_agrees_with_asking_unit_by_unit() -> None:
    """The short cut for units that are alike gives what `look` gives for each."""
    sites = [make.make_site(district=code) for code in ("11680", "11110")]
    for n in range(24):
        if n % 4 == 0:
            beds = make.make_beds(sites[n % 2], 2, sharing=(Sharing.WOMEN, Sharing.ANY, Sharing.MEN)[n // 4 % 3])
            make.make_stay(beds[0], household=make.make_household(women=1, children=n % 3))
        else:
            unit = make.make_unit(
                site=sites[n % 2],
                capacity=1 + n % 4,
                pets_allowed=list(PetsAllowed)[n % 3],
                is_step_free=n % 5 == 0,
                has_cot=n % 2 == 0,
                audience=list(Audience)[n % 4],
                accepts_older_boys=n % 3 != 0,
            )
            if n % 7 == 0:
                make.make_stay(unit, arrive_on=days(n % 5), leave_on=days(8))
    everybody = list(db.session.scalars(select(Unit.id)))
    for party in (
        Party(people=(WOMAN,)),
        Party(people=(WOMAN, CHILD), pets=(DOG,)),
        Party(people=(MAN,)),
        Party(people=(WOMAN, BOY), excluded_districts=frozenset({"11680"})),
        Party(people=(WOMAN,), allergies=frozenset({Species.CAT}), needs_step_free=True),
    ):
        criteria = Criteria(arrive_on=TONIGHT, leave_on=days(7), party=party)
        result = find.search(criteria)
        fitting = set(found(result))
        for unit_id in everybody:
            look = find.look(unit_id, find.Nights(TONIGHT, days(7)), party, now=clock.now())
            assert look.verdict(party).fits == (unit_id in fitting), unit_id
