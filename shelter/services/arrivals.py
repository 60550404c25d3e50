"""Check-in, its correction, and the household that does not come.

Check-in starts the clock: it takes the real time, freezes policy and limit, and settles the nights.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from shelter import clock
from shelter.domain.arrivals import earlier_nights, leave_within, nights_given_back
from shelter.domain.errors import MoveNotAllowed
from shelter.domain.limits import ReadmissionRule
from shelter.domain.nights import Nights
from shelter.domain.permissions import Principal
from shelter.domain.stay_errors import BeforeArrival, UnitStillOccupied
from shelter.domain.stays import (
    KEEPS_NIGHTS,
    ExtensionDecision,
    PlacementState,
    StayState,
    move_placement,
    move_stay,
)
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.sites import StayPolicyVersion
from shelter.models.stays import Placement, Stay, StayEvent
from shelter.queries import policies
from shelter.services import ledger, overstays, stay_tasks
from shelter.services.history import note
from shelter.services.second_look import check_room
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
from shelter.services.unit_of_work import Once, UnitOfWork, unit_of_work

EXPECTED = frozenset({PlacementState.BOOKED, PlacementState.NO_SHOW})
IN_HOUSE = frozenset({PlacementState.IN_HOUSE})


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What came of it. After a replay only the reference is known."""

    reference: str
    limit_on: date | None = None
    nights_added: int = 0
    nights_dropped: int = 0  # they lay past the limit; the coordinator is to be told
    running: Arrival | None = None  # the stay that runs now, if its limit went with the correction of this one


def check_in(
    *,
    stay_id: UUID,
    placement_ids: Collection[int] | None = None,
    arrived_at: datetime | None = None,
    reason: str | None = None,
    accepts_misfit: bool = False,
    by: Principal,
    once: Once | None = None,
) -> Arrival:
    """They are in the house, since now or since `arrived_at` (a late entry needs a reason).

    Without `placement_ids`: the rooms booked for the night of the arrival. Raises NightsTaken when an earlier
    arrival needs nights that are not free, ArrivedAfterLeaving, UnitStillOccupied, InAnotherStay.

    Who else is there may have changed since it was confirmed, so that is asked again for tonight: UnitFitsNoMore
    unless `accepts_misfit`; UnitJustTaken, whatever is accepted, where the reason is a secret.
    """
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return Arrival(reference=str(work.result))
        stay, now = take(work, stay_id), clock.now()
        arrived = real_time(arrived_at, reason, now)
        coming = chosen(stay, EXPECTED, placement_ids or _expected(stay, clock.shelter_day(arrived)))
        planned = [p.arrive_on for p in coming]
        if stay.checked_in_at is None or arrived < stay.checked_in_at:
            start_clock(stay, coming[0], arrived)
        added = 0
        for placement in coming:
            if is_somebody_else_in(placement):
                raise UnitStillOccupied()
            added += settle(placement, arrived, now, accepts_misfit=accepts_misfit)
            check_tonight(placement, now, accepts_misfit=accepts_misfit)
            placement.state = move_placement(placement.state, PlacementState.IN_HOUSE)
        check_only_stay(stay, coming)
        dropped = drop_past_limit(stay)
        _give_up_missed(stay, clock.shelter_day(arrived))
        stay_tasks.close_tasks(work, stay.id, [TaskKind.NO_SHOW], [p.id for p in coming])
        keep_late_rooms(stay.placements)
        facts = {"limit_on": stay.limit_on, "added": added, "dropped": dropped}
        note(
            work, stay, "checked_in", arrived, reason, placements=[p.id for p in coming],
            planned=planned, night=clock.shelter_day(arrived), is_misfit=accepts_misfit or None, **facts,
        )  # fmt: skip
        record(work, stay, "stay.checked_in", reason, arrived_at=arrived, accepts_misfit=accepts_misfit, **facts)
        work.result = reference_of(stay)
        return Arrival(reference=work.result, limit_on=stay.limit_on, nights_added=added, nights_dropped=dropped)


