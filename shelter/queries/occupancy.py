"""How full the house is: counts over the ledger, nothing else. No names, no references.

Whoever is still in the house after their planned nights counts as occupying, whether or not the job has been
here that writes those nights.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, false, func, literal, or_, select

from shelter import clock
from shelter.domain.matching import Sharing, UnitKind, kind_of
from shelter.domain.nights import DAY, Nights
from shelter.domain.occupancy import ARRIVED, NightState, Tally
from shelter.domain.periods import Period, Step
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.sites import Room, Site, Unit
from shelter.models.stays import Placement, Stay, UnitNight
from shelter.queries.installation import live_from

_n, _u, _r = UnitNight.__table__.c, Unit.__table__.c, Room.__table__.c
_p, _s = Placement.__table__.c, Stay.__table__.c


class Place(NamedTuple):
    """What figures are told apart by."""

    site_id: UUID
    kind: UnitKind


@dataclass(frozen=True)
class Count:
    """Unit-nights, and of those still to come how many are blocked without anybody having said until when."""

    tally: Tally = field(default_factory=Tally)
    open_ended: int = 0  # ahead, blocked as long as the limit allows
    ahead: int = 0  # occupied and reserved ones ahead

    def __add__(self, other: Count) -> Count:
        return Count(self.tally + other.tally, self.open_ended + other.open_ended, self.ahead + other.ahead)

    @property
    def sure(self) -> int:
        """Ahead, until a day that was planned."""
        return self.ahead - self.open_ended


NOTHING = Count()


@dataclass(slots=True)
class _Sum:
    """A count in the making: a network and a month are thousands of additions."""

    occupied: int = 0
    reserved: int = 0
    held: int = 0
    closed: int = 0
    free: int = 0
    not_in_service: int = 0
    people: int = 0
    open_ended: int = 0
    ahead: int = 0
    outside: int = 0  # owned although the unit is not in service: somebody lives there all the same

    def add(self, other: _Sum) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def count(self) -> Count:
        values = {name: getattr(self, name) for name in self.__slots__}
        open_ended, ahead, _outside = values.pop("open_ended"), values.pop("ahead"), values.pop("outside")
        return Count(Tally(**values), open_ended, ahead)


_Counted = dict[tuple[Place, date, bool], _Sum]  # by place, first day of the part, and whether it lies ahead


@dataclass(frozen=True)
class Part:
    """One night of the trend, or one month of a year; `count` is None where there is no data."""

    nights: Nights
    count: Count | None
    is_ahead: bool  # all of it lies after tonight
    has_gap: bool  # some of its nights lie before the first one known


@dataclass(frozen=True)
class Occupancy:
    """A period, of all sites or of one."""

    period: Period
    site_id: UUID | None
    as_of: datetime
    live_from: date
    places: Mapping[Place, Count]
    so_far: Count  # nights up to tonight
    ahead: Count  # nights after tonight
    parts: tuple[Part, ...]
    sites: tuple[tuple[UUID, str], ...]  # every site, by code name

    @property
    def total(self) -> Count:
        return self.so_far + self.ahead

    @property
    def has_data(self) -> bool:
        return self.period.until > self.live_from

    @property
    def has_gap(self) -> bool:
        return self.has_data and self.period.first < self.live_from

    @property
    def reaches_ahead(self) -> bool:
        return any(part.is_ahead for part in self.parts)

    def by_kind(self) -> dict[UnitKind, Count]:
        return {kind: self._sum(p for p in self.places if p.kind is kind) for kind in UnitKind}

    def by_site(self) -> list[tuple[UUID, str, Count]]:
        """Sites with a unit, in the order of their names."""
        there = {place.site_id for place in self.places}
        return [
            (site_id, name, self._sum(p for p in self.places if p.site_id == site_id))
            for site_id, name in self.sites
            if site_id in there
        ]

    def _sum(self, places: Iterable[Place]) -> Count:
        return sum((self.places[place] for place in places), NOTHING)


def occupancy(period: Period, site_id: UUID | None = None) -> Occupancy:
    """The nights of the period, state by state; one grouped statement over the ledger, however many there are."""
    now, since = clock.now(), live_from()
    tonight = clock.shelter_day(now)
    counted: _Counted = defaultdict(_Sum)
    if period.until > since:
        nights = Nights(max(period.first, since), period.until)
        by_month = period.step is Step.YEAR
        _count_owned(counted, nights, site_id, now, tonight, by_month=by_month)
        _count_overstays(counted, nights, site_id, tonight, by_month=by_month)
        _count_free(counted, nights, site_id, tonight, by_month=by_month)
    places: dict[Place, _Sum] = defaultdict(_Sum)
    parts: dict[date, _Sum] = defaultdict(_Sum)
    halves = (_Sum(), _Sum())
    for (place, begins, is_ahead), found in counted.items():
        places[place].add(found)
        parts[begins].add(found)
        halves[is_ahead].add(found)
    return Occupancy(
        period=period,
        site_id=site_id,
        as_of=now,
        live_from=since,
        places={place: found.count() for place, found in places.items()},
        so_far=halves[False].count(),
        ahead=halves[True].count(),
        parts=tuple(
            Part(
                run,
                parts[run.arrive_on].count() if run.leave_on > since else None,
                is_ahead=run.arrive_on > tonight,
                has_gap=run.arrive_on < since < run.leave_on,
            )
            for run in period.parts()
        ),
        sites=sites(),
    )


def sites() -> tuple[tuple[UUID, str], ...]:
    rows = select(Site.id, Site.code_name).order_by(Site.code_name)
    return tuple((site_id, name) for site_id, name in db.session.execute(rows))


def tonight_by_kind(site_ids: Iterable[UUID] | None = None) -> dict[UnitKind, Tally]:
    """Tonight alone: what is free, held, reserved and occupied, by kind."""
    now = clock.now()
    tonight = clock.shelter_day(now)
    nights = Nights(tonight, tonight + DAY)
    counted: _Counted = defaultdict(_Sum)
    only = None if site_ids is None else list(site_ids)
    _count_owned(counted, nights, only, now, tonight, by_month=False)
    _count_overstays(counted, nights, only, tonight, by_month=False)
    _count_free(counted, nights, only, tonight, by_month=False)
    kinds = {kind: _Sum() for kind in UnitKind}
    for (place, _night, _ahead), found in counted.items():
        kinds[place.kind].add(found)
    return {kind: found.count().tally for kind, found in kinds.items()}


# The statements


def _at(site: UUID | list[UUID] | None) -> list[ColumnElement[bool]]:
    if site is None:
        return []
    return [_u.site_id.in_(site)] if isinstance(site, list) else [_u.site_id == site]


def _state(now: datetime) -> ColumnElement[str]:
    """`domain.occupancy.state_of`, in SQL."""
    is_lapsed = and_(_p.held_until <= now, _p.is_on_the_way == false())
    return case(
        (_n.closure_id.is_not(None), literal(NightState.CLOSED.value)),
        (and_(_p.state == PlacementState.HELD, is_lapsed), literal(NightState.FREE.value)),
        (_p.state == PlacementState.HELD, literal(NightState.HELD.value)),
        (and_(_p.state.in_(ARRIVED), _p.occupied_from <= _n.night), literal(NightState.OCCUPIED.value)),
        else_=literal(NightState.RESERVED.value),
    )


def _is_open_ended() -> ColumnElement[bool]:
    """Nobody has said when they leave: the night is blocked because the limit allows it."""
    return or_(
        _n.night >= _s.expected_leave_on,
        and_(_s.expected_leave_on.is_(None), _p.leave_on >= _s.limit_on),
    )


def _month(day: ColumnElement[date]) -> ColumnElement[str]:
    if db.engine.dialect.name == "postgresql":
        return func.to_char(day, "YYYY-MM")
    return func.substr(day, 1, 7)


def _begin(bucket: Any) -> date:
    return bucket if isinstance(bucket, date) else date(int(bucket[:4]), int(bucket[5:7]), 1)


def _count_owned(
    counted: _Counted,
    nights: Nights,
    site: UUID | list[UUID] | None,
    now: datetime,
    tonight: date,
    *,
    by_month: bool,
) -> None:
    """Every night somebody owns. Nights of lapsed holds are nobody's and left for `_count_free`."""
    has_ahead = nights.last > tonight
    bucket = (_month(_n.night) if by_month else _n.night).label("bucket")
    is_ahead: ColumnElement[bool] = _n.night > tonight if has_ahead else literal(False)
    columns: list[ColumnElement[Any]] = [
        _u.site_id,
        _r.sharing,
        (_u.capacity == 1).label("is_single"),
        bucket,
        _state(now).label("night_state"),
        is_ahead.label("is_ahead"),
        (and_(is_ahead, _is_open_ended()) if has_ahead else literal(False)).label("is_open"),
        or_(
            _n.night < _u.in_service_from, and_(_u.in_service_until.is_not(None), _n.night >= _u.in_service_until)
        ).label("is_outside"),
    ]
    # Outer joins keep the order: unit by unit, whose nights lie side by side in the ledger's key.
    owned = and_(_n.unit_id == _u.id, _n.night >= nights.arrive_on, _n.night < nights.leave_on)
    joined = (
        Unit.__table__.join(Room.__table__, _r.id == _u.room_id)
        .outerjoin(UnitNight.__table__, owned)
        .outerjoin(Placement.__table__, _p.id == _n.placement_id)
    )
    if has_ahead:
        joined = joined.outerjoin(Stay.__table__, _s.id == _p.stay_id)
    ahead_too = ["is_ahead", "is_open"] if has_ahead else []
    names: list[str] = ["is_single", "bucket", "night_state", "is_outside", *ahead_too]
    rows: Select[Any] = (
        select(*columns, func.count(_n.night), func.sum(_n.people))
        .select_from(joined)
        .where(*_at(site))
        .group_by(*columns[:2], *names)
    )
    places = _Places()
    for site_id, sharing, is_single, part, state, ahead, is_open, is_outside, units, people in db.session.execute(rows):
        if part is None or state == NightState.FREE:
            continue  # a unit without an owned night, or holds that ran out
        found = counted[places[site_id, sharing, is_single], _begin(part), bool(ahead)]
        setattr(found, state, getattr(found, state) + units)
        found.outside += units if is_outside else 0
        if state == NightState.OCCUPIED:
            found.people += people
        if ahead and state in (NightState.OCCUPIED, NightState.RESERVED):
            found.ahead += units
            found.open_ended += units if is_open else 0


