"""A place for a household: held while somebody is on the phone, confirmed, released, or run out.

Every use case here locks first, then looks again: what a page offered a minute ago is advice, the ledger decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from shelter import clock, config
from shelter.domain import limits
from shelter.domain.contacts import TextChoice
from shelter.domain.errors import NotFound, NotPermitted
from shelter.domain.matching import Party, PartyEmpty
from shelter.domain.messages import Template
from shelter.domain.nights import Nights
from shelter.domain.permissions import Permission, Principal
from shelter.domain.placing import (
    HoldRanOut,
    NightHasPassed,
    NothingHeld,
)
from shelter.domain.references import stay_reference
from shelter.domain.stay_errors import NothingToDo
from shelter.domain.stays import (
    RUNNING,
    CancelReason,
    PlacementState,
    StayState,
    check_renewal,
    move_placement,
)
from shelter.extensions import db
from shelter.models.households import Household, Person
from shelter.models.sites import Unit
from shelter.models.stays import Placement, PlacementMember, Stay
from shelter.queries import parties, policies
from shelter.queries.visibility import readable, readable_guest
from shelter.services import expiry, history, ledger, messages, newcomers, overstays, returning
from shelter.services.expiry import expire_holds, release_expired
from shelter.services.second_look import Segment, check_fit, check_free, check_pets, parts_that_fit
from shelter.services.unit_of_work import Once, UnitOfWork, unit_of_work

__all__ = [
    "Segment",
    "confirm_stay",
    "expire_holds",
    "hold_units",
    "mark_on_the_way",
    "release_expired",
    "release_hold",
    "renew_hold",
]

_SITES_OF = select(Unit.__table__.c.id, Unit.__table__.c.site_id).where(
    Unit.__table__.c.id.in_(bindparam("units", expanding=True))
)
_STAY = (
    select(Stay)
    .where(Stay.id == bindparam("stay"))
    .options(joinedload(Stay.household, innerjoin=True))
    .execution_options(populate_existing=True)
)


def hold_units(
    *,
    segments: Sequence[Segment],
    by: Principal,
    party: Party | None = None,
    once: Once | None = None,
    household: UUID | None = None,
    stay: UUID | None = None,
    expected_leave_on: date | None = None,
) -> str:
    """Keep the units for a new household (`party`), for one that was here before, or for a running stay.

    The stay's reference. Raises UnitJustTaken when somebody was faster, UnitFitsNoMore, AlreadyPlaced,
    LeaveAfterLimit, NightHasPassed, TooManyUnits, NotFound, NotPermitted.
    """
    if not by.can(Permission.STAYS_PLACE):
        raise NotPermitted()
    now = clock.now()
    segments = sorted(segments, key=lambda segment: (segment.nights, segment.unit_id))
    sites = _sites_of(segment.unit_id for segment in segments)
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        household = _lock_guest(work, household, stay)
        let_go = returning.sites_of_holds(household, now) if stay is None else set()
        work.lock(sites={*sites.values(), *let_go})
        overstays.keep_rooms(set(sites.values()), clock.shelter_day(now))
        for segment in segments:
            expiry.release_expired([segment.unit_id], segment.nights, now)
        party = parties.party_of(household) if household else party
        if party is None:
            raise PartyEmpty()
        parts = parts_that_fit(segments, party, now)
        guest = db.session.get_one(Household, household) if household else newcomers.register(work, party, now)
        site_id, was_here = sites[segments[0].unit_id], household is not None
        held = _stay_for(work, guest, stay, site_id, segments, now, was_here=was_here)
        held.expected_leave_on = expected_leave_on or held.expected_leave_on
        until = now + timedelta(minutes=config.active().max_hold_minutes)
        for segment, people in zip(segments, _sleepers(guest.people, parts), strict=True):
            _place(work, held, segment, people, until, now)
        told: dict[str, Any] = {
            "units": [segment.unit_id for segment in segments],
            "arrive_on": segments[0].nights.arrive_on,
            "leave_on": max(segment.nights.leave_on for segment in segments),
            "until": until,
        }
        history.note(work, held, "held", **told)
        work.result = stay_reference(guest.reference, held.number)
        heads = {"people": len(party.people), "pets": len(party.pets)}
        work.record("stay.held", subject=f"stay:{work.result}", household=guest.id, **told, **heads)
        return work.result


def renew_hold(*, stay_id: UUID, by: Principal, once: Once | None = None) -> None:
    """The full time again, once. Raises HoldAlreadyRenewed, HoldRanOut, NothingHeld, NotFound."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return
        stay, held = _take_held(work, stay_id)
        check_renewal(is_renewed=any(placement.is_renewed for placement in held))
        until = clock.now() + timedelta(minutes=config.active().max_hold_minutes)
        for placement in held:
            placement.held_until, placement.is_renewed = until, True
        history.note(work, stay, "hold_renewed", until=until)
        _record(work, stay, "stay.hold_renewed", until=until)


