"""Leaving: check-out early or late and its correction, another day of leaving, a booking that is not needed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from shelter import clock
from shelter.domain import limits
from shelter.domain.arrivals import nights_given_back
from shelter.domain.nights import DAY, Nights
from shelter.domain.permissions import Principal
from shelter.domain.stay_errors import BeforeArrival, LeavesTooEarly, UnitStillOccupied
from shelter.domain.stays import (
    CancelReason,
    Destination,
    ExitReason,
    PlacementState,
    StayState,
    move_placement,
    move_stay,
)
from shelter.domain.tasks import TaskKind
from shelter.models.stays import Placement, Stay
from shelter.services import expiry, ledger, stay_tasks
from shelter.services.arrivals import EXPECTED, IN_HOUSE, Arrival, count_again, give_up, keep_late_rooms
from shelter.services.history import note
from shelter.services.stays import (
    check_only_stay,
    chosen,
    claim_nights,
    is_somebody_else_in,
    need_reason,
    real_time,
    record,
    reference_of,
    take,
)
from shelter.services.unit_of_work import Once, unit_of_work

ENDED = frozenset({PlacementState.ENDED})
NOT_YET_IN = frozenset({PlacementState.HELD, *EXPECTED})
WHILE_THEY_STAY = (TaskKind.COLLISION, TaskKind.IMPORT_DIFFERENCE)
UNTIL_THE_END = (*WHILE_THEY_STAY, TaskKind.NO_SHOW)


@dataclass(frozen=True, kw_only=True)
class Departure:
    """What came of it. After a replay only the reference is known."""

    reference: str
    is_over: bool = True  # nobody of the household is in the house any more
    left_on: date | None = None
    running: Arrival | None = None  # the stay that runs now, if its limit went with the correction of this one


def check_out(
    *,
    stay_id: UUID,
    placement_ids: Collection[int] | None = None,
    left_at: datetime | None = None,
    exit_reason: ExitReason,
    destination: Destination,
    reason: str | None = None,
    by: Principal,
    once: Once | None = None,
) -> Departure:
    """They have left, all or those of some rooms; the last night is the one before the day they left.

    `left_at` long ago needs a reason. With the last room the stay ends, and rooms still booked are given up.
    """
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return Departure(reference=str(work.result))
        stay, now = take(work, stay_id), clock.now()
        left = real_time(left_at, reason, now)
        leaving = chosen(stay, IN_HOUSE, placement_ids)
        planned = {p.id: p.leave_on for p in leaving}
        for placement in leaving:
            _leave(placement, left)
        stay_tasks.close_tasks(work, stay.id, [TaskKind.COLLISION], list(planned), with_check_out=True)
        is_over = not any(p.state is PlacementState.IN_HOUSE for p in stay.placements)
        if is_over:
            _end(stay, exit_reason, destination)
            stay_tasks.close_tasks(work, stay.id, UNTIL_THE_END, with_check_out=True)
        facts = {
            "placements": list(planned),
            "planned": max(planned.values()),
            "exit_reason": exit_reason,
            "destination": destination,
            "is_over": is_over,
        }
        note(work, stay, "checked_out", left, reason, **facts)
        record(work, stay, "stay.checked_out", reason, left_at=left, **facts)
        work.result = reference_of(stay)
        return Departure(reference=work.result, is_over=is_over, left_on=clock.day_of(left))


def correct_departure(
    *,
    stay_id: UUID,
    left_at: datetime,
    exit_reason: ExitReason,
    destination: Destination,
    reason: str,
    by: Principal,
    once: Once | None = None,
) -> Departure:
    """The stay ended at another time or in another way than was recorded. NightsTaken, InAnotherStay."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return Departure(reference=str(work.result))
        stay, now, said = take(work, stay_id, with_running=True), clock.now(), need_reason(reason)
        left, before = real_time(left_at, said, now), stay.ended_at
        last = _last_to_leave(stay)
        for placement in last:
            if clock.day_of(left) > placement.arrive_on:
                claim_nights(placement, Nights(placement.arrive_on, clock.day_of(left)), now)
            _give_back(placement, left)
        check_only_stay(stay, last)
        stay.ended_at = max(p.left_at for p in stay.placements if p.left_at is not None)
        stay.exit_reason, stay.destination = exit_reason, destination
        facts = {"was": before, "exit_reason": exit_reason, "destination": destination}
        note(work, stay, "departure_corrected", left, said, **facts)
        record(work, stay, "stay.departure_corrected", said, left_at=left, **facts)
        work.result, running = reference_of(stay), count_again(work, stay)
        return Departure(reference=work.result, left_on=clock.day_of(left), running=running)


