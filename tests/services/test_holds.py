"""What becomes of a hold: renewed, on the way, run out, confirmed, released."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from shelter import clock
from shelter.domain.errors import NotFound, UnitJustTaken
from shelter.domain.matching import AgeBand, Reason, Sex, Sharing
from shelter.domain.nights import Nights
from shelter.domain.placing import HoldRanOut, NothingHeld, UnitFitsNoMore
from shelter.domain.stays import CancelReason, HoldAlreadyRenewed, PlacementState, StayState
from shelter.extensions import db
from shelter.models.messages import Message
from shelter.models.stays import UnitNight
from shelter.services import ledger, placements
from shelter.services.placements import Segment
from shelter.services.unit_of_work import Once
from tests import factories as make
from tests.conftest import Clock
from tests.support.people import Account
from tests.support.placing import (
    confirm,
    events,
    hold,
    households,
    nights_of,
    only_placement,
    tonight,
)


@pytest.fixture(autouse=True)
def clock_stands_still(frozen_clock: Clock) -> Clock:
    return frozen_clock


@pytest.fixture
def coordinator(context: Flask) -> Account:
    return make.make_user()


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


def test_a_hold_that_cannot_be_released_does_not_keep_the_others(
    coordinator: Account, frozen_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = [make.make_unit() for _ in range(3)]
    held = {hold(coordinator, unit).id: unit for unit in units}
    stuck = min(held, key=lambda stay: stay.hex)
    frozen_clock.forward(minutes=91)
    release = ledger.release
    monkeypatch.setattr(ledger, "release", lambda p: 1 / 0 if p.stay_id == stuck else release(p))
    with pytest.raises(ZeroDivisionError):
        placements.expire_holds()
    assert [unit for unit in units if nights_of(unit)] == [held[stuck]]


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


def test_whoever_was_added_meanwhile_is_counted_in_every_night(coordinator: Account) -> None:
    stay = hold(coordinator, make.make_unit())
    add_person(stay.household_id, AgeBand.CHILD)
    only_placement(stay).people = 2
    db.session.commit()
    confirm(stay, coordinator)
    assert set(db.session.scalars(select(UnitNight.people))) == {2}


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
