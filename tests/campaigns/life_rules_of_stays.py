"""The rules from the door on, and those of the house itself."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from shelter.domain.periods import Step, period
from shelter.domain.stays import CancelReason, ClosureReason, Destination, ExitReason
from shelter.extensions import db
from shelter.models.sites import Unit as UnitRow
from shelter.queries import occupancy
from shelter.services import arrivals, closures, departures, extensions, transfers, units, walk_ins
from shelter.services.sheet_files import read_sheets
from shelter.services.sites import set_paused
from shelter.services.stays_import import import_stays
from tests.campaigns.life_house import EXPECTED, Placement, Stay
from tests.campaigns.life_machine import BEGINNINGS, SOME, Differs, happens
from tests.campaigns.life_rules import PARTY, ROOM, UNIT, Holding, Told, there_are

HOURS_AGO = st.sampled_from([0, 0, 0, 3, 5, 14, 20, 30, 50, 80])
HEADINGS = ("Site", "Room", "Bed", "Check-in", "Extensions granted", "Women")


class Life(Holding):
    """All of it. Set by the test: the ground."""

    @initialize(begins=st.sampled_from(BEGINNINGS), brought=st.lists(st.tuples(UNIT, st.integers(0, 25)), max_size=3))
    def a_house(self, begins: str, brought: list[tuple[int, int]]) -> None:
        self.build(begins)
        self.doing = "a_house"
        listed = dict(brought)
        if listed:
            self.bring_in([(unit, ago, 0) for unit, ago in listed.items()])

    # Coming

    @happens(room=ROOM, party=PARTY, length=st.integers(1, 20))
    def a_household_moves_in(self, room: int, party: Told, length: int) -> None:
        """Held, confirmed and let in."""
        if stay := self.book(room, party, 0, length):
            self.come(stay)

    @happens(there_are(*EXPECTED), number=SOME, hours=HOURS_AGO, is_one=st.booleans(), accepts=st.booleans())
    def they_come(self, number: int, hours: int, is_one: bool, accepts: bool) -> None:
        p = self.some(number, *EXPECTED)
        self.come(p.stay, hours, [p] if is_one else None, accepts=accepts)

    def come(
        self, stay: Stay, hours: int = 0, some: list[Placement] | None = None, *, accepts: bool = False
    ) -> None:
        wall = self.house.wall - timedelta(hours=hours)
        rows = [p.row for p in some] if some else None
        self.act(
            lambda: self.house.check_in(stay, wall, some, accepts=accepts),
            lambda once: arrivals.check_in(
                stay_id=self.id_of(stay), placement_ids=rows, arrived_at=self.at(wall), reason="late",
                accepts_misfit=accepts, by=self.ground.by, once=once,
            ),
        )  # fmt: skip

    @happens(room=ROOM, party=PARTY, hours=HOURS_AGO, days=st.none() | st.integers(0, 20), known=st.none() | SOME,
             accepts=st.booleans())  # fmt: skip
    def they_are_there_already(
        self, room: int, party: Told, hours: int, days: int | None, known: int | None, accepts: bool
    ) -> None:
        """Let in when there was no time, or no power, to book: somebody new, or a household from before."""
        wall, house = self.house.wall - timedelta(hours=hours), self.house
        night = house.night_of(wall)
        until = None if days is None else night + timedelta(days=days)
        unit = self.unit(room, night, until or night + timedelta(days=20))
        guest = house.households[known % len(house.households)] if known is not None and house.households else None
        guest_id = self.ground.watch.household_ids[guest] if guest else None
        self.act(
            lambda: house.walk_in(house.units[unit], wall, until, *party, household=guest, accepts=accepts),
            lambda once: walk_ins.record_walk_in(
                unit_id=self.ground.units[unit], arrived_at=self.at(wall), leave_on=until, reason="paper",
                party=None if guest else self.party(*party), household=guest_id, accepts_misfit=accepts,
                by=self.ground.by, once=once,
            ),
        )  # fmt: skip

    @happens(there_are("in_house"), number=SOME, is_one=st.booleans())
    def they_had_not_come(self, number: int, is_one: bool) -> None:
        p = self.some(number, "in_house")
        some = [p] if is_one else None
        self.act(
            lambda: self.house.undo_check_in(p.stay, some),
            lambda once: arrivals.undo_check_in(
                stay_id=self.id_of(p.stay), placement_ids=some and [p.row], reason="mistake",
                by=self.ground.by, once=once,
            ),
        )  # fmt: skip

    @happens(there_are("in_house", "ended"), number=SOME, hours=st.integers(0, 80))
    def they_came_at_another_time(self, number: int, hours: int) -> None:
        stay, wall = self.some(number, "in_house", "ended").stay, self.house.wall - timedelta(hours=hours)
        self.act(
            lambda: self.house.correct_arrival(stay, wall),
            lambda once: arrivals.correct_arrival(
                stay_id=self.id_of(stay), arrived_at=self.at(wall), reason="wrong", by=self.ground.by, once=once
            ),
        )

    @happens(there_are("booked"), number=SOME, is_heard_of=st.booleans())
    def nobody_comes(self, number: int, is_heard_of: bool) -> None:
        stay = self.some(number, "booked").stay
        self.act(
            lambda: self.house.no_show(stay),
            lambda once: arrivals.mark_no_show(stay_id=self.id_of(stay), by=self.ground.by, once=once),
        )
        if is_heard_of:
            self.to(self.house.wall + timedelta(hours=1))
            self.hear_of(stay)

    @happens(there_are("no_show"), number=SOME)
    def they_were_heard_of(self, number: int) -> None:
        self.hear_of(self.some(number, "no_show").stay)

    def hear_of(self, stay: Stay) -> None:
        self.doing = "they_were_heard_of"
        self.act(
            lambda: self.house.expect_again(stay),
            lambda once: arrivals.expect_again(stay_id=self.id_of(stay), by=self.ground.by, once=once),
        )

    # Leaving

    @happens(there_are("in_house"), number=SOME, hours=HOURS_AGO, is_one=st.booleans())
    def they_leave(self, number: int, hours: int, is_one: bool) -> None:
        p, wall = self.some(number, "in_house"), self.house.wall - timedelta(hours=hours)
        some = [p] if is_one else None
        self.act(
            lambda: self.house.check_out(p.stay, wall, some),
            lambda once: departures.check_out(
                stay_id=self.id_of(p.stay), placement_ids=some and [p.row], left_at=self.at(wall), reason="late",
                exit_reason=ExitReason.PLANNED, destination=Destination.FAMILY, by=self.ground.by, once=once,
            ),
        )  # fmt: skip

    @happens(there_are("ended"), number=SOME, hours=st.integers(0, 80))
    def they_left_at_another_time(self, number: int, hours: int) -> None:
        stay, wall = self.some(number, "ended").stay, self.house.wall - timedelta(hours=hours)
        self.act(
            lambda: self.house.correct_departure(stay, wall),
            lambda once: departures.correct_departure(
                stay_id=self.id_of(stay), left_at=self.at(wall), reason="wrong",
                exit_reason=ExitReason.OTHER, destination=Destination.OTHER, by=self.ground.by, once=once,
            ),
        )  # fmt: skip

    @happens(there_are("ended", of=("ended",)), number=SOME, days=st.integers(0, 9))
    def they_had_not_left(self, number: int, days: int) -> None:
        """Mostly within the limit, so that not every one is refused."""
        stay = self.some(number, "ended", of=("ended",)).stay
        until = self.house.tonight + timedelta(days=days)
        if number % 4:
            until = min(until, max(stay.limit_on, self.house.tonight + timedelta(days=1)))
        self.act(
            lambda: self.house.undo_check_out(stay, until),
            lambda once: departures.undo_check_out(
                stay_id=self.id_of(stay), leave_on=until, reason="mistake", by=self.ground.by, once=once
            ),
        )

    @happens(there_are("in_house", *EXPECTED), number=SOME, days=st.integers(-3, 16), is_one=st.booleans())
    def they_leave_on_another_day(self, number: int, days: int, is_one: bool) -> None:
        p, until = self.some(number, "in_house", *EXPECTED), self.house.tonight + timedelta(days=days)
        some = [p] if is_one else None
        self.act(
            lambda: self.house.leave_on(p.stay, until, some),
            lambda once: departures.change_leave_on(
                stay_id=self.id_of(p.stay), leave_on=until, placement_ids=some and [p.row], by=self.ground.by, once=once
            ),
        )

    @happens(there_are("held", *EXPECTED), number=SOME, is_one=st.booleans())
    def a_booking_is_not_needed(self, number: int, is_one: bool) -> None:
        p = self.some(number, "held", *EXPECTED)
        some = [p] if is_one else None
        self.act(
            lambda: self.house.cancel(p.stay, some),
            lambda once: departures.cancel(
                stay_id=self.id_of(p.stay), reason=CancelReason.OTHER, placement_ids=some and [p.row],
                by=self.ground.by, once=once,
            ),
        )  # fmt: skip

    # Other rooms, longer stays

    @happens(
        there_are("in_house", *EXPECTED), number=SOME, room=ROOM, after=st.integers(-3, 5), accepts=st.booleans(),
        hours=st.none() | st.integers(0, 30),
    )  # fmt: skip
    def they_change_rooms(self, number: int, room: int, after: int, accepts: bool, hours: int | None) -> None:
        """Tonight, entered late, or planned; a planned one may come true some hours later."""
        p, first = self.some(number, "in_house", *EXPECTED), self.house.tonight + timedelta(days=after)
        unit = self.unit(room, first, max(p.leave_on, first + timedelta(days=1)))
        is_planned = p.state == "in_house" and after > 0
        is_done = self.act(
            lambda: self.house.transfer(p, self.house.units[unit], first, accepts=accepts),
            lambda once: transfers.transfer(
                stay_id=self.id_of(p.stay), placement_id=p.row, to_unit_id=self.ground.units[unit], from_night=first,
                reason="quarrel", accepts_misfit=accepts, by=self.ground.by, once=once,
            ),
        )  # fmt: skip
        if is_done and is_planned and hours is not None:
            self.to(self.house.wall + timedelta(hours=hours))
            self.move_in(p, self.house.placements[-1])

    @happens(there_are(*EXPECTED, of=("in_house",)), number=SOME, old=SOME, accepts=st.booleans())
    def a_planned_move_happens(self, number: int, old: int, accepts: bool) -> None:
        new = self.some(number, *EXPECTED, of=("in_house",))
        here = self.house.of(new.stay, "in_house")
        self.move_in(here[old % len(here)], new, accepts=accepts)

    def move_in(self, old: Placement, new: Placement, *, accepts: bool = False) -> None:
        self.doing = "a_planned_move_happens"
        self.act(
            lambda: self.house.move_in(old, new, accepts=accepts),
            lambda once: transfers.move_in(
                stay_id=self.id_of(new.stay), from_placement_id=old.row, to_placement_id=new.row,
                accepts_misfit=accepts, by=self.ground.by, once=once,
            ),
        )  # fmt: skip

    @happens(there_are("in_house"), number=SOME)
    def a_longer_stay_is_asked_for(self, number: int) -> None:
        stay = self.some(number, "in_house").stay
        self.act(
            lambda: self.house.ask(stay),
            lambda once: extensions.request_extension(
                stay_id=self.id_of(stay), reason="x", by=self.ground.by, once=once
            ),
        )

    @happens(lambda self: any(s.is_asked for s in self.house.stays), number=SOME, is_granted=st.booleans())
    def a_longer_stay_is_decided(self, number: int, is_granted: bool) -> None:
        asked = [stay for stay in self.house.stays if stay.is_asked]
        stay = asked[number % len(asked)]
        self.act(
            lambda: self.house.decide(stay, is_granted=is_granted),
            lambda once: extensions.decide_extension(
                stay_id=self.id_of(stay), is_granted=is_granted, reason="x", by=self.ground.boss, once=once
            ),
        )

    # The house itself

    @happens(unit=UNIT, after=st.integers(-1, 6), length=st.none() | st.integers(1, 9))
    def a_room_is_closed(self, unit: int, after: int, length: int | None) -> None:
        first = self.house.tonight + timedelta(days=after)
        until = first + timedelta(days=length) if length else None
        self.act(
            lambda: self.house.close(self.house.units[unit], first, until),
            lambda once: closures.close_units(
                unit_ids=[self.ground.units[unit]], from_on=first, until_on=until, reason=ClosureReason.REPAIR,
                by=self.ground.admin, once=once,
            ),
        )  # fmt: skip

    @happens(lambda self: bool(self.house.closures), number=SOME, days=st.integers(-2, 4))
    def a_room_is_opened_again(self, number: int, days: int) -> None:
        closure, until = (
            self.house.closures[number % len(self.house.closures)],
            self.house.tonight + timedelta(days=days),
        )
        self.act(
            lambda: self.house.reopen(closure, until),
            lambda _: closures.end_closure(closure_id=closure.row, until_on=until, by=self.ground.admin),
            has_key=False,
        )

    @happens(unit=UNIT, days=st.integers(0, 12), is_back=st.sampled_from([True, True, False]))
    def a_room_is_given_up_or_comes_back(self, unit: int, days: int, is_back: bool) -> None:
        row = db.session.get_one(UnitRow, self.ground.units[unit])
        label, terms = row.label, units.terms_of(row)
        until = None if is_back else self.house.tonight + timedelta(days=days)
        db.session.remove()
        self.act(
            lambda: self.house.given_up_from(self.house.units[unit], until),
            lambda _: units.change_unit(
                unit_id=self.ground.units[unit], label=label, terms=replace(terms, in_service_until=until),
                by=self.ground.admin,
            ),
            has_key=False,
        )  # fmt: skip

    @happens(number=st.integers(0, 1), is_paused=st.sampled_from([False, False, True]))
    def a_site_is_paused(self, number: int, is_paused: bool) -> None:
        site = self.house.sites[number]
        self.act(
            lambda: setattr(site, "is_paused", is_paused),
            lambda _: set_paused(site_id=self.ground.sites[site.name], is_paused=is_paused, by=self.ground.admin),
            has_key=False,
        )

    @happens(unit=UNIT, ago=st.integers(0, 40), steps=st.integers(0, 1))
    def a_running_stay_is_brought_in(self, unit: int, ago: int, steps: int) -> None:
        self.bring_in([(unit, ago, steps)])

    def bring_in(self, listed: list[tuple[int, int, int]]) -> None:
        """Each is a unit, how many days ago they came, and how often it was prolonged."""
        days = [self.house.today - timedelta(days=ago) for _unit, ago, _steps in listed]
        text = io.StringIO()
        lines = [
            (*self.ground.names[unit], day, steps, 1) for (unit, _ago, steps), day in zip(listed, days, strict=True)
        ]
        csv.writer(text).writerows([HEADINGS, *lines])
        sheets = read_sheets(text.getvalue().encode())

        def model() -> None:
            for (unit, _ago, steps), day in zip(listed, days, strict=True):
                self.house.bring_in(self.house.units[unit], day, steps)

        self.act(model, lambda once: import_stays(sheets=sheets, by=self.ground.by, once=once))

    # What is counted, and the end of a process

    @happens(there_are("in_house", "ended", "moved"), back=st.integers(-3, 6))
    def a_night_is_counted(self, back: int) -> None:
        """Occupied are those who came, in the house or late; tonight, some nights ago and some ahead."""
        house, night = self.house, self.house.tonight - timedelta(days=back)
        if night < house.start:
            return
        lived_in = [p for p in house.placements if p.state in ("in_house", "ended", "moved")]
        there = {p.unit: p.heads for p in lived_in if night in p.nights and (p.occupied_from or night) <= night}
        for p in lived_in:
            is_unwritten = house.is_late(p) and p.leave_on <= night <= house.tonight
            if is_unwritten and not house.is_taken(p.unit, frozenset([night])):
                there[p.unit] = p.heads
        tally = occupancy.occupancy(period(Step.DAY, night)).total.tally
        db.session.rollback()
        if (tally.occupied, tally.people) != (len(there), sum(there.values())):
            raise Differs(f"{night}: counted {tally}, and there are {there}")
        self.ground.done[self.doing] += 1

    @happens(lambda self: self.fault is None, at=st.one_of(st.just(0), st.integers(1, 30)), is_cut=st.booleans())
    def the_next_act_stops_in_the_middle(self, at: int, is_cut: bool) -> None:
        """At a statement or just before COMMIT; with the connection, as when a process is killed."""
        self.fault = (at, is_cut)
        self.ground.done[self.doing] += 1