def mark_on_the_way(*, stay_id: UUID, by: Principal, once: Once | None = None) -> None:
    """She has set out: from now on nobody else gets the place unless a person releases it."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return
        stay, held = _take_held(work, stay_id)
        for placement in held:
            placement.is_on_the_way = True
        history.note(work, stay, "on_the_way")
        _record(work, stay, "stay.on_the_way")


def release_hold(
    *,
    stay_id: UUID,
    by: Principal,
    once: Once | None = None,
    reason: CancelReason = CancelReason.HOLD_RELEASED,
) -> None:
    """Give the place back. A stay of which nothing else is left is cancelled. Raises NothingHeld, NotFound."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return
        stay = _take(work, stay_id)
        held = _latest_hold(stay)
        if not held:
            raise NothingHeld()
        for placement in held:
            if placement.state is PlacementState.HELD:
                placement.state = move_placement(placement.state, PlacementState.CANCELLED)
                ledger.release(placement)
        expiry.cancel_if_empty(stay, reason)
        history.note(work, stay, "hold_released", reason=reason)
        _record(work, stay, "stay.hold_released", reason=reason)


def confirm_stay(
    *,
    stay_id: UUID,
    expected_at: datetime,
    by: Principal,
    text: TextChoice = TextChoice.BY_VOICE,
    accepts_misfit: bool = False,
    once: Once | None = None,
) -> str:
    """The held places are hers; the stay's reference. A hold that ran out counts while its nights are still free.

    Intake may have changed who comes, so the rules are asked again: UnitFitsNoMore, which `accepts_misfit` sets
    aside unless it concerns other people. Raises UnitJustTaken, NothingHeld, NotFound too, NightHasPassed where no
    night is left to come, and LeaveAfterLimit where check-in has moved the limit since the hold ran out.
    """
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        stay = _take(work, stay_id)
        held = _latest_hold(stay)
        if not held:
            raise NothingHeld()
        now = clock.now()
        for placement in held:
            if placement.leave_on <= clock.shelter_day(now):
                raise NightHasPassed(placement.arrive_on)
            if placement.state is PlacementState.EXPIRED:
                _take_back(placement, stay, now)
            nights = Nights(placement.arrive_on, placement.leave_on)
            check_fit(
                placement,
                stay.household_id,
                nights,
                now,
                accepts_misfit=accepts_misfit,
                is_apart=_is_apart(placement, held),
            )
            placement.state = move_placement(placement.state, PlacementState.BOOKED)
            placement.held_until, placement.expected_at, placement.confirmed_at = None, expected_at, now
            ledger.recount(placement)
        apart = [placement for placement in held if _is_apart(placement, held)]
        check_pets(apart, stay.household_id, now, accepts_misfit=accepts_misfit)
        work.result = stay_reference(stay.household.reference, stay.number)
        told: dict[str, Any] = {"units": [placement.unit_id for placement in held], "expected_at": expected_at}
        history.note(work, stay, "confirmed", **told, is_misfit=True if accepts_misfit else None)
        _record(work, stay, "stay.confirmed", **told, text=text, accepts_misfit=accepts_misfit)
        messages.queue_message(
            work,
            stay=stay,
            template=Template.CONFIRMED,
            cause=f"confirm:{held[0].id}",
            choice=text,
            on=max(held[0].arrive_on, clock.shelter_day(now)),
        )
        return work.result


def _take_back(placement: Placement, stay: Stay, now: datetime) -> None:
    """The nights still to come of a hold that ran out, if nobody took them and the unit can still be had.

    Raises UnitJustTaken, and LeaveAfterLimit: an earlier check-in cuts the nights of those who keep them, not these.
    """
    limits.check_leave_on(placement.leave_on, stay.limit_on)
    arrive_on = max(placement.arrive_on, clock.shelter_day(now))
    nights = Nights(arrive_on, placement.leave_on)
    expiry.release_expired([placement.unit_id], nights, now)
    check_free(placement.unit_id, stay.household_id, nights, now)
    if stay.state is StayState.OPEN and stay.arrive_on == placement.arrive_on:
        stay.arrive_on = arrive_on
    placement.arrive_on = arrive_on
    ledger.claim_for(placement, nights)


def _sites_of(unit_ids: Iterable[int]) -> dict[int, UUID]:
    ids = set(unit_ids)
    found = dict(db.session.execute(_SITES_OF, {"units": list(ids)}).all())
    if not ids or ids - set(found):
        raise NotFound()
    return found


