"""A plain model of stays in one house: days in sets, and a word beforehand whether an act must succeed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis.stateful import RuleBasedStateMachine, initialize

from shelter import clock
from shelter.domain.errors import DomainError
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.services import overstays
from tests.conftest import Clock
from tests.factories import make_site, make_unit, make_user
from tests.support.databases import Database

DAY = timedelta(days=1)
LIMIT = timedelta(days=20)  # of the house: 20 days after the day of check-in
EXPECTED, HERE, GONE = ("booked", "no_show"), "in_house", ("ended", "moved")
NOON = time(12)


@dataclass(eq=False)
class Room:
    """A placement as the model knows it."""

    unit: int
    state: str
    arrive_on: date
    leave_on: date
    nights: set[date] = field(default_factory=set)
    arrived_at: datetime | None = None
    occupied_from: date | None = None
    left_at: datetime | None = None


@dataclass(eq=False)
class Case:
    """A stay as the model knows it."""

    id: UUID
    limit: date
    rooms: list[Room]
    state: str = "open"
    checked_in_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def room(self) -> Room:
        """The one they are in, are expected in, or were in last."""
        return self.rooms[-1]


class Refuse(Exception):
    """The model says that this must be refused."""


def span(first: date, until: date) -> set[date]:
    return {first + timedelta(days=n) for n in range((until - first).days)}


class House(RuleBasedStateMachine):
    """Three rooms. The test sets the clock and the database, within an application context."""

    clock: Clock
    database: Database

    @initialize()
    def house(self) -> None:
        db.session.rollback()
        self.database.empty()
        self.clock.set("2026-03-10 12:00")
        db.session.get_one(Installation, 1).live_from = date(2026, 1, 1)
        db.session.commit()
        site = make_site(days=20)
        self.units = [make_unit(site=site).id for _n in range(3)]
        self.by = make_user(sites=[site.id]).principal
        self.cases: list[Case] = []
        self.is_rolled = True

    # The model's own arithmetic

    def tonight(self) -> date:
        return clock.shelter_day()

    def rooms(self) -> list[Room]:
        return [room for case in self.cases for room in case.rooms]

    def keep(self) -> None:
        """Whoever is in the house keeps the room; nothing is overwritten."""
        for room in self.rooms():
            if room.state == HERE:
                for night in sorted(span(room.leave_on, self.tonight() + DAY)):
                    if self.is_free(room.unit, {night}, room):
                        room.nights.add(night)

    def is_free(self, unit: int, nights: set[date], but: Room | None = None) -> bool:
        return all(r is but or r.unit != unit or not (r.nights & nights) for r in self.rooms())

    def claim(self, room: Room, nights: set[date]) -> None:
        if not self.is_free(room.unit, nights - room.nights, room):
            raise Refuse
        room.nights |= nights

    def is_somebody_else_in(self, room: Room) -> bool:
        return any(r is not room and r.unit == room.unit and r.state == HERE for r in self.rooms())

    def is_overdue(self, unit: int, arrive_on: date) -> bool:
        until = self.tonight()
        if arrive_on > until:
            local = clock.local(clock.now())
            until = local.date() if local.time() >= NOON else local.date() - DAY
        return any(r.unit == unit and r.state == HERE and r.leave_on <= until for r in self.rooms())

    def cut(self, case: Case) -> None:
        """Planned nights past the limit go."""
        for room in case.rooms:
            if room.state in (*EXPECTED, HERE) and room.leave_on > case.limit:
                latest = max(case.limit, room.occupied_from + DAY) if room.occupied_from else case.limit
                if room.leave_on > latest:
                    room.leave_on = latest
                    room.nights -= {n for n in room.nights if n >= latest}

    def act(self, model: Any, real: Any) -> None:
        """Both do it, or both refuse it."""
        before = [(case, vars(case).copy()) for case in self.cases]
        rooms = [(room, vars(room).copy(), set(room.nights)) for room in self.rooms()]
        count = len(self.cases)
        self.keep()
        try:
            model()
        except Refuse:
            for case, values in before:
                vars(case).update(values)
            for room, values, nights in rooms:
                vars(room).update(values)
                room.nights = nights
            del self.cases[count:]
            with pytest.raises(DomainError):
                real()
            db.session.rollback()
        else:
            real()
        self.keep()
        overstays.roll_overstays()
        self.is_rolled = True

    def some(self, number: int, *states: str) -> Case | None:
        fitting = [case for case in self.cases if case.room.state in states]
        return fitting[number % len(fitting)] if fitting else None

    def leave(self, room: Room, left: datetime, state: str) -> None:
        day, since = clock.day_of(left), room.occupied_from
        assert since is not None
        room.state, room.left_at, room.leave_on = state, left, max(day, since + DAY)
        room.nights -= {n for n in room.nights if n >= max(day, since)}
