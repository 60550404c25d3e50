"""The life of stays against a plain model: whatever is done in whatever order, ledger and placements agree.

The model knows one house with three rooms and keeps days in sets. It says beforehand whether an act must succeed;
afterwards its nights and the ledger's must be the same, and `flask ledger verify` finds nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from shelter import clock
from shelter.domain.nights import Nights
from shelter.domain.stays import CancelReason, Destination, ExitReason
from shelter.extensions import db
from shelter.models.stays import Placement, Stay, UnitNight
from shelter.queries.ledger_check import Checked, differences
from shelter.services import arrivals, departures, overstays, placements, transfers
from shelter.services.placements import Segment
from tests.conftest import Clock
from tests.support.databases import Database
from tests.support.placing import SHE, stay_of
from tests.support.stay_model import DAY, EXPECTED, HERE, LIMIT, Case, House, Refuse, Room, span


class Life(House):
    """What can happen to a stay, in any order."""

    # Acts

    @rule(hours=st.integers(1, 60), runs_jobs=st.booleans())
    def time_passes(self, hours: int, runs_jobs: bool) -> None:
        """Without the job, the use cases keep the rooms themselves."""
        self.clock.forward(hours=hours)
        self.is_rolled = runs_jobs
        if runs_jobs:
            self.keep()
            overstays.roll_overstays()

    @rule(unit=st.integers(0, 2), after=st.integers(0, 6), length=st.integers(1, 24))
    def book(self, unit: int, after: int, length: int) -> None:
        arrive_on, chosen = self.tonight() + timedelta(days=after), self.units[unit]
        leave_on = arrive_on + timedelta(days=length)
        made: list[Case] = []

        def model() -> None:
            room = Room(chosen, "booked", arrive_on, leave_on)
            if self.is_overdue(chosen, arrive_on) or leave_on > arrive_on + LIMIT:
                raise Refuse
            self.claim(room, span(arrive_on, leave_on))
            made.append(Case(UUID(int=0), arrive_on + LIMIT, [room]))
            self.cases += made

        def real() -> None:
            nights = Nights(arrive_on, leave_on)
            reference = placements.hold_units(segments=[Segment(chosen, nights)], party=SHE, by=self.by)
            stay_id = stay_of(reference).id
            placements.confirm_stay(stay_id=stay_id, expected_at=clock.now() + timedelta(hours=2), by=self.by)
            if made:
                made[0].id = stay_id

        self.act(model, real)

    @rule(number=st.integers(0, 9), hours=st.sampled_from([0, 0, 0, 5, 14, 30]))
    def check_in(self, number: int, hours: int) -> None:
        case = self.some(number, *EXPECTED)
        if case is None:
            return
        arrived = clock.now() - timedelta(hours=hours)

        def model() -> None:
            room, night = case.room, clock.shelter_day(arrived)
            if night >= room.leave_on or self.is_somebody_else_in(room):
                raise Refuse
            self.claim(room, span(night, room.arrive_on))
            case.state, case.checked_in_at = "in_house", arrived
            case.limit = clock.day_of(arrived) + LIMIT
            room.state, room.arrived_at, room.occupied_from = HERE, arrived, night
            room.arrive_on = min(room.arrive_on, night)
            self.cut(case)

        self.act(
            model,
            lambda: arrivals.check_in(stay_id=case.id, arrived_at=arrived, reason="late", by=self.by),
        )

    @rule(number=st.integers(0, 9), hours=st.sampled_from([0, 0, 0, 3, 20, 50]))
    def check_out(self, number: int, hours: int) -> None:
        case = self.some(number, HERE)
        if case is None:
            return
        left = clock.now() - timedelta(hours=hours)

        def model() -> None:
            room = case.room
            assert room.arrived_at is not None
            if left < room.arrived_at:
                raise Refuse
            self.leave(room, left, "ended")
            case.state, case.ended_at = "ended", left

        self.act(
            model,
            lambda: departures.check_out(
                stay_id=case.id,
                left_at=left,
                reason="late",
                exit_reason=ExitReason.PLANNED,
                destination=Destination.FAMILY,
                by=self.by,
            ),
        )

    @rule(number=st.integers(0, 9), days=st.integers(-6, 24))
    def another_day_of_leaving(self, number: int, days: int) -> None:
        case = self.some(number, *EXPECTED, HERE)
        if case is None:
            return
        leave_on = self.tonight() + timedelta(days=days)

        def model() -> None:
            room = case.room
            earliest = room.arrive_on + DAY
            if room.occupied_from is not None:
                earliest = max(room.occupied_from + DAY, clock.today())
            if leave_on > case.limit or leave_on < earliest:
                raise Refuse
            if leave_on > room.leave_on:
                self.claim(room, span(room.leave_on, leave_on))
            else:
                room.nights -= {n for n in room.nights if n >= leave_on}
            room.leave_on = leave_on

        self.act(model, lambda: departures.change_leave_on(stay_id=case.id, leave_on=leave_on, by=self.by))

    @rule(number=st.integers(0, 9))
    def cancel(self, number: int) -> None:
        case = self.some(number, *EXPECTED)
        if case is None:
            return

        def model() -> None:
            case.state, case.room.state = "cancelled", "cancelled"
            case.room.nights.clear()

        self.act(model, lambda: departures.cancel(stay_id=case.id, reason=CancelReason.OTHER, by=self.by))

    @rule(number=st.integers(0, 9))
    def no_show(self, number: int) -> None:
        if case := self.some(number, "booked"):
            self.act(
                lambda: setattr(case.room, "state", "no_show"),
                lambda: arrivals.mark_no_show(stay_id=case.id, by=self.by),
            )

    @rule(number=st.integers(0, 9))
    def expected_again(self, number: int) -> None:
        if case := self.some(number, "no_show"):
            self.act(
                lambda: setattr(case.room, "state", "booked"),
                lambda: arrivals.expect_again(stay_id=case.id, by=self.by),
            )

    @rule(number=st.integers(0, 9))
    def check_in_was_a_mistake(self, number: int) -> None:
        case = self.some(number, HERE)
        if case is None:
            return

        def model() -> None:
            room = case.room
            if len([r for r in case.rooms if r.occupied_from]) > 1:
                raise Refuse
            room.state, room.arrived_at, room.occupied_from = "booked", None, None
            room.nights -= {n for n in room.nights if n >= room.leave_on}
            case.state, case.checked_in_at, case.limit = "open", None, room.arrive_on + LIMIT
            self.cut(case)

        self.act(model, lambda: arrivals.undo_check_in(stay_id=case.id, reason="mistake", by=self.by))

    @rule(number=st.integers(0, 9), days=st.integers(0, 12))
    def check_out_was_a_mistake(self, number: int, days: int) -> None:
        case = self.some(number, "ended")
        if case is None:
            return
        leave_on = self.tonight() + timedelta(days=days)

        def model() -> None:
            room = case.room
            assert room.occupied_from is not None
            if leave_on > max(case.limit, self.tonight() + DAY) or self.is_somebody_else_in(room):
                raise Refuse
            room.leave_on = max(leave_on, room.occupied_from + DAY)
            self.claim(room, span(room.arrive_on, max(room.leave_on, self.tonight() + DAY)))
            room.state, room.left_at, case.state, case.ended_at = HERE, None, "in_house", None

        self.act(
            model,
            lambda: departures.undo_check_out(stay_id=case.id, leave_on=leave_on, reason="mistake", by=self.by),
        )

    @rule(number=st.integers(0, 9), hours=st.integers(0, 80))
    def check_in_was_at_another_time(self, number: int, hours: int) -> None:
        case = self.some(number, HERE, "ended")
        if case is None:
            return
        arrived = clock.now() - timedelta(hours=hours)

        def model() -> None:
            first = [r for r in case.rooms if r.arrived_at == case.checked_in_at]
            case.checked_in_at, case.limit = arrived, clock.day_of(arrived) + LIMIT
            for room in first:
                night = clock.shelter_day(arrived)
                if (room.left_at and arrived >= room.left_at) or night >= room.leave_on:
                    raise Refuse
                self.claim(room, span(night, room.arrive_on))
                room.arrive_on, room.occupied_from = min(room.arrive_on, night), night
                room.arrived_at = arrived
                if room.left_at:
                    room.leave_on = max(clock.day_of(room.left_at), night + DAY)
            self.cut(case)

        self.act(
            model,
            lambda: arrivals.correct_arrival(stay_id=case.id, arrived_at=arrived, reason="wrong time", by=self.by),
        )

    @rule(number=st.integers(0, 9), hours=st.integers(0, 80))
    def check_out_was_at_another_time(self, number: int, hours: int) -> None:
        case = self.some(number, "ended")
        if case is None:
            return
        left = clock.now() - timedelta(hours=hours)

        def model() -> None:
            room = case.room
            assert room.arrived_at is not None
            if left < room.arrived_at:
                raise Refuse
            self.claim(room, span(room.arrive_on, clock.day_of(left)))
            self.leave(room, left, "ended")
            case.ended_at = left

        self.act(
            model,
            lambda: departures.correct_departure(
                stay_id=case.id,
                left_at=left,
                exit_reason=ExitReason.OTHER,
                destination=Destination.OTHER,
                reason="wrong time",
                by=self.by,
            ),
        )

    @rule(number=st.integers(0, 9), unit=st.integers(0, 2))
    def another_room_tonight(self, number: int, unit: int) -> None:
        case = self.some(number, HERE)
        if case is None:
            return
        tonight, chosen = self.tonight(), self.units[unit]

        def model() -> None:
            old = case.room
            if chosen == old.unit or self.is_overdue(chosen, tonight):
                raise Refuse
            assert old.arrived_at is not None
            until = max(min(old.leave_on, case.limit), tonight + DAY)
            # After midnight the night just begun was slept in the old room; in the new one it is reserved.
            assert old.occupied_from is not None
            since = max(tonight, clock.day_of(clock.now()), old.occupied_from)
            new = Room(chosen, HERE, tonight, until, arrived_at=clock.now(), occupied_from=since)
            self.claim(new, span(tonight, until))
            self.leave(old, clock.now(), "moved")
            case.rooms = [*case.rooms, new]

        self.act(
            model,
            lambda: transfers.transfer(stay_id=case.id, to_unit_id=chosen, from_night=tonight, by=self.by),
        )

    # What must hold after every step

    @precondition(lambda self: hasattr(self, "cases"))
    @invariant()
    def model_and_ledger_agree(self) -> None:
        db.session.rollback()
        held = {(unit, night) for unit, night in db.session.execute(select(UnitNight.unit_id, UnitNight.night))}
        assert held == {(room.unit, night) for room in self.rooms() for night in room.nights}
        if self.is_rolled:
            assert [str(found) for found in differences(Checked())] == []

    @precondition(lambda self: hasattr(self, "cases"))
    @invariant()
    def model_and_stays_agree(self) -> None:
        stays = {stay.id: stay for stay in db.session.scalars(select(Stay))}
        assert set(stays) == {case.id for case in self.cases}
        for case in self.cases:
            stay = stays[case.id]
            assert (stay.state, stay.checked_in_at, stay.ended_at) == (case.state, case.checked_in_at, case.ended_at)
            assert case.state == "cancelled" or stay.limit_on == case.limit
            assert [_facts(p) for p in stay.placements] == [_facts(room) for room in case.rooms]

    @precondition(lambda self: hasattr(self, "cases"))
    @invariant()
    def only_those_who_stay_on_lie_past_the_limit(self) -> None:
        for case in self.cases:
            for room in case.rooms:
                if room.state in (*EXPECTED, HERE):
                    begins = room.occupied_from or room.arrive_on
                    assert room.leave_on <= max(case.limit, begins + DAY)


def _facts(room: Room | Placement) -> tuple[Any, ...]:
    is_given_up = room.state == "cancelled"
    return (str(room.state), None if is_given_up else (room.arrive_on, room.leave_on, room.occupied_from))


@pytest.mark.slow
def test_whatever_is_done_ledger_and_placements_agree(
    context: Flask, database: Database, frozen_clock: Clock, request: pytest.FixtureRequest
) -> None:
    Life.clock, Life.database = frozen_clock, database
    is_campaign = request.config.getoption("--prove")
    size = {"max_examples": 1_000 if is_campaign else 12, "stateful_step_count": 50 if is_campaign else 30}
    run_state_machine_as_test(Life, settings=settings(deadline=None, **size))
    db.session.rollback()
