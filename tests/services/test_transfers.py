"""Another room: the old one is free from then on, the clock goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from shelter import clock
from shelter.domain.errors import UnitJustTaken
from shelter.domain.matching import PetSize, Species
from shelter.domain.placing import UnitFitsNoMore
from shelter.domain.stay_errors import ReasonMissing, SameUnit, UnitStillOccupied
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.sites import Unit
from shelter.models.stays import Placement, Stay
from shelter.services import overstays, transfers
from tests.conftest import Clock
from tests.factories import make_household, make_site, make_stay, make_unit, make_user
from tests.support.nights import day, nights, run
from tests.support.people import Account


@pytest.fixture(autouse=True)
def _noon(context: Flask, frozen_clock: Clock) -> Iterator[None]:
    """Noon of 10 March 2026; an application context around the test."""
    yield
    db.session.rollback()


@pytest.fixture
def unit() -> Unit:
    return make_unit(site=make_site())


@pytest.fixture
def other() -> Unit:
    """At another site."""
    return make_unit(site=make_site(months=1))


@pytest.fixture
def coordinator(unit: Unit) -> Account:
    return make_user(sites=[unit.site_id])


def in_house(unit: Unit, first: str, until: str, **more) -> tuple[Stay, Placement]:
    stay = make_stay(unit, arrive_on=day(first), leave_on=day(until), state=PlacementState.IN_HOUSE, **more)
    return stay, stay.placements[0]


def last(stay: Stay) -> Placement:
    db.session.expire_all()
    return stay.placements[-1]


def test_a_transfer_tonight_changes_the_room_and_keeps_the_clock(unit: Unit, other: Unit, coordinator: Account) -> None:
    stay, old = in_house(unit, "2026-03-01", "2026-03-20")
    limit = stay.limit_on
    transfers.transfer(stay_id=stay.id, to_unit_id=other.id, from_night=day("2026-03-10"), by=coordinator.principal)
    new = last(stay)
    assert (old.state, new.state) == (PlacementState.MOVED, PlacementState.IN_HOUSE)
    assert nights(old) == run("2026-03-01", "2026-03-10")
    assert nights(new) == run("2026-03-10", "2026-03-20")
    assert new.occupied_from == day("2026-03-10")
    assert [m.person_id for m in new.members] == [m.person_id for m in old.members]
    assert stay.limit_on == limit


def test_a_planned_transfer_is_completed_when_they_move(
    unit: Unit, other: Unit, coordinator: Account, frozen_clock: Clock
) -> None:
    stay, old = in_house(unit, "2026-03-01", "2026-03-20")
    transfers.transfer(stay_id=stay.id, to_unit_id=other.id, from_night=day("2026-03-12"), by=coordinator.principal)
    new = last(stay)
    assert (old.state, new.state) == (PlacementState.IN_HOUSE, PlacementState.BOOKED)
    assert nights(old) == run("2026-03-01", "2026-03-12")
    frozen_clock.set("2026-03-13 15:00")  # a day late
    overstays.roll_overstays()
    transfers.move_in(stay_id=stay.id, from_placement_id=old.id, to_placement_id=new.id, by=coordinator.principal)
    assert (old.state, new.state) == (PlacementState.MOVED, PlacementState.IN_HOUSE)
    assert nights(old) == run("2026-03-01", "2026-03-13")
    assert nights(new) == run("2026-03-12", "2026-03-20")
    assert new.occupied_from == day("2026-03-13")


def test_a_transfer_recorded_late_needs_a_reason(unit: Unit, other: Unit, coordinator: Account) -> None:
    stay, old = in_house(unit, "2026-03-01", "2026-03-20")
    move = {"stay_id": stay.id, "to_unit_id": other.id, "from_night": day("2026-03-08")}
    with pytest.raises(ReasonMissing):
        transfers.transfer(**move, by=coordinator.principal)
    transfers.transfer(**move, reason="moved on Sunday", by=coordinator.principal)
    assert nights(old) == run("2026-03-01", "2026-03-08")
    assert nights(last(stay)) == run("2026-03-08", "2026-03-20")


def test_who_has_used_up_their_nights_can_still_be_moved(unit: Unit, other: Unit, coordinator: Account) -> None:
    """Past the plan, the new room is theirs for tonight and then night by night."""
    stay, old = in_house(unit, "2026-03-01", "2026-03-08")
    transfers.transfer(stay_id=stay.id, to_unit_id=other.id, from_night=day("2026-03-10"), by=coordinator.principal)
    assert nights(old) == run("2026-03-01", "2026-03-10")
    assert nights(last(stay)) == run("2026-03-10", "2026-03-11")


def test_a_taken_room_is_refused(unit: Unit, other: Unit, coordinator: Account) -> None:
    stay, old = in_house(unit, "2026-03-01", "2026-03-20")
    make_stay(other, arrive_on=day("2026-03-15"), leave_on=day("2026-03-16"))
    with pytest.raises(UnitJustTaken):
        transfers.transfer(stay_id=stay.id, to_unit_id=other.id, from_night=day("2026-03-10"), by=coordinator.principal)
    assert nights(old) == run("2026-03-01", "2026-03-20")


def test_a_room_that_does_not_fit_needs_a_word(unit: Unit, other: Unit, coordinator: Account) -> None:
    household = make_household(pets=[(Species.DOG, PetSize.SMALL)])
    stay, _ = in_house(unit, "2026-03-01", "2026-03-20", household=household)
    move = {"stay_id": stay.id, "to_unit_id": other.id, "from_night": day("2026-03-10")}
    with pytest.raises(UnitFitsNoMore):
        transfers.transfer(**move, by=coordinator.principal)
    transfers.transfer(**move, accepts_misfit=True, by=coordinator.principal)


def test_where_they_must_never_be_no_word_helps(unit: Unit, other: Unit, coordinator: Account) -> None:
    from shelter.models.sites import Site

    household = make_household(not_at=[db.session.get_one(Site, other.site_id)])
    stay, _ = in_house(unit, "2026-03-01", "2026-03-20", household=household)
    with pytest.raises(UnitJustTaken):
        transfers.transfer(
            stay_id=stay.id,
            to_unit_id=other.id,
            from_night=day("2026-03-10"),
            accepts_misfit=True,
            by=coordinator.principal,
        )


def test_the_same_room_is_no_transfer(unit: Unit, coordinator: Account) -> None:
    stay, _ = in_house(unit, "2026-03-01", "2026-03-20")
    with pytest.raises(SameUnit):
        transfers.transfer(stay_id=stay.id, to_unit_id=unit.id, from_night=day("2026-03-10"), by=coordinator.principal)


def test_before_check_in_the_booking_changes_rooms(unit: Unit, other: Unit, coordinator: Account) -> None:
    stay = make_stay(unit, arrive_on=day("2026-03-12"), leave_on=day("2026-03-20"))
    old = stay.placements[0]
    transfers.transfer(stay_id=stay.id, to_unit_id=other.id, from_night=day("2026-03-12"), by=coordinator.principal)
    assert (old.state, last(stay).state) == (PlacementState.CANCELLED, PlacementState.BOOKED)
    assert nights(old) == []
    assert nights(last(stay)) == run("2026-03-12", "2026-03-20")


def test_a_move_waits_until_the_room_is_empty(
    unit: Unit, other: Unit, coordinator: Account, frozen_clock: Clock
) -> None:
    in_house(other, "2026-03-01", "2026-03-12")
    stay, old = in_house(unit, "2026-03-01", "2026-03-20")
    transfers.transfer(stay_id=stay.id, to_unit_id=other.id, from_night=day("2026-03-12"), by=coordinator.principal)
    frozen_clock.set("2026-03-12 15:00")
    with pytest.raises(UnitStillOccupied):
        transfers.move_in(
            stay_id=stay.id, from_placement_id=old.id, to_placement_id=last(stay).id, by=coordinator.principal
        )
    assert clock.shelter_day() == day("2026-03-12")
