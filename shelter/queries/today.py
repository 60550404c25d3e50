"""What needs a person now, most urgent first: by reference and code name, nothing sealed.

For coordinators: their sites and their own stays. A handful of statements, however much there is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, or_, select

from shelter import clock
from shelter.domain import limits
from shelter.domain.permissions import Permission, Principal
from shelter.domain.references import stay_reference
from shelter.domain.sites import unit_name
from shelter.domain.stays import (
    UNREAD_CARD_AFTER,
    PlacementState,
    StayState,
    is_hold_expired,
    is_overdue_arrival,
    is_overdue_departure,
    minutes_late,
)
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.households import Household, SafeContact
from shelter.models.sites import Room, Site, StayPolicyVersion, Unit
from shelter.models.stays import Placement, Stay
from shelter.queries import channels, policies, tasks
from shelter.queries.channels import Channels
from shelter.queries.tasks import TaskRow
from shelter.queries.visibility import readable

P = PlacementState


@dataclass(frozen=True)
class Item:
    """One placement that needs somebody."""

    placement_id: int
    reference: str
    site: str
    unit: str
    state: PlacementState
    arrive_on: date
    leave_on: date
    people: int
    held_until: datetime | None
    is_on_the_way: bool
    expected_at: datetime | None
    confirmed_at: datetime | None
    received_at: datetime | None
    is_mine: bool
    channels: Channels

    @property
    def minutes_late(self) -> int:
        return minutes_late(self.expected_at, clock.now())

    @property
    def is_of_an_earlier_night(self) -> bool:
        return self.arrive_on < clock.shelter_day()

    @property
    def is_late(self) -> bool:
        if self.state is not P.BOOKED:
            return False
        return self.is_of_an_earlier_night or is_overdue_arrival(self.expected_at, clock.now())

    @property
    def is_card_unread(self) -> bool:
        is_waiting = self.state is P.BOOKED and self.received_at is None and self.confirmed_at is not None
        return is_waiting and clock.now() - self.confirmed_at >= UNREAD_CARD_AFTER  # type: ignore[operator]

    @property
    def is_overdue(self) -> bool:
        return self.state is P.IN_HOUSE and is_overdue_departure(self.leave_on, clock.local(clock.now()))

    @property
    def days_overdue(self) -> int:
        return (clock.today() - self.leave_on).days

    @property
    def is_hold_expired(self) -> bool:
        return is_hold_expired(self.held_until, clock.now())

    @property
    def minutes_left(self) -> int:
        if self.held_until is None:
            return 0
        return max(0, int((self.held_until - clock.now()).total_seconds() // 60))


@dataclass(frozen=True)
class LimitRow:
    """A stay that nears its limit, at the tightest threshold crossed; 0 is the limit itself."""

    reference: str
    sites: tuple[str, ...]
    limit_on: date
    days_left: int
    threshold: int
    plan_on: date | None
    is_mine: bool

    @property
    def is_reached(self) -> bool:
        return self.days_left <= 0


@dataclass(frozen=True)
class Today:
    """In the order in which it is shown."""

    late: tuple[Item, ...]
    tasks: tuple[TaskRow, ...]
    missing: tuple[Item, ...]  # did not arrive, and nobody has a task about it
    overdue: tuple[Item, ...]
    unread: tuple[Item, ...]
    holds: tuple[Item, ...]
    arrivals: tuple[Item, ...]
    departures: tuple[Item, ...]
    limits: tuple[LimitRow, ...]

    @property
    def is_calm(self) -> bool:
        """Nothing that cannot wait."""
        urgent = any(task.is_urgent for task in self.tasks)
        return not (self.late or urgent or self.missing or self.overdue or self.unread)


def today(by: Principal, *, only_mine: bool = False) -> Today:
    """Everything of this person's sites and stays, or of their own stays alone."""
    items = _items(by, only_mine=only_mine) if by.can(Permission.HOUSEHOLDS_READ) else []
    open_tasks = tasks.open_tasks(by, only_mine=only_mine)
    told = {task.placement_id for task in open_tasks if task.kind is TaskKind.NO_SHOW}
    tonight, this_day = clock.shelter_day(), clock.today()
    arriving = [i for i in items if i.state is P.BOOKED and not i.is_late and i.arrive_on <= tonight]
    return Today(
        late=_sorted((i for i in items if i.is_late), lambda i: (i.arrive_on, i.expected_at or clock.now())),
        tasks=tuple(sorted(open_tasks, key=lambda t: (not t.is_urgent, t.due_at))),
        missing=tuple(i for i in items if i.state is P.NO_SHOW and i.placement_id not in told),
        overdue=_sorted((i for i in items if i.is_overdue), lambda i: (i.leave_on, i.reference)),
        unread=_sorted((i for i in items if i.is_card_unread), lambda i: (i.confirmed_at, i.reference)),
        holds=_sorted((i for i in items if i.state is P.HELD), lambda i: (i.held_until, i.reference)),
        arrivals=_sorted(arriving, lambda i: (i.expected_at is None, i.expected_at, i.reference)),
        departures=tuple(i for i in items if i.state is P.IN_HOUSE and i.leave_on == this_day and not i.is_overdue),
        limits=_limits(by, only_mine=only_mine),
    )


def _sorted(items: Iterable[Item], key: Any) -> tuple[Item, ...]:
    return tuple(sorted(items, key=key))


