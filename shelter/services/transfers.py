"""Another room, at the same site or another: the clock goes on, only the room changes."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from shelter import clock
from shelter.domain.arrivals import nights_given_back
from shelter.domain.errors import UnitJustTaken
from shelter.domain.matching import SAFETY_REASONS
from shelter.domain.nights import DAY, Nights
from shelter.domain.permissions import Principal
from shelter.domain.placing import GONE, NEVER_SET_ASIDE, UnitFitsNoMore
from shelter.domain.stay_errors import ArrivedAfterLeaving, BeforeArrival, NothingToDo, SameUnit, UnitStillOccupied
from shelter.domain.stays import PlacementState, move_placement
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.stays import Placement, PlacementMember, Stay
from shelter.queries import find, installation, parties
from shelter.services import expiry, ledger, stay_tasks
from shelter.services.arrivals import EXPECTED, IN_HOUSE, check_tonight, give_up, keep_late_rooms, settle
from shelter.services.history import note
from shelter.services.stays import (
    chosen,
    is_somebody_else_in,
    need_reason,
    real_time,
    record,
    reference_of,
    take,
)
from shelter.services.unit_of_work import Once, UnitOfWork, unit_of_work

NOON = 12


def transfer(
    *,
    stay_id: UUID,
    to_unit_id: int,
    from_night: date,
    placement_id: int | None = None,
    moved_at: datetime | None = None,
    reason: str | None = None,
    accepts_misfit: bool = False,
    by: Principal,
    once: Once | None = None,
) -> str:
    """They sleep in `to_unit_id` from that night on; the stay's reference.

    Tonight or earlier (with a reason) they have moved; later it is planned, and `move_in` completes it. Before
    check-in the booking itself changes rooms. `moved_at`, where it is known, says the night too. Raises
    UnitJustTaken, UnitFitsNoMore, SameUnit.
    """
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        stay, now = take(work, stay_id, to_units=[to_unit_id]), clock.now()
        old = _leaving(stay, placement_id)
        if old.unit_id == to_unit_id:
            raise SameUnit()
        moved = None if moved_at is None else real_time(moved_at, reason, now)
        from_night = clock.shelter_day(moved) if moved else from_night
        if from_night < clock.shelter_day(now):
            need_reason(reason)
        nights = _nights(stay, old, from_night)
        _check_unit(stay, old, to_unit_id, nights, now, accepts_misfit=accepts_misfit)
        new = _copy(old, to_unit_id, nights, work, now)
        is_planned = old.state in EXPECTED or from_night > clock.shelter_day(now)
        if not is_planned:
            if is_somebody_else_in(new):
                raise UnitStillOccupied()
            at = moved or (now if from_night == clock.shelter_day(now) else clock.instant(from_night, NOON))
            new.arrived_at, new.occupied_from = at, max(from_night, _move_out(work, stay, old, at))
            new.state = move_placement(new.state, PlacementState.IN_HOUSE)
        elif nights.arrive_on <= old.arrive_on:
            give_up(old)
        else:
            ledger.release(old, from_night=from_night)
            old.leave_on = from_night
        keep_late_rooms([old, new])
        _tell(work, stay, old, new, "transfer_planned" if is_planned else "transferred", moved, reason)
        return str(work.result)


def move_in(
    *,
    stay_id: UUID,
    from_placement_id: int,
    to_placement_id: int,
    moved_at: datetime | None = None,
    reason: str | None = None,
    accepts_misfit: bool = False,
    by: Principal,
    once: Once | None = None,
) -> str:
    """The planned move has happened, now or at `moved_at`; tonight's company is asked as at check-in. The reference."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        stay, now = take(work, stay_id), clock.now()
        moved = real_time(moved_at, reason, now)
        old = chosen(stay, IN_HOUSE, [from_placement_id])[0]
        new = chosen(stay, EXPECTED, [to_placement_id])[0]
        if is_somebody_else_in(new):
            raise UnitStillOccupied()
        free_from = _move_out(work, stay, old, moved)
        settle(new, moved, now, accepts_misfit=accepts_misfit)
        check_tonight(new, now, accepts_misfit=accepts_misfit)
        new.occupied_from = max(clock.shelter_day(moved), free_from)
        new.state = move_placement(new.state, PlacementState.IN_HOUSE)
        keep_late_rooms([old, new])
        _tell(work, stay, old, new, "transferred", moved, reason)
        return str(work.result)


