"""Which units fit a household, best first, and why the others do not.

The rules are asked once for all free units that are alike, so that two thousand units cost a few milliseconds.
Nothing is remembered from one search to the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from heapq import nsmallest
from typing import Any, NamedTuple
from uuid import UUID

from shelter import clock
from shelter.domain.errors import NotFound
from shelter.domain.matching import (
    NOBODY,
    SAFETY_REASONS,
    Audience,
    Merit,
    Party,
    PetsAllowed,
    RankKey,
    Reason,
    RoomMate,
    Sharing,
    UnitFacts,
    Verdict,
    judge,
    rank_key,
)
from shelter.domain.nights import Nights
from shelter.domain.sites import unit_name
from shelter.queries import roommates, vacancies
from shelter.queries.vacancies import Criteria, Place

PAGE = 20


class Offer(NamedTuple):
    """A unit that fits. `leave_on` is at most the limit of its site."""

    unit: UnitFacts
    floor: str | None
    leave_on: date
    is_limit: bool
    wasted: int
    merits: tuple[Merit, ...]


class Fit(NamedTuple):
    """A fitting unit before anybody needs its name; they sort best first."""

    rank: RankKey
    verdict: Verdict  # of a unit like it
    place: Place


@dataclass(frozen=True)
class Found:
    """One page of offers, best first. `counts`: why the rest does not fit, in the order of `Reason`."""

    criteria: Criteria
    offers: list[Offer]
    total: int
    counts: dict[Reason, int]
    number: int = 1
    size: int = PAGE
    rounds: list[Round] = field(default_factory=list, repr=False)  # for `queries/near_fits.py`


def search(criteria: Criteria, *, page: int = 1, now: datetime | None = None) -> Found:
    """All sites, for the nights and the party asked for."""
    now = now or clock.now()
    places = vacancies.places(criteria)
    late = vacancies.overdue(criteria.arrive_on, now=now)
    rounds = [Round(criteria, nights, places, sites, late, now) for nights, sites in windows(criteria, places)]
    fits = [fit for each in rounds for fit in each.fits()]
    counts = sum((each.counts for each in rounds), Counter[Reason]())
    first = (page - 1) * PAGE
    chosen = nsmallest(first + PAGE, fits)[first:]
    return Found(criteria, offers(chosen), len(fits), in_order(counts), page, rounds=rounds)


def windows(criteria: Criteria, places: Mapping[Any, Place]) -> Iterator[tuple[Nights, list[UUID] | None]]:
    """The nights to ask for, with the sites they hold for (None: all). As a rule there is one such pair."""
    by_day: dict[date, list[UUID]] = {}
    for place in places.values():
        by_day.setdefault(place.leave_on, []).append(place.id)
    for leave_on, sites in by_day.items():
        yield Nights(criteria.arrive_on, leave_on), None if len(by_day) == 1 else sites


def in_order(counts: Mapping[Reason, int]) -> dict[Reason, int]:
    return {reason: counts[reason] for reason in Reason if counts.get(reason)}


def offers(fits: Iterable[Fit]) -> list[Offer]:
    """With their names, which takes one statement."""
    fits = list(fits)
    labels = vacancies.labels([fit.rank[-1] for fit in fits])
    found = []
    for fit in fits:
        unit, floor = named(replace(fit.verdict.unit, unit_id=fit.rank[-1]), fit.place, labels)
        is_limit = fit.place.leave_on == fit.place.limit_on
        found.append(Offer(unit, floor, fit.place.leave_on, is_limit, fit.verdict.wasted, fit.verdict.merits))
    return found


def named(unit: UnitFacts, place: Place, labels: Mapping[int, Any]) -> tuple[UnitFacts, str | None]:
    """The unit as people call it, and its floor. The district stays where it was opened."""
    row = labels[unit.unit_id]
    named = replace(
        unit,
        site_id=place.id,
        site_name=place.name,
        room_id=row.room_id,
        room_label=row.room,
        unit_label=unit_name(row.room, row.label),
        district=None,
    )
    return named, row.floor


class Round:
    """One window of nights and the sites it holds for: what is free, and what the rules say of it.

    The rules are asked once for all units alike: of one profile, at one sort of site, with the same people in
    the room.
    """

    def __init__(
        self,
        criteria: Criteria,
        nights: Nights,
        places: Mapping[Any, Place],
        sites: Collection[UUID] | None,
        late: Mapping[int, Any],
        now: datetime,
    ) -> None:
        self.criteria, self.nights, self.places, self.late, self.now = criteria, nights, places, late, now
        self.sites = None if sites is None else frozenset(sites)
        self.party = criteria.party
        self._tonight = clock.shelter_day(now)
        self._known: dict[tuple[Any, ...], tuple[Verdict, tuple[Any, ...]]] = {}
        self.at_site = roommates.at_sites(self.party.must_not_meet, nights, now=now, tonight=self._tonight)
        # Two sites are of one sort when no rule can tell them apart.
        self._sorts = {
            key: (
                place.is_paused,
                place.is_overflow,
                place.id in self.party.excluded_sites,
                place.district in self.party.excluded_districts,
                bool(self.at_site.get(place.id)),
            )
            for key, place in places.items()
        }
        self.counts: Counter[Reason] = Counter()

    def fits(self) -> list[Fit]:
        """The free units that fit; afterwards `counts` says why the others do not."""
        self.free = [
            row for row in vacancies.free(self.nights, now=self.now, sites=self.sites) if row[0] not in self.late
        ]
        judged = [self.judge(row) for row in self.free]
        self.mates = self.look_into(
            row[1]
            for row, (verdict, _) in zip(self.free, judged, strict=True)
            if row[3] and SAFETY_REASONS.issuperset(verdict.reasons)
        )
        self.counts = self._blocked()
        fits = []
        for row, (verdict, rank) in zip(self.free, judged, strict=True):
            if row[1] in self.mates:
                verdict, rank = self.judge(row, self.mates[row[1]])
            if verdict.reasons:
                self.counts[verdict.reasons[0]] += 1
            else:
                fits.append(Fit((*rank, row[0]), verdict, self.places[row[2]]))
        return fits

    def judge(self, row: Sequence[Any], mates: Sequence[RoomMate] = ()) -> tuple[Verdict, tuple[Any, ...]]:
        """The verdict on a unit like this one, and its rank but for the unit's id."""
        key = (self._sorts[row[2]], row[1] if mates else None, row[4:12])
        known = self._known.get(key)
        if known is None:
            place = self.places[row[2]]
            verdict = judge(facts(row, place), self.party, mates, at_site=self.at_site.get(place.id, NOBODY))
            known = self._known[key] = (verdict, rank_key(verdict, self.party)[:-1])
        return known

    def look_into(self, rooms: Iterable[int]) -> dict[int, tuple[RoomMate, ...]]:
        """Who else is in these rooms on the nights."""
        return roommates.in_rooms(set(rooms), self.nights, self.party, now=self.now, tonight=self._tonight)

    def _blocked(self) -> Counter[Reason]:
        """How many units the nights are not to be had in, and why."""
        totals = vacancies.totals(self.nights, now=self.now, sites=self.sites)
        overdue = sum(1 for key in self.late.values() if self.sites is None or self.places[key].id in self.sites)
        return Counter(
            {
                Reason.NOT_IN_SERVICE: totals.units - totals.in_service,
                Reason.CLOSED: totals.closed,
                Reason.OVERDUE: overdue,
                Reason.TAKEN: max(0, totals.in_service - totals.closed - overdue - len(self.free)),
            }
        )


