"""Who is in the house keeps the room until a person checks them out, planned nights or not.

The night is added to the ledger as it comes, by the job and by every use case that locks the site, so that nobody
is ever offered an occupied room. Nothing is overwritten: where the next household holds the night already, or one
comes to the site that must not meet them, a person is told, from a week ahead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, exists, not_, or_, select

from shelter import clock
from shelter.domain.nights import DAY, Nights
from shelter.domain.permissions import SYSTEM
from shelter.domain.references import stay_reference
from shelter.domain.stays import KEEPS_NIGHTS, PlacementState, is_overdue_departure
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.households import SafetyExclusion
from shelter.models.sites import Unit
from shelter.models.stays import Placement, Stay, UnitNight
from shelter.queries import installation
from shelter.queries.roommates import RAN_OUT
from shelter.services import expiry, ledger, stay_tasks
from shelter.services.one_by_one import one_by_one
from shelter.services.unit_of_work import UnitOfWork, unit_of_work

AHEAD = timedelta(days=7)
_p, _u = Placement.__table__.c, Unit.__table__.c
_USED_UP = (
    select(_p.id, _p.unit_id, _p.stay_id, _p.people, _p.leave_on)
    .join(Unit.__table__, _u.id == _p.unit_id)
    .where(
        _p.state == PlacementState.IN_HOUSE,
        _p.leave_on <= bindparam("tonight"),
        _u.site_id.in_(bindparam("sites", expanding=True)),
    )
    .order_by(_p.unit_id, _p.id)
)


def keep_rooms(site_ids: Collection[UUID], tonight: date) -> int:
    """Add the nights up to tonight of everybody still checked in there; how many. The sites are locked."""
    late = _used_up(site_ids, tonight)
    if not late:
        return 0
    owners = _owners([row.unit_id for row in late], min(row.leave_on for row in late), tonight)
    start = installation.first_written_night()
    return ledger.claim_for_all([(row, _missing(row, owners[row.unit_id], tonight, start)) for row in late])


def _used_up(site_ids: Collection[UUID], tonight: date) -> list[Row]:
    """Checked-in placements whose planned nights do not cover tonight."""
    if not site_ids:
        return []
    return list(db.session.execute(_USED_UP, {"tonight": tonight, "sites": list(site_ids)}))


def _owners(unit_ids: Collection[int], first: date, last: date) -> dict[int, dict[date, int | None]]:
    """By unit and night the placement that holds it, None for a closure."""
    rows = select(UnitNight.unit_id, UnitNight.night, UnitNight.placement_id).where(
        UnitNight.unit_id.in_(list(unit_ids)), UnitNight.night >= first, UnitNight.night <= last
    )
    found: dict[int, dict[date, int | None]] = defaultdict(dict)
    for unit_id, night, placement_id in db.session.execute(rows):
        found[unit_id][night] = placement_id
    return found


def _missing(row: Row, owners: dict[date, int | None], tonight: date, start: date) -> list[date]:
    """The nights up to tonight that are nobody's yet; from now on they are counted as the placement's."""
    if max(row.leave_on, start) > tonight:
        return []
    due = Nights(max(row.leave_on, start), tonight + DAY)
    if any(night in owners and owners[night] != row.id for night in due):
        expiry.release_expired([row.unit_id], due, clock.now())
        owners = _owners([row.unit_id], row.leave_on, tonight)[row.unit_id]
    missing = [night for night in due if night not in owners]
    owners.update(dict.fromkeys(missing, row.id))
    return missing


_one: Any = bindparam("household")
_KEPT_APART = (
    select(SafetyExclusion.other_household_id)
    .where(SafetyExclusion.household_id == _one, SafetyExclusion.other_household_id.is_not(None))
    .union(select(SafetyExclusion.household_id).where(SafetyExclusion.other_household_id == _one))
)
_THEY_MEET = (
    select(Placement.id, Placement.arrive_on)
    .join(Stay, Stay.id == Placement.stay_id)
    .join(Unit, Unit.id == Placement.unit_id)
    .where(
        Stay.household_id.in_(_KEPT_APART),
        Unit.site_id == bindparam("site"),
        Placement.state.in_(KEEPS_NIGHTS),
        Placement.arrive_on <= bindparam("ahead"),
        or_(Placement.leave_on > bindparam("tonight"), Placement.state == PlacementState.IN_HOUSE),
        not_(RAN_OUT),
    )
    .order_by(Placement.id)
)


@dataclass(frozen=True)
class Rolled:
    """What the job did: nights added, collisions found."""

    nights: int = 0
    collisions: int = 0


def roll_overstays(today: date | None = None) -> Rolled:
    """The job: keep the rooms of all who have not left, and tell of collisions. Commits per site."""
    tonight = today or clock.shelter_day()
    nights = collisions = 0
    with one_by_one("roll-overstays") as each:
        for site_id in _sites_with_late_ones(tonight):
            with each(), unit_of_work(SYSTEM) as work:
                work.lock(sites=[site_id])
                nights += keep_rooms([site_id], tonight)
                collisions += _tell_of_collisions(work, site_id, tonight)
    return Rolled(nights, collisions)


def _sites_with_late_ones(tonight: date) -> list[UUID]:
    rows = (
        select(Unit.site_id)
        .join(Placement, Placement.unit_id == Unit.id)
        .where(Placement.state == PlacementState.IN_HOUSE, Placement.leave_on <= tonight)
        .distinct()
    )
    try:
        return sorted(db.session.scalars(rows), key=lambda site: site.hex)
    finally:
        db.session.rollback()


def _tell_of_collisions(work: UnitOfWork, site_id: UUID, tonight: date) -> int:
    """One task for each overdue placement and household that comes into its room within a week."""
    local_now = clock.local(clock.now())
    used_up = _used_up([site_id], tonight)
    late = [row for row in used_up if row.leave_on < tonight or is_overdue_departure(row.leave_on, local_now)]
    apart, coming, told = _kept_apart_from_somebody(row.stay_id for row in late), _next_nights(late, tonight), 0
    for row in late:
        for night, placement_id in _next_ones(row, coming[row.unit_id]):
            told += stay_tasks.raise_task(
                work,
                TaskKind.COLLISION,
                f"collision:{row.id}:{placement_id or 'closure'}:{night}",
                stay_id=row.stay_id,
                site_id=site_id,
                placement_id=row.id,
                night=night,
                next_placement_id=placement_id,
            )
        if row.stay_id in apart:
            told += _tell_of_meetings(work, row, site_id, tonight)
    return told


def _kept_apart_from_somebody(stay_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the stays whose household is excluded by another, or excludes one: few."""
    either = or_(
        SafetyExclusion.other_household_id == Stay.household_id,
        and_(SafetyExclusion.household_id == Stay.household_id, SafetyExclusion.other_household_id.is_not(None)),
    )
    return set(db.session.scalars(select(Stay.id).where(Stay.id.in_(list(stay_ids)), exists().where(either))))


