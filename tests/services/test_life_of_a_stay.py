"""A house in which everything happens: an act touches nobody it does not name, and a refusal changes nothing.

Where `test_stay_life.py` foresees every night of one room, this one lets holds, closures, imports, extensions and the
intake happen between each other, and asks after every step what nobody may ever see broken.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from shelter import clock
from shelter.domain import limits
from shelter.domain.errors import ConstraintRefused, DatabaseBusy, DomainError
from shelter.domain.intake import PersonTold, PetTold
from shelter.domain.limits import StayPolicy
from shelter.domain.matching import AgeBand, Party, PetsAllowed, PetSize, Sex, Species
from shelter.domain.nights import DAY, Nights
from shelter.domain.periods import Step, period
from shelter.domain.permissions import Role
from shelter.domain.stays import (
    KEEPS_NIGHTS,
    RUNNING,
    CancelReason,
    ClosureReason,
    Destination,
    ExitReason,
    ExtensionDecision,
    PlacementState,
    StayState,
)
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.households import Person
from shelter.models.sites import Closure, StayPolicyVersion, Unit
from shelter.models.stays import Placement, Stay, UnitNight
from shelter.queries import find, occupancy
from shelter.queries.ledger_check import Checked, Kind, differences
from shelter.services import (
    arrivals,
    closures,
    departures,
    extensions,
    households,
    intake,
    overstays,
    placements,
    transfers,
    units,
)
from shelter.services.placements import Segment
from shelter.services.sheet_files import read_sheets
from shelter.services.sites import set_paused
from shelter.services.stays_import import import_stays
from shelter.services.units_import import ListRefused
from tests.conftest import Clock
from tests.factories import make_beds, make_room, make_site, make_unit, make_user
from tests.support.databases import Database

P, S = PlacementState, StayState
WOMAN, CHILD, BOY = (Sex.FEMALE, AgeBand.ADULT), (Sex.FEMALE, AgeBand.CHILD), (Sex.MALE, AgeBand.OLDER_BOY)
DOG = (Species.DOG, PetSize.SMALL)
PARTIES = (
    Party(people=(WOMAN,)),
    Party(people=(WOMAN, CHILD)),
    Party(people=(WOMAN, BOY)),
    Party(people=(WOMAN,), pets=(DOG,)),
    Party(people=(WOMAN, WOMAN, CHILD, CHILD)),  # two rooms
)
POLICY = StayPolicy(days=20, extension_days=7, max_extensions=2)
HOLD = timedelta(minutes=90)
SOME = st.integers(0, 999)
T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """A placement as the tables have it, with its nights."""

    id: int
    stay: UUID
    unit: int
    state: PlacementState
    arrive_on: date
    leave_on: date
    occupied_from: date | None
    held_until: datetime | None
    is_on_the_way: bool
    people: int
    nights: frozenset[date]


@dataclass(frozen=True)
class House:
    """Everything that counts, at one moment."""

    placements: dict[int, Seen]
    stays: dict[UUID, tuple[StayState, date, UUID]]
    closures: dict[int, tuple[int, date, date, frozenset[date]]]

    def of(self, stay: UUID) -> list[Seen]:
        return [p for p in self.placements.values() if p.stay == stay]


def look() -> House:
    db.session.remove()
    nights: dict[int, set[date]] = {}
    closed: dict[int, set[date]] = {}
    for row in db.session.execute(select(UnitNight.placement_id, UnitNight.closure_id, UnitNight.night)):
        owner, of = (nights, row.placement_id) if row.placement_id else (closed, row.closure_id)
        owner.setdefault(of, set()).add(row.night)
    rows = db.session.scalars(select(Placement).order_by(Placement.id))
    house = House(
        placements={
            p.id: Seen(
                p.id, p.stay_id, p.unit_id, p.state, p.arrive_on, p.leave_on, p.occupied_from,
                p.held_until, p.is_on_the_way, p.people, frozenset(nights.get(p.id, ())),
            )
            for p in rows
        },
        stays={s.id: (s.state, s.limit_on, s.household_id) for s in db.session.scalars(select(Stay))},
        closures={
            c.id: (c.unit_id, c.from_on, c.until_on, frozenset(closed.get(c.id, ())))
            for c in db.session.scalars(select(Closure))
        },
    )  # fmt: skip
    db.session.remove()
    return house


def span(first: date, until: date) -> set[date]:
    return {first + timedelta(days=n) for n in range(max(0, (until - first).days))}


class Life(RuleBasedStateMachine):
    """Set by the test: the clock, the database."""

    clock: Clock
    database: Database

    @initialize()
    def house(self) -> None:
        db.session.remove()
        self.database.empty()
        self.clock.set("2026-03-10 12:00")
        db.session.get_one(Installation, 1).live_from = date(2026, 3, 1)
        db.session.commit()
        terms: dict[str, Any] = {"days": 20, "max_extensions": 2}
        site, other = make_site("Magnolia", **terms), make_site("Juniper", **terms)
        rooms = [
            make_unit(make_room(site, "101"), "101", capacity=3),
            make_unit(make_room(site, "102"), "102", capacity=2, pets_allowed=PetsAllowed.SMALL),
            *make_beds(site, 2),
            make_unit(make_room(other, "1"), "1", capacity=2),
        ]
        self.names = {rooms[0].id: ("Magnolia", "101"), rooms[1].id: ("Magnolia", "102"), rooms[4].id: ("Juniper", "1")}
        self.units = [unit.id for unit in rooms]
        self.sites = [site.id, other.id]
        for version in db.session.scalars(select(StayPolicyVersion)):
            version.extension_days = 7
        db.session.commit()
        self.by = make_user(sites=self.sites).principal
        self.admin = make_user(Role.ADMINISTRATOR).principal
        self.boss = make_user(Role.MANAGER).principal
        self.is_job_due = False
        for unit, party, until in ((0, PARTIES[1], 6), (1, PARTIES[3], 12), (2, PARTIES[0], 20)):
            self.a_household_moves_in(unit, party, until)
        self.a_household_is_booked(0, PARTIES[1], 7, 9)
        self.two_rooms_are_held(after=13, length=5)

    # How an act is done and judged

    def act(self, do: Callable[[], T], *named: UUID) -> tuple[T, House, House] | None:
        """None when it is refused, which leaves everything as it was. Nobody else's place is touched by it."""
        before = look()
        result = refused = None
        try:
            result = do()
        except (DomainError, ListRefused) as one:
            refused = one
        assert not db.session.registry().in_transaction()
        if refused is not None:
            assert not isinstance(refused, DatabaseBusy | ConstraintRefused), repr(refused)
            assert look() == before
            return None
        after = look()
        for seen in before.placements.values():
            if seen.stay not in named:
                self.is_left_alone(seen, after.placements[seen.id])
        for stay, (state, limit_on, _household) in before.stays.items():
            if stay not in named:
                assert after.stays[stay][1] == limit_on
                assert after.stays[stay][0] in {state, S.CANCELLED if state is S.OPEN else state}
                is_kept = any(p.state in KEEPS_NIGHTS for p in after.of(stay))
                assert after.stays[stay][0] is state or not is_kept
        return result, before, after  # type: ignore[return-value]

    def is_left_alone(self, was: Seen, now: Seen) -> None:
        if now == was:
            return
        if now.state is P.EXPIRED:
            assert was.state is P.HELD
            assert was.held_until is not None
            assert was.held_until <= clock.now()
            assert not was.is_on_the_way
            assert not now.nights
            return
        assert replace(now, nights=was.nights) == was
        assert was.nights < now.nights
        assert now.state is P.IN_HOUSE
        assert now.nights - was.nights <= span(was.leave_on, self.tonight() + DAY)

    def tonight(self) -> date:
        return clock.shelter_day()

    def some(self, number: int, *states: PlacementState, of: frozenset[StayState] = RUNNING) -> Seen | None:
        seen = look()
        fitting = [p for p in seen.placements.values() if p.state in states and seen.stays[p.stay][0] in of]
        return fitting[number % len(fitting)] if fitting else None

    # Time and the jobs

    @rule(minutes=st.sampled_from([5, 45, 90, 240, 600, 1440, 4320]))
    def time_passes(self, minutes: int) -> None:
        self.clock.forward(minutes=minutes)
        self.is_job_due = True

    @rule()
    def holds_run_out(self) -> None:
        assert self.act(placements.expire_holds) is not None
        for seen in look().placements.values():
            if seen.state is P.HELD and not seen.is_on_the_way:
                assert seen.held_until is not None
                assert seen.held_until > clock.now()

    @rule()
    def the_night_job_runs(self) -> None:
        assert self.act(overstays.roll_overstays) is not None
        self.is_job_due = False

    # From the search to the confirmation

    @rule(party=st.sampled_from(PARTIES[:4]), after=st.integers(0, 6), length=st.integers(1, 22), number=SOME)
    def what_is_found_can_be_held_and_nothing_else(self, party: Party, after: int, length: int, number: int) -> None:
        arrive_on = self.tonight() + timedelta(days=after)
        leave_on = arrive_on + timedelta(days=length)
        criteria = find.Criteria(arrive_on=arrive_on, leave_on=leave_on, party=party)
        offered = {offer.unit.unit_id: offer.leave_on for offer in find.search(criteria).offers}
        unit = self.units[number % len(self.units)]
        nights = Nights(arrive_on, offered.get(unit, leave_on))
        held = self.act(lambda: placements.hold_units(segments=[Segment(unit, nights)], party=party, by=self.by))
        assert (held is not None) == (unit in offered)
        if held is not None:
            self.is_held(held, nights, len(party.people))

    @rule(after=st.integers(0, 6), length=st.integers(1, 20))
    def two_rooms_are_held(self, after: int, length: int) -> None:
        arrive_on = self.tonight() + timedelta(days=after)
        nights = Nights(arrive_on, arrive_on + timedelta(days=length))
        segments = [Segment(unit, nights) for unit in self.units[:2]]
        held = self.act(lambda: placements.hold_units(segments=segments, party=PARTIES[4], by=self.by))
        if held is not None:
            self.is_held(held, nights, 4)

    def is_held(self, held: tuple[str, House, House], nights: Nights, people: int) -> None:
        _reference, before, after = held
        new = [p for p in after.placements.values() if p.id not in before.placements]
        assert {p.state for p in new} == {P.HELD}
        assert {p.nights for p in new} == {frozenset(nights)}
        assert {p.held_until for p in new} == {clock.now() + HOLD}
        assert sum(p.people for p in new) == people

    @rule(
        unit=st.integers(0, 4), party=st.sampled_from(PARTIES[:4]), after=st.integers(0, 8), length=st.integers(1, 20)
    )
    def a_household_is_booked(self, unit: int, party: Party, after: int, length: int) -> None:
        """Held and confirmed in one breath."""
        self.book(unit, party, after, length)

    def book(self, unit: int, party: Party, after: int, length: int) -> UUID | None:
        first = self.tonight() + timedelta(days=after)
        segment = Segment(self.units[unit], Nights(first, first + timedelta(days=length)))
        held = self.act(lambda: placements.hold_units(segments=[segment], party=party, by=self.by))
        if held is None:
            return None
        (new,) = [p for p in held[2].placements.values() if p.id not in held[1].placements]
        assert self.act(
            lambda: placements.confirm_stay(stay_id=new.stay, expected_at=clock.now() + HOLD, by=self.by), new.stay
        )
        assert look().placements[new.id].state is P.BOOKED
        return new.stay

    @rule(unit=st.integers(0, 4), party=st.sampled_from(PARTIES[:4]), length=st.integers(1, 20))
    def a_household_moves_in(self, unit: int, party: Party, length: int) -> None:
        """Held, confirmed and let in."""
        stay = self.book(unit, party, 0, length)
        if stay is not None:
            assert self.act(lambda: arrivals.check_in(stay_id=stay, by=self.by), stay)

    @rule(number=SOME)
    def a_hold_is_renewed(self, number: int) -> None:
        if (seen := self.some(number, P.HELD)) and self.act(
            lambda: placements.renew_hold(stay_id=seen.stay, by=self.by), seen.stay
        ):
            assert {p.held_until for p in look().of(seen.stay) if p.state is P.HELD} == {clock.now() + HOLD}

    @rule(number=SOME)
    def they_are_on_the_way(self, number: int) -> None:
        if seen := self.some(number, P.HELD):
            self.act(lambda: placements.mark_on_the_way(stay_id=seen.stay, by=self.by), seen.stay)

    @rule(number=SOME)
    def a_hold_is_released(self, number: int) -> None:
        seen = self.some(number, P.HELD)
        if seen is not None:
            assert self.act(lambda: placements.release_hold(stay_id=seen.stay, by=self.by), seen.stay)
            assert look().placements[seen.id].state in (P.CANCELLED, P.EXPIRED)

    @rule(number=SOME, accepts=st.booleans())
    def a_hold_is_confirmed(self, number: int, accepts: bool) -> None:
        seen = self.some(number, P.HELD, P.HELD, P.EXPIRED, of=frozenset(S))
        if seen is None:
            return
        done = self.act(
            lambda: placements.confirm_stay(
                stay_id=seen.stay, expected_at=clock.now() + HOLD, accepts_misfit=accepts, by=self.by
            ),
            seen.stay,
        )
        if done is not None:
            _, before, after = done
            assert before.stays[seen.stay][0] in RUNNING
            for p in after.of(seen.stay):
                if p.state is P.BOOKED and before.placements[p.id].state is not P.BOOKED:
                    assert p.nights == span(p.arrive_on, p.leave_on)
                    assert p.arrive_on >= min(before.placements[p.id].arrive_on, self.tonight())

    @rule(number=SOME, after=st.integers(0, 4), length=st.integers(1, 6), unit=st.integers(0, 4))
    def a_further_room_is_held(self, number: int, after: int, length: int, unit: int) -> None:
        seen = self.some(number, *KEEPS_NIGHTS)
        if seen is not None:
            first = self.tonight() + timedelta(days=after)
            segment = Segment(self.units[unit], Nights(first, first + timedelta(days=length)))
            self.act(lambda: placements.hold_units(segments=[segment], stay=seen.stay, by=self.by), seen.stay)

    @rule(number=SOME, change=st.sampled_from(["child", "fewer", "dog", "no pets"]))
    def heads_change_at_intake(self, number: int, change: str) -> None:
        seen = self.some(number, *KEEPS_NIGHTS, P.EXPIRED)
        if seen is None:
            return
        household = look().stays[seen.stay][2]
        told = households.open_record(household_id=household, page="test", by=self.by).intake
        match change:
            case "child" if len(told.people) < 6:
                told = replace(told, people=(*told.people, PersonTold(sex=CHILD[0], age_band=CHILD[1])))
            case "fewer":
                told = replace(told, people=told.people[:-1])
            case "dog":
                told = replace(told, pets=(PetTold(species=DOG[0], size=DOG[1]),))
            case _:
                told = replace(told, pets=())
        self.act(lambda: intake.save_intake(household_id=household, intake=told, by=self.by), seen.stay)

    # In the house

    @rule(number=SOME, hours=st.sampled_from([0, 0, 0, 5, 14, 30, 80]))
    def they_come(self, number: int, hours: int) -> None:
        seen = self.some(number, P.BOOKED, P.NO_SHOW)
        if seen is None:
            return
        arrived = clock.now() - timedelta(hours=hours)
        done = self.act(
            lambda: arrivals.check_in(stay_id=seen.stay, arrived_at=arrived, reason="late", by=self.by), seen.stay
        )
        if done is not None:
            _, before, after = done
            new = [p for p in after.of(seen.stay) if p.state is P.IN_HOUSE and before.placements[p.id].state != p.state]
            assert new
            assert all(p.occupied_from == clock.shelter_day(arrived) for p in new)
            assert after.stays[seen.stay][0] is S.IN_HOUSE

    @rule(number=SOME)
    def they_had_not_come(self, number: int) -> None:
        if seen := self.some(number, P.IN_HOUSE):
            self.act(lambda: arrivals.undo_check_in(stay_id=seen.stay, reason="mistake", by=self.by), seen.stay)

    @rule(number=SOME, hours=st.integers(0, 60))
    def they_came_at_another_time(self, number: int, hours: int) -> None:
        if seen := self.some(number, P.IN_HOUSE):
            at = clock.now() - timedelta(hours=hours)
            self.act(
                lambda: arrivals.correct_arrival(stay_id=seen.stay, arrived_at=at, reason="x", by=self.by), seen.stay
            )

    @rule(number=SOME, is_all=st.booleans(), hours=st.sampled_from([0, 0, 0, 6, 40]))
    def they_leave(self, number: int, is_all: bool, hours: int) -> None:
        seen = self.some(number, P.IN_HOUSE)
        if seen is None:
            return
        left = clock.now() - timedelta(hours=hours)
        done = self.act(
            lambda: departures.check_out(
                stay_id=seen.stay,
                placement_ids=None if is_all else [seen.id],
                left_at=left,
                exit_reason=ExitReason.PLANNED,
                destination=Destination.FAMILY,
                reason="late",
                by=self.by,
            ),
            seen.stay,
        )
        if done is not None:
            now = done[2].placements[seen.id]
            assert now.state is P.ENDED
            assert all(night < clock.day_of(left) for night in now.nights)
            is_over = not any(p.state is P.IN_HOUSE for p in done[2].of(seen.stay))
            assert (done[2].stays[seen.stay][0] is S.ENDED) == is_over

    @rule(number=SOME, days=st.integers(0, 9))
    def they_had_not_left(self, number: int, days: int) -> None:
        if seen := self.some(number, P.ENDED, of=frozenset({S.ENDED})):
            until = self.tonight() + timedelta(days=days)
            self.act(
                lambda: departures.undo_check_out(stay_id=seen.stay, leave_on=until, reason="x", by=self.by), seen.stay
            )

    @rule(number=SOME, days=st.integers(-3, 24))
    def they_leave_on_another_day(self, number: int, days: int) -> None:
        if seen := self.some(number, P.BOOKED, P.NO_SHOW, P.IN_HOUSE):
            leave_on = self.tonight() + timedelta(days=days)
            if self.act(
                lambda: departures.change_leave_on(
                    stay_id=seen.stay, leave_on=leave_on, placement_ids=[seen.id], by=self.by
                ),
                seen.stay,
            ):
                assert look().placements[seen.id].leave_on == leave_on

    @rule(number=SOME, unit=st.integers(0, 4), after=st.integers(-2, 5), accepts=st.booleans())
    def they_change_rooms(self, number: int, unit: int, after: int, accepts: bool) -> None:
        seen = self.some(number, P.IN_HOUSE, P.IN_HOUSE, P.BOOKED)
        if seen is None:
            return
        from_night = self.tonight() + timedelta(days=after)
        done = self.act(
            lambda: transfers.transfer(
                stay_id=seen.stay,
                placement_id=seen.id,
                to_unit_id=self.units[unit],
                from_night=from_night,
                reason="x",
                accepts_misfit=accepts,
                by=self.by,
            ),
            seen.stay,
        )
        if done is not None:
            _, before, after_it = done
            (new,) = [p for p in after_it.of(seen.stay) if p.id not in before.placements]
            assert (new.unit, new.people) == (self.units[unit], seen.people)
            assert after_it.stays[seen.stay] == before.stays[seen.stay]  # the clock goes on

    @rule(number=SOME)
    def a_planned_move_happens(self, number: int) -> None:
        seen = self.some(number, P.IN_HOUSE)
        if seen is None:
            return
        coming = [p.id for p in look().of(seen.stay) if p.state is P.BOOKED]
        if coming:
            self.act(
                lambda: transfers.move_in(
                    stay_id=seen.stay, from_placement_id=seen.id, to_placement_id=coming[0], by=self.by
                ),
                seen.stay,
            )

    @rule(number=SOME, is_granted=st.booleans())
    def a_longer_stay_is_decided(self, number: int, is_granted: bool) -> None:
        if seen := self.some(number, P.IN_HOUSE):
            self.act(lambda: extensions.request_extension(stay_id=seen.stay, reason="x", by=self.by), seen.stay)
            self.act(
                lambda: extensions.decide_extension(stay_id=seen.stay, is_granted=is_granted, reason="x", by=self.boss),
                seen.stay,
            )

    @rule(number=SOME)
    def nobody_comes(self, number: int) -> None:
        if seen := self.some(number, P.BOOKED):
            assert self.act(lambda: arrivals.mark_no_show(stay_id=seen.stay, by=self.by), seen.stay)
            now = look().placements[seen.id]
            assert (now.state, now.nights) == (P.NO_SHOW, seen.nights)

    @rule(number=SOME)
    def they_were_heard_of(self, number: int) -> None:
        if seen := self.some(number, P.NO_SHOW):
            assert self.act(lambda: arrivals.expect_again(stay_id=seen.stay, by=self.by), seen.stay)

    @rule(number=SOME, is_all=st.booleans())
    def a_booking_is_not_needed(self, number: int, is_all: bool) -> None:
        if seen := self.some(number, P.BOOKED, P.NO_SHOW, P.HELD):
            ids = None if is_all else [seen.id]
            if self.act(
                lambda: departures.cancel(stay_id=seen.stay, reason=CancelReason.OTHER, placement_ids=ids, by=self.by),
                seen.stay,
            ):
                assert not look().placements[seen.id].nights

    # The house itself

    @rule(unit=st.integers(0, 4), after=st.integers(-1, 6), length=st.one_of(st.none(), st.integers(1, 9)))
    def a_room_is_closed(self, unit: int, after: int, length: int | None) -> None:
        first = self.tonight() + timedelta(days=after)
        self.act(
            lambda: closures.close_units(
                unit_ids=[self.units[unit]],
                from_on=first,
                until_on=first + timedelta(days=length) if length else None,
                reason=ClosureReason.REPAIR,
                by=self.admin,
            )
        )

    @rule(number=SOME, days=st.integers(-2, 4))
    def a_room_is_opened_again(self, number: int, days: int) -> None:
        if ids := list(look().closures):
            until = self.tonight() + timedelta(days=days)
            self.act(lambda: closures.end_closure(closure_id=ids[number % len(ids)], until_on=until, by=self.admin))

    @rule(unit=st.integers(0, 4), days=st.integers(0, 12), is_back=st.booleans())
    def a_room_is_given_up_or_comes_back(self, unit: int, days: int, is_back: bool) -> None:
        unit_id = self.units[unit]
        row = db.session.get_one(Unit, unit_id)
        label, terms = row.label, units.terms_of(row)
        until = None if is_back else self.tonight() + timedelta(days=days)
        self.act(
            lambda: units.change_unit(
                unit_id=unit_id, label=label, terms=replace(terms, in_service_until=until), by=self.admin
            )
        )

    @rule(site=st.integers(0, 1), is_paused=st.booleans())
    def a_site_is_paused(self, site: int, is_paused: bool) -> None:
        self.act(lambda: set_paused(site_id=self.sites[site], is_paused=is_paused, by=self.admin))

    @rule(number=SOME, ago=st.integers(0, 40))
    def a_running_stay_is_brought_in(self, number: int, ago: int) -> None:
        unit = list(self.names)[number % len(self.names)]
        day = clock.today() - timedelta(days=ago)
        text = io.StringIO()
        head = ("Site", "Room", "Check-in", "Women")
        csv.writer(text).writerows([head, (*self.names[unit], day.isoformat(), "1")])
        sheets = read_sheets(text.getvalue().encode())
        done = self.act(lambda: import_stays(sheets=sheets, by=self.by))
        if done is not None and done[0].created:
            (new,) = [p for p in done[2].placements.values() if p.id not in done[1].placements]
            assert new.state is P.IN_HOUSE
            assert done[2].stays[new.stay][1] == limits.limit_on(day, POLICY)

    # What nobody may ever see broken

    @invariant()
    def the_house_is_in_order(self) -> None:
        if not hasattr(self, "units"):
            return
        seen = look()
        self.ledger_and_placements_agree()
        self.nobody_is_anywhere_twice(seen)
        self.nobody_is_put_out(seen)
        self.nothing_is_planned_past_the_limit(seen)
        self.limits_are_counted_from_the_first_day()
        self.heads_are_those_who_sleep_there()
        self.occupancy_is_a_count_by_hand(seen)
        db.session.remove()

    def ledger_and_placements_agree(self) -> None:
        """Nights of those who stay on are written as they come: after a night without the job they may be missing."""
        found = [d for d in differences(Checked()) if not (self.is_job_due and d.kind is Kind.MISSING)]
        assert [str(difference) for difference in found] == []

    def nobody_is_anywhere_twice(self, seen: House) -> None:
        in_house = Counter(p.unit for p in seen.placements.values() if p.state is P.IN_HOUSE)
        assert all(number == 1 for number in in_house.values())
        running = Counter(household for state, _limit, household in seen.stays.values() if state in RUNNING)
        assert all(number == 1 for number in running.values())

    def nobody_is_put_out(self, seen: House) -> None:
        """What is held, booked or lived in keeps its nights: all that lie ahead and are planned."""
        for p in seen.placements.values():
            if p.state in KEEPS_NIGHTS:
                assert span(max(p.arrive_on, date(2026, 3, 1)), p.leave_on) <= p.nights
                assert seen.stays[p.stay][0] in RUNNING
            if p.state in (P.CANCELLED, P.EXPIRED):
                assert not p.nights

    def nothing_is_planned_past_the_limit(self, seen: House) -> None:
        for p in seen.placements.values():
            if p.state in KEEPS_NIGHTS:
                limit = seen.stays[p.stay][1]
                latest = max(limit, p.occupied_from + DAY) if p.occupied_from else limit
                assert p.leave_on <= latest
                late = {night for night in p.nights if night >= latest}
                assert not late or (p.state is P.IN_HOUSE and max(late) <= self.tonight())

    def limits_are_counted_from_the_first_day(self) -> None:
        for stay in db.session.scalars(select(Stay).where(Stay.checked_in_at.is_not(None))):
            assert stay.checked_in_at is not None
            steps = sum(e.decision is ExtensionDecision.GRANTED for e in stay.extensions)
            assert stay.limit_on == limits.limit_on(clock.day_of(stay.checked_in_at), POLICY, steps)

    def heads_are_those_who_sleep_there(self) -> None:
        for stay in db.session.scalars(select(Stay).where(Stay.state.in_(RUNNING))):
            here = [p for p in stay.placements if p.state in KEEPS_NIGHTS]
            for p in here:
                assert p.people == max(1, len(p.members))
            if here:
                people = set(db.session.scalars(select(Person.id).where(Person.household_id == stay.household_id)))
                beds = {member.person_id for p in stay.placements for member in p.members}
                assert people <= beds

    def occupancy_is_a_count_by_hand(self, seen: House) -> None:
        tonight = self.tonight()
        lived_in = [p for p in seen.placements.values() if p.state in (P.IN_HOUSE, P.ENDED, P.MOVED)]
        in_service = {u.id for u in db.session.scalars(select(Unit)) if (u.in_service_until or date.max) > tonight}
        here = {p.unit: p.people for p in lived_in if tonight in p.nights and p.occupied_from <= tonight}  # type: ignore[operator]
        owned = {p.unit for p in seen.placements.values() if tonight in p.nights}
        owned |= {unit for unit, _from, _until, nights in seen.closures.values() if tonight in nights}
        late = {
            p.unit: p.people
            for p in lived_in
            if p.state is P.IN_HOUSE and p.leave_on <= tonight and p.unit not in owned and p.unit in in_service
        }
        tally = occupancy.occupancy(period(Step.DAY, tonight)).total.tally
        assert (tally.occupied, tally.people) == (len(here) + len(late), sum(here.values()) + sum(late.values()))

    def teardown(self) -> None:
        db.session.remove()


@pytest.mark.slow
def test_whatever_happens_nobody_is_placed_twice_lost_or_put_out(
    context: Flask, database: Database, dialect: str, frozen_clock: Clock, is_proof: bool
) -> None:
    if dialect != "sqlite" and not is_proof:
        pytest.skip("the quick form runs on SQLite; --prove on both")
    Life.clock, Life.database = frozen_clock, database
    size = settings(
        max_examples=1_000 if is_proof else 25,
        stateful_step_count=50 if is_proof else 25,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Life, settings=size)
    db.session.remove()
