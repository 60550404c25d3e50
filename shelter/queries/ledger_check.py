"""Do the ledger, the placements and the stays agree? Reads a live database and names each difference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, func, or_, select

from shelter import clock
from shelter.domain.nights import DAY, Nights
from shelter.domain.references import stay_reference
from shelter.domain.sites import unit_name
from shelter.domain.stays import KEEPS_NIGHTS, LEFT, RUNNING, PlacementState, StayState, nights_in_ledger
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.sites import Closure, Room, Site, Unit
from shelter.models.stays import Placement, Stay, UnitNight
from shelter.queries.installation import live_from

AT_ONCE = 10_000

_p, _c, _s, _n = Placement.__table__.c, Closure.__table__.c, Stay.__table__.c, UnitNight.__table__.c
_of_placement = (
    *(_p.id, _p.stay_id, _p.unit_id, _p.state, _p.people),
    *(_p.arrive_on, _p.leave_on, _p.occupied_from, _p.left_at),
)
_PLACEMENTS = (
    select(
        *_of_placement,
        func.count(_n.night).label("nights"),
        func.min(_n.night).label("first"),
        func.max(_n.night).label("last"),
        func.sum(case((or_(_n.people != _p.people, _n.unit_id != _p.unit_id), 1), else_=0)).label("odd"),
    )
    .select_from(Placement.__table__.outerjoin(UnitNight.__table__, _n.placement_id == _p.id))
    .where(_p.id > bindparam("after"))
    .group_by(*_of_placement)
    .order_by(_p.id)
    .limit(AT_ONCE)
)
_OWNED = select(_n.unit_id, _n.night, _n.people).where(_n.placement_id == bindparam("placement"))
_HELD = select(_n.night).where(_n.unit_id == bindparam("unit"), _n.night.in_(bindparam("nights", expanding=True)))
_in_unit = Unit.__table__.join(Room.__table__, Room.id == Unit.room_id).join(Site.__table__, Site.id == Unit.site_id)
_unit_names = (Site.code_name, Room.label.label("room"), Unit.label.label("unit"))
_UNIT = select(*_unit_names).select_from(_in_unit).where(Unit.id == bindparam("unit"))
_STAY = (
    select(Household.reference, Stay.number)
    .join_from(Stay, Household, Household.id == Stay.household_id)
    .where(Stay.id == bindparam("stay"))
)
_CLOSURES = (
    select(_c.id, _c.unit_id, _c.from_on, _c.until_on, _n.unit_id.label("in_unit"), _n.night)
    .select_from(Closure.__table__.outerjoin(UnitNight.__table__, _n.closure_id == _c.id))
    .order_by(_c.id, _n.night)
)
_NOBODYS = (
    select(_n.unit_id, _n.night, _n.placement_id, _n.closure_id)
    .where(
        or_(
            and_(_n.placement_id.is_not(None), ~exists().where(_p.id == _n.placement_id)),
            and_(_n.closure_id.is_not(None), ~exists().where(_c.id == _n.closure_id)),
        )
    )
    .order_by(_n.unit_id, _n.night)
)
_is_in = exists().where(_p.stay_id == _s.id, _p.state == PlacementState.IN_HOUSE)
_STAYS = (
    select(_s.id, _s.state)
    .where(
        or_(
            and_(_s.state == StayState.IN_HOUSE, ~_is_in),
            and_(_s.state != StayState.IN_HOUSE, _is_in),
            and_(_s.state.not_in(RUNNING), exists().where(_p.stay_id == _s.id, _p.state.in_(KEEPS_NIGHTS))),
        )
    )
    .order_by(_s.id)
)


class Kind(StrEnum):
    MISSING = "missing"  # the owner should have the night and has not
    EXTRA = "extra"  # the ledger gives the owner a night it should not have
    PEOPLE = "people"  # another number of people than the placement
    ELSEWHERE = "elsewhere"  # in another unit than the placement or closure
    NOBODYS = "nobodys"  # of a placement or closure that is not there
    TWICE = "twice"  # two placements of one unit are in the house
    STAY = "stay"  # the stay is over and keeps a room, or is in the house without one


_WORDS = {
    Kind.MISSING: "nights missing in the ledger",
    Kind.EXTRA: "nights too many in the ledger",
    Kind.PEOPLE: "nights with another number of people",
    Kind.ELSEWHERE: "nights written for another unit",
    Kind.NOBODYS: "nights of an owner that is not there",
}


@dataclass(frozen=True)
class Difference:
    """What is wrong with one placement, closure or stay. `nights` where it is about some."""

    kind: Kind
    owner: str  # stay reference and placement, or closure
    unit: str = ""
    nights: tuple[date, ...] = ()

    def __str__(self) -> str:
        if self.kind is Kind.TWICE:
            return f"{self.owner}, unit {self.unit}: somebody else is in the house in the same unit"
        if self.kind is Kind.STAY:
            return f"{self.owner}: its placements are in other states"
        span = f"{self.nights[0]}" if len(self.nights) == 1 else f"{self.nights[0]} to {self.nights[-1]}"
        return f"{self.owner}, unit {self.unit}: {len(self.nights)} {_WORDS[self.kind]}: {span}"


@dataclass
class Checked:
    """How much was looked at."""

    placements: int = 0
    closures: int = 0
    nights: int = 0


def differences(checked: Checked) -> Iterator[Difference]:
    """Every difference there is, placements first; `checked` is counted up as it goes."""
    with _one_moment():
        yield from _placements(checked, live_from(), clock.shelter_day())
        yield from _closures(checked)
        yield from _nobodys(checked)
        for row in db.session.execute(_STAYS).all():
            yield Difference(Kind.STAY, f"stay {_reference(row.id)} ({row.state.value})")


@contextmanager
def _one_moment() -> Iterator[None]:
    """Whoever writes meanwhile is not seen: a placement and its nights are read by several statements.

    A transaction of SQLite reads like this by itself.
    """
    db.session.rollback()
    if db.engine.dialect.name == "postgresql":
        db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    try:
        yield
    finally:
        db.session.rollback()


def _placements(checked: Checked, since: date, tonight: date) -> Iterator[Difference]:
    last, in_house = 0, set[int]()
    while True:
        rows = db.session.execute(_PLACEMENTS, {"after": last}).all()
        for row in rows:
            checked.placements += 1
            checked.nights += row.nights
            wanted = wanted_by(row, since)
            run = (0, None, None) if wanted is None else (len(wanted), wanted.arrive_on, wanted.last)
            if (row.nights, row.first, row.last) != run or row.odd or _may_be_late(row, tonight):
                yield from _compare(row, wanted, since, tonight)
            if row.state is PlacementState.IN_HOUSE:
                if row.unit_id in in_house:
                    yield Difference(Kind.TWICE, _placement(row), _unit(row.unit_id))
                in_house.add(row.unit_id)
        if len(rows) < AT_ONCE:
            return
        last = rows[-1].id


def wanted_by(placement: Any, since: date) -> Nights | None:
    """`nights_in_ledger` of a placement, or of a row with its columns."""
    return nights_in_ledger(
        placement.state,
        placement.arrive_on,
        placement.leave_on,
        occupied_from=placement.occupied_from,
        left_on=None if placement.left_at is None else clock.day_of(placement.left_at),
        since=since,
    )


def _may_be_late(placement: Any, tonight: date) -> bool:
    return placement.state is PlacementState.IN_HOUSE and placement.leave_on <= tonight


def _compare(placement: Any, wanted: Nights | None, since: date, tonight: date) -> Iterator[Difference]:
    rows = db.session.execute(_OWNED, {"placement": placement.id}).all()
    there = {row.night for row in rows if row.unit_id == placement.unit_id}
    must = set(wanted or ())
    late = set[date]()
    if _may_be_late(placement, tonight):
        # They are still there: the nights are written as they come, tonight's within the hour.
        late = {night for night in Nights(placement.leave_on, tonight + DAY) if night >= since}
    missing = (must | late - {tonight}) - there
    if excused := missing & (must if placement.state in LEFT else late):
        # Nights past the planned ones may be another household's: nothing is overwritten, people move people.
        asked = {"unit": placement.unit_id, "nights": sorted(excused)}
        missing -= excused & set(db.session.scalars(_HELD, asked))
    crowded = {row.night for row in rows if row.people != placement.people}
    elsewhere = {row.night for row in rows if row.unit_id != placement.unit_id}
    for kind, nights in (
        (Kind.MISSING, missing),
        (Kind.EXTRA, there - must - late),
        (Kind.PEOPLE, crowded),
        (Kind.ELSEWHERE, elsewhere),
    ):
        if nights:
            yield Difference(kind, _placement(placement), _unit(placement.unit_id), tuple(sorted(nights)))


def _placement(row: Any) -> str:
    return f"stay {_reference(row.stay_id)}, placement {row.id} ({row.state.value})"


def _reference(stay_id: Any) -> str:
    return stay_reference(*db.session.execute(_STAY, {"stay": stay_id}).one())


def _unit(unit_id: int) -> str:
    site, room, unit = db.session.execute(_UNIT, {"unit": unit_id}).one()
    return f"{site} {unit_name(room, unit)}"


@dataclass
class _Closed:
    """A closure with its nights, and those written for another unit."""

    id: int
    unit_id: int
    must: set[date]
    there: set[date] = field(default_factory=set)
    elsewhere: set[date] = field(default_factory=set)


def _closures(checked: Checked) -> Iterator[Difference]:
    closures: dict[int, _Closed] = {}
    for row in db.session.execute(_CLOSURES):
        if row.id not in closures:
            must = set(Nights(row.from_on, row.until_on)) if row.until_on > row.from_on else set()
            closures[row.id] = _Closed(row.id, row.unit_id, must)
        if row.night is not None:
            checked.nights += 1
            nights = closures[row.id].there if row.in_unit == row.unit_id else closures[row.id].elsewhere
            nights.add(row.night)
    checked.closures += len(closures)
    for closed in closures.values():
        for kind, nights in (
            (Kind.MISSING, closed.must - closed.there),
            (Kind.EXTRA, closed.there - closed.must),
            (Kind.ELSEWHERE, closed.elsewhere),
        ):
            if nights:
                yield Difference(kind, f"closure {closed.id}", _unit(closed.unit_id), tuple(sorted(nights)))


def _nobodys(checked: Checked) -> Iterator[Difference]:
    owners: dict[tuple[str, int], list[date]] = {}
    for row in db.session.execute(_NOBODYS):
        checked.nights += 1
        owner = f"placement {row.placement_id}" if row.placement_id else f"closure {row.closure_id}"
        owners.setdefault((owner, row.unit_id), []).append(row.night)
    for (owner, unit_id), nights in owners.items():
        yield Difference(Kind.NOBODYS, owner, _unit(unit_id), tuple(nights))