class _Places(dict[tuple[UUID, Sharing, bool], Place]):
    """What rows say of a unit, as the figures know it: of the capacity it matters only whether it is one."""

    def __missing__(self, key: tuple[UUID, Sharing, bool]) -> Place:
        site_id, sharing, is_single = key
        self[key] = Place(site_id, kind_of(sharing, 1 if is_single else 2))
        return self[key]


def _count_overstays(
    counted: _Counted,
    nights: Nights,
    site: UUID | list[UUID] | None,
    tonight: date,
    *,
    by_month: bool,
) -> None:
    """Nights up to tonight of people still in the house which the ledger does not have yet."""
    last = min(nights.last, tonight)
    if last < nights.arrive_on:
        return
    rows = (
        select(_p.id, _p.people, _p.leave_on, _u.site_id, _r.sharing, _u.capacity, _u.in_service_until, _n.night)
        .select_from(
            Placement.__table__.join(Unit.__table__, _u.id == _p.unit_id)
            .join(Room.__table__, _r.id == _u.room_id)
            .outerjoin(
                UnitNight.__table__,
                and_(_n.unit_id == _p.unit_id, _n.night >= _p.leave_on, _n.night >= nights.arrive_on, _n.night <= last),
            )
        )
        .where(_p.state == PlacementState.IN_HOUSE, _p.leave_on <= last, *_at(site))
    )
    found: dict[int, tuple[Place, int, date, date | None]] = {}
    known: dict[int, set[date]] = defaultdict(set)
    for placement_id, people, leave_on, site_id, sharing, capacity, ends, night in db.session.execute(rows):
        place = Place(site_id, kind_of(sharing, capacity))
        found[placement_id] = (place, people, max(leave_on, nights.arrive_on), ends)
        if night is not None:
            known[placement_id].add(night)
    for placement_id, (place, people, first, ends) in found.items():
        for night in Nights(first, last + DAY):
            if night not in known[placement_id]:
                begins = night.replace(day=1) if by_month else night
                late = counted[place, begins, False]
                late.occupied += 1
                late.people += people
                late.outside += ends is not None and night >= ends