def undo_check_out(*, stay_id: UUID, leave_on: date, reason: str, by: Principal, once: Once | None = None) -> str:
    """Checked out by mistake: they are still in the house, until `leave_on`. NightsTaken, InAnotherStay."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        stay, now, said = take(work, stay_id), clock.now(), need_reason(reason)
        limits.check_leave_on(leave_on, max(stay.limit_on, clock.shelter_day() + DAY))
        back = _last_to_leave(stay)
        stay.state = move_stay(stay.state, StayState.IN_HOUSE)
        stay.ended_at = stay.exit_reason = stay.destination = None
        for placement in back:
            if is_somebody_else_in(placement):
                raise UnitStillOccupied()
            placement.state = move_placement(placement.state, PlacementState.IN_HOUSE)
            placement.left_at = None
            begins = placement.occupied_from or placement.arrive_on
            placement.leave_on = max(leave_on, begins + DAY)
            until = max(placement.leave_on, clock.shelter_day() + DAY)
            claim_nights(placement, Nights(placement.arrive_on, until), now)
        check_only_stay(stay, back)
        stay_tasks.reopen_tasks(stay.id, WHILE_THEY_STAY, [p.id for p in back])
        note(work, stay, "check_out_undone", None, said, placements=[p.id for p in back], leave_on=leave_on)
        record(work, stay, "stay.check_out_undone", said, leave_on=leave_on)
        work.result = reference_of(stay)
        return work.result


def change_leave_on(
    *,
    stay_id: UUID,
    leave_on: date,
    placement_ids: Collection[int] | None = None,
    by: Principal,
    once: Once | None = None,
) -> str:
    """Another planned day of leaving, within the limit, for all that end last or for the named rooms.

    Longer claims the nights or raises NightsTaken; shorter gives them back. The stay's reference.
    """
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        stay, now = take(work, stay_id), clock.now()
        limits.check_leave_on(leave_on, stay.limit_on)
        changed = chosen(stay, EXPECTED | IN_HOUSE, placement_ids or _ending_last(stay))
        before = max(p.leave_on for p in changed)
        for placement in changed:
            _check_not_too_early(placement, leave_on)
            if leave_on > placement.leave_on:
                claim_nights(placement, Nights(placement.leave_on, leave_on), now)
            else:
                ledger.release(placement, from_night=leave_on)
            placement.leave_on = leave_on
        keep_late_rooms(changed)
        note(work, stay, "leave_date_changed", before=before, leave_on=leave_on)
        record(work, stay, "stay.leave_date_changed", None, before=before, after=leave_on)
        work.result = reference_of(stay)
        return work.result


def cancel(
    *,
    stay_id: UUID,
    reason: CancelReason,
    text: str | None = None,
    placement_ids: Collection[int] | None = None,
    cancelled_at: datetime | None = None,
    late_because: str | None = None,
    by: Principal,
    once: Once | None = None,
) -> str:
    """Nobody will come: the rooms are free. Without `placement_ids` the whole stay, before check-in.

    `cancelled_at` long ago needs `late_because`.
    """
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        stay, now = take(work, stay_id), clock.now()
        given_up = chosen(stay, NOT_YET_IN, placement_ids)
        cancelled = real_time(cancelled_at, late_because, now)
        said = " · ".join(filter(None, [text, late_because])) or None
        if placement_ids is None:
            move_stay(stay.state, StayState.CANCELLED)  # refused once somebody is in the house
        for placement in given_up:
            give_up(placement)
        is_over = expiry.cancel_if_empty(stay, reason)
        stay_tasks.close_tasks(work, stay.id, [TaskKind.NO_SHOW], [p.id for p in given_up])
        facts = {"placements": [p.id for p in given_up], "cancel_reason": reason, "is_over": is_over}
        note(work, stay, "cancelled", cancelled, said, **facts)
        record(work, stay, "stay.cancelled", said, cancelled_at=cancelled, **facts)
        work.result = reference_of(stay)
        return work.result


def _leave(placement: Placement, left: datetime) -> None:
    placement.state = move_placement(placement.state, PlacementState.ENDED)
    _give_back(placement, left)


def _give_back(placement: Placement, left: datetime) -> None:
    """Nights from the day they left are free."""
    if placement.arrived_at is None or placement.occupied_from is None or left < placement.arrived_at:
        raise BeforeArrival()
    placement.leave_on, free_from = nights_given_back(clock.day_of(left), placement.occupied_from)
    placement.left_at = left
    ledger.release(placement, from_night=free_from)


def _end(stay: Stay, exit_reason: ExitReason, destination: Destination) -> None:
    stay.state = move_stay(stay.state, StayState.ENDED)
    stay.ended_at = max(p.left_at for p in stay.placements if p.left_at is not None)
    stay.exit_reason, stay.destination = exit_reason, destination
    for placement in stay.placements:
        if placement.state in NOT_YET_IN:
            give_up(placement)


def _last_to_leave(stay: Stay) -> list[Placement]:
    """The rooms whose check-out ended the stay."""
    ids = [p.id for p in stay.placements if p.state in ENDED and p.left_at == stay.ended_at]
    return chosen(stay, ENDED, ids)


def _ending_last(stay: Stay) -> list[int]:
    running = [p for p in stay.placements if p.state in EXPECTED | IN_HOUSE]
    last = max((p.leave_on for p in running), default=None)
    return [p.id for p in running if p.leave_on == last]


def _check_not_too_early(placement: Placement, leave_on: date) -> None:
    earliest = placement.arrive_on + DAY
    if placement.occupied_from is not None:
        earliest = max(placement.occupied_from + DAY, clock.today())
    if leave_on < earliest:
        raise LeavesTooEarly(earliest)
