"""Rooms and units: adding them, changing what they are, taking a unit out of service for good."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from shelter import clock
from shelter.domain.errors import NotFound
from shelter.domain.matching import Audience, PetsAllowed, Sharing
from shelter.domain.nights import Nights
from shelter.domain.permissions import Principal
from shelter.domain.sheets import tidy
from shelter.domain.sites import (
    CapacityBelowPeople,
    RoomLabelTaken,
    UnitHasEarlierNights,
    UnitHasNights,
    UnitLabelTaken,
    check_unit,
)
from shelter.domain.units_file import same_name
from shelter.extensions import db
from shelter.models.sites import Room, Site, Unit
from shelter.queries.bookings import booked_runs
from shelter.services.sites import permit
from shelter.services.unit_of_work import Once, UnitOfWork, unit_of_work


@dataclass(frozen=True, kw_only=True)
class UnitTerms:
    """What a unit is, apart from its name."""

    capacity: int
    pets_allowed: PetsAllowed
    max_pets: int
    is_step_free: bool
    has_cot: bool
    audience: Audience
    accepts_older_boys: bool
    in_service_from: date
    in_service_until: date | None = None


FAR = date(2200, 1, 1)
TERMS = tuple(UnitTerms.__dataclass_fields__)


def add_room(
    *,
    site_id: UUID,
    label: str,
    floor: str | None,
    sharing: Sharing,
    by: Principal,
    once: Once | None = None,
) -> str:
    """The new room's id as text. Raises RoomLabelTaken."""
    permit(by)
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return work.result or ""
        work.lock(sites=[site_id])
        if db.session.get(Site, site_id) is None:
            raise NotFound()
        room = Room(site_id=site_id, label=_free_room_label(site_id, label), floor=tidy(floor or "") or None)
        room.sharing = sharing
        db.session.add(room)
        db.session.flush()
        work.record("room.created", subject=f"room:{room.id}", label=room.label, sharing=sharing)
        work.result = str(room.id)
    return work.result


def change_room(*, room_id: int, label: str, floor: str | None, sharing: Sharing, by: Principal) -> None:
    """A new sharing rule holds for whoever is placed from now on; nobody who is there moves."""
    permit(by)
    with unit_of_work(by) as work:
        room = _lock_room(work, room_id)
        for unit in room.units:
            check_unit(**_checked(terms_of(unit)), sharing=sharing)
        before = {"label": room.label, "floor": room.floor, "sharing": room.sharing}
        room.label = _free_room_label(room.site_id, label, but=room.id)
        room.floor, room.sharing = tidy(floor or "") or None, sharing
        after = {"label": room.label, "floor": room.floor, "sharing": room.sharing}
        if before != after:
            work.record("room.changed", subject=f"room:{room.id}", before=before, after=after)


def add_unit(*, room_id: int, label: str, terms: UnitTerms, by: Principal, once: Once | None = None) -> str:
    """The new unit's id as text. Raises UnitLabelTaken and what `check_unit` raises."""
    permit(by)
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return work.result or ""
        room = _lock_room(work, room_id)
        check_unit(**_checked(terms), sharing=room.sharing)
        unit = Unit(site_id=room.site_id, room_id=room.id, label=_free_unit_label(room, label))
        apply_terms(unit, terms)
        db.session.add(unit)
        db.session.flush()
        work.record("unit.created", subject=f"unit:{unit.id}", label=unit.label, terms=_plain(terms))
        work.result = str(unit.id)
    return work.result


def change_unit(*, unit_id: int, label: str, terms: UnitTerms, by: Principal) -> None:
    """Raises UnitHasNights, UnitHasEarlierNights, CapacityBelowPeople, UnitLabelTaken and what `check_unit` raises."""
    permit(by)
    with unit_of_work(by) as work:
        unit = _lock_unit(work, unit_id)
        check_unit(**_checked(terms), sharing=unit.room.sharing)
        check_bookings(unit, terms)
        before = {"label": unit.label, **_plain(terms_of(unit))}
        unit.label = _free_unit_label(unit.room, label, but=unit.id)
        apply_terms(unit, terms)
        after = {"label": unit.label, **_plain(terms)}
        if before != after:
            work.record("unit.changed", subject=f"unit:{unit.id}", before=before, after=after)


