"""When next to nothing fits: what is proposed instead, each of which can really be held."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from shelter.domain.matching import AgeBand, Party, PetsAllowed, PetSize, Sex, Sharing, Species
from shelter.domain.nights import Nights
from shelter.domain.stays import PlacementState
from shelter.queries import find
from shelter.queries.near_fits import Near, Two, near
from shelter.queries.vacancies import Criteria
from shelter.services import placements
from shelter.services.placements import Segment
from tests import factories as make
from tests.conftest import Clock

WOMAN, CHILD = (Sex.FEMALE, AgeBand.ADULT), (Sex.OTHER, AgeBand.CHILD)
DOG, LARGE_DOG = (Species.DOG, PetSize.SMALL), (Species.DOG, PetSize.LARGE)
TONIGHT = date(2026, 3, 10)


@pytest.fixture(autouse=True)
def clock_stands_still(context: Flask, frozen_clock: Clock) -> Clock:
    return frozen_clock


def days(number: int) -> date:
    return TONIGHT + timedelta(days=number)


def nearest(*people: Any, nights: int | None = 10, **wishes: Any) -> Near | None:
    leave_on = days(nights) if nights else None
    return near(find.search(Criteria(arrive_on=TONIGHT, leave_on=leave_on, party=Party(people=people, **wishes))))


def segments(two: Two) -> list[tuple[int, Nights]]:
    return [(half.unit.unit_id, half.nights) for half in (two.first, two.second)]


def test_with_three_that_fit_nobody_is_shown_near_ones() -> None:
    site = make.make_site()
    for _ in range(3):
        make.make_unit(site=site)
    assert nearest(WOMAN) is None
    assert nearest(WOMAN, *[CHILD] * 4) is not None


def test_a_family_too_large_for_any_is_divided_over_two_of_one_site() -> None:
    site = make.make_site("Magnolia")
    small, large = make.make_unit(site=site, capacity=2), make.make_unit(site=site, capacity=3)
    make.make_unit(capacity=3)  # of another site
    proposed = nearest(WOMAN, WOMAN, CHILD, CHILD, CHILD)
    assert proposed is not None
    (pair,) = proposed.pairs
    assert {half.unit.unit_id: half.people for half in (pair.first, pair.second)} == {small.id: 2, large.id: 3}
    assert pair.first.unit.site_name == "Magnolia"
    hold(pair, Party(people=(WOMAN, WOMAN, CHILD, CHILD, CHILD)))


def hold(two: Two, party: Party) -> None:
    """What was proposed can be held as it is."""
    asked = [Segment(unit_id, nights) for unit_id, nights in segments(two)]
    assert placements.hold_units(segments=asked, party=party, by=make.make_user().principal)


def test_two_beds_of_one_room_are_two_units_together() -> None:
    make.make_beds(number=2, sharing=Sharing.WOMEN)
    proposed = nearest(WOMAN, CHILD)
    assert proposed is not None
    hold(proposed.pairs[0], Party(people=(WOMAN, CHILD)))


def test_a_gap_is_bridged_by_one_move() -> None:
    site = make.make_site()
    first, then = make.make_unit(site=site), make.make_unit(site=site)
    make.make_stay(first, arrive_on=days(4), leave_on=days(20))
    make.make_stay(then, arrive_on=days(-2), leave_on=days(4), state=PlacementState.IN_HOUSE)
    proposed = nearest(WOMAN)
    assert proposed is not None
    (bridge,) = proposed.bridges
    assert segments(bridge) == [(first.id, Nights(TONIGHT, days(4))), (then.id, Nights(days(4), days(10)))]
    hold(bridge, Party(people=(WOMAN,)))


def test_nobody_is_moved_into_a_room_whose_people_are_overdue() -> None:
    site = make.make_site()
    first, then = make.make_unit(site=site), make.make_unit(site=site)
    make.make_stay(first, arrive_on=days(4), leave_on=days(20))
    make.make_stay(then, arrive_on=days(-9), leave_on=days(-1), state=PlacementState.IN_HOUSE)
    proposed = nearest(WOMAN)
    assert proposed is not None
    assert proposed.bridges == []
    assert proposed.later is None or proposed.later.offer.unit.unit_id == first.id


def test_the_first_later_night_is_the_first_gap_that_is_long_enough() -> None:
    unit = make.make_unit()
    make.make_stay(unit, arrive_on=TONIGHT, leave_on=days(3))
    make.make_stay(unit, arrive_on=days(5), leave_on=days(9))
    for nights, first in ((2, 3), (3, 9)):
        proposed = nearest(WOMAN, nights=nights)
        assert proposed is not None
        assert proposed.later is not None
        assert proposed.later.arrive_on == days(first)
        assert proposed.later.offer.leave_on == days(first + nights)


def test_a_later_night_is_looked_for_under_the_limit_of_then() -> None:
    unit = make.make_unit(site=make.make_site(days=30))
    make.make_stay(unit, arrive_on=TONIGHT, leave_on=days(3))
    proposed = nearest(WOMAN, nights=None)
    assert proposed is not None
    assert proposed.later is not None
    assert (proposed.later.arrive_on, proposed.later.offer.leave_on) == (days(3), days(33))


def test_nobody_is_told_to_wait_for_months() -> None:
    unit = make.make_unit()
    make.make_closure(unit, from_on=TONIGHT, until_on=days(180))
    proposed = nearest(WOMAN)
    assert proposed is not None
    assert not proposed


def test_without_the_pets_it_might_fit() -> None:
    unit = make.make_unit(pets_allowed=PetsAllowed.SMALL)
    fits_anyway = make.make_unit(pets_allowed=PetsAllowed.ANY)
    proposed = nearest(WOMAN, pets=(LARGE_DOG,))
    assert proposed is not None
    assert [offer.unit.unit_id for offer in proposed.boarded] == [unit.id]
    assert fits_anyway.id not in [offer.unit.unit_id for offer in proposed.boarded]
    without = nearest(WOMAN)
    assert without is not None
    assert without.boarded == []


def test_what_safety_forbids_is_in_no_proposal() -> None:
    site, other = make.make_site(district="11680"), make.make_household()
    first, then = make.make_unit(site=site, capacity=2), make.make_unit(site=site, capacity=2)
    make.make_stay(make.make_unit(site=site), household=other, arrive_on=days(-1), leave_on=days(30))
    make.make_stay(then, arrive_on=TONIGHT, leave_on=days(2))
    make.make_stay(first, arrive_on=days(3), leave_on=days(5))
    for wishes in ({"excluded_districts": frozenset({"11680"})}, {"must_not_meet": frozenset({other.id})}):
        proposed = nearest(WOMAN, pets=(DOG,), **wishes)
        assert proposed is not None
        assert (proposed.pairs, proposed.bridges, proposed.boarded) == ([], [], [])
        if proposed.later:
            assert proposed.later.arrive_on >= days(30)
