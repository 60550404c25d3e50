"""A plain model of a house: who has which room on which nights. Sets of days and its own arithmetic.

It imports nothing of the product: what it says is worked out from the rules as people say them. Times are the wall
clock of the shelter. Sets of nights are replaced, never changed, so that a refused act can be taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

DAY = timedelta(days=1)
NOON, CUTOVER = time(12), timedelta(hours=8)
HOLD_LASTS = timedelta(minutes=90)
KEEPS = ("held", "booked", "no_show", "in_house")  # these keep the nights ahead of them
EXPECTED, RUNNING = ("booked", "no_show"), ("open", "in_house")
THRESHOLDS = (60, 30, 14, 7, 1, 0)
SAFETY, SHARING, COMFORT, GONE = "safety", "sharing", "comfort", "gone"  # why a room is refused
Nights = frozenset[date]
NONE: Nights = frozenset()


class Refuse(Exception):
    """What must be refused."""


def span(first: date, until: date) -> Nights:
    return frozenset(first + timedelta(days=n) for n in range((until - first).days))


@dataclass(frozen=True)
class Terms:
    """How long: so many months or days, and as much again for each extension. The day of check-in does not count."""

    months: int = 0
    days: int = 0
    step_months: int = 0
    step_days: int = 0
    most_steps: int = 2
    counts_earlier: bool = False  # nights of earlier stays within a year are taken off

    def limit(self, check_in: date, steps: int = 0) -> date:
        first, months = check_in + DAY, self.months + steps * self.step_months
        year, month = first.year + (first.month - 1 + months) // 12, (first.month - 1 + months) % 12 + 1
        try:
            last = date(year, month, first.day) - DAY
        except ValueError:  # no such day: the last one of the month
            last = date(year + month // 12, month % 12 + 1, 1) - DAY
        return last + timedelta(days=self.days + steps * self.step_days)


@dataclass(eq=False)
class Site:
    name: str
    terms: Terms
    is_paused: bool = False


@dataclass(eq=False)
class Unit:
    number: int  # among those of the house
    site: Site
    room: str
    capacity: int
    takes_pets: bool = False
    is_for_women: bool = False  # a bed of a room that women share
    until: date | None = None  # given up from that day on


@dataclass(eq=False)
class Person:
    kind: str  # woman, child, boy (from ten on), infant


@dataclass(eq=False)
class Household:
    name: str
    people: tuple[Person, ...]
    dogs: int = 0
    avoids: frozenset[Household] = frozenset()


@dataclass(eq=False)
class Stay:
    name: str
    household: Household
    terms: Terms
    arrive_on: date
    limit_on: date
    state: str = "open"
    checked_in: datetime | None = None
    ended: datetime | None = None
    granted: int = 0
    is_asked: bool = False  # a longer stay was asked for and not decided
    is_imported: bool = False


@dataclass(eq=False)
class Placement:
    stay: Stay
    unit: Unit
    state: str
    arrive_on: date
    leave_on: date
    people: frozenset[Person]
    heads: int
    made: datetime
    nights: Nights = NONE
    held_until: datetime | None = None
    is_renewed: bool = False
    is_coming: bool = False
    arrived: datetime | None = None
    occupied_from: date | None = None
    planned: date | None = None  # the first night it was booked for, when they came
    left: datetime | None = None
    row: int = 0  # its number in the tables


@dataclass(eq=False)
class Closure:
    unit: Unit
    first: date
    until: date
    nights: Nights
    row: int = 0


@dataclass
class House:
    """Everything there is, and what follows from it."""

    wall: datetime
    start: date  # the first night that is written down
    sites: list[Site]
    units: list[Unit]
    households: list[Household] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)
    closures: list[Closure] = field(default_factory=list)
    flags: frozenset[tuple[Stay, date, int]] = frozenset()

    # Time

    @property
    def tonight(self) -> date:
        return self.night_of(self.wall)

    @property
    def today(self) -> date:
        return self.wall.date()

    @staticmethod
    def night_of(wall: datetime) -> date:
        return (wall - CUTOVER).date()

    # Doing and taking back

    def does(self, act: Callable[[], object]) -> bool:
        """Was it done? Whatever is refused changes nothing."""
        lists = (self.households, self.stays, self.placements, self.closures)
        before = [(thing, vars(thing).copy()) for kind in (*lists, self.units) for thing in kind]
        lengths, flags = [len(kind) for kind in lists], self.flags
        try:
            act()
        except Refuse:
            for kind, length in zip(lists, lengths, strict=True):
                del kind[length:]
            for thing, values in before:
                vars(thing).update(values)
            self.flags = flags
            return False
        return True

    # Who is where

    def of(self, stay: Stay, *states: str) -> list[Placement]:
        return [p for p in self.placements if p.stay is stay and (not states or p.state in states)]

    def running(self, household: Household) -> Stay | None:
        return next((s for s in self.stays if s.household is household and s.state in RUNNING), None)

    def ran_out(self, p: Placement) -> bool:
        """Whoever needs its nights may have them."""
        return p.state == "held" and p.held_until is not None and p.held_until <= self.wall and not p.is_coming

    def is_late(self, p: Placement) -> bool:
        """In the house with the planned nights used up."""
        return p.state == "in_house" and p.leave_on <= self.tonight

    def is_taken(self, unit: Unit, nights: Nights, but: Placement | None = None) -> bool:
        mine = (p for p in self.placements if p.unit is unit and p is not but)
        return any(p.nights & nights for p in mine) or any(c.nights & nights for c in self.closures if c.unit is unit)

    def is_somebody_else_in(self, p: Placement) -> bool:
        return self.is_inhabited(p.unit, but=p)

    def is_inhabited(self, unit: Unit, but: Placement | None = None) -> bool:
        return any(o is not but and o.unit is unit and o.state == "in_house" for o in self.placements)

    def is_overdue(self, unit: Unit, arrive_on: date) -> bool:
        """Somebody should have left: by tonight for tonight, by noon of today for later nights."""
        until = self.tonight
        if arrive_on > until:
            until = self.today if self.wall.time() >= NOON else self.today - DAY
        return any(p.unit is unit and p.state == "in_house" and p.leave_on <= until for p in self.placements)

    # The ledger

    def keep(self, *sites: Site) -> None:
        """Whoever is in the house keeps the room; nothing of anybody else's is overwritten."""
        for p in self.placements:
            if self.is_late(p) and p.unit.site in sites:
                due = span(max(p.leave_on, self.start), self.tonight + DAY)
                if self.is_taken(p.unit, due, but=p):
                    self.release_run_out(p.unit, p.leave_on, self.tonight + DAY)
                p.nights |= {night for night in due if not self.is_taken(p.unit, frozenset([night]), but=p)}

    def give_back(self, p: Placement, kept: Nights = NONE) -> None:
        """The others are free; and theirs who stayed on over them, have left since, and slept there."""
        freed, p.nights = p.nights - kept, kept
        if freed and p.arrive_on < self.tonight:
            for o in self.placements:
                if o is not p and o.unit is p.unit and o.left and o.occupied_from:
                    slept = span(max(o.arrive_on, self.start), min(o.leave_on, max(o.left.date(), o.occupied_from)))
                    o.nights |= {n for n in slept if not self.is_taken(o.unit, frozenset([n]), but=o)}

    def release_run_out(self, unit: Unit, first: date, until: date) -> None:
        for p in self.placements:
            if p.unit is unit and self.ran_out(p) and p.arrive_on < until and p.leave_on > first:
                p.state = "expired"
                self.give_back(p)

    def claim(self, p: Placement, first: date, until: date, *, accepts: bool = False) -> None:
        """The nights it has not yet, all of them or none."""
        p.nights |= self.free_for(p, first, until, accepts=accepts)

    def free_for(self, p: Placement, first: date, until: date, *, accepts: bool = False) -> Nights:
        wanted = frozenset(night for night in span(first, until) - p.nights if night >= self.start)
        if not wanted:
            return wanted
        self.release_run_out(p.unit, first, until)
        if self.is_taken(p.unit, wanted, but=p) or (p.unit.until and max(wanted) >= p.unit.until):
            raise Refuse
        if self.against_company(p, min(wanted), max(wanted) + DAY, accepts=accepts):
            raise Refuse
        return wanted

    # Who fits where

    def avoided(self, household: Household) -> frozenset[Household]:
        """One has said it: both keep away."""
        return household.avoids | {other for other in self.households if household in other.avoids}

    def against(
        self,
        unit: Unit,
        people: Iterable[Person],
        dogs: int,
        avoids: Iterable[Household],
        first: date,
        until: date,
        household: Household | None = None,
        *,
        is_theirs: bool = False,
    ) -> set[str]:
        """Why they may not sleep there. `is_theirs`: they have the nights already."""
        if unit.until and unit.until <= first:
            return {GONE}
        kinds, found = [person.kind for person in people], set()
        if not is_theirs:
            others = frozenset(p for p in self.placements if p.unit is unit and not self.ran_out(p))
            nights = span(first, until)
            is_taken = any(p.nights & nights for p in others)
            is_closed = any(c.unit is unit and c.nights & nights for c in self.closures)
            is_out = unit.until is not None and unit.until < until
            if is_taken or is_closed or is_out or unit.site.is_paused or self.is_overdue(unit, first):
                found.add(GONE)
        places = len(kinds) - min(kinds.count("infant"), kinds.count("woman"))
        if places > unit.capacity or (dogs and (not unit.takes_pets or dogs > 2)):
            found.add(COMFORT)
        if unit.is_for_women:
            everybody = [*kinds, *self.roommates(unit, first, until, household)]
            if "boy" in everybody:
                found.add(SHARING)
        if any(self.is_at(other, unit.site, first, until) for other in avoids):
            found.add(SAFETY)
        return found

    def against_company(self, p: Placement, first: date, until: date, *, accepts: bool) -> set[str]:
        """Of those who sleep there: comfort was decided when it was confirmed."""
        household = p.stay.household
        others = [o for o in self.of(p.stay, *KEEPS) if o is not p and o.arrive_on < until and first < o.leave_on]
        people = p.people if others and p.people else household.people
        found = self.against(
            p.unit, people, household.dogs, self.avoided(household), first, until, household, is_theirs=True
        )
        return found - {COMFORT} - ({SHARING} if accepts else set())

    def roommates(self, unit: Unit, first: date, until: date, household: Household | None) -> list[str]:
        nights = span(first, until)
        return [
            person.kind
            for p in self.placements
            if p.unit.room == unit.room and p.stay.household is not household and not self.ran_out(p)
            if p.nights & nights or self.is_late(p)
            for person in p.people
        ]  # fmt: skip

    def is_at(self, household: Household, site: Site, first: date, until: date) -> bool:
        return any(p.stay.household is household and self.is_there(p, site, first, until) for p in self.placements)

    def is_there(self, p: Placement, site: Site, first: date, until: date) -> bool:
        keeps = p.unit.site is site and p.state in KEEPS and not self.ran_out(p)
        return keeps and p.arrive_on < until and (p.leave_on > first or self.is_late(p))

    # How long

    def limit(
        self, terms: Terms, check_in: date, household: Household, steps: int = 0, *, of: Stay | None = None
    ) -> date:
        limit = terms.limit(check_in, steps)
        if not terms.counts_earlier:
            return limit
        earlier = 0
        for stay in self.stays:
            here = [p for p in self.of(stay) if p.occupied_from and p.occupied_from < check_in]
            if stay is not of and stay.household is household and stay.state == "ended" and here:
                began = max(min(p.occupied_from for p in here if p.occupied_from), check_in - timedelta(days=365))
                earlier += max(0, (min(max(p.leave_on for p in here), check_in) - began).days)
        return max(limit - timedelta(days=earlier), check_in + DAY) if earlier else limit

    def cut(self, stay: Stay) -> None:
        """Planned nights past the limit go; whoever is in the house sleeps there the night they came."""
        for p in self.of(stay, *KEEPS):
            latest = max(stay.limit_on, p.occupied_from + DAY) if p.occupied_from else stay.limit_on
            if p.leave_on > stay.limit_on and p.leave_on > latest:
                if latest <= p.arrive_on:
                    p.state = "cancelled"
                    self.give_back(p)
                else:
                    p.leave_on = latest
                    self.give_back(p, frozenset(n for n in p.nights if n < latest))

    def days_left(self, stay: Stay) -> int:
        return (stay.limit_on - self.today).days
