"""Households as pages show them. What is sealed is opened by `services/households.py` alone, and audited there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, case, func, select

from shelter import clock
from shelter.domain.matching import AgeBand, PetSize, Sex, Species
from shelter.domain.permissions import Permission, Principal
from shelter.domain.references import split_stay_reference, stay_reference
from shelter.domain.sites import unit_name
from shelter.domain.stays import (
    GIVEN_UP,
    UNREAD_CARD_AFTER,
    PlacementState,
    StayState,
    is_hold_expired,
)
from shelter.extensions import db
from shelter.models.households import ContactNumber, Household, NumberKind, Person, Pet
from shelter.models.sites import Room, Site, Unit
from shelter.models.stays import Placement, Stay
from shelter.queries import visibility

CURRENT = (
    PlacementState.HELD,
    PlacementState.BOOKED,
    PlacementState.IN_HOUSE,
    PlacementState.NO_SHOW,
    PlacementState.EXPIRED,
)


@dataclass(frozen=True)
class Heads:
    """Who comes, counted: nothing that names anybody."""

    people: tuple[tuple[Sex, AgeBand], ...]
    pets: tuple[tuple[Species, PetSize], ...]
    needs_step_free: bool
    needs_cot: bool
    allergies: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """One placement of a booking."""

    placement_id: int
    site_id: UUID
    site: str  # its code name
    unit: str
    floor: str | None
    state: PlacementState
    arrive_on: date
    leave_on: date
    people: int


@dataclass(frozen=True)
class Booking:
    """A stay on its way from a hold to an arrival."""

    stay_id: UUID
    reference: str
    household_id: UUID
    household: str
    state: StayState
    heads: Heads
    places: tuple[Place, ...]
    limit_on: date
    held_until: datetime | None
    is_hold_expired: bool
    is_renewed: bool
    is_on_the_way: bool
    expected_at: datetime | None
    confirmed_at: datetime | None
    received_at: datetime | None
    responsible_id: UUID | None

    @property
    def is_held(self) -> bool:
        return any(p.state in (PlacementState.HELD, PlacementState.EXPIRED) for p in self.places)

    @property
    def is_confirmed(self) -> bool:
        return bool(self.places) and not self.is_held

    @property
    def arrive_on(self) -> date:
        return min(place.arrive_on for place in self.places)

    @property
    def leave_on(self) -> date:
        return max(place.leave_on for place in self.places)

    @property
    def sites(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(place.site for place in self.places))

    def is_card_unread(self, now: datetime) -> bool:
        """Confirmed ten minutes ago, and the site has not said that it knows."""
        return (
            self.received_at is None and self.confirmed_at is not None and now - self.confirmed_at >= UNREAD_CARD_AFTER
        )


_one: Any = bindparam("household")
_h, _person, _pet, _s, _p = (table.__table__.c for table in (Household, Person, Pet, Stay, Placement))
_u, _r, _site = (table.__table__.c for table in (Unit, Room, Site))
_BOOKING = (
    select(
        *(_s.id, _s.number, _s.state, _s.limit_on, _s.responsible_id, _s.household_id),
        *(_h.reference, _h.needs_step_free, _h.needs_cot),
    )
    .select_from(Stay.__table__.join(Household.__table__, _h.id == _s.household_id))
    .where(_h.reference == bindparam("reference"), _s.number == bindparam("number"), visibility.READABLE)
)
_PEOPLE = (
    select(_person.sex, _person.age_band, _person.allergies)
    .where(_person.household_id == _one)
    .order_by(_person.position)
)
_PETS = select(_pet.species, _pet.size).where(_pet.household_id == _one).order_by(_pet.position)
_PLACES = (
    select(
        *(_p.id, _p.state, _p.arrive_on, _p.leave_on, _p.people, _p.held_until, _p.is_renewed, _p.is_on_the_way),
        *(_p.expected_at, _p.confirmed_at, _p.received_at),
        *(_u.label, _r.label.label("room"), _r.floor, _site.id.label("site_id"), _site.code_name),
    )
    .select_from(
        Placement.__table__.join(Unit.__table__, _u.id == _p.unit_id)
        .join(Room.__table__, _r.id == _u.room_id)
        .join(Site.__table__, _site.id == _u.site_id)
    )
    .where(_p.stay_id == bindparam("stay"), _p.state.in_(CURRENT))
    .order_by(_p.arrive_on, _p.id)
)


def booking(reference: str, by: Principal) -> Booking | None:
    """By stay reference; None when there is none or this person may not know of it."""
    if not by.can(Permission.HOUSEHOLDS_READ):
        return None
    household_reference, number = split_stay_reference(reference)
    asked = {"reference": household_reference, "number": number, **visibility.reader(by)}
    stay = db.session.execute(_BOOKING, asked).one_or_none()
    if stay is None:
        return None
    of_household = {"household": stay.household_id}
    people = db.session.execute(_PEOPLE, of_household).all()
    pets = db.session.execute(_PETS, of_household).all()
    placements, now = db.session.execute(_PLACES, {"stay": stay.id}).all(), clock.now()
    return Booking(
        stay_id=stay.id,
        reference=stay_reference(stay.reference, stay.number),
        household_id=stay.household_id,
        household=stay.reference,
        state=stay.state,
        heads=heads_of(stay, people, pets),
        places=tuple(_place(row) for row in placements),
        limit_on=stay.limit_on,
        held_until=min((p.held_until for p in placements if p.held_until), default=None),
        is_hold_expired=any(p.state is PlacementState.EXPIRED for p in placements)
        or any(
            p.state is PlacementState.HELD and p.held_until is not None and is_hold_expired(p.held_until, now)
            for p in placements
        ),
        is_renewed=any(p.is_renewed for p in placements),
        is_on_the_way=any(p.is_on_the_way for p in placements),
        expected_at=min((p.expected_at for p in placements if p.expected_at), default=None),
        confirmed_at=max((p.confirmed_at for p in placements if p.confirmed_at), default=None),
        received_at=None
        if any(p.received_at is None for p in placements)
        else max((p.received_at for p in placements if p.received_at), default=None),
        responsible_id=stay.responsible_id,
    )


def _place(row: Any) -> Place:
    return Place(
        placement_id=row.id,
        site_id=row.site_id,
        site=row.code_name,
        unit=unit_name(row.room, row.label),
        floor=row.floor,
        state=row.state,
        arrive_on=row.arrive_on,
        leave_on=row.leave_on,
        people=row.people,
    )


def heads_of(household: Any, people: Sequence[Any], pets: Sequence[Any]) -> Heads:
    """Of a household and its members, or of rows that say the same."""
    return Heads(
        people=tuple((person.sex, person.age_band) for person in people),
        pets=tuple((pet.species, pet.size) for pet in pets),
        needs_step_free=household.needs_step_free,
        needs_cot=household.needs_cot,
        allergies=tuple(sorted({allergy for person in people for allergy in person.allergies})),
    )


def same_number(household_id: UUID, by: Principal) -> list[str]:
    """References of other households with one of its numbers, among those this person may read."""
    own = select(ContactNumber.number_index).where(
        ContactNumber.household_id == household_id, ContactNumber.kind == NumberKind.ALLOWED
    )
    return list(
        db.session.scalars(
            select(Household.reference)
            .join(ContactNumber, ContactNumber.household_id == Household.id)
            .where(
                ContactNumber.number_index.in_(own),
                ContactNumber.kind == NumberKind.ALLOWED,
                Household.id != household_id,
                visibility.readable(by),
            )
            .order_by(Household.reference)
            .distinct()
        )
    )


class StayLine(NamedTuple):
    """One stay of a household, in a list. `leave_on`: the day they left, or until when they have a room."""

    reference: str
    state: StayState
    arrive_on: date
    leave_on: date


def household_stays(household_id: UUID) -> list[StayLine]:
    """Newest first."""
    kept = case((Placement.state.not_in(GIVEN_UP), Placement.leave_on))
    rows = db.session.execute(
        select(
            *(Household.reference, Stay.number, Stay.state, Stay.arrive_on, Stay.ended_at),
            func.coalesce(func.max(kept), func.max(Placement.leave_on), Stay.arrive_on).label("leave_on"),
        )
        .join(Household, Household.id == Stay.household_id)
        .outerjoin(Placement, Placement.stay_id == Stay.id)
        .where(Stay.household_id == household_id)
        .group_by(Household.reference, Stay.id)
        .order_by(Stay.number.desc())
    )
    return [
        StayLine(
            stay_reference(row.reference, row.number),
            row.state,
            row.arrive_on,
            clock.day_of(row.ended_at) if row.ended_at else row.leave_on,
        )
        for row in rows
    ]
