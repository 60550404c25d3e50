"""The rules: what can happen to stays and to the house, in any order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from hypothesis import strategies as st

from shelter import clock
from shelter.domain.intake import PersonTold, PetTold
from shelter.domain.matching import AgeBand, Party, PetSize, Sex, Species
from shelter.domain.nights import Nights
from shelter.extensions import db
from shelter.queries import find
from shelter.services import (
    households,
    intake,
    limits,
    overstays,
    placements,
)
from shelter.services.placements import Segment
from tests.campaigns.life_house import KEEPS, NOON, Household, Person, Stay, span
from tests.campaigns.life_machine import DAY, SOME, Differs, Doing, happens

KINDS = {
    "woman": (Sex.FEMALE, AgeBand.ADULT),
    "child": (Sex.FEMALE, AgeBand.CHILD),
    "boy": (Sex.MALE, AgeBand.OLDER_BOY),
    "infant": (Sex.OTHER, AgeBand.INFANT),
}
DOG = (Species.DOG, PetSize.SMALL)
Told = tuple[tuple[str, ...], int]  # people and dogs
PARTIES: tuple[Told, ...] = (
    (("woman",), 0),
    (("woman", "child"), 0),
    (("woman", "boy"), 0),
    (("woman",), 1),
    (("woman", "infant"), 0),
)
CHANGES = ("child", "boy", "infant", "fewer", "fewer", "dog", "no dog")
FOUR = ("woman", "woman", "child", "child")  # two rooms
PARTY, UNIT = st.sampled_from(PARTIES), st.integers(0, 4)
ROOM = st.integers(0, 9)  # one of the five, or from 5 on: rather one that is free
HOURS_AGO = st.sampled_from([0, 0, 0, 3, 5, 14, 20, 30, 50, 80])


def there_are(*states: str, of: tuple[str, ...] = ()):  # type: ignore[no-untyped-def]
    return lambda self: bool(self.those(*states, of=of))


class Holding(Doing):
    """Time and the jobs, and what happens from the search to the confirmation."""

    # Time and the jobs

    @happens(minutes=st.sampled_from([5, 45, 90, 240, 600, 1440, 4320]))
    def time_passes(self, minutes: int) -> None:
        self.later(self.house.wall + timedelta(minutes=minutes))

    @happens(at=st.sampled_from([time(0), time(2, 10), time(8), NOON]), seconds=st.sampled_from([-1, 0]))
    def the_day_turns(self, at: time, seconds: int) -> None:
        """Midnight, the small hours, the cut-over, noon: just before, or at the very moment."""
        wall = datetime.combine(self.house.today, at) + timedelta(seconds=seconds)
        self.later(wall if wall > self.house.wall else wall + DAY)

    @happens(there_are("held"), number=SOME, seconds=st.sampled_from([-2, -1, 0]))
    def a_hold_is_nearly_over(self, number: int, seconds: int) -> None:
        until = self.some(number, "held").held_until
        assert until is not None
        self.later(until + timedelta(seconds=seconds))

    @happens(there_are("in_house"), number=SOME, days=st.integers(-2, 1))
    def a_limit_draws_near(self, number: int, days: int) -> None:
        limit = self.some(number, "in_house").stay.limit_on
        self.later(datetime.combine(limit + timedelta(days=days), self.house.wall.time()))

    @happens(there_are("in_house"), number=SOME, days=st.integers(0, 3))
    def a_day_of_leaving_goes_by(self, number: int, days: int) -> None:
        leave_on = self.some(number, "in_house").leave_on
        self.later(datetime.combine(leave_on + timedelta(days=days), self.house.wall.time()))

    def later(self, wall: datetime) -> None:
        """The act after it takes a second."""
        self.to(max(self.house.wall, wall - timedelta(seconds=1)))
        self.ground.done[self.doing] += 1

    @happens(there_are("held", "expired"))
    def holds_run_out(self) -> None:
        self.act(self.house.expire_holds, lambda _: placements.expire_holds(), has_key=False, is_one=False)

    @happens(there_are("in_house"))
    def rooms_are_kept(self) -> None:
        sites = self.house.sites
        self.act(lambda: self.house.keep(*sites), lambda _: overstays.roll_overstays(), has_key=False, is_one=False)
        self.collisions_are_told()

    def collisions_are_told(self) -> None:
        """Whoever holds a room somebody should have left, or must not meet them: a task for each, a week ahead."""
        house, due = self.house, set()
        for p in house.placements:
            is_over = p.leave_on < house.today or (p.leave_on == house.today and house.wall.time() >= NOON)
            if house.is_late(p) and (p.leave_on < house.tonight or is_over):
                ahead = span(p.leave_on, house.tonight + timedelta(days=8))
                others = [o for o in house.placements if o.stay is not p.stay and o.state in KEEPS]
                for o in others:
                    if o.unit is p.unit and o.nights & ahead:
                        due.add(("collision", str(p.row), str(o.row)))
                    is_there = house.is_there(o, p.unit.site, house.tonight, max(ahead) + DAY)
                    if is_there and o.stay.household in house.avoided(p.stay.household):
                        due.add(("meeting", str(p.row), str(o.row)))
                closed = (c for c in house.closures if c.unit is p.unit and c.nights & ahead)
                due |= {("collision", str(p.row), "closure") for c in closed}
        told = self.ground.watch.rows("SELECT dedupe_key FROM task WHERE kind = 'collision' AND done_at IS NULL")
        if missing := due - {tuple(key.split(":")[:3]) for (key,) in told}:
            raise Differs(f"collisions nobody is told of: {missing}")
        self.ground.also["collisions told"] += len(due)

    @happens(there_are("in_house"))
    def limits_are_watched(self) -> None:
        def real(_: object) -> None:
            limits.flag_stays_nearing_limit(clock.today())

        self.act(self.house.watch_limits, real, has_key=False)
        self.ground.watch.compare_flags(self.house)

    # From the search to the confirmation

    @happens(party=PARTY, after=st.integers(0, 6), length=st.integers(1, 22), number=SOME, near=st.none() | SOME)
    def what_is_found_can_be_held(
        self, party: Told, after: int, length: int, number: int, near: int | None
    ) -> None:
        """Offered is what fits, and nothing else; some keep away from somebody who is there."""
        known = self.house.households
        avoids = [known[near % len(known)]] if near is not None and known else []
        first = self.house.tonight + timedelta(days=after)
        until, asked = first + timedelta(days=length), self.party(*party, avoids)
        offers = find.search(find.Criteria(arrive_on=first, leave_on=until, party=asked)).offers
        db.session.rollback()
        found = {self.ground.units.index(offer.unit.unit_id): offer.leave_on for offer in offers}
        right = self.fitting(party, avoids, first, until)
        if found != right:
            raise Differs(f"found {found}, and right is {right}")
        unit = number % len(self.house.units)
        self.hold([(unit, first, found.get(unit, until))], *party, avoids)

    def fitting(
        self, party: Told, avoids: Iterable[Household], first: date, until: date
    ) -> dict[int, date]:
        kinds, dogs = party
        people, right = [Person(kind) for kind in kinds], {}
        for unit in self.house.units:
            leave_on = min(until, unit.site.terms.limit(first))
            if not self.house.against(unit, people, dogs, avoids, first, leave_on):
                right[unit.number] = leave_on
        return right

    def party(self, kinds: Iterable[str], dogs: int, avoids: Iterable[Household] = ()) -> Party:
        ids = self.ground.watch.household_ids
        return Party(
            people=tuple(KINDS[kind] for kind in kinds),
            pets=(DOG,) * dogs,
            must_not_meet=frozenset(ids[household] for household in avoids),
        )

    def hold(
        self,
        rooms: list[tuple[int, date, date]],
        kinds: tuple[str, ...] = (),
        dogs: int = 0,
        avoids: Iterable[Household] = (),
        *,
        household: Household | None = None,
        stay: Stay | None = None,
    ) -> Stay | None:
        """The stay it belongs to, unless it is refused."""
        chosen = [(self.house.units[unit], first, until) for unit, first, until in rooms]
        segments = [Segment(self.ground.units[unit], Nights(first, until)) for unit, first, until in rooms]
        party = self.party(kinds, dogs, avoids) if kinds else None
        household_id = self.ground.watch.household_ids[household] if household else None
        stay_id = self.id_of(stay) if stay else None
        is_done = self.act(
            lambda: self.house.hold(
                chosen, kinds, dogs, avoids, household=household, stay=stay, divided=self.ground.watch.divided
            ),
            lambda once: placements.hold_units(
                segments=segments, party=party, household=household_id, stay=stay_id, by=self.ground.by, once=once
            ),
        )
        return self.house.placements[-1].stay if is_done else None

    @happens(after=st.integers(0, 6), length=st.integers(1, 20))
    def two_rooms_are_held(self, after: int, length: int) -> None:
        first = self.house.tonight + timedelta(days=after)
        until = first + timedelta(days=length)
        self.hold([(0, first, until), (1, first, until)], FOUR)

    @happens(room=ROOM, party=PARTY, after=st.integers(0, 8), length=st.integers(1, 20))
    def a_household_is_booked(self, room: int, party: Told, after: int, length: int) -> None:
        self.book(room, party, after, length)

    def book(self, room: int, party: Told, after: int, length: int) -> Stay | None:
        stay = self.hold([self.segment(room, after, length)], *party)
        return stay if stay and self.confirm(stay) else None

    @happens(there_are("in_house"), number=SOME, party=PARTY, gap=st.integers(0, 3), length=st.integers(1, 9))
    def a_room_is_booked_for_the_next(self, number: int, party: Told, gap: int, length: int) -> None:
        """From the day on which somebody is to leave it, or soon after."""
        p = self.some(number, "in_house")
        after = max(0, (p.leave_on - self.house.tonight).days) + gap
        self.book(p.unit.number, party, after, length)

    def segment(self, room: int, after: int, length: int) -> tuple[int, date, date]:
        first = self.house.tonight + timedelta(days=after)
        until = first + timedelta(days=length)
        return self.unit(room, first, until), first, until

    def unit(self, room: int, first: date, until: date) -> int:
        """Its number; from 5 on the next one that is free."""
        if room < 5:
            return room
        units = [*self.house.units[room - 5 :], *self.house.units]
        return next((u.number for u in units if not self.house.is_taken(u, span(first, until))), room - 5)

    @happens(
        lambda self: bool(self.house.households), room=ROOM, number=SOME, after=st.integers(0, 6),
        length=st.integers(1, 18),
    )  # fmt: skip
    def they_come_back(self, room: int, number: int, after: int, length: int) -> None:
        """A household that was here before, or one in four times has a running stay and is refused."""
        known = self.house.households
        gone = [household for household in known if not self.house.running(household)]
        asking = gone if gone and number % 4 else known
        self.hold([self.segment(room, after, length)], household=asking[number % len(asking)])

    @happens(there_are("held"), number=SOME)
    def a_hold_is_renewed(self, number: int) -> None:
        stay = self.some(number, "held").stay
        self.act(
            lambda: self.house.renew(stay),
            lambda once: placements.renew_hold(stay_id=self.id_of(stay), by=self.ground.by, once=once),
        )

    @happens(there_are("held"), number=SOME)
    def they_are_on_the_way(self, number: int) -> None:
        stay = self.some(number, "held").stay
        self.act(
            lambda: self.house.set_out(stay),
            lambda once: placements.mark_on_the_way(stay_id=self.id_of(stay), by=self.ground.by, once=once),
        )

    @happens(there_are("held"), number=SOME)
    def a_hold_is_released(self, number: int) -> None:
        stay = self.some(number, "held").stay
        self.act(
            lambda: self.house.release(stay),
            lambda once: placements.release_hold(stay_id=self.id_of(stay), by=self.ground.by, once=once),
        )

    @happens(there_are("held", "expired"), number=SOME, accepts=st.booleans())
    def a_hold_is_confirmed(self, number: int, accepts: bool) -> None:
        self.confirm(self.some(number, "held", "expired").stay, accepts=accepts)

    def confirm(self, stay: Stay, *, accepts: bool = False) -> bool:
        expected = clock.now() + timedelta(minutes=90)
        return self.act(
            lambda: self.house.confirm(stay, accepts=accepts),
            lambda once: placements.confirm_stay(
                stay_id=self.id_of(stay), expected_at=expected, accepts_misfit=accepts, by=self.ground.by, once=once
            ),
        )

    @happens(there_are(*KEEPS), number=SOME, after=st.integers(0, 4), length=st.integers(1, 6), room=ROOM)
    def a_further_room_is_held(self, number: int, after: int, length: int, room: int) -> None:
        self.hold([self.segment(room, after, length)], stay=self.some(number, *KEEPS).stay)

    @happens(there_are(*KEEPS, "expired"), number=SOME, change=st.sampled_from(CHANGES))
    def heads_change_at_intake(self, number: int, change: str) -> None:
        household = self.some(number, *KEEPS, "expired").stay.household
        household_id = self.ground.watch.household_ids[household]
        told = households.open_record(household_id=household_id, page="test", by=self.ground.by).intake
        match change:
            case "fewer":
                told = replace(told, people=told.people[:-1])
            case "dog" | "no dog":
                told = replace(told, pets=(PetTold(species=DOG[0], size=DOG[1]),) * (change == "dog"))
            case kind:
                told = replace(told, people=(*told.people, PersonTold(sex=KINDS[kind][0], age_band=KINDS[kind][1])))
        self.act(
            lambda: self.house.heads_change(household, change),
            lambda once: intake.save_intake(household_id=household_id, intake=told, by=self.ground.by, once=once),
        )