def _lock_guest(work: UnitOfWork, household: UUID | None, stay: UUID | None) -> UUID | None:
    """The household's id, locked with its stay; None for a new one. NotFound where it may not be read."""
    if household is None and stay is None:
        return None
    known = select(Household.id).where(readable(work.by))
    if stay is not None:
        known = known.join(Stay, Stay.household_id == Household.id).where(Stay.id == stay)
    else:
        known = known.where(Household.id == household)
    household = db.session.scalar(known)
    if household is None:
        raise NotFound()
    work.lock(household=household, stay=stay)
    return household


def _stay_for(
    work: UnitOfWork,
    guest: Household,
    stay_id: UUID | None,
    site_id: UUID,
    segments: Sequence[Segment],
    now: datetime,
    *,
    was_here: bool,
) -> Stay:
    """The running stay, or a new one under the policy of the first site."""
    arrive_on = segments[0].nights.arrive_on
    if arrive_on < clock.shelter_day(now):
        raise NightHasPassed(arrive_on)
    if stay_id is not None:
        stay = db.session.scalars(_STAY, {"stay": stay_id}).one()
        if stay.state not in RUNNING:
            raise NothingToDo()
    else:
        version = policies.in_force(site_id, arrive_on)
        stay = Stay(
            household_id=guest.id,
            number=returning.next_number(guest, now) if was_here else 1,
            state=StayState.OPEN,
            arrive_on=arrive_on,
            policy_id=version.id,
            limit_on=policies.limit_for(version, arrive_on, household_id=guest.id),
            responsible_id=work.by.user_id,
            created_by_id=work.by.user_id,
            created_at=now,
        )
        db.session.add(stay)
    limits.check_leave_on(max(segment.nights.leave_on for segment in segments), stay.limit_on)
    return stay


def _place(
    work: UnitOfWork, stay: Stay, segment: Segment, people: Sequence[Person], until: datetime, now: datetime
) -> Placement:
    placement = Placement(
        stay_id=stay.id,
        unit_id=segment.unit_id,
        state=PlacementState.HELD,
        arrive_on=segment.nights.arrive_on,
        leave_on=segment.nights.leave_on,
        people=len(people),
        held_until=until,
        created_by_id=work.by.user_id,
        created_at=now,
        members=[PlacementMember(person_id=person.id) for person in people],
    )
    db.session.add(placement)
    db.session.flush()
    ledger.claim_for(placement, segment.nights)
    return placement


def _sleepers(people: Sequence[Person], parts: Sequence[Party]) -> list[list[Person]]:
    """Who of the household goes with which part: everybody with each, or divided as the parts are."""
    if all(len(part.people) == len(people) for part in parts):
        return [list(people)] * len(parts)
    left = list(people)
    divided: list[list[Person]] = []
    for part in parts:
        divided.append([])
        for sex, age_band in part.people:
            chosen = next(person for person in left if (person.sex, person.age_band) == (sex, age_band))
            left.remove(chosen)
            divided[-1].append(chosen)
    return divided


def _take(work: UnitOfWork, stay_id: UUID) -> Stay:
    """The stay with household, itself and its sites locked, and its rooms kept. NotFound, NotPermitted."""
    if not work.by.can(Permission.STAYS_PLACE):
        raise NotPermitted()
    household_id = readable_guest(stay_id, work.by)
    if household_id is None:
        raise NotFound()
    sites = expiry.lock_stay(work, stay_id, household_id)
    overstays.keep_rooms(sites, clock.shelter_day())
    return db.session.scalars(_STAY, {"stay": stay_id}).one()


def _take_held(work: UnitOfWork, stay_id: UUID) -> tuple[Stay, list[Placement]]:
    stay = _take(work, stay_id)
    held = _latest_hold(stay)
    if not held:
        raise NothingHeld()
    if any(placement.state is PlacementState.EXPIRED for placement in held):
        raise HoldRanOut()
    return stay, held


def _latest_hold(stay: Stay) -> list[Placement]:
    """What was held together last and is not confirmed; run out, if nothing else came since. A stay that is over
    holds nothing."""
    waiting = [p for p in stay.placements if p.state in (PlacementState.HELD, PlacementState.EXPIRED)]
    if stay.state not in RUNNING or not waiting:
        return []
    held = [p for p in waiting if p.state is PlacementState.HELD]
    last = max(p.created_at for p in held or waiting)
    if not held and any(p.created_at > last for p in stay.placements):
        return []
    return [p for p in waiting if p.created_at == last]


def _record(work: UnitOfWork, stay: Stay, action: str, **details: object) -> None:
    reference = stay_reference(stay.household.reference, stay.number)
    work.record(action, subject=f"stay:{reference}", household=stay.household_id, **details)


def _is_apart(placement: Placement, others: Iterable[Placement]) -> bool:
    nights = Nights(placement.arrive_on, placement.leave_on)
    return any(o is not placement and nights.overlaps(Nights(o.arrive_on, o.leave_on)) for o in others)
