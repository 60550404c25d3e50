"""Lists of stays, and the rooms of a stay: references, code names and dates, nothing sealed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import aliased

from shelter import clock
from shelter.domain import limits
from shelter.domain.permissions import Principal
from shelter.domain.references import stay_reference
from shelter.domain.sites import natural, unit_name
from shelter.domain.stays import (
    RUNNING,
    PlacementState,
    StayState,
    are_nights_used_up,
    is_overdue_departure,
    minutes_late,
)
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.people import User
from shelter.models.sites import Room, Site, Unit
from shelter.models.stays import Placement, Stay, StayFlag
from shelter.queries.visibility import readable_in_a_list

PAGE_SIZE = 20
SHOWN = (
    PlacementState.HELD,
    PlacementState.BOOKED,
    PlacementState.NO_SHOW,
    PlacementState.IN_HOUSE,
)


class StayList(StrEnum):
    """Which stays a list holds."""

    RUNNING = "running"
    MINE = "mine"
    NEAR_LIMIT = "near-limit"
    PAST = "past"


@dataclass(frozen=True)
class RoomView:
    """One placement: a unit, its nights and what became of them."""

    placement_id: int
    site_id: UUID
    site: str
    unit_id: int
    unit: str
    state: PlacementState
    arrive_on: date
    leave_on: date
    people: int
    held_until: datetime | None
    expected_at: datetime | None
    arrived_at: datetime | None
    occupied_from: date | None
    left_at: datetime | None

    @property
    def name(self) -> str:
        return f"{self.site} {self.unit}"

    @property
    def minutes_late(self) -> int:
        """Expected and not come."""
        return minutes_late(self.expected_at, clock.now()) if self.state is PlacementState.BOOKED else 0

    @property
    def is_overdue(self) -> bool:
        """Planned to have left."""
        is_late = is_overdue_departure(self.leave_on, clock.local(clock.now()))
        return self.state is PlacementState.IN_HOUSE and is_late

    @property
    def has_used_up_nights(self) -> bool:
        return self.state is PlacementState.IN_HOUSE and are_nights_used_up(self.leave_on, clock.shelter_day())


@dataclass(frozen=True)
class StayRow:
    """A line of a list."""

    reference: str
    state: StayState
    arrive_on: date
    limit_on: date
    days_left: int | None  # none once the stay is over
    is_projected: bool
    is_near_limit: bool
    plan_on: date | None
    responsible: str | None
    ended_at: datetime | None
    rooms: tuple[RoomView, ...]

    @property
    def people(self) -> int:
        return sum(room.people for room in self.rooms)

    @property
    def is_limit_reached(self) -> bool:
        return self.days_left is not None and self.days_left <= 0 and not self.is_projected


@dataclass(frozen=True)
class Page:
    rows: tuple[StayRow, ...]
    number: int
    size: int
    total: int


def list_stays(
    which: StayList, by: Principal, *, number: int = 1, size: int = PAGE_SIZE, total: int | None = None
) -> Page:
    """Readable stays, those with the fewest days left first; past ones with the latest end first.

    `total`: how many there are, where `count_stays` has said so.
    """
    wanted = [readable_in_a_list(by), *_conditions(which, by)]
    if total is None:
        total = db.session.scalar(_joined(select(func.count(Stay.id))).where(*wanted)) or 0
    number = max(1, min(number, -(-total // size) or 1))
    responsible = aliased(User)
    rows = _joined(select(Stay, Household.reference, responsible.name)).outerjoin(
        responsible, responsible.id == Stay.responsible_id
    )
    order = (Stay.ended_at.desc(), Stay.created_at.desc()) if which is StayList.PAST else (Stay.limit_on,)
    rows = rows.where(*wanted).order_by(*order, Stay.id).limit(size).offset((number - 1) * size)
    found = db.session.execute(rows).all()
    listed = [stay for stay, _reference, _name in found]
    rooms, near = rooms_of(stay.id for stay in listed), _flagged(listed)
    return Page(
        tuple(_row(stay, ref, name, rooms[stay.id], stay.id in near) for stay, ref, name in found),
        number,
        size,
        total,
    )


def count_stays(by: Principal) -> dict[StayList, int]:
    """How many each list of what is going on holds, for its tab; what is past only grows, and is not counted."""
    lists = [which for which in StayList if which is not StayList.PAST]
    counts = [func.count().filter(*_conditions(which, by)) for which in lists]
    found = db.session.execute(_joined(select(*counts)).where(readable_in_a_list(by), Stay.state.in_(RUNNING))).one()
    return dict(zip(lists, found, strict=True))


def _joined(chosen: Select) -> Select:
    return chosen.select_from(Stay).join(Household, Household.id == Stay.household_id)


def _conditions(which: StayList, by: Principal) -> list[ColumnElement[bool]]:
    running = Stay.state.in_(RUNNING)
    match which:
        case StayList.PAST:
            return [~running]
        case StayList.MINE:
            return [running, or_(Stay.responsible_id == by.user_id, Stay.substitute_id == by.user_id)]
        case StayList.NEAR_LIMIT:
            flagged = exists(select(StayFlag.id).where(StayFlag.stay_id == Stay.id, StayFlag.limit_on == Stay.limit_on))
            return [Stay.state == StayState.IN_HOUSE, or_(flagged, Stay.limit_on <= clock.today())]
    return [running]


def _flagged(stays: Collection[Stay]) -> set[UUID]:
    """Those of them that are in the house and flagged for their limit as it is now."""
    limit_of = {stay.id: stay.limit_on for stay in stays if stay.state is StayState.IN_HOUSE}
    flags = select(StayFlag.stay_id, StayFlag.limit_on).where(StayFlag.stay_id.in_(list(limit_of)))
    return {stay_id for stay_id, limit_on in db.session.execute(flags) if limit_of[stay_id] == limit_on}


def _row(stay: Stay, reference: str, responsible: str | None, rooms: list[RoomView], is_near: bool) -> StayRow:
    is_running = stay.state in RUNNING
    current = [room for room in rooms if room.state in SHOWN]
    return StayRow(
        reference=stay_reference(reference, stay.number),
        state=stay.state,
        arrive_on=stay.arrive_on,
        limit_on=stay.limit_on,
        days_left=limits.days_left(stay.limit_on, clock.today()) if is_running else None,
        is_projected=stay.checked_in_at is None,
        is_near_limit=is_near,
        plan_on=stay.plan_on,
        responsible=responsible,
        ended_at=stay.ended_at,
        rooms=tuple(current or rooms[-1:]),
    )


def rooms_of(stay_ids: Iterable[UUID]) -> dict[UUID, list[RoomView]]:
    """Every placement of these stays, in the order of their nights; one statement."""
    rows = db.session.execute(
        select(Placement, Unit.label, Room.label, Site.id, Site.code_name)
        .join(Unit, Unit.id == Placement.unit_id)
        .join(Room, Room.id == Unit.room_id)
        .join(Site, Site.id == Unit.site_id)
        .where(Placement.stay_id.in_(list(stay_ids)))
        .order_by(Placement.arrive_on, Placement.id)
    )
    found: dict[UUID, list[RoomView]] = defaultdict(list)
    for p, unit, room, site_id, site in rows:
        found[p.stay_id].append(
            RoomView(
                placement_id=p.id,
                site_id=site_id,
                site=site,
                unit_id=p.unit_id,
                unit=unit_name(room, unit),
                state=p.state,
                arrive_on=p.arrive_on,
                leave_on=p.leave_on,
                people=p.people,
                held_until=p.held_until,
                expected_at=p.expected_at,
                arrived_at=p.arrived_at,
                occupied_from=p.occupied_from,
                left_at=p.left_at,
            )
        )
    return found


@dataclass(frozen=True)
class UnitChoice:
    """A unit in service, by its names."""

    id: int
    site: str
    room: str
    label: str

    @property
    def name(self) -> str:
        return f"{self.site} {unit_name(self.room, self.label)}"


def unit_choices() -> list[UnitChoice]:
    """Every unit in service tonight."""
    tonight = clock.shelter_day()
    rows = (
        select(Unit.id, Site.code_name, Room.label, Unit.label)
        .join(Room, Room.id == Unit.room_id)
        .join(Site, Site.id == Unit.site_id)
        .where(or_(Unit.in_service_until.is_(None), Unit.in_service_until > tonight))
    )
    found = [UnitChoice(*row) for row in db.session.execute(rows)]
    return sorted(found, key=lambda unit: (unit.site, natural(unit.name)))
