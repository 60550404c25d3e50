"""The plain model from the door on: coming, staying, changing rooms, leaving, and every correction of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from tests.campaigns.life_acts import Acts
from tests.campaigns.life_house import (
    COMFORT,
    DAY,
    EXPECTED,
    KEEPS,
    NOON,
    SAFETY,
    Household,
    Person,
    Placement,
    Refuse,
    Site,
    Stay,
    Unit,
    span,
)


@dataclass
class Stays(Acts):
    """What happens between the door and the end."""

    # Coming

    def check_in(
        self, stay: Stay, arrived: datetime, some: Collection[Placement] | None = None, *, accepts: bool = False
    ) -> None:
        self.keep(*self.sites_of(stay))
        night = self.night_of(arrived)
        coming = self.chosen(stay, EXPECTED, some or self._expected(stay, night))
        first = coming[0].unit.site.terms
        for p in coming:
            if self.is_somebody_else_in(p):
                raise Refuse
            p.planned = p.arrive_on
            self._settle(p, arrived, accepts=accepts)
            self._check_tonight(p, accepts=accepts)
            p.state = "in_house"
        self._check_only_stay(stay)
        if stay.checked_in is None or arrived < stay.checked_in:
            self._start_clock(stay, arrived, first)
        self.cut(stay)
        for p in self.of(stay, *EXPECTED):
            if p.leave_on <= night:
                self.give_up(p)
        self.keep(*self.sites_of(stay))

    def walk_in(
        self,
        unit: Unit,
        arrived: datetime,
        until: date | None,
        kinds: Sequence[str] = (),
        dogs: int = 0,
        *,
        household: Household | None = None,
        accepts: bool,
    ) -> None:
        """They are there, booked or not: whoever has the room keeps it."""
        self.keep(unit.site)
        night = self.night_of(arrived)
        guest = household or Household("", tuple(Person(kind) for kind in kinds), dogs)
        limit = self.limit(unit.site.terms, arrived.date(), guest)
        until = until or limit
        if not night < until <= limit:
            raise Refuse
        self.release_run_out(unit, night, until)
        is_given_up = unit.until is not None and unit.until < until
        if is_given_up or self.is_taken(unit, span(night, until)) or self.is_inhabited(unit):
            raise Refuse
        avoided = self.avoided(guest)
        found = self.against(unit, guest.people, guest.dogs, avoided, night, until, household, is_theirs=True)
        if SAFETY in found or (found and not accepts):
            raise Refuse
        stay = self.new_stay(guest, (unit, night, until), is_new=household is None)
        everybody = frozenset(guest.people)
        p = Placement(stay, unit, "in_house", night, until, everybody, len(everybody), self.wall)
        p.nights = frozenset(each for each in span(night, until) if each >= self.start)
        p.arrived, p.occupied_from = arrived, night
        self.placements.append(p)
        self._check_only_stay(stay)
        self._start_clock(stay, arrived, unit.site.terms)
        self.keep(unit.site)

    def _expected(self, stay: Stay, night: date) -> list[Placement]:
        expected = self.of(stay, *EXPECTED)
        first = min((p.arrive_on for p in expected), default=night)
        tonight = [p for p in expected if p.arrive_on <= night < p.leave_on]
        return tonight or [p for p in expected if p.arrive_on == first]

    def _start_clock(self, stay: Stay, arrived: datetime, terms: object = None) -> None:
        """The clock counts from the first check-in."""
        stay.terms = terms or stay.terms  # type: ignore[assignment]
        stay.limit_on = self.limit(stay.terms, arrived.date(), stay.household, stay.granted, of=stay)
        stay.checked_in, stay.arrive_on = arrived, self.night_of(arrived)
        if stay.state == "open":
            stay.state = "in_house"

    def _check_tonight(self, p: Placement, *, accepts: bool) -> None:
        """Who else is there tonight?"""
        if p.leave_on > self.tonight and self.against_company(p, self.tonight, self.tonight + DAY, accepts=accepts):
            raise Refuse

    def _settle(self, p: Placement, arrived: datetime, *, accepts: bool = False) -> None:
        night = self.night_of(arrived)
        if (p.left and arrived >= p.left) or night >= p.leave_on:
            raise Refuse
        if night < p.arrive_on:
            self.claim(p, night, p.arrive_on, accepts=accepts)
        p.arrive_on, p.arrived, p.occupied_from = min(p.arrive_on, night), arrived, night
        if p.left:
            p.leave_on = max(p.left.date(), night + DAY)

    def _check_only_stay(self, stay: Stay) -> None:
        """A household is in the house in one stay at a time."""
        others = [o for o in self.placements if o.stay is not stay and o.stay.household is stay.household]
        for p in self.of(stay):
            is_in = [o for o in others if p.arrived and o.arrived and (not o.left or p.arrived < o.left)]
            if any(not p.left or (o.arrived and o.arrived < p.left) for o in is_in):
                raise Refuse

    def correct_arrival(self, stay: Stay, arrived: datetime) -> None:
        self.keep(*self.sites_of(stay), *self._running_sites(stay))
        first = [p for p in self.of(stay) if p.arrived and p.arrived == stay.checked_in]
        if not first:
            raise Refuse
        for p in first:
            self._settle(p, arrived)
        self._check_only_stay(stay)
        self._clock_from_the_first(stay)
        self.cut(stay)
        self.keep(*self.sites_of(stay))
        self._count_again(stay)

    def _running_sites(self, stay: Stay) -> list[Site]:
        running = self.running(stay.household)
        return self.sites_of(running) if running else []

    def _count_again(self, corrected: Stay) -> None:
        """The limit of whoever is in the house, where nights of earlier stays are taken off."""
        stay = self.running(corrected.household)
        if stay and stay is not corrected and stay.checked_in and stay.terms.counts_earlier:
            before, day = stay.limit_on, stay.checked_in.date()
            stay.limit_on = self.limit(stay.terms, day, stay.household, stay.granted, of=stay)
            if stay.limit_on != before:
                self.cut(stay)
                self.keep(*self.sites_of(stay))

    def _clock_from_the_first(self, stay: Stay) -> None:
        here = [p for p in self.of(stay) if p.arrived and p.state not in EXPECTED]
        first = min(here, key=lambda p: p.arrived or self.wall)
        assert first.arrived is not None
        self._start_clock(stay, first.arrived, first.unit.site.terms)

    def undo_check_in(self, stay: Stay, some: Collection[Placement] | None = None) -> None:
        self.keep(*self.sites_of(stay))
        for p in self.chosen(stay, ["in_house"], some):
            p.state, p.arrived, p.occupied_from = "booked", None, None
            if p.planned and p.planned < p.leave_on:
                p.arrive_on = max(p.arrive_on, p.planned)
            self.give_back(p, frozenset(night for night in p.nights if p.arrive_on <= night < p.leave_on))
        if not self.of(stay, "in_house"):
            if any(p.occupied_from for p in self.of(stay)):
                raise Refuse
            first = min(self.of(stay, *EXPECTED), key=lambda p: p.arrive_on)
            stay.terms = first.unit.site.terms
            stay.limit_on = self.limit(stay.terms, first.arrive_on, stay.household)
            stay.state, stay.checked_in, stay.arrive_on = "open", None, first.arrive_on
        else:
            self._clock_from_the_first(stay)
        self.cut(stay)
        self.keep(*self.sites_of(stay))

    def no_show(self, stay: Stay) -> None:
        self.keep(*self.sites_of(stay))
        for p in self.chosen(stay, ["booked"]):
            p.state = "no_show"

    def expect_again(self, stay: Stay) -> None:
        self.keep(*self.sites_of(stay))
        for p in self.chosen(stay, ["no_show"]):
            p.state = "booked"

    # Leaving

    def check_out(self, stay: Stay, left: datetime, some: Collection[Placement] | None = None) -> None:
        self.keep(*self.sites_of(stay))
        for p in self.chosen(stay, ["in_house"], some):
            self._leave(p, left, "ended")
        if not self.of(stay, "in_house"):
            stay.state = "ended"
            self._ended(stay)
            for p in self.of(stay, "held", *EXPECTED):
                self.give_up(p)

    def _leave(self, p: Placement, left: datetime, state: str) -> date:
        """Nights from the day they left are free; the first of them."""
        if p.arrived is None or p.occupied_from is None or left < p.arrived:
            raise Refuse
        free_from = max(left.date(), p.occupied_from)
        p.state, p.left, p.leave_on = state, left, max(left.date(), p.occupied_from + DAY)
        self.give_back(p, frozenset(night for night in p.nights if night < free_from))
        return free_from

    def _ended(self, stay: Stay) -> None:
        stay.ended = max(p.left for p in self.of(stay) if p.left)

    def _last(self, stay: Stay) -> list[Placement]:
        last = [p for p in self.of(stay, "ended") if p.left == stay.ended]
        if stay.state != "ended" or not last:
            raise Refuse
        return last

    def correct_departure(self, stay: Stay, left: datetime) -> None:
        self.keep(*self.sites_of(stay), *self._running_sites(stay))
        for p in self._last(stay):
            self.claim(p, p.arrive_on, left.date())
            self._leave(p, left, "ended")
        self._check_only_stay(stay)
        self._ended(stay)
        self._count_again(stay)

    def undo_check_out(self, stay: Stay, leave_on: date) -> None:
        self.keep(*self.sites_of(stay))
        if leave_on > max(stay.limit_on, self.tonight + DAY) or self.running(stay.household):
            raise Refuse
        back = self._last(stay)
        stay.state, stay.ended = "in_house", None
        for p in back:
            if self.is_somebody_else_in(p) or p.occupied_from is None:
                raise Refuse
            p.state, p.left, p.leave_on = "in_house", None, max(leave_on, p.occupied_from + DAY)
            self.claim(p, p.arrive_on, max(p.leave_on, self.tonight + DAY))
        self._check_only_stay(stay)

    def leave_on(self, stay: Stay, leave_on: date, some: Collection[Placement] | None = None) -> None:
        self.keep(*self.sites_of(stay))
        running = self.of(stay, "in_house", *EXPECTED)
        last = max((p.leave_on for p in running), default=None)
        if leave_on > stay.limit_on:
            raise Refuse
        for p in self.chosen(stay, ["in_house", *EXPECTED], some or [p for p in running if p.leave_on == last]):
            earliest = max(p.occupied_from + DAY, self.today) if p.occupied_from else p.arrive_on + DAY
            if leave_on < earliest:
                raise Refuse
            if leave_on > p.leave_on:
                self.claim(p, p.leave_on, leave_on)
            else:
                self.give_back(p, frozenset(night for night in p.nights if night < leave_on))
            p.leave_on = leave_on
        self.keep(*self.sites_of(stay))

    # Another room

    def transfer(self, p: Placement, unit: Unit, from_night: date, *, accepts: bool) -> None:
        """Tonight or earlier they have moved; later it is planned; a booking changes rooms."""
        stay = p.stay
        self.keep(*self.sites_of(stay), unit.site)
        if p.state not in ("in_house", *EXPECTED) or p.unit is unit:
            raise Refuse
        if p.state in EXPECTED:
            first, until = max(from_night, p.arrive_on), p.leave_on
            if first >= until:
                raise Refuse
        else:
            assert p.occupied_from is not None
            if from_night < p.occupied_from or (from_night > self.tonight and from_night >= p.leave_on):
                raise Refuse
            first, until = from_night, max(min(p.leave_on, stay.limit_on), from_night + DAY)
        self._check_unit(p, unit, first, until, accepts=accepts)
        new = Placement(stay, unit, "booked", first, until, p.people, p.heads, self.wall)
        new.nights = frozenset(night for night in span(first, until) if night >= self.start)
        if p.state in EXPECTED or from_night > self.tonight:
            if first <= p.arrive_on:
                self.give_up(p)
            else:
                p.leave_on = from_night
                self.give_back(p, frozenset(night for night in p.nights if night < from_night))
        else:
            if self.is_inhabited(unit):
                raise Refuse
            at = self.wall if from_night == self.tonight else datetime.combine(from_night, NOON)
            new.state, new.arrived, new.occupied_from = "in_house", at, max(from_night, self._leave(p, at, "moved"))
        self.placements.append(new)
        self.keep(*self.sites_of(stay))

    def _check_unit(self, p: Placement, unit: Unit, first: date, until: date, *, accepts: bool) -> None:
        self.release_run_out(unit, first, until)
        household = p.stay.household
        is_apart = any(o is not p for o in self.of(p.stay, "in_house"))
        people = p.people if is_apart and p.people else household.people
        avoided = self.avoided(household)
        found = self.against(unit, people, household.dogs, avoided, first, until, household)
        if found - ({COMFORT} if accepts else set()):
            raise Refuse

    def move_in(self, old: Placement, new: Placement, *, accepts: bool = False) -> None:
        """The planned move has happened."""
        self.keep(*self.sites_of(old.stay))
        if old.state != "in_house" or new.state not in EXPECTED or self.is_somebody_else_in(new):
            raise Refuse
        free_from = self._leave(old, self.wall, "moved")
        self._settle(new, self.wall, accepts=accepts)
        self._check_tonight(new, accepts=accepts)
        new.occupied_from, new.state = max(self.tonight, free_from), "in_house"
        self.keep(*self.sites_of(old.stay))

    # A longer stay

    def ask(self, stay: Stay) -> None:
        self.keep(*self.sites_of(stay))
        if stay.state != "in_house" or stay.is_asked or stay.granted >= stay.terms.most_steps:
            raise Refuse
        stay.is_asked = True

    def decide(self, stay: Stay, *, is_granted: bool) -> None:
        """From the first day on, base plus granted. Rooms planned until the old limit follow it, all or none."""
        self.keep(*self.sites_of(stay))
        if not stay.is_asked:
            raise Refuse
        stay.is_asked = False
        if not is_granted:
            return
        if stay.checked_in is None or stay.granted >= stay.terms.most_steps:
            raise Refuse
        before, stay.granted = stay.limit_on, stay.granted + 1
        stay.limit_on = self.limit(stay.terms, stay.checked_in.date(), stay.household, stay.granted)
        rooms = [p for p in self.of(stay, "in_house") if p.leave_on == before]
        try:
            free = [self.free_for(p, before, stay.limit_on) for p in rooms]
        except Refuse:
            return
        for p, nights in zip(rooms, free, strict=True):
            p.leave_on, p.nights = stay.limit_on, p.nights | nights

    # Who they are

    def heads_change(self, household: Household, change: str) -> None:
        """Told at the intake. Newcomers sleep in the first room; heads follow who sleeps there."""
        gone: frozenset[Person] = frozenset()
        match change:
            case "child" | "boy" | "infant":
                household.people = (*household.people, Person(change))
            case "fewer":
                if len(household.people) == 1:
                    raise Refuse
                gone = frozenset(household.people[-1:])
                household.people = household.people[:-1]
            case _:
                household.dogs = int(change == "dog")
        for p in self.placements:
            p.people -= gone
        stay = self.running(household)
        rooms = sorted(self.of(stay, *KEEPS, "expired"), key=lambda p: p.arrive_on) if stay else []
        keeping = [p for p in rooms if p.state in KEEPS]
        expired = [p for p in rooms if p.state == "expired"]
        last = max((p.made for p in expired), default=None)
        ran_out = [p for p in expired if p.made == last]
        if any(p.made == last for p in keeping):
            self._settle_heads([p for p in rooms if p in keeping or p in ran_out], household)
        else:
            self._settle_heads(keeping, household)
            self._settle_heads(ran_out, household)

    def _settle_heads(self, rooms: list[Placement], household: Household) -> None:
        placed = {person for p in rooms for person in p.people}
        new = frozenset(person for person in household.people if person not in placed)
        for p in rooms:
            if p is rooms[0] or p.arrive_on > rooms[0].arrive_on:
                p.people |= new
            p.heads = max(1, len(p.people))
