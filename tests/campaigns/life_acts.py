"""Holding, the jobs and the house itself in the plain model: what each act does, or that it must be refused."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tests.campaigns.life_house import (
    COMFORT,
    DAY,
    EXPECTED,
    GONE,
    HOLD_LASTS,
    KEEPS,
    NOON,
    RUNNING,
    SAFETY,
    THRESHOLDS,
    Closure,
    House,
    Household,
    Person,
    Placement,
    Refuse,
    Site,
    Stay,
    Unit,
    span,
)

OPEN_ENDED = timedelta(days=180)
Segment = tuple[Unit, date, date]


@dataclass
class Acts(House):
    """Each method is one act of a person or a job. The sites it touches keep the rooms of all who are still there."""

    def sites_of(self, stay: Stay) -> list[Site]:
        return [p.unit.site for p in self.of(stay)]

    def chosen(self, stay: Stay, states: Collection[str], some: Collection[Placement] | None = None) -> list[Placement]:
        found = [p for p in self.of(stay, *states) if some is None or p in some]
        if not found or (some is not None and len(found) < len(some)):
            raise Refuse
        return found

    # Holding

    def hold(
        self,
        segments: Sequence[Segment],
        kinds: Sequence[str] = (),
        dogs: int = 0,
        avoids: Iterable[Household] = (),
        *,
        household: Household | None = None,
        stay: Stay | None = None,
        divided: Callable[[], Sequence[Sequence[int]]] = lambda: (),
    ) -> None:
        """For somebody new (`kinds`), for a household that was here before, or for a running stay.

        How two rooms are shared among them is free, within the rules: `divided` says who is in which.
        """
        household = stay.household if stay else household
        self.keep(*(unit.site for unit, _first, _until in segments))
        for segment in segments:
            self.release_run_out(*segment)
        people = household.people if household else tuple(Person(kind) for kind in kinds)
        dogs = household.dogs if household else dogs
        avoided = self.avoided(household) if household else frozenset(avoids)

        def against(segment: Segment, some: Sequence[Person]) -> set[str]:
            unit, first, until = segment
            return self.against(unit, some, dogs, avoided, first, until, household)

        if len(segments) == 2:
            if any(against(segment, people) & {GONE, SAFETY} for segment in segments):
                raise Refuse
            if not any(
                not against(one, mine) and not against(other, theirs)
                for one, other in (segments, segments[::-1])
                for mine, theirs in halves(people)
            ):
                raise Refuse
        elif any(against(segment, people) for segment in segments):
            raise Refuse
        if stay is None:
            guest = household or Household("", people, dogs, frozenset(avoids))
            stay = self.new_stay(guest, segments[0], is_new=household is None)
        if stay.state not in RUNNING or min(first for _unit, first, _until in segments) < self.tonight:
            raise Refuse
        if max(until for _unit, _first, until in segments) > stay.limit_on:
            raise Refuse
        parts: dict[Unit, Sequence[Person]] = {unit: people for unit, _first, _until in segments}
        if len(segments) == 2:
            chosen = [[people[position - 1] for position in part] for part in divided()]
            if chosen not in [list(pair) for pair in halves(people)] or any(
                against(segment, part) for segment, part in zip(segments, chosen, strict=True)
            ):
                raise AssertionError(f"divided against the rules: {chosen}")
            parts = {segment[0]: part for segment, part in zip(segments, chosen, strict=True)}
        for unit, first, until in segments:
            here = parts[unit]
            p = Placement(stay, unit, "held", first, until, frozenset(here), len(here), self.wall, span(first, until))
            p.held_until = self.wall + HOLD_LASTS
            self.placements.append(p)

    def new_stay(self, guest: Household, segment: Segment, *, is_new: bool) -> Stay:
        unit, first, _until = segment
        if is_new:
            self.households.append(guest)
        elif (earlier := self.running(guest)) is not None:
            for p in self.of(earlier):
                if self.ran_out(p):
                    p.state = "expired"
                    self.give_back(p)
            if earlier.state == "in_house" or self.of(earlier, *KEEPS):
                raise Refuse
            earlier.state = "cancelled"
        terms = unit.site.terms
        stay = Stay("", guest, terms, first, self.limit(terms, first, guest))
        self.stays.append(stay)
        return stay

    def last_hold(self, stay: Stay) -> list[Placement]:
        """What was held together last; run out, if nothing came since."""
        waiting = self.of(stay, "held", "expired")
        if stay.state not in RUNNING or not waiting:
            return []
        held = [p for p in waiting if p.state == "held"]
        last = max(p.made for p in held or waiting)
        if not held and any(p.made > last for p in self.of(stay)):
            return []
        return [p for p in waiting if p.made == last]

    def _held(self, stay: Stay) -> list[Placement]:
        self.keep(*self.sites_of(stay))
        held = self.last_hold(stay)
        if not held or any(p.state == "expired" for p in held):
            raise Refuse
        return held

    def renew(self, stay: Stay) -> None:
        held = self._held(stay)
        if any(p.is_renewed for p in held):
            raise Refuse
        for p in held:
            p.held_until, p.is_renewed = self.wall + HOLD_LASTS, True

    def set_out(self, stay: Stay) -> None:
        for p in self._held(stay):
            p.is_coming = True

    def release(self, stay: Stay) -> None:
        self.keep(*self.sites_of(stay))
        held = self.last_hold(stay)
        if not held:
            raise Refuse
        for p in held:
            if p.state == "held":
                self.give_up(p)
        self._cancel_if_empty(stay)

    def confirm(self, stay: Stay, *, accepts: bool) -> None:
        self.keep(*self.sites_of(stay))
        held, household = self.last_hold(stay), stay.household
        if not held:
            raise Refuse
        avoided = self.avoided(household)
        apart = [p for p in held if any(o is not p and span_meets(o, p) for o in held)]
        for p in held:
            if p.leave_on <= self.tonight:
                raise Refuse
            if p.state == "expired":
                if p.leave_on > stay.limit_on:
                    raise Refuse
                first = max(p.arrive_on, self.tonight)
                self.release_run_out(p.unit, first, p.leave_on)
                if GONE in self.against(
                    p.unit, household.people, household.dogs, avoided, first, p.leave_on, household
                ):
                    raise Refuse
                if stay.state == "open" and stay.arrive_on == p.arrive_on:
                    stay.arrive_on = first
                p.arrive_on, p.nights = first, span(first, p.leave_on)
            people = p.people if p in apart and p.people else household.people
            dogs = 0 if p in apart else household.dogs
            found = self.against(p.unit, people, dogs, avoided, p.arrive_on, p.leave_on, household, is_theirs=True)
            if found - ({COMFORT} if accepts else set()):
                raise Refuse
            p.state, p.held_until = "booked", None
        has_dog_room = len(apart) < 2 or any(p.unit.takes_pets for p in apart)
        if household.dogs and not has_dog_room and not accepts:
            raise Refuse

    def cancel(self, stay: Stay, some: Collection[Placement] | None = None) -> None:
        self.keep(*self.sites_of(stay))
        given_up = self.chosen(stay, ["held", *EXPECTED], some)
        if some is None and stay.state != "open":
            raise Refuse
        for p in given_up:
            self.give_up(p)
        self._cancel_if_empty(stay)

    def give_up(self, p: Placement) -> None:
        p.state = "cancelled"
        self.give_back(p)

    def _cancel_if_empty(self, stay: Stay) -> bool:
        if stay.state != "open" or self.of(stay, *KEEPS):
            return False
        stay.state = "cancelled"
        return True

    # Jobs

    def expire_holds(self) -> None:
        """A day after its hold ran out a stay of which nothing else is left is given up."""
        for stay in self.stays:
            gone = [p for p in self.of(stay, "held") if self.ran_out(p)]
            long_ago = self.wall - DAY
            is_old = {p: p.held_until is not None and p.held_until <= long_ago for p in self.of(stay, "expired")}
            if not gone and not (stay.state == "open" and any(is_old.values())):
                continue
            for p in gone:
                p.state = "expired"
                self.give_back(p)
                is_old[p] = p.held_until is not None and p.held_until <= long_ago
            if all(is_old.values()):
                self._cancel_if_empty(stay)

    def watch_limits(self) -> None:
        """Every threshold crossed by now, once for stay and limit."""
        for stay in self.stays:
            if stay.state == "in_house":
                self._flag(stay)

    def _flag(self, stay: Stay) -> None:
        self.flags |= {(stay, stay.limit_on, n) for n in THRESHOLDS if self.days_left(stay) <= n}

    def bring_in(self, unit: Unit, check_in: date, steps: int) -> None:
        """A stay that was running before: whoever is there, is there. The same line again changes nothing."""
        self.keep(unit.site)
        arrived = min(datetime.combine(check_in, NOON), self.wall)
        known = (p.stay for p in self.placements if p.unit is unit and p.stay.is_imported)
        if any(stay.checked_in == arrived for stay in known):
            return
        begins, people = self.night_of(arrived), (Person("woman"),)
        household = Household("", people)
        stay = Stay("", household, unit.site.terms, begins, unit.site.terms.limit(check_in, steps), granted=steps)
        stay.state, stay.checked_in, stay.is_imported = "in_house", arrived, True
        leave_on = max(stay.limit_on, begins + DAY)
        until = max(leave_on, self.tonight + DAY)
        nights = span(max(begins, self.start), until)
        self.release_run_out(unit, max(begins, self.start), until)
        if self.is_taken(unit, nights) or (unit.until and unit.until < until):
            raise Refuse
        p = Placement(stay, unit, "in_house", begins, leave_on, frozenset(people), 1, self.wall, nights)
        p.arrived, p.occupied_from = arrived, begins
        self.households.append(household)
        self.stays.append(stay)
        self.placements.append(p)
        self._flag(stay)

    # The house itself

    def close(self, unit: Unit, first: date, until: date | None) -> None:
        until = until or max(first, self.tonight) + OPEN_ENDED
        self.keep(unit.site)
        self.release_run_out(unit, first, date.max)
        if self.is_taken(unit, span(first, until)):
            raise Refuse
        self.closures.append(Closure(unit, first, until, span(first, until)))

    def reopen(self, closure: Closure, until: date) -> None:
        if until > closure.until:
            raise Refuse
        closure.until = max(until, closure.first)
        closure.nights = frozenset(night for night in closure.nights if night < closure.until)

    def given_up_from(self, unit: Unit, until: date | None) -> None:
        if until is not None and (unit.until is None or until < unit.until):
            self.keep(unit.site)
            self.release_run_out(unit, self.tonight, date.max)
            if any(p.unit is unit and any(night >= until for night in p.nights) for p in self.placements):
                raise Refuse
        unit.until = until


def span_meets(one: Placement, other: Placement) -> bool:
    return one.arrive_on < other.leave_on and other.arrive_on < one.leave_on


def halves(people: Sequence[Person]) -> Iterable[tuple[list[Person], list[Person]]]:
    """Every way to divide them in two, with a woman in each."""
    for chosen in range(1, 2 ** len(people) - 1):
        mine = [person for n, person in enumerate(people) if chosen >> n & 1]
        theirs = [person for person in people if person not in mine]
        if all(any(person.kind == "woman" for person in half) for half in (mine, theirs)):
            yield mine, theirs
