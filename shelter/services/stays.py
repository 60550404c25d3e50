"""What every act on a stay begins with: may this person, lock, look again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from shelter import clock
from shelter.domain.arrivals import LATE_ENTRY
from shelter.domain.errors import NotFound, NotPermitted
from shelter.domain.nights import Nights
from shelter.domain.periods import EARLIEST
from shelter.domain.permissions import Permission
from shelter.domain.references import stay_reference
from shelter.domain.stay_errors import InAnotherStay, InTheFuture, NightsTaken, NothingToDo, ReasonMissing, TooLongAgo
from shelter.domain.stays import RUNNING, PlacementState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.sites import Unit
from shelter.models.stays import Placement, Stay
from shelter.queries import installation
from shelter.queries.visibility import readable
from shelter.services import expiry, ledger, overstays, second_look
from shelter.services.unit_of_work import UnitOfWork

CLOCKS_DIFFER = timedelta(minutes=2)


def take(
    work: UnitOfWork,
    stay_id: UUID,
    *,
    need: Permission = Permission.STAYS_PLACE,
    to_units: Iterable[int] = (),
    is_deciding: bool = False,
    with_running: bool = False,
) -> Stay:
    """The stay as it is now, with everything it touches locked: household, stay, its sites and those of `to_units`.

    Rooms of people who have not left are kept first. NotPermitted without the right; NotFound where there is none
    or the person may not know of it (`is_deciding`: a decision needs the right alone). `with_running`: so are the
    sites of the household's running stay, which may not be this one.
    """
    if not work.by.can(need):
        raise NotPermitted()
    seen = select(Stay.household_id).join(Household, Household.id == Stay.household_id).where(Stay.id == stay_id)
    household_id = db.session.scalar(seen if is_deciding else seen.where(readable(work.by)))
    if household_id is None:
        raise NotFound()
    work.lock(household=household_id, stay=stay_id)
    which = Placement.stay_id == stay_id
    if with_running:
        running = select(Stay.id).where(Stay.household_id == household_id, Stay.state.in_(RUNNING))
        which = which | Placement.stay_id.in_(running)
    here = select(Unit.site_id).join(Placement, Placement.unit_id == Unit.id).where(which)
    there = select(Unit.site_id).where(Unit.id.in_(list(to_units)))
    sites = set(db.session.scalars(here.union(there)))
    work.lock(sites=sites)
    overstays.keep_rooms(sites, clock.shelter_day())
    fresh = select(Stay).where(Stay.id == stay_id).execution_options(populate_existing=True)
    return db.session.scalars(fresh).one()


def reference_of(stay: Stay) -> str:
    return stay_reference(stay.household.reference, stay.number)


def record(work: UnitOfWork, stay: Stay, action: str, reason: str | None, **details: object) -> None:
    """The audit entry of an act on a stay."""
    said = {"reason": reason} if reason else {}
    work.record(action, subject=f"stay:{reference_of(stay)}", household=stay.household_id, **said, **details)


def chosen(stay: Stay, states: Collection[PlacementState], ids: Collection[int] | None = None) -> list[Placement]:
    """The stay's placements in one of the states, or of those the ones named. NothingToDo if one is not."""
    found = [p for p in stay.placements if p.state in states and (ids is None or p.id in ids)]
    if not found or (ids is not None and len(found) < len(set(ids))):
        raise NothingToDo()
    return found


def real_time(said: datetime | None, reason: str | None, now: datetime) -> datetime:
    """When it happened: now, or the time said. InTheFuture, TooLongAgo; ReasonMissing for a late entry."""
    if said is None:
        return now
    if said < clock.instant(EARLIEST):
        raise TooLongAgo()
    if said > now + CLOCKS_DIFFER:
        raise InTheFuture()
    if now - said > LATE_ENTRY:
        need_reason(reason)
    return min(said, now)


def need_reason(reason: str | None) -> str:
    if not (reason or "").strip():
        raise ReasonMissing()
    return str(reason).strip()


def check_nights(
    placement: Placement, nights: Nights, now: datetime, *, accepts_misfit: bool = False
) -> list[date]:
    """Those of the nights the placement does not hold yet, all of them free for it. The site is locked.

    Expired holds in the way are released. Raises NightsTaken (also for nights on which the unit is given up), or what
    sharing the room forbids, unless `accepts_misfit`.
    """
    wanted = _not_held(placement, nights)
    if not wanted:
        return []
    expiry.release_expired([placement.unit_id], nights, now)
    if taken := sorted({*_held_by_others(placement, wanted), *out_of_service(placement.unit, wanted)}):
        raise NightsTaken(first_night=taken[0], nights=len(taken))
    second_look.check_room(placement, wanted, accepts_misfit=accepts_misfit)
    return wanted


def claim_nights(placement: Placement, nights: Nights, now: datetime, *, accepts_misfit: bool = False) -> int:
    """Write those nights the placement does not hold yet; how many. Raises as `check_nights` does."""
    wanted = check_nights(placement, nights, now, accepts_misfit=accepts_misfit)
    ledger.claim_for(placement, wanted)
    return len(wanted)


def _not_held(placement: Placement, nights: Nights) -> list[date]:
    held = set(ledger.nights_of(placement))
    start = installation.first_written_night()
    return [night for night in nights if night not in held and night >= start]


def _held_by_others(placement: Placement, wanted: list[date]) -> list[date]:
    rows = ledger.owners(placement.unit_id, Nights(wanted[0], wanted[-1] + timedelta(days=1)))
    return [row.night for row in rows if row.placement_id != placement.id and row.night in wanted]


def out_of_service(unit: Unit, nights: Iterable[date]) -> list[date]:
    """Those of the nights from the day on which the unit is given up."""
    until = unit.in_service_until
    return [night for night in nights if until is not None and night >= until]


def is_somebody_else_in(placement: Placement) -> bool:
    """Is another placement of the same unit still checked in?"""
    others = select(Placement.id).where(
        Placement.unit_id == placement.unit_id,
        Placement.id != placement.id,
        Placement.state == PlacementState.IN_HOUSE,
    )
    return db.session.scalar(others.limit(1)) is not None


def check_only_stay(stay: Stay, placements: Iterable[Placement]) -> None:
    """Was the household in the house in another stay at the same time? The household is locked. InAnotherStay."""
    others = (
        select(Placement)
        .join(Stay, Stay.id == Placement.stay_id)
        .where(Stay.household_id == stay.household_id, Stay.id != stay.id, Placement.arrived_at.is_not(None))
    )
    mine = [placement for placement in placements if placement.arrived_at is not None]
    for other in db.session.scalars(others):
        if any(_at_once(placement, other) for placement in mine):
            raise InAnotherStay(reference_of(db.session.get_one(Stay, other.stay_id)))


def _at_once(one: Placement, other: Placement) -> bool:
    """Between coming and leaving; who has not left is there still."""
    return all(
        a.arrived_at is not None and (b.left_at is None or a.arrived_at < b.left_at)
        for a, b in ((one, other), (other, one))
    )
