"""The board: the units of a site by nights. A reference only where this person may read the stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, select

from shelter import clock
from shelter.domain.matching import UnitKind, kind_of
from shelter.domain.nights import DAY, Nights
from shelter.domain.occupancy import NightState, state_of
from shelter.domain.permissions import Principal
from shelter.domain.references import stay_reference
from shelter.domain.sites import natural, unit_name
from shelter.domain.stays import ClosureReason, PlacementState, may_release_unasked
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.sites import Closure, Room, Site, Unit
from shelter.models.stays import Placement, Stay, UnitNight
from shelter.queries.visibility import readable


@dataclass(frozen=True)
class Run:
    """Nights of one unit with one owner, or nobody, side by side."""

    nights: Nights
    state: NightState
    people: int = 0
    reference: str | None = None  # of the stay, for whoever may read it
    reason: ClosureReason | None = None
    is_overdue: bool = False  # the planned nights are over
    begins: bool = True  # the owner's nights begin here, not before the board
    ends: bool = True

    @property
    def span(self) -> int:
        return len(self.nights)


@dataclass(frozen=True)
class Row:
    unit_id: int
    name: str
    kind: UnitKind
    capacity: int
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Board:
    site_id: UUID
    site: str
    nights: Nights
    rows: tuple[Row, ...]
    free: tuple[int, ...]  # units free on each night


class _Owner(NamedTuple):
    unit_id: int | None
    state: PlacementState | None
    occupied_from: date | None
    leave_on: date | None
    people: int
    is_lapsed: bool
    reference: str | None
    reason: ClosureReason | None


_NOBODY = _Owner(None, None, None, None, 0, False, None, None)


def board(site_id: UUID, nights: Nights, by: Principal) -> Board | None:
    """None where there is no such site. Four statements, however many units and nights."""
    name = db.session.scalar(select(Site.code_name).where(Site.id == site_id))
    if name is None:
        return None
    units = sorted(
        db.session.execute(
            select(
                Unit.id,
                Unit.label,
                Unit.capacity,
                Unit.in_service_from,
                Unit.in_service_until,
                Room.label.label("room"),
                Room.sharing,
            )
            .join(Room, Room.id == Unit.room_id)
            .where(Unit.site_id == site_id)
        ).all(),
        key=lambda unit: natural(unit_name(unit.room, unit.label)),
    )
    there = [u for u in units if u.in_service_from < nights.leave_on and not _is_gone(u, nights.arrive_on)]
    owned, owners = _owned(site_id, nights), _owners(site_id, nights, by)
    _add_overstays(owned, owners, clock.shelter_day())
    rows = tuple(_row(unit, nights, owned.get(unit.id, {}), owners) for unit in there)
    free = [0] * len(nights)
    for row in rows:
        for run in row.runs:
            if run.state is NightState.FREE:
                begin = (run.nights.arrive_on - nights.arrive_on).days
                for position in range(begin, begin + run.span):
                    free[position] += 1
    return Board(site_id, name, nights, rows, tuple(free))


def _is_gone(unit: Any, night: date) -> bool:
    return unit.in_service_until is not None and unit.in_service_until <= night


def _owned(site_id: UUID, nights: Nights) -> dict[int, dict[date, tuple[str, int]]]:
    """By unit and night whose it is: `p` and a placement, or `c` and a closure."""
    here = select(Unit.id).where(Unit.site_id == site_id)
    # Night before and after: whether a run goes on beyond the board.
    rows = select(UnitNight.unit_id, UnitNight.night, UnitNight.placement_id, UnitNight.closure_id).where(
        UnitNight.unit_id.in_(here),
        UnitNight.night >= nights.arrive_on - DAY,
        UnitNight.night <= nights.leave_on,
    )
    found: dict[int, dict[date, tuple[str, int]]] = {}
    for unit_id, night, placement_id, closure_id in db.session.execute(rows):
        owner: tuple[str, Any] = ("c", closure_id) if placement_id is None else ("p", placement_id)
        found.setdefault(unit_id, {})[night] = owner
    return found


def _owners(site_id: UUID, nights: Nights, by: Principal) -> dict[tuple[str, int], _Owner]:
    now = clock.now()
    tonight = clock.shelter_day(now)
    rows = (
        select(
            Placement.id,
            Placement.unit_id,
            Placement.state,
            Placement.occupied_from,
            Placement.leave_on,
            Placement.people,
            Placement.held_until,
            Placement.is_on_the_way,
            Household.reference,
            Stay.number,
            readable(by).label("is_readable"),
        )
        .join(Stay, Stay.id == Placement.stay_id)
        .join(Household, Household.id == Stay.household_id)
        .join(Unit, Unit.id == Placement.unit_id)
        .where(
            Unit.site_id == site_id,
            Placement.arrive_on <= nights.leave_on,
            (Placement.leave_on >= nights.arrive_on)
            | and_(Placement.state == PlacementState.IN_HOUSE, Placement.leave_on <= tonight),
        )
    )
    found: dict[tuple[str, int], _Owner] = {}
    for row in db.session.execute(rows):
        found["p", row.id] = _Owner(
            row.unit_id,
            row.state,
            row.occupied_from,
            row.leave_on,
            row.people,
            row.state is PlacementState.HELD
            and may_release_unasked(row.held_until, is_on_the_way=row.is_on_the_way, now=now),
            stay_reference(row.reference, row.number) if row.is_readable else None,
            None,
        )
    closures = (
        select(Closure.id, Closure.reason)
        .join(Unit, Unit.id == Closure.unit_id)
        .where(Unit.site_id == site_id, Closure.from_on <= nights.leave_on, Closure.until_on >= nights.arrive_on)
    )
    for closure_id, reason in db.session.execute(closures):
        found["c", closure_id] = _NOBODY._replace(reason=reason)
    return found


def _add_overstays(
    owned: dict[int, dict[date, tuple[str, int]]], owners: dict[tuple[str, int], _Owner], tonight: date
) -> None:
    """Whoever is still in the house has the nights up to tonight, written or not."""
    for who, owner in owners.items():
        if owner.state is not PlacementState.IN_HOUSE or owner.leave_on is None or owner.leave_on > tonight:
            continue
        assert owner.unit_id is not None
        nights = owned.setdefault(owner.unit_id, {})
        for night in Nights(owner.leave_on, tonight + DAY):
            nights.setdefault(night, who)


def _row(
    unit: Any,
    nights: Nights,
    owned: dict[date, tuple[str, int]],
    owners: dict[tuple[str, int], _Owner],
) -> Row:
    return Row(
        unit.id,
        unit_name(unit.room, unit.label),
        kind_of(unit.sharing, unit.capacity),
        unit.capacity,
        tuple(_runs(unit, nights, owned, owners)),
    )


def _runs(
    unit: Any,
    nights: Nights,
    owned: dict[date, tuple[str, int]],
    owners: dict[tuple[str, int], _Owner],
) -> Iterator[Run]:
    def key(night: date) -> tuple[Any, ...]:
        who = owned.get(night)
        owner = owners.get(who, _NOBODY) if who else _NOBODY
        state = state_of(
            night,
            is_in_service=unit.in_service_from <= night and not _is_gone(unit, night),
            is_closed=who is not None and who[0] == "c",
            placement=owner.state,
            occupied_from=owner.occupied_from,
            is_hold_lapsed=owner.is_lapsed,
        )
        if state in (NightState.FREE, NightState.NOT_IN_SERVICE):
            who = None
        is_over = owner.leave_on is not None and night >= owner.leave_on and state is NightState.OCCUPIED
        return (who, state, is_over)

    for (who, state, is_over), run in groupby(nights, key):
        days = list(run)
        owner = owners.get(who, _NOBODY) if who else _NOBODY
        yield Run(
            Nights(days[0], days[-1] + timedelta(days=1)),
            state,
            people=owner.people,
            reference=owner.reference,
            reason=owner.reason,
            is_overdue=is_over,
            begins=who is None or owned.get(days[0] - DAY) != who,
            ends=who is None or owned.get(days[-1] + DAY) != who,
        )