def facts(row: Sequence[Any], place: Place, blocked: Reason | None = None) -> UnitFacts:
    """A row of `vacancies.free` or `every` as the rules know it."""
    return UnitFacts(
        unit_id=row[0],
        room_id=row[1],
        site_id=place.id,
        capacity=row[4],
        pets=PetsAllowed(row[5]),
        max_pets=row[6],
        is_step_free=bool(row[7]),
        has_cot=bool(row[8]),
        audience=Audience(row[9]),
        accepts_older_boys=bool(row[10]),
        sharing=Sharing(row[11]),
        is_site_paused=place.is_paused,
        is_overflow=place.is_overflow,
        district=place.district,
        site_name=place.name,
        blocked=blocked,
    )


class Look(NamedTuple):
    """One unit from near: what it is like, who else would be in its room and, of those to be avoided, at its site."""

    unit: UnitFacts
    mates: tuple[RoomMate, ...]
    at_site: frozenset[UUID]

    def verdict(self, party: Party) -> Verdict:
        return judge(self.unit, party, self.mates, at_site=self.at_site)


def look(unit_id: int, nights: Nights, party: Party, *, now: datetime, is_theirs: bool = False) -> Look:
    """As it is at this moment, for use cases that hold the lock of its site. NotFound for a unit that is gone.

    `is_theirs`: the nights are this party's already, and only the rules will be asked.
    """
    row, tonight = vacancies.one(unit_id, nights, now=now), clock.shelter_day(now)
    if row is None:
        raise NotFound()
    criteria = Criteria(arrive_on=nights.arrive_on, leave_on=nights.leave_on, party=party)
    place = next(iter(vacancies.places(criteria, site_of=unit_id).values()))
    mates: tuple[RoomMate, ...] = ()
    if row.is_shared:
        mates = roommates.in_rooms([row.room_id], nights, party, now=now, tonight=tonight).get(row.room_id, ())
    at_site = roommates.at_sites(party.must_not_meet, nights, now=now, tonight=tonight).get(place.id, NOBODY)
    if is_theirs:
        return Look(facts(row, place._replace(is_paused=False)), mates, at_site)
    late = vacancies.overdue(nights.arrive_on, now=now)
    return Look(facts(row, place, _blocked(row, late)), mates, at_site)


def _blocked(row: Any, late: Collection[int]) -> Reason | None:
    """Why the nights of a row of `vacancies.every` are not to be had."""
    if not row.is_in_service:
        return Reason.NOT_IN_SERVICE
    if row.is_closed:
        return Reason.CLOSED
    if row[0] in late:
        return Reason.OVERDUE
    return None if row.first is None else Reason.TAKEN


@dataclass(frozen=True)
class KeptOut:
    """A page of the units one reason keeps out."""

    units: list[UnitFacts]
    total: int
    number: int = 1
    size: int = PAGE


def kept_out(criteria: Criteria, reason: Reason, *, page: int = 1, now: datetime | None = None) -> KeptOut:
    """Those that are counted under the reason, by site and label."""
    now = now or clock.now()
    places = vacancies.places(criteria)
    late = vacancies.overdue(criteria.arrive_on, now=now)
    found: list[tuple[Any, Place]] = []
    for nights, sites in windows(criteria, places):
        each = Round(criteria, nights, places, sites, late, now)
        each.fits()
        for row in vacancies.every(nights, now=now, sites=sites):
            mates = each.mates.get(row[1], ())
            if (_blocked(row, late) or each.judge(row, mates)[0].main_reason) is reason:
                found.append((row, places[row[2]]))
    found.sort(key=lambda pair: (pair[1].name, pair[0][1], pair[0][0]))
    chosen = found[(page - 1) * PAGE : page * PAGE]
    labels = vacancies.labels([row[0] for row, _ in chosen])
    return KeptOut([named(facts(row, place), place, labels)[0] for row, place in chosen], len(found), page)
