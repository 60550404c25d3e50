"""The night sheet says what is so tonight: who is in the house, who comes, what is free as Find sees it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from shelter import clock
from shelter.domain.matching import PetSize, Species
from shelter.domain.permissions import Role
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.people import User
from shelter.models.sites import Site
from shelter.models.stays import Stay
from shelter.queries import find
from shelter.queries.find import Criteria
from shelter.queries.tonight import SiteSheet, tonight
from tests.conftest import Clock
from tests.factories import (
    make_closure,
    make_household,
    make_placement,
    make_room,
    make_site,
    make_stay,
    make_unit,
    make_user,
)
from tests.support.nights import at
from tests.support.placing import SHE
from tests.support.statements import count_statements

P = PlacementState
TONIGHT, DAY = date(2026, 3, 10), timedelta(days=1)


@pytest.fixture
def site(context: Flask, frozen_clock: Clock) -> Site:
    frozen_clock.set("2026-03-11 02:10")  # still the night of the 10th
    return make_site("Magnolia", night_line="02-123-4567")


def sheet(site: Site) -> SiteSheet:
    found = tonight([site.id]).of(site.id)
    assert found is not None
    return found


def unit(site: Site, label: str, **more: Any) -> Any:
    return make_unit(make_room(site, label), label, **more)


def reference(stay: Stay) -> str:
    return f"{db.session.get_one(Household, stay.household_id).reference}-{stay.number}"


def test_who_is_in_the_house_stands_on_it_planned_nights_or_not(site: Site) -> None:
    week = timedelta(days=7)
    here = make_stay(unit(site, "102"), state=P.IN_HOUSE, arrive_on=TONIGHT - week, leave_on=TONIGHT + week)
    overdue = make_stay(unit(site, "101"), state=P.IN_HOUSE, arrive_on=TONIGHT - week, leave_on=TONIGHT - DAY)
    leaves = make_stay(unit(site, "103"), state=P.IN_HOUSE, arrive_on=TONIGHT - week, leave_on=TONIGHT + DAY)
    make_stay(unit(site, "104"), state=P.ENDED)
    found = sheet(site)
    assert [line.reference for line in found.here] == [reference(s) for s in (overdue, here, leaves)]
    assert [line.is_overdue for line in found.here] == [True, False, False]
    assert [line.unit for line in found.leaving] == ["101", "103"]
    assert found.people_here == 3


def test_heads_are_counted_and_pets_once_for_a_household_in_two_rooms(site: Site) -> None:
    household = make_household(women=1, children=2, infants=1, pets=[(Species.DOG, PetSize.SMALL)])
    first, second = unit(site, "201"), unit(site, "202")
    stay = make_stay(first, household=household, state=P.IN_HOUSE)
    make_placement(stay, second, arrive_on=TONIGHT, leave_on=TONIGHT + DAY, state=P.IN_HOUSE, people=2)
    one, two = sheet(site).here
    assert (one.people, len(one.heads.people), len(one.heads.pets)) == (4, 4, 1)
    assert (two.people, len(two.heads.pets)) == (2, 0)
    assert sheet(site).pets_here == 1


def test_who_is_expected_stands_on_it_with_the_minutes(site: Site) -> None:
    late = make_stay(unit(site, "101"), arrive_on=TONIGHT)
    since_yesterday = make_stay(unit(site, "102"), arrive_on=TONIGHT - DAY)
    missing = make_stay(unit(site, "103"), arrive_on=TONIGHT, state=P.NO_SHOW)
    late.placements[0].expected_at = at("2026-03-11 01:40")
    since_yesterday.placements[0].expected_at = at("2026-03-09 22:00")
    make_stay(unit(site, "104"), arrive_on=TONIGHT + DAY)
    make_stay(unit(site, "105"), arrive_on=TONIGHT, state=P.CANCELLED)
    db.session.commit()
    found = sheet(site).expected
    assert [line.reference for line in found] == [reference(s) for s in (since_yesterday, late, missing)]
    assert [line.minutes_late for line in found] == [28 * 60 + 10, 30, 0]
    assert [line.has_not_arrived for line in found] == [False, False, True]


def test_a_move_within_the_house_is_no_new_household(site: Site) -> None:
    stay = make_stay(unit(site, "101"), state=P.IN_HOUSE, leave_on=TONIGHT + DAY)
    make_placement(stay, unit(site, "102"), arrive_on=TONIGHT, leave_on=TONIGHT + DAY)
    assert [line.is_move for line in sheet(site).expected] == [True]


def test_a_hold_stands_on_it_until_it_runs_out_unless_they_are_on_the_way(site: Site) -> None:
    now = clock.now()
    kept = make_stay(unit(site, "101"), arrive_on=TONIGHT, state=P.HELD, held_until=now + timedelta(minutes=5))
    gone = make_stay(unit(site, "102"), arrive_on=TONIGHT, state=P.HELD, held_until=now)
    coming = make_stay(unit(site, "103"), arrive_on=TONIGHT, state=P.HELD, held_until=now - timedelta(hours=1))
    coming.placements[0].is_on_the_way = True
    db.session.commit()
    found = sheet(site)
    assert {line.reference for line in found.held} == {reference(kept), reference(coming)}
    assert [u.unit for u in found.free] == ["102"], f"{reference(gone)} holds nothing any more"


def test_free_is_what_find_offers_for_the_night(site: Site) -> None:
    for n in range(4):
        unit(site, f"1{n}")
    make_stay(unit(site, "20"), arrive_on=TONIGHT)
    make_stay(unit(site, "21"), state=P.IN_HOUSE, arrive_on=TONIGHT - 3 * DAY, leave_on=TONIGHT)
    make_closure(unit(site, "22"), from_on=TONIGHT - DAY, until_on=TONIGHT + 3 * DAY)
    unit(site, "23", in_service_from=TONIGHT + DAY)
    unit(site, "24", in_service_until=TONIGHT)
    make_stay(unit(site, "25"), arrive_on=TONIGHT + 2 * DAY)
    unit(site, "26", in_service_until=TONIGHT + DAY)
    found = sheet(site)
    offers = find.search(Criteria(arrive_on=TONIGHT, leave_on=TONIGHT + DAY, party=SHE)).offers
    assert {u.unit for u in found.free} == {offer.unit.unit_label for offer in offers}
    until = {u.unit: u.until for u in found.free}
    assert until == {"10": None, "11": None, "12": None, "13": None, "25": TONIGHT + 2 * DAY, "26": TONIGHT + DAY}
    assert [(u.unit, u.until_on) for u in found.closed] == [("22", TONIGHT + 3 * DAY)]


def test_a_paused_site_gives_nothing_away(site: Site) -> None:
    unit(site, "101")
    site.is_paused = True
    db.session.commit()
    assert (sheet(site).is_paused, sheet(site).free) == (True, ())


def test_who_left_lately_left_something_to_clean(site: Site) -> None:
    for label, left, cleaned in (("1", 5, None), ("2", 40, None), ("3", 5, 2), ("4", 5, 8)):
        made = unit(site, label)
        stay = make_stay(made, state=P.ENDED, arrive_on=TONIGHT - 5 * DAY, leave_on=TONIGHT)
        stay.placements[0].left_at = clock.now() - timedelta(hours=left)
        made.cleaned_at = None if cleaned is None else clock.now() - timedelta(hours=cleaned)
    db.session.commit()
    assert [u.unit for u in sheet(site).free if u.left_at] == ["1", "4"]


def test_the_numbers_are_those_of_today_and_of_nobody_who_left(site: Site) -> None:
    make_user(sites=[site], phone="+821011112222")
    make_user(sites=[make_site()], phone="+821033334444")
    make_user(Role.MANAGER, phone="+821055556666")
    make_user(sites=[site])
    found = tonight([site.id])
    assert (found.sites[0].coordinators, found.managers) == (("+821011112222",), ("+821055556666",))
    assert found.sites[0].night_line == "02-123-4567"


def test_a_number_no_key_opens_does_not_keep_the_others_from_the_sheet(site: Site) -> None:
    broken = db.session.get_one(User, make_user(sites=[site], phone="+821011112222").id)
    assert broken.phone_sealed
    broken.phone_sealed = broken.phone_sealed[:-1] + bytes([broken.phone_sealed[-1] ^ 1])
    db.session.commit()
    make_user(sites=[site], phone="+821033334444")
    assert tonight([site.id]).sites[0].coordinators == ("+821033334444",)


def test_a_sheet_says_until_when_it_is_good(site: Site) -> None:
    trust = tonight([site.id]).trust
    assert trust.as_of == at("2026-03-11 02:10")
    assert (trust.free_until, trust.until) == (at("2026-03-11 02:40"), at("2026-03-11 08:00"))


def test_a_sheet_made_just_before_the_cut_over_is_good_for_minutes(site: Site, frozen_clock: Clock) -> None:
    frozen_clock.set("2026-03-11 07:50")
    assert tonight().trust.free_until == tonight().trust.until == at("2026-03-11 08:00")


def _fill(site: Site, number: int, label: str = "first") -> None:
    for n in (f"{label}-{n}" for n in range(number)):
        household = make_household(children=1, pets=[(Species.CAT, PetSize.SMALL)])
        make_stay(unit(site, f"a{n}"), household=household, state=P.IN_HOUSE)
        make_stay(unit(site, f"b{n}"))
        make_stay(unit(site, f"c{n}"), state=P.HELD)
        make_closure(unit(site, f"d{n}"), from_on=TONIGHT, until_on=TONIGHT + DAY)
        unit(site, f"e{n}")


def test_a_constant_number_of_statements_however_much_there_is(site: Site) -> None:
    def counted() -> int:
        db.session.expire_all()
        with count_statements() as statements:
            tonight()
        return statements.total

    _fill(site, 3)
    for _ in range(2):
        _fill(make_site(), 3)
        make_user(sites=[site], phone="+821011112222")
    few = counted()
    _fill(site, 27, "more")
    for _ in range(27):
        _fill(make_site(night_line="02-1"), 1)
        make_user(sites=[site], phone="+821011112222")
        make_user(Role.MANAGER, phone="+821011112222")
    assert counted() == few
    assert few <= 12


def test_whom_she_must_not_meet_changes_nothing_on_it(site: Site) -> None:
    other = make_household()
    make_stay(unit(site, "101"), household=make_household(not_near=[other]), state=P.IN_HOUSE)
    make_stay(unit(site, "102"), household=other, state=P.IN_HOUSE)
    unit(site, "103")
    found = sheet(site)
    assert len(found.here) == 2
    assert [u.unit for u in found.free] == ["103"]
