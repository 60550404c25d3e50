"""Tonight on paper: who is in each house, who is expected, what is held, free or closed, and whom to call.

By reference, code name and heads. No name, no place, no code word, nothing of whom she must not meet. The numbers
are those staff answer. A constant number of statements, however many sites, units and people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from shelter import clock
from shelter.domain.matching import Audience, PetsAllowed, Sharing, UnitKind, kind_of
from shelter.domain.nights import DAY, Nights
from shelter.domain.references import stay_reference
from shelter.domain.sites import natural, unit_name
from shelter.domain.stays import (
    KEEPS_NIGHTS,
    LEFT,
    ClosureReason,
    PlacementState,
    StayState,
    is_overdue_departure,
    minutes_late,
)
from shelter.domain.tonight import CLEANED_WITHIN, Part, Trust, is_to_clean, part_of, trust
from shelter.extensions import db
from shelter.models.households import Household, Person, Pet
from shelter.models.sites import Closure, Room, Site, Unit
from shelter.models.stays import Placement, PlacementMember, Stay, UnitNight
from shelter.queries import on_duty, vacancies
from shelter.queries.households import Heads

P = PlacementState
LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    """A household in one unit: in the house, expected, or held for."""

    unit_id: int
    unit: str
    floor: str | None
    reference: str
    part: Part
    people: int
    heads: Heads  # who sleeps here; the pets of a household stand on one of its lines, once
    leave_on: date
    is_overdue: bool  # should have left
    leaves: date | None  # tomorrow or before: the day of leaving
    expected_at: datetime | None
    minutes_late: int
    has_not_arrived: bool  # a no-show: the room is kept until a person decides
    is_move: bool  # in the house already, in another room
    held_until: datetime | None
    is_on_the_way: bool


@dataclass(frozen=True)
class FreeUnit:
    """Can be slept in tonight, as Find sees it. `until`: the first night it cannot, when there is one."""

    unit: str
    floor: str | None
    kind: UnitKind
    capacity: int
    audience: Audience
    accepts_older_boys: bool
    sharing: Sharing
    pets_allowed: PetsAllowed
    max_pets: int
    is_step_free: bool
    has_cot: bool
    until: date | None
    left_at: datetime | None  # somebody left lately: look whether it is clean


@dataclass(frozen=True)
class ClosedUnit:
    unit: str
    reason: ClosureReason | None
    until_on: date | None


@dataclass(frozen=True)
class SiteSheet:
    """One site's night."""

    site_id: UUID
    code_name: str
    is_paused: bool  # nobody new is placed here, however much is free
    night_line: str | None
    coordinators: tuple[str, ...]  # their numbers
    lines: tuple[Line, ...]  # in the order of the house
    free: tuple[FreeUnit, ...]
    closed: tuple[ClosedUnit, ...]

    def _of(self, part: Part) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.part is part)

    @property
    def here(self) -> tuple[Line, ...]:
        return self._of(Part.HERE)

    @property
    def expected(self) -> tuple[Line, ...]:
        """The earliest first."""
        return tuple(sorted(self._of(Part.EXPECTED), key=lambda line: line.expected_at or LATEST))

    @property
    def held(self) -> tuple[Line, ...]:
        return tuple(sorted(self._of(Part.HELD), key=lambda line: line.held_until or LATEST))

    @property
    def people_here(self) -> int:
        return sum(line.people for line in self.here)

    @property
    def pets_here(self) -> int:
        return sum(len(line.heads.pets) for line in self.here)

    @property
    def leaving(self) -> tuple[Line, ...]:
        """By tomorrow, or overdue."""
        return tuple(line for line in self.here if line.leaves is not None)


@dataclass(frozen=True)
class Tonight:
    """The sheets of one night, all as of one moment."""

    night: date
    trust: Trust
    managers: tuple[str, ...]  # their numbers
    sites: tuple[SiteSheet, ...]

    def of(self, site_id: UUID) -> SiteSheet | None:
        return next((sheet for sheet in self.sites if sheet.site_id == site_id), None)


