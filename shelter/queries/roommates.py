"""Who else would be there: in the same room, and at the same site, on any of the nights.

A hold that has run out counts as nobody: whoever needs its nights may release it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Subquery, Text, and_, bindparam, cast, false, not_, or_, select, union

from shelter.domain.matching import Party, RoomMate, Someone, Species
from shelter.domain.nights import Nights
from shelter.domain.stays import KEEPS_NIGHTS, PlacementState
from shelter.extensions import db
from shelter.models.households import Person, Pet
from shelter.models.sites import Unit
from shelter.models.stays import Placement, PlacementMember, Stay, UnitNight

_NOBODY = UUID(int=0)
_placement, _stay, _unit, _night = Placement.__table__.c, Stay.__table__.c, Unit.__table__.c, UnitNight.__table__.c
_person, _pet, _member = Person.__table__.c, Pet.__table__.c, PlacementMember.__table__.c

RAN_OUT = and_(
    _placement.state == PlacementState.HELD,
    _placement.held_until <= bindparam("now"),
    _placement.is_on_the_way == false(),
)
# In the house although the planned nights are used up: still there, for how long nobody knows.
STILL_THERE = and_(_placement.state == PlacementState.IN_HOUSE, _placement.leave_on <= bindparam("tonight"))


def _in_rooms() -> Subquery:
    rooms = _unit.room_id.in_(bindparam("rooms", expanding=True))
    planned = (
        select(_night.placement_id, _unit.room_id)
        .join(Unit.__table__, _unit.id == _night.unit_id)
        .where(
            rooms,
            _night.night >= bindparam("arrive_on"),
            _night.night < bindparam("leave_on"),
            _night.placement_id.is_not(None),
        )
    )
    late = select(_placement.id, _unit.room_id).join(Unit.__table__, _unit.id == _placement.unit_id)
    return union(planned, late.where(rooms, STILL_THERE)).subquery("mates")


_mates = _in_rooms()
_with_stay = (
    _mates.join(Placement.__table__, _placement.id == _mates.c.placement_id)
    .join(Stay.__table__, _stay.id == _placement.stay_id)
)  # fmt: skip
_OTHERS = (_stay.household_id != bindparam("own"), not_(RAN_OUT))
_PEOPLE = (
    select(_mates.c.room_id, _person.sex, _person.age_band, cast(_person.allergies, Text).label("allergies"))
    .select_from(
        _with_stay.outerjoin(PlacementMember.__table__, _member.placement_id == _placement.id).outerjoin(
            Person.__table__, _person.id == _member.person_id
        )
    )
    .where(*_OTHERS)
    .distinct()
)
_PETS = (
    select(_mates.c.room_id, _pet.species, _pet.size)
    .select_from(_with_stay.join(Pet.__table__, _pet.household_id == _stay.household_id))
    .where(*_OTHERS)
    .distinct()
)
_AT_SITES = (
    select(_unit.site_id, _stay.household_id)
    .select_from(
        Placement.__table__.join(Stay.__table__, _stay.id == _placement.stay_id).join(
            Unit.__table__, _unit.id == _placement.unit_id
        )
    )
    .where(
        _stay.household_id.in_(bindparam("households", expanding=True)),
        _placement.state.in_(KEEPS_NIGHTS),
        _placement.arrive_on < bindparam("leave_on"),
        or_(_placement.leave_on > bindparam("arrive_on"), STILL_THERE),
        not_(RAN_OUT),
    )
    .distinct()
)


def in_rooms(
    room_ids: Collection[int], nights: Nights, party: Party, *, now: datetime, tonight: date
) -> dict[int, tuple[RoomMate, ...]]:
    """Everybody of other households in each room, drawn together into one: rules of a room ask for nothing finer."""
    if not room_ids:
        return {}
    asked = {
        "rooms": list(room_ids),
        "arrive_on": nights.arrive_on,
        "leave_on": nights.leave_on,
        "tonight": tonight,
        "now": now,
        "own": party.household_id or _NOBODY,
    }
    people: dict[int, set[Someone]] = defaultdict(set)
    allergies: dict[int, set[Species]] = defaultdict(set)
    for room_id, sex, age_band, allergic_to in db.session.execute(_PEOPLE, asked):
        people[room_id].update([(sex, age_band)] if sex else [])
        if allergic_to and allergic_to != "[]":
            allergies[room_id].update(Species(code) for code in json.loads(allergic_to))
    pets: dict[int, list] = defaultdict(list)
    if party.allergies and people:
        for room_id, species, size in db.session.execute(_PETS, asked):
            pets[room_id].append((species, size))
    return {
        room_id: (
            RoomMate(
                household_id=_NOBODY,
                people=tuple(some),
                pets=tuple(pets[room_id]),
                allergies=frozenset(allergies[room_id]),
            ),
        )
        for room_id, some in people.items()
    }


def at_sites(
    households: Collection[UUID], nights: Nights, *, now: datetime, tonight: date
) -> dict[UUID, frozenset[UUID]]:
    """At which sites these households are, or will be, on one of the nights."""
    if not households:
        return {}
    found: dict[UUID, set[UUID]] = defaultdict(set)
    asked = {
        "households": list(households),
        "arrive_on": nights.arrive_on,
        "leave_on": nights.leave_on,
        "tonight": tonight,
        "now": now,
    }
    for site_id, household_id in db.session.execute(_AT_SITES, asked):
        found[site_id].add(household_id)
    return {site_id: frozenset(there) for site_id, there in found.items()}
