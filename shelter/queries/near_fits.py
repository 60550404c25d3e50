"""When fewer than three units fit: two together, a transfer that bridges, a later date, a place without the pet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select

from shelter.domain.matching import Reason, UnitFacts
from shelter.domain.near_fits import BECAUSE_OF_PETS, ENOUGH, Blocked, Bridge, Pair, bridges, pairs_that_fit
from shelter.domain.nights import DAY, Nights
from shelter.domain.stays import KEEPS_NIGHTS, PlacementState
from shelter.extensions import db
from shelter.models.sites import Closure
from shelter.models.stays import Placement
from shelter.queries import find, vacancies
from shelter.queries.find import Found, Offer, Round, facts, named
from shelter.queries.vacancies import Place

FARTHEST = timedelta(days=120)  # a later date than that helps nobody tonight
TRIES = 4
# Said the other way round, so that SQLite goes by the units and not through everything that is still to come.
GIVES_NIGHTS_UP = frozenset(PlacementState) - KEEPS_NIGHTS


class Half(NamedTuple):
    """One of two units: which nights, and how many people and pets."""

    unit: UnitFacts
    floor: str | None
    nights: Nights
    people: int
    pets: int


class Two(NamedTuple):
    """Two units together, or one after the other."""

    first: Half
    second: Half

    @property
    def leave_on(self) -> date:
        return max(self.first.nights.leave_on, self.second.nights.leave_on)


class Later(NamedTuple):
    """The first night from which something fits, and what."""

    arrive_on: date
    offer: Offer


@dataclass(frozen=True)
class Near:
    pairs: list[Two]
    bridges: list[Two]
    later: Later | None
    boarded: list[Offer]  # would fit if the pets were boarded elsewhere

    def __bool__(self) -> bool:
        return bool(self.pairs or self.bridges or self.later or self.boarded)


def near(found: Found) -> Near | None:
    """What comes near, for a search that found fewer than three; None for one that found enough."""
    if found.total >= ENOUGH:
        return None
    surveys = [Survey(each) for each in found.rounds]
    return Near(
        pairs=[two for survey in surveys for two in survey.pairs()][:ENOUGH],
        bridges=[two for survey in surveys for two in survey.bridges()][:ENOUGH],
        later=_later(found, surveys) if not found.total else None,
        boarded=_boarded(found),
    )


class Survey:
    """All units of one round that are large enough, those that are not free too."""

    def __init__(self, round_: Round) -> None:
        self.round = round_
        self.party, self.nights = round_.party, round_.nights
        self.rows = vacancies.every(round_.nights, now=round_.now, sites=round_.sites, places=round_.party.places)

    def pairs(self) -> list[Two]:
        """Of the units that are free; rooms of several are looked into first."""
        free = self.round.free
        mates = self.round.look_into(row[1] for row in free if row[3])
        units = [facts(row, self.round.places[row[2]]) for row in free]
        found = pairs_that_fit(units, self.party, mates, at_site=self.round.at_site)
        return self._named((self._both(pair) for pair in found), [pair[:2] for pair in found])

    def bridges(self) -> list[Two]:
        """Of those that are taken for a part of the nights."""
        partly = [
            row
            for row in self.rows
            if self._is_partly_free(row) and not set(self.round.judge(row)[0].reasons) - {Reason.TAKEN}
        ]
        mates = self.round.look_into(row[1] for row in partly if row[3])
        units = [facts(row, self.round.places[row[2]], Reason.TAKEN) for row in partly]
        blocked = {row[0]: Blocked(row.first, row.last) for row in partly}
        found = bridges(units, self.party, self.nights, blocked, mates, at_site=self.round.at_site)
        return self._named((self._one_by_one(bridge) for bridge in found), [bridge[:2] for bridge in found])

    def would_fit(self) -> dict[int, Place]:
        """Units the rules have nothing against, free or not."""
        return {
            row[0]: self.round.places[row[2]]
            for row in self.rows
            if row.is_in_service and row[0] not in self.round.late and self.round.judge(row)[0].fits
        }

    def _is_partly_free(self, row: Any) -> bool:
        if row.first is None or not row.is_in_service or row.is_closed or row[0] in self.round.late:
            return False
        return row.first > self.nights.arrive_on or row.last < self.nights.last

    def _both(self, pair: Pair) -> tuple[Half, Half]:
        a, b = pair.in_first, pair.in_second
        return (
            Half(pair.first, None, self.nights, len(a.people), len(a.pets)),
            Half(pair.second, None, self.nights, len(b.people), len(b.pets)),
        )

    def _one_by_one(self, bridge: Bridge) -> tuple[Half, Half]:
        people, pets = len(self.party.people), len(self.party.pets)
        until, then = Nights(self.nights.arrive_on, bridge.move_on), Nights(bridge.move_on, self.nights.leave_on)
        return Half(bridge.first, None, until, people, pets), Half(bridge.then, None, then, people, pets)

    def _named(self, halves: Iterable[tuple[Half, Half]], units: Sequence[Sequence[UnitFacts]]) -> list[Two]:
        labels = vacancies.labels({unit.unit_id for both in units for unit in both})
        places = {place.id: place for place in self.round.places.values()}

        def name(half: Half) -> Half:
            unit, floor = named(half.unit, places[half.unit.site_id], labels)
            return half._replace(unit=unit, floor=floor)

        return [Two(name(first), name(second)) for first, second in halves]


def _boarded(found: Found) -> list[Offer]:
    """Without the pets the same search would find these."""
    party = found.criteria.party
    if not party.pets or BECAUSE_OF_PETS.isdisjoint(found.counts):
        return []
    without = find.search(replace(found.criteria, party=replace(party, pets=())), now=found.rounds[0].now)
    known = {offer.unit.unit_id for offer in found.offers}
    return [offer for offer in without.offers if offer.unit.unit_id not in known][:ENOUGH]


def _later(found: Found, surveys: Sequence[Survey]) -> Later | None:
    """The first later night from which a unit is free for as long. Proposed only after a search for that night."""
    for arrive_on in _later_nights(found, surveys)[:TRIES]:
        asked = found.criteria
        leave_on = asked.leave_on and asked.leave_on + (arrive_on - asked.arrive_on)
        then = find.search(replace(asked, arrive_on=arrive_on, leave_on=leave_on), now=found.rounds[0].now)
        if then.offers:
            return Later(arrive_on, then.offers[0])
    return None


def _later_nights(found: Found, surveys: Sequence[Survey]) -> list[date]:
    arrive_on = found.criteria.arrive_on
    fitting = {unit_id: survey.nights for survey in surveys for unit_id in survey.would_fit()}
    if not fitting:
        return []
    longest = max(len(asked) for asked in fitting.values())
    runs = _runs(list(fitting), Nights(arrive_on, arrive_on + FARTHEST + longest * DAY))
    nights = {
        first
        for unit_id, asked in fitting.items()
        if (first := _first_gap(sorted(runs.get(unit_id, ())), arrive_on + DAY, len(asked)))
        and first <= arrive_on + FARTHEST
    }
    return sorted(nights)


def _runs(unit_ids: list[int], span: Nights) -> Mapping[int, list[tuple[date, date]]]:
    """By unit, the runs of nights in the span that have an owner."""
    placements = select(Placement.unit_id, Placement.arrive_on, Placement.leave_on).where(
        Placement.unit_id.in_(unit_ids),
        Placement.state.not_in(GIVES_NIGHTS_UP),
        Placement.leave_on > span.arrive_on,
        Placement.arrive_on < span.leave_on,
    )
    closures = select(Closure.unit_id, Closure.from_on, Closure.until_on).where(
        Closure.unit_id.in_(unit_ids), Closure.until_on > span.arrive_on, Closure.from_on < span.leave_on
    )
    found: dict[int, list[tuple[date, date]]] = {}
    for unit_id, first, until in _rows(placements, closures):
        found.setdefault(unit_id, []).append((first, until))
    return found


def _rows(*statements: Any) -> Iterator[tuple[int, date, date]]:
    for statement in statements:
        yield from db.session.execute(statement)


def _first_gap(runs: Iterable[tuple[date, date]], start: date, length: int) -> date | None:
    """The first night from `start` on that begins so many free ones; runs are in order."""
    for first, until in runs:
        if (first - start).days >= length:
            return start
        start = max(start, until)
    return start