def tonight(site_ids: Collection[UUID] | None = None) -> Tonight:
    """Of these sites, or of all. Nothing is asked here about who may see it: `services/night_sheets.py` does."""
    now = clock.now()
    night = clock.shelter_day(now)
    sites = _sites(site_ids)
    ids = [site.id for site in sites]
    units = _units(ids, night, now)
    lines = _lines(ids, night, now)
    taken = {line.unit_id for of_site in lines.values() for line in of_site}
    closed = _closed(ids, night)
    free = _free(ids, night, now) - taken - set(closed)
    coordinators = on_duty.coordinators(ids)
    return Tonight(
        night=night,
        trust=trust(now, clock.cutover_instant(night + DAY)),
        managers=on_duty.managers(),
        sites=tuple(
            SiteSheet(
                site_id=site.id,
                code_name=site.code_name,
                is_paused=site.is_paused,
                night_line=site.night_line,
                coordinators=coordinators.get(site.id, ()),
                lines=tuple(lines.get(site.id, ())),
                free=tuple(_free_unit(u, now) for u in units.get(site.id, ()) if u.id in free and not site.is_paused),
                closed=tuple(
                    ClosedUnit(unit_name(u.room, u.label), *closed[u.id])
                    for u in units.get(site.id, ())
                    if u.id in closed
                ),
            )
            for site in sites
        ),
    )


def _sites(site_ids: Collection[UUID] | None) -> list[Site]:
    wanted = select(Site).order_by(Site.code_name)
    if site_ids is not None:
        wanted = wanted.where(Site.id.in_(list(site_ids)))
    return list(db.session.scalars(wanted))


def _units(site_ids: list[UUID], night: date, now: datetime) -> dict[UUID, list[Any]]:
    """Units in service tonight in the order of the house, with the next night somebody has them."""
    # What a hold that ran out still has, nobody has.
    nobody = select(Placement.id).where(
        Placement.state == P.HELD, Placement.held_until <= now, Placement.is_on_the_way.is_(False)
    )
    next_taken = (
        select(func.min(UnitNight.night))
        .where(
            UnitNight.unit_id == Unit.id,
            UnitNight.night > night,
            or_(UnitNight.placement_id.is_(None), UnitNight.placement_id.not_in(nobody)),
        )
        .scalar_subquery()
    )
    last_left = (
        select(func.max(Placement.left_at))
        .where(Placement.unit_id == Unit.id, Placement.state.in_(LEFT), Placement.left_at > now - CLEANED_WITHIN)
        .scalar_subquery()
    )
    rows = (
        select(
            Unit.id,
            Unit.site_id,
            Unit.label,
            Unit.capacity,
            Unit.audience,
            Unit.accepts_older_boys,
            Unit.pets_allowed,
            Unit.max_pets,
            Unit.is_step_free,
            Unit.has_cot,
            Unit.in_service_until,
            Unit.cleaned_at,
            Room.label.label("room"),
            Room.floor,
            Room.sharing,
            next_taken.label("next_taken"),
            last_left.label("last_left"),
        )
        .join(Room, Room.id == Unit.room_id)
        .where(
            Unit.site_id.in_(site_ids),
            Unit.in_service_from <= night,
            or_(Unit.in_service_until.is_(None), Unit.in_service_until > night),
        )
    )
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in sorted(db.session.execute(rows), key=lambda row: natural(unit_name(row.room, row.label))):
        found[row.site_id].append(row)
    return found


def _free_unit(unit: Any, now: datetime) -> FreeUnit:
    return FreeUnit(
        unit=unit_name(unit.room, unit.label),
        floor=unit.floor,
        kind=kind_of(unit.sharing, unit.capacity),
        capacity=unit.capacity,
        audience=unit.audience,
        accepts_older_boys=unit.accepts_older_boys,
        sharing=unit.sharing,
        pets_allowed=unit.pets_allowed,
        max_pets=unit.max_pets,
        is_step_free=unit.is_step_free,
        has_cot=unit.has_cot,
        until=min((day for day in (unit.next_taken, unit.in_service_until) if day), default=None),
        left_at=unit.last_left if is_to_clean(unit.last_left, unit.cleaned_at, now) else None,
    )


def _free(site_ids: list[UUID], night: date, now: datetime) -> set[int]:
    """Find's own answer for one night; whoever has not left is still in the unit."""
    found = vacancies.free(Nights(night, night + DAY), now=now, sites=site_ids)
    return {row[0] for row in found} - set(vacancies.overdue(night, now=now))


def _closed(site_ids: list[UUID], night: date) -> dict[int, tuple[ClosureReason, date]]:
    rows = (
        select(UnitNight.unit_id, Closure.reason, Closure.until_on)
        .join(Closure, Closure.id == UnitNight.closure_id)
        .join(Unit, Unit.id == UnitNight.unit_id)
        .where(UnitNight.night == night, Unit.site_id.in_(site_ids))
    )
    return {unit_id: (reason, until_on) for unit_id, reason, until_on in db.session.execute(rows)}


