"""Holds that ran out: their nights go back, by the job or by whoever needs them; nobody on the way loses a place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select

from shelter import clock
from shelter.domain.nights import Nights
from shelter.domain.permissions import SYSTEM
from shelter.domain.references import stay_reference
from shelter.domain.stays import (
    KEEPS_NIGHTS,
    CancelReason,
    PlacementState,
    StayState,
    may_release_unasked,
    move_placement,
    move_stay,
)
from shelter.extensions import db
from shelter.models.sites import Unit
from shelter.models.stays import Placement, Stay
from shelter.services import history, ledger
from shelter.services.one_by_one import one_by_one
from shelter.services.unit_of_work import UnitOfWork, unit_of_work

GIVEN_UP_AFTER = timedelta(days=1)
_SITES = (
    select(Unit.site_id)
    .join(Placement, Placement.unit_id == Unit.id)
    .where(Placement.stay_id == bindparam("stay"))
)
_RAN_OUT = (
    select(Placement)
    .where(Placement.state == PlacementState.HELD, Placement.held_until <= bindparam("now"))
    .order_by(Placement.id)
    .execution_options(populate_existing=True)
)
_RAN_OUT_OF_STAY = _RAN_OUT.where(Placement.stay_id == bindparam("stay"))
_RAN_OUT_OF_UNITS = _RAN_OUT.where(
    Placement.unit_id.in_(bindparam("units", expanding=True)),
    Placement.arrive_on < bindparam("until"),
    Placement.leave_on > bindparam("first"),
)


def release_expired(unit_ids: Collection[int], nights: Nights, now: datetime) -> int:
    """Take these nights from holds that ran out, for whoever needs them; the sites are locked. How many holds."""
    return _expire(now, _RAN_OUT_OF_UNITS, units=list(unit_ids), first=nights.arrive_on, until=nights.leave_on)


def release_run_out(stay: Stay, now: datetime) -> int:
    """The same for the holds of one stay, which makes room for the next one of its household."""
    return _expire(now, _RAN_OUT_OF_STAY, stay=stay.id)


def expire_holds(now: datetime | None = None) -> int:
    """The job: give back what ran out, a transaction for each stay; how many holds.

    A stay of which nothing else is left is cancelled a day later: until then the hold can still be confirmed.
    """
    now = now or clock.now()
    expired = 0
    with one_by_one("expire-holds") as each:
        for stay_id, household_id in _stays_concerned(now):
            with each(), unit_of_work(SYSTEM) as work:
                lock_stay(work, stay_id, household_id)
                expired += _expire(now, _RAN_OUT_OF_STAY, stay=stay_id)
                stay = db.session.get_one(Stay, stay_id, populate_existing=True)
                if _is_given_up(stay, now) and cancel_if_empty(stay, CancelReason.HOLD_EXPIRED):
                    reference = stay_reference(stay.household.reference, stay.number)
                    work.record(
                        "stay.cancelled", subject=f"stay:{reference}", household=household_id, reason="hold_expired"
                    )
    return expired


def cancel_if_empty(stay: Stay, reason: CancelReason) -> bool:
    """Cancel a stay nobody has begun and that keeps no night; was it?"""
    if stay.state is not StayState.OPEN or any(p.state in KEEPS_NIGHTS for p in stay.placements):
        return False
    stay.state, stay.cancel_reason = move_stay(stay.state, StayState.CANCELLED), reason
    return True


def lock_stay(work: UnitOfWork, stay_id: UUID, household_id: UUID) -> set[UUID]:
    """Household, stay, then its sites; which these are."""
    work.lock(household=household_id, stay=stay_id)
    sites = set(db.session.scalars(_SITES, {"stay": stay_id}))
    work.lock(sites=sites)
    return sites


def _expire(now: datetime, ran_out_of: Select[Any], **which: Any) -> int:
    found: Sequence[Placement] = db.session.scalars(ran_out_of, {"now": now, **which}).all()
    ran_out = [p for p in found if may_release_unasked(p.held_until, is_on_the_way=p.is_on_the_way, now=now)]
    for placement in ran_out:
        placement.state = move_placement(placement.state, PlacementState.EXPIRED)
        ledger.release(placement)
    for stay_id, units in _by_stay(ran_out).items():
        history.note(UnitOfWork(by=SYSTEM), db.session.get_one(Stay, stay_id), "hold_expired", units=units)
    return len(ran_out)


def _by_stay(placements: Iterable[Placement]) -> dict[UUID, list[int]]:
    found: dict[UUID, list[int]] = {}
    for placement in placements:
        found.setdefault(placement.stay_id, []).append(placement.unit_id)
    return found


def _stays_concerned(now: datetime) -> list[tuple[UUID, UUID]]:
    """Stays with a hold to expire, and those where nobody came back for one."""
    ran_out = select(Placement.stay_id).where(
        Placement.state == PlacementState.HELD, Placement.held_until <= now, Placement.is_on_the_way.is_(False)
    )
    given_up = select(Placement.stay_id).where(
        Placement.state == PlacementState.EXPIRED, Placement.held_until <= now - GIVEN_UP_AFTER
    )
    open_ones = select(Stay.id, Stay.household_id).where(
        Stay.id.in_(ran_out) | (Stay.id.in_(given_up) & (Stay.state == StayState.OPEN))
    )
    try:
        return list(db.session.execute(open_ones.order_by(Stay.id)))
    finally:
        db.session.rollback()


def _is_given_up(stay: Stay, now: datetime) -> bool:
    return all(
        placement.held_until is not None and placement.held_until <= now - GIVEN_UP_AFTER
        for placement in stay.placements
        if placement.state is PlacementState.EXPIRED
    )
