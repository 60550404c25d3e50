"""Do the ledger and what owns its nights agree? Reads a live database and names each difference."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import case, func, select

from shelter import clock
from shelter.domain.nights import DAY, Nights
from shelter.domain.references import stay_reference
from shelter.domain.sites import unit_name
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.sites import Closure, Room, Site, Unit
from shelter.models.stays import Placement, Stay, UnitNight
from shelter.queries.installation import live_from

AT_ONCE = 10_000
GIVEN_UP = frozenset({PlacementState.EXPIRED, PlacementState.CANCELLED})
LEFT = frozenset({PlacementState.ENDED, PlacementState.MOVED})
WAS_HERE = LEFT | {PlacementState.IN_HOUSE}


_PLACEMENT = (
    Placement.id,
    Placement.stay_id,
    Placement.unit_id,
    Placement.state,
    Placement.arrive_on,
    Placement.leave_on,
    Placement.people,
    Placement.occupied_from,
    Placement.left_at,
)


class Kind(StrEnum):
    MISSING = "missing"  # the owner should have the night and has not
    EXTRA = "extra"  # the ledger gives the owner a night it should not have
    PEOPLE = "people"  # another number of people than the placement


@dataclass(frozen=True)
class Difference:
    """What is wrong with the nights of one placement or closure."""

    kind: Kind
    owner: str  # stay reference and placement, or closure
    unit: str
    nights: tuple[date, ...]

    def __str__(self) -> str:
        words = {
            Kind.MISSING: "nights missing in the ledger",
            Kind.EXTRA: "nights too many in the ledger",
            Kind.PEOPLE: "nights with another number of people",
        }
        span = f"{self.nights[0]}" if len(self.nights) == 1 else f"{self.nights[0]} to {self.nights[-1]}"
        return f"{self.owner}, unit {self.unit}: {len(self.nights)} {words[self.kind]}: {span}"


@dataclass
class Checked:
    """How much was looked at."""

    placements: int = 0
    closures: int = 0
    nights: int = 0


def differences(checked: Checked) -> Iterator[Difference]:
    """Every difference there is, placements first; `checked` is counted up as it goes."""
    since, tonight = live_from(), clock.shelter_day()
    yield from _placements(checked, since, tonight)
    yield from _closures(checked)


def _placements(checked: Checked, since: date, tonight: date) -> Iterator[Difference]:
    last = 0
    while True:
        owned = (
            select(
                *_PLACEMENT,
                func.count(UnitNight.night).label("nights"),
                func.min(UnitNight.night).label("first"),
                func.max(UnitNight.night).label("last"),
                func.sum(case((UnitNight.people != Placement.people, 1), else_=0)).label("crowds"),
            )
            .outerjoin(UnitNight, UnitNight.placement_id == Placement.id)
            .where(Placement.id > last)
            .group_by(*_PLACEMENT)
            .order_by(Placement.id)
            .limit(AT_ONCE)
        )
        rows = db.session.execute(owned).all()
        if not rows:
            return
        for row in rows:
            last = row.id
            checked.placements += 1
            checked.nights += row.nights
            wanted = _wanted(row, since)
            run = (0, None, None) if wanted is None else (len(wanted), wanted.arrive_on, wanted.last)
            if (row.nights, row.first, row.last) != run or row.crowds or _may_be_late(row, tonight):
                yield from _compare(row, wanted, since, tonight)


def _wanted(placement: Any, since: date) -> Nights | None:
    """The nights a placement must have; None if it must have none."""
    until = placement.leave_on
    if placement.state in GIVEN_UP:
        return None
    if placement.state in LEFT and placement.left_at is not None:
        # Whoever came and went on one day keeps a night on paper only.
        until = min(until, max(clock.day_of(placement.left_at), placement.occupied_from))
    first = max(placement.arrive_on, since)
    return Nights(first, until) if until > first else None


def _may_be_late(placement: Any, tonight: date) -> bool:
    return placement.state is PlacementState.IN_HOUSE and placement.leave_on <= tonight


def _compare(placement: Any, wanted: Nights | None, since: date, tonight: date) -> Iterator[Difference]:
    rows = db.session.execute(
        select(UnitNight.night, UnitNight.people).where(UnitNight.placement_id == placement.id)
    ).all()
    there = {row.night for row in rows}
    must = set(wanted or ())
    may = set(must)
    if _may_be_late(placement, tonight):
        # They are still there: the nights are written as they come, tonight's within the hour.
        late = {night for night in Nights(placement.leave_on, tonight + DAY) if night >= since}
        may |= late
        must |= late - {tonight}
    missing = must - there
    if placement.state in WAS_HERE and missing:
        missing -= _held_by_others(placement, missing)  # nothing is overwritten, people are moved by people
    crowded = {row.night for row in rows if row.people != placement.people}
    for kind, nights in ((Kind.MISSING, missing), (Kind.EXTRA, there - may), (Kind.PEOPLE, crowded)):
        if nights:
            yield Difference(kind, *_named(placement), tuple(sorted(nights)))


def _held_by_others(placement: Any, nights: Collection[date]) -> set[date]:
    rows = select(UnitNight.night).where(UnitNight.unit_id == placement.unit_id, UnitNight.night.in_(nights))
    return set(db.session.scalars(rows))


def _named(placement: Any) -> tuple[str, str]:
    reference, number, site, room, unit = db.session.execute(
        select(Household.reference, Stay.number, Site.code_name, Room.label, Unit.label)
        .select_from(Stay)
        .join(Household, Household.id == Stay.household_id)
        .join(Unit, Unit.id == placement.unit_id)
        .join(Room, Room.id == Unit.room_id)
        .join(Site, Site.id == Unit.site_id)
        .where(Stay.id == placement.stay_id)
    ).one()
    return (
        f"stay {stay_reference(reference, number)}, placement {placement.id} ({placement.state.value})",
        f"{site} {unit_name(room, unit)}",
    )


def _closures(checked: Checked) -> Iterator[Difference]:
    rows = db.session.execute(
        select(Closure, Site.code_name, Room.label, Unit.label)
        .join(Unit, Unit.id == Closure.unit_id)
        .join(Room, Room.id == Unit.room_id)
        .join(Site, Site.id == Unit.site_id)
        .order_by(Closure.id)
    ).all()
    owned: dict[int | None, set[date]] = {}
    for closure_id, night in db.session.execute(
        select(UnitNight.closure_id, UnitNight.night).where(UnitNight.closure_id.is_not(None))
    ):
        owned.setdefault(closure_id, set()).add(night)
    for closure, site, room, unit in rows:
        checked.closures += 1
        there = owned.get(closure.id, set())
        checked.nights += len(there)
        is_any = closure.until_on > closure.from_on
        must = set(Nights(closure.from_on, closure.until_on)) if is_any else set()
        name = (f"closure {closure.id}", f"{site} {unit_name(room, unit)}")
        for kind, nights in ((Kind.MISSING, must - there), (Kind.EXTRA, there - must)):
            if nights:
                yield Difference(kind, *name, tuple(sorted(nights)))
