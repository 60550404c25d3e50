"""Closures: nights on which a unit cannot be slept in. All of what is asked for, or nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Row, select

from shelter import clock
from shelter.domain.errors import NotFound
from shelter.domain.nights import Nights
from shelter.domain.permissions import SYSTEM, Principal
from shelter.domain.sheets import tidy
from shelter.domain.sites import (
    FARTHEST_BACK,
    LONGEST_CLOSURE,
    OPEN_ENDED,
    RENEWAL_NOTICE,
    AlreadyClosed,
    ClosureOver,
    ClosureTooFarBack,
    ClosureTooLong,
    DaysNotInOrder,
    NightsAreBooked,
    NothingChosen,
)
from shelter.domain.stays import ClosureReason
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.sites import Closure, Unit
from shelter.models.stays import Task
from shelter.queries.bookings import booked_runs, closed_units
from shelter.services import ledger
from shelter.services.sites import permit
from shelter.services.unit_of_work import Once, UnitOfWork, unit_of_work
from shelter.services.units import settle_nights


def close_units(
    *,
    unit_ids: Collection[int],
    from_on: date,
    until_on: date | None,
    reason: ClosureReason,
    note: str | None = None,
    by: Principal,
    once: Once | None = None,
) -> int:
    """Take units of one site out of use for `[from_on, until_on)`; None is until further notice. How many.

    Raises NightsAreBooked with who is in the way, AlreadyClosed, ClosureTooFarBack, ClosureTooLong,
    DaysNotInOrder, NothingChosen.
    """
    permit(by)
    nights = _nights(from_on, until_on)
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return int(work.result or 0)
        units = _lock_units(work, unit_ids)
        settle_nights(units, nights.arrive_on)
        _check_free([unit.id for unit in units], nights)
        for unit in units:
            closure = Closure(
                unit_id=unit.id,
                from_on=nights.arrive_on,
                until_on=nights.leave_on,
                is_open_ended=until_on is None,
                reason=reason,
                note=tidy(note or "")[:200] or None,
                created_by_id=by.user_id,
                created_at=clock.now(),
            )
            db.session.add(closure)
            db.session.flush()
            ledger.claim(unit.id, nights, closure_id=closure.id)
            work.record(
                "unit.closed",
                subject=f"unit:{unit.id}",
                from_on=closure.from_on,
                until_on=closure.until_on,
                is_open_ended=closure.is_open_ended,
                reason=reason,
                note=closure.note,
            )
        work.result = str(len(units))
    return len(units)


def end_closure(*, closure_id: int, until_on: date, by: Principal) -> None:
    """It can be slept in again from the night of `until_on`; a day before its first night: it never was closed."""
    permit(by)
    with unit_of_work(by) as work:
        closure = _lock_closure(work, closure_id)
        if until_on > closure.until_on:
            raise ClosureOver()
        until = max(until_on, closure.from_on)
        before, closure.until_on = closure.until_on, until
        closure.is_open_ended = False
        ledger.release_closure(closure.id, from_night=until)
        _renewal_is_settled(closure_id, work.by)
        work.record("unit.reopened", subject=f"unit:{closure.unit_id}", before=before, after=until)


def renew_closure(*, closure_id: int, by: Principal, once: Once | None = None) -> None:
    """Another 180 days of "until further notice". Raises NightsAreBooked, AlreadyClosed or ClosureOver."""
    permit(by)
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return
        closure = _lock_closure(work, closure_id)
        if not closure.is_open_ended or closure.until_on < clock.shelter_day():
            raise ClosureOver()
        more = Nights(closure.until_on, closure.until_on + OPEN_ENDED)
        settle_nights([db.session.get_one(Unit, closure.unit_id)], more.arrive_on)
        _check_free([closure.unit_id], more)
        ledger.claim(closure.unit_id, more, closure_id=closure.id)
        before, closure.until_on = closure.until_on, more.leave_on
        _renewal_is_settled(closure_id, work.by)
        work.record("unit.closure_renewed", subject=f"unit:{closure.unit_id}", before=before, after=more.leave_on)


def raise_closure_renewals(today: date | None = None) -> int:
    """The daily job: one task for each "until further notice" that ends within two weeks; how many were new."""
    today = today or clock.today()
    with unit_of_work(SYSTEM) as work:
        sites = {row.site_id for row in _ending(today)}
        work.lock(sites=sites)  # two at once raise one; what was renewed or ended meanwhile needs nobody
        ending = [row for row in _ending(today) if row.site_id in sites]
        known = set(
            db.session.scalars(
                select(Task.dedupe_key).where(
                    Task.dedupe_key.in_([_renewal_key(row.id, row.until_on) for row in ending])
                )
            )
        )
        new = [row for row in ending if _renewal_key(row.id, row.until_on) not in known]
        for closure_id, until_on, unit_id, site_id in new:
            db.session.add(
                Task(
                    kind=TaskKind.CLOSURE_RENEWAL,
                    dedupe_key=_renewal_key(closure_id, until_on),
                    site_id=site_id,
                    data={"closure_id": closure_id, "unit_id": unit_id, "until_on": until_on.isoformat()},
                    created_at=clock.now(),
                    due_at=clock.instant(until_on),
                )
            )
    return len(new)


def _ending(today: date) -> Sequence[Row]:
    return db.session.execute(
        select(Closure.id, Closure.until_on, Unit.id, Unit.site_id)
        .join(Unit, Unit.id == Closure.unit_id)
        .where(Closure.is_open_ended, Closure.until_on <= today + RENEWAL_NOTICE, Closure.until_on >= today)
        .order_by(Closure.id)
    ).all()


def _renewal_key(closure_id: int, until_on: date) -> str:
    return f"closure_renewal:{closure_id}:{until_on}"


def _renewal_is_settled(closure_id: int, by: Principal) -> None:
    """Renewed or ended: nobody needs to think of it any more."""
    tasks = db.session.scalars(
        select(Task).where(
            Task.dedupe_key.startswith(f"closure_renewal:{closure_id}:", autoescape=True),
            Task.done_at.is_(None),
        )
    )
    for task in tasks:
        task.done_at, task.done_by_id = clock.now(), by.user_id


def _nights(from_on: date, until_on: date | None) -> Nights:
    today = clock.today()
    if from_on < today - FARTHEST_BACK:
        raise ClosureTooFarBack(today - FARTHEST_BACK)
    farthest = today + LONGEST_CLOSURE
    if from_on > farthest or (until_on is not None and until_on > farthest):
        raise ClosureTooLong(farthest)
    if until_on is None:
        return Nights(from_on, max(from_on, clock.shelter_day()) + OPEN_ENDED)
    if until_on <= from_on:
        raise DaysNotInOrder()
    return Nights(from_on, until_on)


def _lock_units(work: UnitOfWork, unit_ids: Collection[int]) -> list[Unit]:
    if not unit_ids:
        raise NothingChosen()
    sites = set(db.session.scalars(select(Unit.site_id).where(Unit.id.in_(unit_ids))))
    work.lock(sites=sites)
    units = db.session.scalars(select(Unit).where(Unit.id.in_(unit_ids)).order_by(Unit.id)).all()
    if len(units) != len(set(unit_ids)) or len(sites) > 1:
        raise NotFound()
    return list(units)


def _lock_closure(work: UnitOfWork, closure_id: int) -> Closure:
    site_id: UUID | None = db.session.scalar(
        select(Unit.site_id).join(Closure, Closure.unit_id == Unit.id).where(Closure.id == closure_id)
    )
    if site_id is None:
        raise NotFound()
    work.lock(sites=[site_id])
    return db.session.get_one(Closure, closure_id, populate_existing=True)


def _check_free(unit_ids: list[int], nights: Nights) -> None:
    if runs := booked_runs(unit_ids, nights.arrive_on, nights.leave_on):
        raise NightsAreBooked(
            references=list(dict.fromkeys(run.reference for run in runs)),
            units=list(dict.fromkeys(run.unit for run in runs)),
            first_night=min(run.first for run in runs),
            last_night=max(run.last for run in runs),
        )
    if closed := closed_units(unit_ids, nights.arrive_on, nights.leave_on):
        raise AlreadyClosed(units=closed)
