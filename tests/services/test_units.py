"""Rooms and units: what they are, and that nothing promised to somebody is taken away."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from shelter.domain.errors import DomainError, NotFound, NotPermitted
from shelter.domain.matching import Audience, PetsAllowed, Sharing
from shelter.domain.permissions import SYSTEM, Role
from shelter.domain.sites import (
    CapacityBelowPeople,
    PetsAndNumberDisagree,
    RoomLabelTaken,
    ServiceNotInOrder,
    SharingAndAudienceDiffer,
    UnitHasEarlierNights,
    UnitHasNights,
    UnitLabelTaken,
)
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.sites import Site, Unit
from shelter.queries import sites as queries
from shelter.services import units
from shelter.services.units import UnitTerms
from tests import factories

pytestmark = pytest.mark.usefixtures("context", "frozen_clock")

TODAY = date(2026, 3, 10)
TERMS = UnitTerms(
    capacity=2,
    pets_allowed=PetsAllowed.NONE,
    max_pets=0,
    is_step_free=False,
    has_cot=False,
    audience=Audience.WOMEN,
    accepts_older_boys=True,
    in_service_from=TODAY,
)


def new_site(code_name: str = "Magnolia") -> Site:
    return factories.make_site(code_name)


def new_room(site: Site, label: str = "101", sharing: Sharing = Sharing.HOUSEHOLD) -> int:
    return int(units.add_room(site_id=site.id, label=label, floor="1", sharing=sharing, by=SYSTEM))


def new_unit(room: int, label: str = "101", **more: Any) -> Unit:
    made = units.add_unit(room_id=room, label=label, terms=replace(TERMS, **more), by=SYSTEM)
    return db.session.get_one(Unit, int(made))


def test_names_are_given_once() -> None:
    site = new_site()
    room = new_room(site, "Room A")
    with pytest.raises(RoomLabelTaken):
        new_room(site, "room  a")
    new_unit(room, "1")
    with pytest.raises(UnitLabelTaken):
        new_unit(room, " 1 ")
    new_room(new_site("Lotus"), "Room A")


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"pets_allowed": PetsAllowed.ANY}, PetsAndNumberDisagree),
        ({"max_pets": 1}, PetsAndNumberDisagree),
        ({"audience": Audience.MEN}, SharingAndAudienceDiffer),
        ({"in_service_until": TODAY - timedelta(days=1)}, ServiceNotInOrder),
    ],
)
def test_a_unit_that_contradicts_itself_is_refused(terms: dict[str, Any], refusal: type[DomainError]) -> None:
    room = new_room(new_site(), sharing=Sharing.WOMEN)
    with pytest.raises(refusal):
        new_unit(room, "A", **terms)


def test_a_room_does_not_become_one_its_beds_are_not_for() -> None:
    room = new_room(new_site(), sharing=Sharing.WOMEN)
    new_unit(room, "A")
    with pytest.raises(SharingAndAudienceDiffer):
        units.change_room(room_id=room, label="101", floor=None, sharing=Sharing.MEN, by=SYSTEM)


def booked(unit: Unit, **more: Any) -> str:
    stay = factories.make_stay(unit, household=factories.make_household(women=1, children=1), **more)
    return f"{stay.household.reference}-{stay.number}"


def test_a_unit_with_nights_booked_past_the_day_is_not_retired() -> None:
    unit = new_unit(new_room(new_site()))
    reference = booked(unit, arrive_on=TODAY, leave_on=TODAY + timedelta(days=4))
    with pytest.raises(UnitHasNights) as refused:
        units.retire_unit(unit_id=unit.id, until_on=TODAY + timedelta(days=3), by=SYSTEM)
    assert refused.value.references == [reference]
    assert refused.value.last_night == TODAY + timedelta(days=3)
    units.retire_unit(unit_id=unit.id, until_on=TODAY + timedelta(days=4), by=SYSTEM)
    assert unit.in_service_until == TODAY + timedelta(days=4)


def test_a_unit_does_not_come_into_service_after_who_is_booked_or_was_there() -> None:
    unit = new_unit(new_room(new_site()), in_service_from=date(2025, 1, 1))
    slept = booked(unit, state=PlacementState.ENDED, arrive_on=date(2026, 3, 5), leave_on=date(2026, 3, 7))
    coming = booked(unit, arrive_on=date(2026, 3, 12), leave_on=date(2026, 3, 14))

    def comes(on: date) -> None:
        units.change_unit(unit_id=unit.id, label="101", terms=replace(TERMS, in_service_from=on), by=SYSTEM)

    with pytest.raises(UnitHasEarlierNights) as refused:
        comes(date(2026, 6, 1))
    assert (refused.value.references, refused.value.first_night) == ([slept, coming], date(2026, 3, 5))
    comes(date(2026, 3, 5))


def test_a_unit_somebody_has_not_left_is_not_retired() -> None:
    unit = new_unit(new_room(new_site()), in_service_from=date(2025, 1, 1))
    booked(unit, state=PlacementState.IN_HOUSE, arrive_on=date(2026, 3, 1), leave_on=date(2026, 3, 8))
    with pytest.raises(UnitHasNights):
        units.retire_unit(unit_id=unit.id, until_on=TODAY, by=SYSTEM)


def test_a_retired_unit_comes_back_into_service() -> None:
    unit = new_unit(new_room(new_site()))
    units.retire_unit(unit_id=unit.id, until_on=TODAY, by=SYSTEM)
    assert queries.sites()[0].units == 0
    units.change_unit(unit_id=unit.id, label="101", terms=TERMS, by=SYSTEM)
    assert queries.sites()[0].units == 1


def test_a_unit_does_not_shrink_below_who_is_booked() -> None:
    unit = new_unit(new_room(new_site()))
    reference = booked(unit)
    with pytest.raises(CapacityBelowPeople) as refused:
        units.change_unit(unit_id=unit.id, label="101", terms=replace(TERMS, capacity=1), by=SYSTEM)
    assert refused.value.references == [reference]
    units.change_unit(unit_id=unit.id, label="101", terms=replace(TERMS, capacity=3), by=SYSTEM)


def test_what_is_not_there_is_not_found() -> None:
    for act in (
        lambda: units.retire_unit(unit_id=999_999, until_on=TODAY, by=SYSTEM),
        lambda: units.change_unit(unit_id=999_999, label="1", terms=TERMS, by=SYSTEM),
        lambda: units.change_room(room_id=999_999, label="1", floor=None, sharing=Sharing.ANY, by=SYSTEM),
        lambda: units.add_unit(room_id=999_999, label="1", terms=TERMS, by=SYSTEM),
        lambda: new_room(Site(code_name="none")),
    ):
        with pytest.raises(NotFound):
            act()


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.MANAGER, Role.AUDITOR, Role.REFERRER])
def test_only_administrators_keep_rooms_and_units(role: Role) -> None:
    site, by = new_site(), factories.make_user(role).principal
    room = new_room(site)
    unit = new_unit(room)
    for act in (
        lambda: units.add_room(site_id=site.id, label="9", floor=None, sharing=Sharing.ANY, by=by),
        lambda: units.change_room(room_id=room, label="9", floor=None, sharing=Sharing.ANY, by=by),
        lambda: units.add_unit(room_id=room, label="9", terms=TERMS, by=by),
        lambda: units.change_unit(unit_id=unit.id, label="9", terms=TERMS, by=by),
        lambda: units.retire_unit(unit_id=unit.id, until_on=TODAY, by=by),
    ):
        with pytest.raises(NotPermitted):
            act()


def test_rooms_stand_in_the_order_people_count() -> None:
    site = new_site()
    for label in ("10", "2", "B1", "1"):
        new_room(site, label)
    page = queries.site(site.id)
    assert page is not None
    assert [room.label for room in page.rooms] == ["1", "2", "10", "B1"]