def correct_arrival(
    *, stay_id: UUID, arrived_at: datetime, reason: str, by: Principal, once: Once | None = None
) -> Arrival:
    """The first check-in was at another time: clock, limit and nights are worked out anew."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return Arrival(reference=str(work.result))
        stay, now = take(work, stay_id, with_running=True), clock.now()
        said, before = need_reason(reason), stay.checked_in_at
        arrived = real_time(arrived_at, said, now)
        first = [p for p in stay.placements if p.arrived_at is not None and p.arrived_at == before]
        chosen(stay, {p.state for p in first}, [p.id for p in first])
        added = sum(settle(placement, arrived, now) for placement in first)
        check_only_stay(stay, first)
        _clock_from_the_first(stay)
        dropped = drop_past_limit(stay)
        keep_late_rooms(stay.placements)
        facts = {"limit_on": stay.limit_on, "added": added, "dropped": dropped}
        note(work, stay, "arrival_corrected", arrived, said, was=before, **facts)
        record(work, stay, "stay.arrival_corrected", said, before=before, after=arrived, **facts)
        work.result, running = reference_of(stay), count_again(work, stay)
        return Arrival(
            reference=work.result, limit_on=stay.limit_on, nights_added=added, nights_dropped=dropped, running=running
        )


def undo_check_in(
    *,
    stay_id: UUID,
    placement_ids: Collection[int] | None = None,
    reason: str,
    by: Principal,
    once: Once | None = None,
) -> str:
    """Checked in by mistake: expected again, as before. The stay's reference."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        stay, said = take(work, stay_id), need_reason(reason)
        undone = chosen(stay, IN_HOUSE, placement_ids)
        for placement in undone:
            placement.state = move_placement(placement.state, PlacementState.BOOKED)
            placement.arrived_at = placement.occupied_from = None
            placement.arrive_on = _planned(stay, placement)
            ledger.release(placement, before=placement.arrive_on)
            ledger.release(placement, from_night=placement.leave_on)
        if any(p.state is PlacementState.IN_HOUSE for p in stay.placements):
            _clock_from_the_first(stay)
        else:
            _stop_clock(stay)
        drop_past_limit(stay)
        keep_late_rooms(stay.placements)
        note(work, stay, "check_in_undone", None, said, placements=[p.id for p in undone])
        record(work, stay, "stay.check_in_undone", said)
        work.result = reference_of(stay)
        return work.result


def _planned(stay: Stay, placement: Placement) -> date:
    """The first night it was booked for, before an earlier check-in added others; as the history says."""
    told = select(StayEvent.data).where(StayEvent.stay_id == stay.id, StayEvent.kind == "checked_in")
    for data in db.session.scalars(told.order_by(StayEvent.at.desc())):
        planned = dict(zip(data.get("placements", ()), data.get("planned", ()), strict=False))
        if placement.id in planned:
            first = date.fromisoformat(planned[placement.id])
            return max(first, placement.arrive_on) if first < placement.leave_on else placement.arrive_on
    return placement.arrive_on


def mark_no_show(
    *,
    stay_id: UUID,
    placement_ids: Collection[int] | None = None,
    noticed_at: datetime | None = None,
    reason: str | None = None,
    by: Principal,
    once: Once | None = None,
) -> str:
    """They have not come: a safety event. The room is kept until a person decides. The stay's reference."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        stay, now = take(work, stay_id), clock.now()
        noticed = real_time(noticed_at, reason, now)
        missing = chosen(stay, {PlacementState.BOOKED}, placement_ids)
        for placement in missing:
            placement.state = move_placement(placement.state, PlacementState.NO_SHOW)
            stay_tasks.raise_task(
                work,
                TaskKind.NO_SHOW,
                f"no-show:{placement.id}:{now:%Y%m%d%H%M%S}",
                stay_id=stay.id,
                household_id=stay.household_id,
                site_id=placement.unit.site_id,
                placement_id=placement.id,
                night=placement.arrive_on,
            )
        note(work, stay, "not_arrived", noticed, reason, placements=[p.id for p in missing])
        record(work, stay, "stay.not_arrived", reason, noticed_at=noticed)
        work.result = reference_of(stay)
        return work.result


def expect_again(*, stay_id: UUID, by: Principal, once: Once | None = None) -> str:
    """They were heard of and will come: the room waits for them. The stay's reference."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        stay = take(work, stay_id)
        coming = chosen(stay, {PlacementState.NO_SHOW})
        for placement in coming:
            placement.state = move_placement(placement.state, PlacementState.BOOKED)
        stay_tasks.close_tasks(work, stay.id, [TaskKind.NO_SHOW])
        note(work, stay, "expected_again", placements=[p.id for p in coming])
        record(work, stay, "stay.expected_again", None)
        work.result = reference_of(stay)
        return work.result


def granted_steps(stay: Stay) -> int:
    return sum(e.decision is ExtensionDecision.GRANTED for e in stay.extensions)


def drop_past_limit(stay: Stay) -> int:
    """Planned nights past the limit go; how many. A room that would have had no other night is given up."""
    dropped = 0
    for placement in stay.placements:
        if placement.state not in KEEPS_NIGHTS or placement.leave_on <= stay.limit_on:
            continue
        planned = Nights(placement.arrive_on, placement.leave_on)
        leave_on = leave_within(stay.limit_on, planned, placement.occupied_from)
        dropped += (planned.leave_on - (leave_on or planned.arrive_on)).days
        if leave_on is None:
            give_up(placement)
        else:
            ledger.release(placement, from_night=leave_on)
            placement.leave_on = leave_on
    return dropped


def give_up(placement: Placement) -> None:
    """Nobody comes to this room: it is free."""
    placement.state = move_placement(placement.state, PlacementState.CANCELLED)
    ledger.release(placement)