def retire_unit(*, unit_id: int, until_on: date, by: Principal) -> None:
    """From that day on it is not there any more. Raises UnitHasNights with who is booked past it."""
    permit(by)
    with unit_of_work(by) as work:
        unit = _lock_unit(work, unit_id)
        terms = UnitTerms(**{**_fields(terms_of(unit)), "in_service_until": until_on})
        check_unit(**_checked(terms), sharing=unit.room.sharing)
        check_bookings(unit, terms)
        before, unit.in_service_until = unit.in_service_until, until_on
        if before != until_on:
            work.record("unit.retired", subject=f"unit:{unit.id}", before=before, after=until_on)


def terms_of(unit: Unit) -> UnitTerms:
    return UnitTerms(**{name: getattr(unit, name) for name in TERMS})


def apply_terms(unit: Unit, terms: UnitTerms) -> None:
    for name in TERMS:
        setattr(unit, name, getattr(terms, name))


def check_bookings(unit: Unit, terms: UnitTerms) -> None:
    """What is promised to somebody may not be taken away. The caller holds the site's lock."""
    until = terms.in_service_until
    goes_earlier = until is not None and (unit.in_service_until is None or until < unit.in_service_until)
    comes_later = terms.in_service_from > unit.in_service_from
    if goes_earlier or comes_later or terms.capacity < unit.capacity:
        settle_nights([unit], clock.shelter_day())
    if goes_earlier and until is not None and (booked := booked_runs([unit.id], until)):
        references = list(dict.fromkeys(run.reference for run in booked))
        raise UnitHasNights(references=references, last_night=max(run.last for run in booked))
    if comes_later and (slept := booked_runs([unit.id], unit.in_service_from, terms.in_service_from)):
        references = list(dict.fromkeys(run.reference for run in slept))
        raise UnitHasEarlierNights(references=references, first_night=min(run.first for run in slept))
    if terms.capacity < unit.capacity:
        runs = booked_runs([unit.id], clock.shelter_day())
        if crowded := [run.reference for run in runs if run.people > terms.capacity]:
            raise CapacityBelowPeople(references=list(dict.fromkeys(crowded)))


def settle_nights(units: Collection[Unit], first: date) -> None:
    """Bring the ledger up to now before it is asked: who is still there holds tonight, expired holds nothing."""
    # Imported here: placing uses rooms and units too.
    from shelter.services import overstays, placements

    overstays.keep_rooms({unit.site_id for unit in units}, clock.shelter_day())
    placements.release_expired([unit.id for unit in units], Nights(first, FAR), clock.now())


def _fields(terms: UnitTerms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in TERMS}


def _plain(terms: UnitTerms) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, date) else value for name, value in _fields(terms).items()}


def _checked(terms: UnitTerms) -> dict[str, Any]:
    names = ("pets_allowed", "max_pets", "audience", "in_service_from", "in_service_until")
    return {name: getattr(terms, name) for name in names}


def _lock_room(work: UnitOfWork, room_id: int) -> Room:
    site_id = db.session.scalar(select(Room.site_id).where(Room.id == room_id))
    if site_id is None:
        raise NotFound()
    work.lock(sites=[site_id])
    return db.session.get_one(Room, room_id, populate_existing=True)


def _lock_unit(work: UnitOfWork, unit_id: int) -> Unit:
    site_id = db.session.scalar(select(Unit.site_id).where(Unit.id == unit_id))
    if site_id is None:
        raise NotFound()
    work.lock(sites=[site_id])
    return db.session.get_one(Unit, unit_id, populate_existing=True)


def _free_room_label(site_id: UUID, label: str, but: int | None = None) -> str:
    others = db.session.execute(select(Room.id, Room.label).where(Room.site_id == site_id)).all()
    if any(same_name(other) == same_name(label) and room_id != but for room_id, other in others):
        raise RoomLabelTaken()
    return tidy(label)


def _free_unit_label(room: Room, label: str, but: int | None = None) -> str:
    others = db.session.execute(select(Unit.id, Unit.label).where(Unit.room_id == room.id)).all()
    if any(same_name(other) == same_name(label) and unit_id != but for unit_id, other in others):
        raise UnitLabelTaken()
    return tidy(label)