def _count_free(
    counted: _Counted,
    nights: Nights,
    site: UUID | list[UUID] | None,
    tonight: date,
    *,
    by_month: bool,
) -> None:
    """What is left of the units in service: nobody's nights. To be called last."""
    units = (
        select(_u.site_id, _r.sharing, _u.capacity, _u.in_service_from, _u.in_service_until, func.count())
        .select_from(Unit.__table__.join(Room.__table__, _r.id == _u.room_id))
        .where(*_at(site))
        .group_by(_u.site_id, _r.sharing, _u.capacity, _u.in_service_from, _u.in_service_until)
    )
    there: dict[tuple[Place, date | None, date | None], int] = defaultdict(int)
    for site_id, sharing, capacity, begins, ends, number in db.session.execute(units):
        # Before and after the period it does not matter when.
        begins = None if begins <= nights.arrive_on else begins
        ends = None if ends is None or ends >= nights.leave_on else ends
        there[(Place(site_id, kind_of(sharing, capacity)), begins, ends)] += number
    for run, begins, is_ahead in _runs(nights, tonight, by_month=by_month):
        for (place, service_from, service_until), number in there.items():
            first, until = (
                max(run.arrive_on, service_from or run.arrive_on),
                min(run.leave_on, service_until or run.leave_on),
            )
            in_service = max(0, (until - first).days) * number
            absent = len(run) * number - in_service
            part = counted[place, begins, is_ahead]
            part.free += in_service
            part.not_in_service += absent
    for part in counted.values():
        part.free -= part.occupied + part.reserved + part.held + part.closed - part.outside
        part.not_in_service -= part.outside


def _runs(nights: Nights, tonight: date, *, by_month: bool) -> Iterable[tuple[Nights, date, bool]]:
    """The period in its parts, a month that holds tonight in two: the part's first day, and whether it is ahead."""
    if not by_month:
        for night in nights:
            yield Nights(night, night + DAY), night, night > tonight
        return
    day = nights.arrive_on
    while day < nights.leave_on:
        begins = day.replace(day=1)
        end = min((begins + timedelta(days=32)).replace(day=1), nights.leave_on)
        if day <= tonight < end - DAY:
            end = tonight + DAY
        yield Nights(day, end), begins, day > tonight
        day = end