def _expected(stay: Stay, night: date) -> list[int]:
    """The rooms booked for that night; before all of them, the first ones."""
    expected = [p for p in stay.placements if p.state in EXPECTED]
    tonight = [p.id for p in expected if p.arrive_on <= night < p.leave_on]
    first = min((p.arrive_on for p in expected), default=night)
    return tonight or [p.id for p in expected if p.arrive_on == first]


def start_clock(stay: Stay, first: Placement, arrived: datetime) -> None:
    """Freeze policy and limit from the real check-in; a policy that knows no extension takes none back."""
    day = clock.day_of(arrived)
    policy, steps = policies.in_force(first.unit.site_id, day), granted_steps(stay)
    if steps and not policies.rules(policy).has_step:
        policy = db.session.get_one(StayPolicyVersion, stay.policy_id)  # what was granted stands
    limit = policies.limit_for(policy, day, household_id=stay.household_id, granted_steps=steps, of_stay=stay.id)
    if stay.state is StayState.OPEN:
        stay.state = move_stay(stay.state, StayState.IN_HOUSE)
    stay.policy_id, stay.limit_on, stay.checked_in_at = policy.id, limit, arrived
    stay.arrive_on = clock.shelter_day(arrived)


def count_again(work: UnitOfWork, corrected: Stay) -> Arrival | None:
    """Where nights of earlier stays are taken off, the limit of whoever is in the house goes with their correction.

    None where it stays as it was. Household and sites are locked (`with_running`). Before check-in nothing is frozen.
    """
    same = (Stay.household_id == corrected.household_id, Stay.id != corrected.id, Stay.state == StayState.IN_HOUSE)
    stay = db.session.scalar(select(Stay).where(*same).execution_options(populate_existing=True))
    if stay is None or stay.checked_in_at is None or stay.policy.readmission_rule is not ReadmissionRule.CUMULATIVE:
        return None
    day, before = clock.day_of(stay.checked_in_at), stay.limit_on
    stay.limit_on = policies.limit_for(
        stay.policy, day, household_id=stay.household_id, granted_steps=granted_steps(stay), of_stay=stay.id
    )
    if stay.limit_on == before:
        return None
    dropped = drop_past_limit(stay)
    keep_late_rooms(stay.placements)
    facts = {"before": before, "limit_on": stay.limit_on, "dropped": dropped}
    note(work, stay, "limit_counted_again", None, None, **facts)
    record(work, stay, "stay.limit_counted_again", None, **facts)
    return Arrival(reference=reference_of(stay), limit_on=stay.limit_on, nights_dropped=dropped)


def _clock_from_the_first(stay: Stay) -> None:
    """A corrected check-in may leave another room as the first one of the stay."""
    at, first = min(((p.arrived_at, p) for p in stay.placements if p.arrived_at), key=lambda pair: pair[0])
    start_clock(stay, first, at)


def _stop_clock(stay: Stay) -> None:
    """Nobody was in the house after all: the limit is a projection again."""
    if any(p.occupied_from is not None for p in stay.placements):
        raise MoveNotAllowed(of="stay", from_state=stay.state.value, to_state=StayState.OPEN.value)
    expected = [p for p in stay.placements if p.state in EXPECTED]
    first = min(expected, key=lambda p: p.arrive_on)
    policy = policies.in_force(first.unit.site_id, first.arrive_on)
    limit = policies.limit_for(policy, first.arrive_on, household_id=stay.household_id)
    stay.state = move_stay(stay.state, StayState.OPEN)
    stay.checked_in_at, stay.arrive_on, stay.policy_id, stay.limit_on = None, first.arrive_on, policy.id, limit


def settle(placement: Placement, arrived: datetime, now: datetime, *, accepts_misfit: bool = False) -> int:
    """The placement's nights from a real arrival on; how many were added before the planned ones."""
    if placement.left_at is not None and arrived >= placement.left_at:
        raise BeforeArrival()
    night = clock.shelter_day(arrived)
    nights = earlier_nights(Nights(placement.arrive_on, placement.leave_on), night)
    added = claim_nights(placement, nights, now, accepts_misfit=accepts_misfit) if nights else 0
    placement.arrive_on = min(placement.arrive_on, night)
    placement.arrived_at, placement.occupied_from = arrived, night
    if placement.left_at is not None:
        placement.leave_on, _free = nights_given_back(clock.day_of(placement.left_at), night)
    return added


def check_tonight(placement: Placement, now: datetime, *, accepts_misfit: bool) -> None:
    """Whoever has a night left comes into a room and a house as they are now."""
    tonight = clock.shelter_day(now)
    if placement.leave_on > tonight:
        check_room(placement, [tonight], accepts_misfit=accepts_misfit)


def _give_up_missed(stay: Stay, night: date) -> None:
    """Rooms whose nights had all passed before anybody came."""
    for placement in stay.placements:
        if placement.state in EXPECTED and placement.leave_on <= night:
            give_up(placement)


def keep_late_rooms(placements: Collection[Placement]) -> None:
    """A late entry may reach us when its nights are used up."""
    db.session.flush()
    overstays.keep_rooms({p.unit.site_id for p in placements}, clock.shelter_day())
