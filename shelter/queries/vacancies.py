"""What is free: units over nights as the ledger has them, and until when their sites let somebody stay.

Statements are built once and rows come as the driver gives them: there may be thousands.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, not_, or_, select, true, type_coerce
from sqlalchemy.types import NullType

from shelter import clock
from shelter.domain.matching import Party
from shelter.domain.nights import Nights
from shelter.domain.stays import PlacementState, is_overdue_departure
from shelter.extensions import db
from shelter.models.sealed import unseal
from shelter.models.sites import Closure, Room, Site, StayPolicyVersion, Unit
from shelter.models.stays import Placement, UnitNight
from shelter.queries import policies
from shelter.queries.roommates import RAN_OUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """From which night, until when (None: as long as each site's limit allows), and for whom."""

    arrive_on: date
    leave_on: date | None = None
    party: Party


class Place(NamedTuple):
    """What a search needs to know of a site. `leave_on`: until when this party could stay there."""

    id: UUID
    name: str
    is_paused: bool
    is_overflow: bool
    district: str | None  # opened only for somebody who must not be in one
    limit_on: date
    leave_on: date


class Totals(NamedTuple):
    """Units there are, of them in service on all nights, of them closed on one."""

    units: int
    in_service: int
    closed: int


_u, _r, _n = Unit.__table__.c, Room.__table__.c, UnitNight.__table__.c
_p, _c, _s, _v = Placement.__table__.c, Closure.__table__.c, Site.__table__.c, StayPolicyVersion.__table__.c
_neighbour = Unit.__table__.alias("neighbour").c

_IN_SERVICE = and_(
    _u.in_service_from <= bindparam("arrive_on"),
    or_(_u.in_service_until.is_(None), _u.in_service_until >= bindparam("leave_on")),
)
_NOT_GONE = or_(_u.in_service_until.is_(None), _u.in_service_until > bindparam("arrive_on"))
_OWNED = and_(
    _n.unit_id == _u.id,
    _n.night >= bindparam("arrive_on"),
    _n.night < bindparam("leave_on"),
    or_(_n.placement_id.is_(None), _n.placement_id.not_in(select(_p.id).where(RAN_OUT))),
)
# Most units are taken on the first night already, which one look at that night tells of all of them.
_IS_TAKEN_AT_ONCE = and_(
    _u.id.in_(select(_n.unit_id).where(_n.night == bindparam("arrive_on"))),
    _u.id.not_in(select(_p.unit_id).where(RAN_OUT)),
)
# One probe of the key for each unit: without the offset PostgreSQL makes a join of it and reads every night there is.
_IS_FREE = and_(not_(_IS_TAKEN_AT_ONCE), ~exists(select(1).where(_OWNED).offset(0)))
_IS_CLOSED = _u.id.in_(
    select(_c.unit_id).where(
        _c.from_on < bindparam("leave_on"),
        _c.until_on > bindparam("arrive_on"),
        _c.until_on > _c.from_on,  # one that ended before it began never was
    )
)
_UNITS_WITH_ROOMS = Unit.__table__.join(Room.__table__, _r.id == _u.room_id)
_AT_SITES = _u.site_id.in_(bindparam("sites", expanding=True))
_ONLY_UNITS = _u.id.in_(bindparam("units", expanding=True))


def _raw(*columns: Any) -> list[Any]:
    return [type_coerce(column, NullType()).label(column.name) for column in columns]


# The first four say which unit, the rest what it is like; see `UnitRow` in queries/find.py.
_UNIT = (
    *_raw(_u.id, _u.room_id, _u.site_id),
    exists(select(_neighbour.id).where(_neighbour.room_id == _u.room_id, _neighbour.id != _u.id)).label("is_shared"),
    *_raw(_u.capacity, _u.pets_allowed, _u.max_pets, _u.is_step_free, _u.has_cot),
    *_raw(_u.audience, _u.accepts_older_boys, _r.sharing),
)


class _Statements(NamedTuple):
    free: Select[Any]
    every: Select[Any]
    totals: Select[Any]


def _within(scope: ColumnElement[bool]) -> _Statements:
    count = select(func.count()).select_from(Unit.__table__)
    return _Statements(
        free=select(*_UNIT).select_from(_UNITS_WITH_ROOMS).where(_IN_SERVICE, scope, _IS_FREE),
        every=select(
            *_UNIT,
            _IN_SERVICE.label("is_in_service"),
            _IS_CLOSED.label("is_closed"),
            select(func.min(_n.night)).where(_OWNED).scalar_subquery().label("first"),
            select(func.max(_n.night)).where(_OWNED).scalar_subquery().label("last"),
        )
        .select_from(_UNITS_WITH_ROOMS)
        .where(_NOT_GONE, scope, _u.capacity >= bindparam("places")),
        totals=select(
            count.where(_NOT_GONE, scope).scalar_subquery(),
            count.where(_IN_SERVICE, scope).scalar_subquery(),
            count.where(_IN_SERVICE, _IS_CLOSED, scope).scalar_subquery(),
        ),
    )


_EVERYWHERE, _SOMEWHERE, _THESE = _within(true()), _within(_AT_SITES), _within(_ONLY_UNITS)
_SITES = (
    select(
        *(_s.id, _s.code_name, _s.is_paused, _s.is_overflow, _s.district_sealed, _v.effective_from),
        *(_v.months, _v.days, _v.counting_rule, _v.extension_months, _v.extension_days, _v.max_extensions),
        _v.readmission_rule,
    )
    .join(StayPolicyVersion.__table__, _v.site_id == _s.id)
    .order_by(_s.code_name, _v.effective_from)
)
_SITE_OF = _SITES.where(_s.id == select(_u.site_id).where(_u.id == bindparam("unit")).scalar_subquery())
_LATE = (
    select(_p.unit_id, *_raw(_u.site_id))
    .join(Unit.__table__, _u.id == _p.unit_id)
    .where(_p.state == PlacementState.IN_HOUSE, _p.leave_on <= bindparam("until"))
)
_LABELS = (
    select(_u.id, _u.room_id, _u.label, _r.label.label("room"), _r.floor)
    .select_from(_UNITS_WITH_ROOMS)
    .where(_ONLY_UNITS)
)


def places(criteria: Criteria, *, site_of: int | None = None) -> dict[Any, Place]:
    """Every site, or that of one unit, by its id as the driver gives it in a unit's row."""
    limits: dict[tuple[Any, ...], date] = {}
    found: dict[Any, Place] = {}
    is_text = db.engine.dialect.name == "sqlite"
    row: Any
    for row in db.session.execute(_SITES if site_of is None else _SITE_OF, {"unit": site_of}):
        key = row.id.hex if is_text else row.id
        if key in found and row.effective_from > criteria.arrive_on:
            continue  # the version in force; before the first one, the first
        terms = (row.months, row.days, row.counting_rule, row.readmission_rule)
        if terms not in limits:
            limits[terms] = policies.limit_for(row, criteria.arrive_on, household_id=criteria.party.household_id)
        found[key] = Place(
            row.id,
            row.code_name,
            row.is_paused,
            row.is_overflow,
            _district(row) if criteria.party.excluded_districts else None,
            limits[terms],
            min(criteria.leave_on or limits[terms], limits[terms]),
        )
    return found


def _district(row: Any) -> str | None:
    if row.district_sealed is None:
        return None
    return unseal(row.district_sealed, Site.__tablename__, "district_sealed", row.id)


def free(nights: Nights, *, now: datetime, sites: Collection[UUID] | None = None) -> Sequence[Any]:
    """Units in service whose every night is free. Holds that have run out are nobody's."""
    return db.session.execute(*_asked(nights, now, sites, "free")).all()


def every(
    nights: Nights,
    *,
    now: datetime,
    sites: Collection[UUID] | None = None,
    places: int = 0,
) -> Sequence[Any]:
    """Every unit with so many places, and the first and last of the nights on which somebody has it."""
    statement, asked = _asked(nights, now, sites, "every")
    return db.session.execute(statement, {**asked, "places": places}).all()


def one(unit_id: int, nights: Nights, *, now: datetime) -> Any:
    """The same of one unit; None when it is gone for good."""
    asked = {"arrive_on": nights.arrive_on, "leave_on": nights.leave_on, "now": now, "units": [unit_id], "places": 0}
    return db.session.execute(_THESE.every, asked).one_or_none()


def totals(nights: Nights, *, now: datetime, sites: Collection[UUID] | None = None) -> Totals:
    return Totals(*db.session.execute(*_asked(nights, now, sites, "totals")).one())


def _asked(
    nights: Nights, now: datetime, sites: Collection[UUID] | None, what: str
) -> tuple[Select[Any], dict[str, Any]]:
    asked: dict[str, Any] = {"arrive_on": nights.arrive_on, "leave_on": nights.leave_on, "now": now}
    if sites is None:
        return getattr(_EVERYWHERE, what), asked
    return getattr(_SOMEWHERE, what), {**asked, "sites": list(sites)}


def overdue(arrive_on: date, *, now: datetime) -> dict[int, Any]:
    """Units, with their sites, whose people are still there although their nights are used up.

    For tonight that is everybody who was to leave by today; for later nights those who should have gone by now.
    """
    tonight, local = clock.shelter_day(now), clock.local(now)
    until = tonight
    if arrive_on > tonight:
        until = local.date() if is_overdue_departure(local.date(), local) else local.date() - timedelta(days=1)
    return dict(db.session.execute(_LATE, {"until": until}).all())


def labels(unit_ids: Collection[int]) -> dict[int, Any]:
    """Label, room and floor of units to be shown."""
    if not unit_ids:
        return {}
    return {row.id: row for row in db.session.execute(_LABELS, {"units": list(unit_ids)})}