def is_mine(by: Principal) -> ColumnElement[bool]:
    """A condition on `Stay`: this person answers for it, or placed it and nobody answers yet."""
    return or_(
        Stay.responsible_id == by.user_id,
        Stay.substitute_id == by.user_id,
        and_(Stay.responsible_id.is_(None), Stay.created_by_id == by.user_id),
    )


def _items(by: Principal, *, only_mine: bool) -> list[Item]:
    now, tonight = clock.now(), clock.shelter_day()
    mine = is_mine(by)
    wanted = or_(
        Placement.state.in_((P.HELD, P.NO_SHOW)),
        and_(
            Placement.state == P.BOOKED,
            or_(
                Placement.arrive_on <= tonight,
                Placement.expected_at < now,
                and_(Placement.received_at.is_(None), Placement.confirmed_at <= now - UNREAD_CARD_AFTER),
            ),
        ),
        and_(Placement.state == P.IN_HOUSE, Placement.leave_on <= clock.today()),
    )
    rows = (
        select(
            Placement.id,
            Placement.state,
            Placement.arrive_on,
            Placement.leave_on,
            Placement.people,
            Placement.held_until,
            Placement.is_on_the_way,
            Placement.expected_at,
            Placement.confirmed_at,
            Placement.received_at,
            Stay.number,
            Household.reference,
            Site.code_name,
            Room.label.label("room"),
            Unit.label.label("unit"),
            mine.label("is_mine"),
            *channels.COLUMNS,
        )
        .select_from(Placement)
        .join(Stay, Stay.id == Placement.stay_id)
        .join(Household, Household.id == Stay.household_id)
        .join(Unit, Unit.id == Placement.unit_id)
        .join(Room, Room.id == Unit.room_id)
        .join(Site, Site.id == Unit.site_id)
        .outerjoin(SafeContact, SafeContact.household_id == Household.id)
        .where(wanted, mine if only_mine else or_(mine, Unit.site_id.in_(list(by.site_ids))), readable(by))
        .order_by(Placement.id)
    )
    return [_item(row, now) for row in db.session.execute(rows)]


def _item(row: Any, now: datetime) -> Item:
    return Item(
        placement_id=row.id,
        reference=stay_reference(row.reference, row.number),
        site=row.code_name,
        unit=unit_name(row.room, row.unit),
        state=row.state,
        arrive_on=row.arrive_on,
        leave_on=row.leave_on,
        people=row.people,
        held_until=row.held_until,
        is_on_the_way=row.is_on_the_way,
        expected_at=row.expected_at,
        confirmed_at=row.confirmed_at,
        received_at=row.received_at,
        is_mine=bool(row.is_mine),
        channels=channels.channels(row, now),
    )


def _limits(by: Principal, *, only_mine: bool) -> tuple[LimitRow, ...]:
    """Own ones first, then the fewest days left. Whoever decides sees those at their limit, at every site."""
    if by.can(Permission.HOUSEHOLDS_READ):
        mine = is_mine(by)
        rows = _limit_rows(by, mine if only_mine else or_(mine, Unit.site_id.in_(list(by.site_ids))), readable(by))
    elif by.can(Permission.LIMITS_DECIDE):
        rows = [row for row in _limit_rows(by) if row.is_reached]
    else:
        rows = []
    return tuple(sorted(rows, key=lambda row: (not row.is_mine, row.days_left, row.reference)))


def _limit_rows(by: Principal, *scope: ColumnElement[bool]) -> list[LimitRow]:
    this_day = clock.today()
    rows = (
        select(
            Stay.id,
            Stay.number,
            Stay.limit_on,
            Stay.plan_on,
            Household.reference,
            Site.code_name,
            is_mine(by).label("is_mine"),
            StayPolicyVersion,
        )
        .select_from(Stay)
        .join(Household, Household.id == Stay.household_id)
        .join(StayPolicyVersion, StayPolicyVersion.id == Stay.policy_id)
        .join(Placement, and_(Placement.stay_id == Stay.id, Placement.state == P.IN_HOUSE))
        .join(Unit, Unit.id == Placement.unit_id)
        .join(Site, Site.id == Unit.site_id)
        .where(
            Stay.state == StayState.IN_HOUSE,
            Stay.limit_on <= this_day + timedelta(days=_widest()),
            *scope,
        )
        .order_by(Placement.id)
    )
    found: dict[UUID, Any] = {}
    sites: dict[UUID, dict[str, None]] = {}
    for row in db.session.execute(rows):
        found.setdefault(row.id, row)
        sites.setdefault(row.id, {})[row.code_name] = None
    said = (_limit(row, tuple(sites[row.id]), this_day) for row in found.values())
    return [row for row in said if row is not None]


def _widest() -> int:
    """The widest threshold of any policy: stays with more days left need not be looked at."""
    said = db.session.scalars(select(cast(StayPolicyVersion.thresholds, Text)).distinct())
    return max((days for thresholds in said for days in json.loads(thresholds)), default=0)


def _limit(row: Any, sites: tuple[str, ...], this_day: date) -> LimitRow | None:
    """None while no threshold is crossed, or a plan silences those that are."""
    crossed = limits.crossed_thresholds(policies.rules(row.StayPolicyVersion), row.limit_on, this_day)
    threshold = limits.tightest(crossed)
    if threshold is None or limits.is_silenced_by_plan(threshold, row.plan_on, this_day):
        return None
    return LimitRow(
        reference=stay_reference(row.reference, row.number),
        sites=sites,
        limit_on=row.limit_on,
        days_left=limits.days_left(row.limit_on, this_day),
        threshold=threshold,
        plan_on=row.plan_on,
        is_mine=bool(row.is_mine),
    )