def _tell_of_meetings(work: UnitOfWork, row: Row, site_id: UUID, tonight: date) -> int:
    """Who must not meet those who stay on was placed for when they would be gone.

    Told to those of the site alone, who know of both; who opened the one case would learn where the other one is.
    """
    stay, told = db.session.get_one(Stay, row.stay_id), 0
    for placement_id, arrive_on in db.session.execute(_THEY_MEET, _meeting(stay, site_id, tonight)).all():
        told += stay_tasks.raise_task(
            work,
            TaskKind.COLLISION,
            f"meeting:{row.id}:{placement_id}",
            stay_id=None,
            site_id=site_id,
            placement_id=row.id,
            night=max(arrive_on, row.leave_on),
            stay=stay_reference(stay.household.reference, stay.number),
            must_not_meet=True,
        )
    return told


def _meeting(stay: Stay, site_id: UUID, tonight: date) -> dict[str, Any]:
    return {
        "household": stay.household_id, "site": site_id, "tonight": tonight, "ahead": tonight + AHEAD,
        "now": clock.now(),
    }  # fmt: skip


def _next_nights(late: Collection[Row], tonight: date) -> dict[int, list[Row]]:
    """Of the units of those who have not left: their nights from then on to a week ahead, in order."""
    found: dict[int, list[Row]] = defaultdict(list)
    if late:
        rows = (
            select(UnitNight.unit_id, UnitNight.night, UnitNight.placement_id, Placement.state, Placement.stay_id)
            .outerjoin(Placement, Placement.id == UnitNight.placement_id)
            .where(
                UnitNight.unit_id.in_([row.unit_id for row in late]),
                UnitNight.night >= min(row.leave_on for row in late),
                UnitNight.night <= tonight + AHEAD,
            )
            .order_by(UnitNight.night)
        )
        for night in db.session.execute(rows):
            found[night.unit_id].append(night)
    return found


def _next_ones(row: Row, nights: Iterable[Row]) -> list[tuple[date, int | None]]:
    """Who else holds nights of their unit from the planned day of leaving on: the first of each. None is a closure."""
    first: dict[int | None, date] = {}
    for night in nights:
        is_anothers = night.placement_id is None or (night.state in KEEPS_NIGHTS and night.stay_id != row.stay_id)
        if is_anothers and night.night >= row.leave_on:
            first.setdefault(night.placement_id, night.night)
    return [(night, placement_id) for placement_id, night in first.items()]