def _wanted(site_ids: list[UUID], night: date) -> tuple[Any, ...]:
    """Conditions on `Placement` joined to `Unit`: who may stand on the sheet."""
    tonight = and_(Placement.state.in_(KEEPS_NIGHTS), Placement.arrive_on <= night, Placement.leave_on > night)
    return Unit.site_id.in_(site_ids), or_(Placement.state == P.IN_HOUSE, tonight)


def _lines(site_ids: list[UUID], night: date, now: datetime) -> dict[UUID, list[Line]]:
    """By site, in the order of the house."""
    rows = (
        select(
            Placement,
            Unit.site_id,
            Unit.label,
            Room.label.label("room"),
            Room.floor,
            Stay.number,
            Stay.state.label("stay_state"),
            Stay.household_id,
            Household.reference,
        )
        .join(Unit, Unit.id == Placement.unit_id)
        .join(Room, Room.id == Unit.room_id)
        .join(Stay, Stay.id == Placement.stay_id)
        .join(Household, Household.id == Stay.household_id)
        .where(*_wanted(site_ids, night))
        .execution_options(populate_existing=True)
    )
    found = [(row, part) for row in db.session.execute(rows) if (part := _part(row.Placement, night, now))]
    found.sort(key=lambda pair: (natural(unit_name(pair[0].room, pair[0].label)), pair[0].Placement.id))
    people, pets = _people(site_ids, night), _pets(site_ids, night)
    with_pets: dict[UUID, int] = {}
    for row, _ in sorted(found, key=lambda pair: pair[1] is not Part.HERE):
        with_pets.setdefault(row.household_id, row.Placement.id)
    lines: dict[UUID, list[Line]] = defaultdict(list)
    for row, part in found:
        is_theirs = with_pets[row.household_id] == row.Placement.id
        animals = pets.get(row.household_id, ()) if is_theirs else ()
        heads = Heads(people.get(row.Placement.id, ()), animals, False, False, ())
        lines[row.site_id].append(_line(row, part, heads, night, now))
    return lines


def _part(placement: Placement, night: date, now: datetime) -> Part | None:
    return part_of(
        placement.state,
        arrive_on=placement.arrive_on,
        leave_on=placement.leave_on,
        held_until=placement.held_until,
        is_on_the_way=placement.is_on_the_way,
        night=night,
        now=now,
    )


def _line(row: Any, part: Part, heads: Heads, night: date, now: datetime) -> Line:
    placement: Placement = row.Placement
    is_here = part is Part.HERE
    return Line(
        unit_id=placement.unit_id,
        unit=unit_name(row.room, row.label),
        floor=row.floor,
        reference=stay_reference(row.reference, row.number),
        part=part,
        people=placement.people,
        heads=heads,
        leave_on=placement.leave_on,
        is_overdue=is_here and is_overdue_departure(placement.leave_on, clock.local(now)),
        leaves=placement.leave_on if is_here and placement.leave_on <= night + DAY else None,
        expected_at=placement.expected_at,
        minutes_late=minutes_late(placement.expected_at, now) if placement.state is P.BOOKED else 0,
        has_not_arrived=placement.state is P.NO_SHOW,
        is_move=not is_here and row.stay_state is StayState.IN_HOUSE,
        held_until=placement.held_until,
        is_on_the_way=placement.is_on_the_way,
    )


def _people(site_ids: list[UUID], night: date) -> Mapping[int, tuple[Any, ...]]:
    """Who sleeps where, by placement."""
    rows = (
        select(PlacementMember.placement_id, Person.sex, Person.age_band)
        .join(Person, Person.id == PlacementMember.person_id)
        .join(Placement, Placement.id == PlacementMember.placement_id)
        .join(Unit, Unit.id == Placement.unit_id)
        .where(*_wanted(site_ids, night))
        .order_by(PlacementMember.placement_id, Person.position)
    )
    return _gathered(db.session.execute(rows))


def _pets(site_ids: list[UUID], night: date) -> dict[UUID, tuple[Any, ...]]:
    here = (
        select(Stay.household_id)
        .join(Placement, Placement.stay_id == Stay.id)
        .join(Unit, Unit.id == Placement.unit_id)
        .where(*_wanted(site_ids, night))
    )
    rows = select(Pet.household_id, Pet.species, Pet.size).where(Pet.household_id.in_(here))
    return _gathered(db.session.execute(rows.order_by(Pet.household_id, Pet.position)))


def _gathered(rows: Iterable[Any]) -> dict[Any, tuple[Any, ...]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for key, *said in rows:
        found[key].append(tuple(said))
    return {key: tuple(values) for key, values in found.items()}
