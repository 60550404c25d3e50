"""A household that came without a booking, while nothing but paper worked: recorded afterwards, as it was.

Here the system records, it does not decide: they have slept there. What is not free in the ledger is refused all the
same, because then somebody else was placed there, and two people must talk.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from shelter import clock
from shelter.domain import limits
from shelter.domain.errors import NotFound, NotPermitted, UnitJustTaken
from shelter.domain.matching import SAFETY_REASONS, Party, PartyEmpty
from shelter.domain.nights import Nights
from shelter.domain.permissions import Permission, Principal
from shelter.domain.placing import UnitFitsNoMore
from shelter.domain.references import stay_reference
from shelter.domain.stay_errors import NightsTaken, UnitStillOccupied
from shelter.domain.stays import PlacementState, StayState, move_placement
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.sites import StayPolicyVersion, Unit
from shelter.models.stays import Placement, PlacementMember, Stay
from shelter.queries import find, installation, parties, policies
from shelter.queries.visibility import readable
from shelter.services import expiry, ledger, newcomers, overstays, returning
from shelter.services.arrivals import settle, start_clock
from shelter.services.history import note
from shelter.services.stays import (
    check_only_stay,
    is_somebody_else_in,
    need_reason,
    out_of_service,
    real_time,
    record,
)
from shelter.services.unit_of_work import Once, UnitOfWork, unit_of_work


def record_walk_in(
    *,
    unit_id: int,
    arrived_at: datetime,
    party: Party | None = None,
    household: UUID | None = None,
    leave_on: date | None = None,
    reason: str,
    accepts_misfit: bool = False,
    by: Principal,
    once: Once | None = None,
) -> str:
    """They are in this unit since `arrived_at`, until `leave_on` (None: the limit); the stay's reference.

    A new household (`party`), or one that was here before. Raises UnitStillOccupied, NightsTaken, AlreadyPlaced,
    InAnotherStay, LeaveAfterLimit, InTheFuture, and UnitFitsNoMore unless `accepts_misfit`: it is so, right or not.
    """
    if not by.can(Permission.STAYS_PLACE):
        raise NotPermitted()
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        now, said = clock.now(), need_reason(reason)
        arrived = real_time(arrived_at, said, now)
        unit = db.session.get(Unit, unit_id)
        if unit is None:
            raise NotFound()
        _lock(work, household, unit.site_id, now)
        db.session.refresh(unit)  # somebody may have given it up before we had the lock
        party = party if household is None else parties.party_of(household)
        if party is None or not party.people:
            raise PartyEmpty()
        day, night = clock.day_of(arrived), clock.shelter_day(arrived)
        version = policies.in_force(unit.site_id, day)
        limit = policies.limit_for(version, day, household_id=household)
        nights = Nights(night, leave_on or limit)
        limits.check_leave_on(nights.leave_on, limit)
        _check(unit, nights, party, now, accepts_misfit=accepts_misfit)
        guest = db.session.get_one(Household, household) if household else newcomers.register(work, party, now)
        number = returning.next_number(guest, now) if household else 1
        stay = _stay(work, guest, number, version, limit, night, now)
        placement = _place(work, stay, guest, unit, nights, now)
        if is_somebody_else_in(placement):
            raise UnitStillOccupied()
        start_clock(stay, placement, arrived)
        settle(placement, arrived, now)
        check_only_stay(stay, [placement])
        placement.state = move_placement(placement.state, PlacementState.IN_HOUSE)
        db.session.flush()
        overstays.keep_rooms([unit.site_id], clock.shelter_day(now))
        facts = {"limit_on": stay.limit_on, "night": night, "is_walk_in": True}
        note(work, stay, "checked_in", arrived, said, placements=[placement.id], **facts)
        record(work, stay, "stay.walk_in", said, arrived_at=arrived, **facts)
        work.result = stay_reference(guest.reference, stay.number)
        return work.result


def _lock(work: UnitOfWork, household: UUID | None, site_id: UUID, now: datetime) -> None:
    """Household before site. NotFound for one this person may not know of."""
    if household is not None:
        known = select(Household.id).where(Household.id == household, readable(work.by))
        if db.session.scalar(known) is None:
            raise NotFound()
        work.lock(household=household)
    work.lock(sites={site_id, *returning.sites_of_holds(household, now)})
    overstays.keep_rooms([site_id], clock.shelter_day(now))


def _check(unit: Unit, nights: Nights, party: Party, now: datetime, *, accepts_misfit: bool) -> None:
    """Is the unit nobody else's, and do the rules agree? A reason of safety is told to nobody."""
    expiry.release_expired([unit.id], nights, now)
    taken = ledger.owners(unit.id, nights)
    if taken:
        placements = (db.session.get_one(Placement, row.placement_id) for row in taken if row.placement_id)
        if any(placement.state is PlacementState.IN_HOUSE for placement in placements):
            raise UnitStillOccupied()
        raise NightsTaken(first_night=taken[0].night, nights=len(taken))
    if given_up := out_of_service(unit, nights):
        raise NightsTaken(first_night=given_up[0], nights=len(given_up))
    reasons = find.look(unit.id, nights, party, now=now, is_theirs=True).verdict(party).reasons
    if not SAFETY_REASONS.isdisjoint(reasons):
        raise UnitJustTaken()
    if reasons and not accepts_misfit:
        raise UnitFitsNoMore(reasons[0])


def _stay(
    work: UnitOfWork,
    guest: Household,
    number: int,
    version: StayPolicyVersion,
    limit: date,
    night: date,
    now: datetime,
) -> Stay:
    stay = Stay(
        household_id=guest.id,
        number=number,
        state=StayState.OPEN,
        arrive_on=night,
        policy_id=version.id,
        limit_on=limit,
        responsible_id=work.by.user_id,
        created_by_id=work.by.user_id,
        created_at=now,
    )
    stay.household = guest
    db.session.add(stay)
    db.session.flush()
    return stay


def _place(work: UnitOfWork, stay: Stay, guest: Household, unit: Unit, nights: Nights, now: datetime) -> Placement:
    placement = Placement(
        stay_id=stay.id,
        unit_id=unit.id,
        state=PlacementState.BOOKED,
        arrive_on=nights.arrive_on,
        leave_on=nights.leave_on,
        people=len(guest.people),
        confirmed_at=now,
        created_by_id=work.by.user_id,
        created_at=now,
        members=[PlacementMember(person_id=person.id) for person in guest.people],
    )
    db.session.add(placement)
    db.session.flush()
    start = installation.first_written_night()
    ledger.claim_for(placement, [each for each in nights if each >= start])
    return placement