def _leaving(stay: Stay, placement_id: int | None) -> Placement:
    here = chosen(stay, IN_HOUSE | EXPECTED, None if placement_id is None else [placement_id])
    if len(here) > 1:
        here = [p for p in here if p.state in IN_HOUSE]
    if len(here) != 1:
        raise NothingToDo()
    return here[0]


def _nights(stay: Stay, old: Placement, from_night: date) -> Nights:
    """The nights in the new room: as long as planned; at least one for whoever has used up their nights."""
    if old.state in EXPECTED:
        return Nights(max(from_night, old.arrive_on), old.leave_on)
    if old.occupied_from is None or from_night < old.occupied_from:
        raise BeforeArrival()
    if from_night > clock.shelter_day() and from_night >= old.leave_on:
        raise ArrivedAfterLeaving(old.leave_on)
    return Nights(from_night, max(min(old.leave_on, stay.limit_on), from_night + DAY))


def _check_unit(
    stay: Stay, old: Placement, unit_id: int, nights: Nights, now: datetime, *, accepts_misfit: bool
) -> None:
    """Free, and right for them by the rules a new household meets. A reason of safety is told to nobody."""
    expiry.release_expired([unit_id], nights, now)
    is_apart = any(p is not old and p.state in IN_HOUSE for p in stay.placements)
    sleepers = frozenset(member.person_id for member in old.members) if is_apart else None
    party = parties.party_of(stay.household_id, only=sleepers or None)
    reasons = find.look(unit_id, nights, party, now=now).verdict(party).reasons
    if not (GONE | SAFETY_REASONS).isdisjoint(reasons):
        raise UnitJustTaken()
    for reason in reasons:
        if reason in NEVER_SET_ASIDE or not accepts_misfit:
            raise UnitFitsNoMore(reason)


def _copy(old: Placement, unit_id: int, nights: Nights, work: UnitOfWork, now: datetime) -> Placement:
    new = Placement(
        stay_id=old.stay_id,
        unit_id=unit_id,
        state=PlacementState.BOOKED,
        arrive_on=nights.arrive_on,
        leave_on=nights.leave_on,
        people=old.people,
        expected_at=old.expected_at if old.state in EXPECTED else None,
        confirmed_at=now,
        created_by_id=work.by.user_id,
        created_at=now,
    )
    new.members = [PlacementMember(person_id=member.person_id) for member in old.members]
    db.session.add(new)
    db.session.flush()
    start = installation.first_written_night()
    ledger.claim_for(new, [night for night in nights if night >= start])
    return new


def _move_out(work: UnitOfWork, stay: Stay, old: Placement, moved: datetime) -> date:
    """Nights from the day of the move are free; the first of them.

    After midnight the night just begun stays the old room's. In the new one it is reserved: one household has one
    bed-night, and neither room is given away.
    """
    if old.arrived_at is None or old.occupied_from is None or moved < old.arrived_at:
        raise BeforeArrival()
    old.state = move_placement(old.state, PlacementState.MOVED)
    old.leave_on, free_from = nights_given_back(clock.day_of(moved), old.occupied_from)
    old.left_at = moved
    ledger.release(old, from_night=free_from)
    stay_tasks.close_tasks(work, stay.id, [TaskKind.COLLISION], [old.id])
    return free_from


def _tell(
    work: UnitOfWork, stay: Stay, old: Placement, new: Placement, kind: str, at: datetime | None, reason: str | None
) -> None:
    facts = {"from_placement": old.id, "to_placement": new.id, "from_night": new.arrive_on}
    note(work, stay, kind, at, reason, **facts)
    record(work, stay, f"stay.{kind}", reason, **facts)
    work.result = reference_of(stay)
