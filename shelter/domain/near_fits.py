"""When next to nothing fits: two units together, a transfer that bridges a gap, a place without the pet.

All of them keep every other rule: what is proposed here has been judged like any fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from heapq import nsmallest
from itertools import combinations, product
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from shelter.domain.matching import (
    NOBODY,
    SAFETY_REASONS,
    AgeBand,
    Animal,
    Party,
    Reason,
    RoomMate,
    Someone,
    UnitFacts,
    Verdict,
    has_adult,
    judge,
    rank_key,
)
from shelter.domain.nights import DAY, Nights

ENOUGH = 3  # with so many fits nobody is shown near ones
LARGEST_PARTY = 12  # divided over two units; more are divided by a person
BECAUSE_OF_PETS = frozenset({Reason.PETS_NOT_ALLOWED, Reason.PET_TOO_LARGE, Reason.TOO_MANY_PETS, Reason.ALLERGY})
# Of whatever part of the party: dividing it helps nothing.
BEYOND_DIVIDING = SAFETY_REASONS | {
    Reason.NOT_IN_SERVICE,
    Reason.CLOSED,
    Reason.TAKEN,
    Reason.OVERDUE,
    Reason.SITE_PAUSED,
    Reason.NOT_STEP_FREE,
    Reason.ROOM_OF_ANOTHER_HOUSEHOLD,
}
_CHOSEN_PER_SITE = 8
_CHOSEN_IN_ALL = 24

RoomMates = Mapping[int, Sequence[RoomMate]]  # by room_id
AtSite = Mapping[UUID, Collection[UUID]]  # household ids by site_id
NO_ROOMMATES: RoomMates = {}
NO_ONE_AT_SITE: AtSite = {}

T = TypeVar("T")


class Pair(NamedTuple):
    """Two units of one site; who and which pets go where."""

    first: UnitFacts
    second: UnitFacts
    in_first: Party
    in_second: Party
    wasted: int


class Bridge(NamedTuple):
    """`first` until `move_on`, then `then`."""

    first: UnitFacts
    then: UnitFacts
    move_on: date


@dataclass(frozen=True, slots=True)
class Blocked:
    """First and last night, of those asked for, on which a unit is not to be had."""

    first: date
    last: date


def fits_if_boarded(
    unit: UnitFacts, party: Party, roommates: Sequence[RoomMate] = (), *, at_site: Collection[UUID] = NOBODY
) -> bool:
    """Would it fit if the pets were boarded elsewhere, and only then?"""
    reasons = judge(unit, party, roommates, at_site=at_site).reasons
    if not reasons or not BECAUSE_OF_PETS.issuperset(reasons):
        return False
    return judge(unit, replace(party, pets=()), roommates, at_site=at_site).fits


def pairs_that_fit(
    units: Iterable[UnitFacts],
    party: Party,
    roommates: RoomMates = NO_ROOMMATES,
    *,
    at_site: AtSite = NO_ONE_AT_SITE,
    limit: int = ENOUGH,
) -> list[Pair]:
    """Two units of one site that together take a party neither takes alone, best first.

    No minor sleeps without an adult of the family in the unit, or in the next bed of the same room. Both units
    meet every need but the cot, which goes with the infants.
    """
    if not 2 <= len(party.people) <= LARGEST_PARTY or not has_adult(party.people):
        return []
    splits = _splits(party)
    by_site: dict[UUID, list[tuple[UnitFacts, int]]] = {}
    known: dict[tuple[Any, ...], int] = {}
    for unit in units:
        mates = roommates.get(unit.room_id, ())
        reasons = judge(unit, party, mates, at_site=at_site.get(unit.site_id, NOBODY)).reasons
        if not reasons or not BEYOND_DIVIDING.isdisjoint(reasons):
            continue
        if mates:
            fitting = _fitting(unit, splits, mates)
        elif (alike := _alike(unit)) in known:
            fitting = known[alike]
        else:
            fitting = known[alike] = _fitting(unit, splits)
        if fitting:
            by_site.setdefault(unit.site_id, []).append((unit, fitting))
    return nsmallest(limit, _pairs(by_site, splits), key=_pair_key)


class _Split(NamedTuple):
    one: Party
    other: Party
    is_guarded: bool


def _splits(party: Party) -> list[_Split]:
    """All ways to divide people and pets in two, none empty, both ways round; like people are interchangeable.

    The list mirrored is the list with the sides exchanged.
    """
    portions = [some for some in _portions(party.people) if 0 < len(some) < len(party.people)]
    pets = list(_portions(party.pets))
    sides = [_part(party, some, animals) for some in portions for animals in pets]
    return [
        _Split(one, other, has_adult(one.people) and has_adult(other.people))
        for one, other in zip(sides, reversed(sides), strict=True)
    ]


def _portions(things: tuple[T, ...]) -> Iterator[tuple[T, ...]]:
    counted = Counter(things)
    for taken in product(*(range(n + 1) for n in counted.values())):
        yield tuple(thing for thing, n in zip(counted, taken, strict=True) for _ in range(n))


def _part(party: Party, people: tuple[Someone, ...], pets: tuple[Animal, ...]) -> Party:
    all_infants = any(age is AgeBand.INFANT for _, age in party.people)
    infants = any(age is AgeBand.INFANT for _, age in people)
    return replace(party, people=people, pets=pets, needs_cot=party.needs_cot and (infants or not all_infants))


def _alike(unit: UnitFacts) -> tuple[Any, ...]:
    """Units without roommates that agree in this are judged once, whatever their site."""
    return (
        unit.capacity,
        unit.pets,
        unit.max_pets,
        unit.has_cot,
        unit.audience,
        unit.accepts_older_boys,
        unit.sharing,
    )


def _fitting(unit: UnitFacts, splits: list[_Split], mates: Sequence[RoomMate] = ()) -> int:
    """Which splits' first side fits, as bits. What safety forbids has been looked at before."""
    return sum(1 << n for n, split in enumerate(splits) if judge(unit, split.one, mates).fits)


def _pairs(by_site: Mapping[UUID, list[tuple[UnitFacts, int]]], splits: list[_Split]) -> Iterator[Pair]:
    guarded = sum(1 << n for n, split in enumerate(splits) if split.is_guarded)
    width = len(splits)
    for chosen in by_site.values():
        mirrored = [_mirrored(fitting, width) for _, fitting in chosen]
        for ((a, fitting), _), ((b, _), other_side) in combinations(zip(chosen, mirrored, strict=True), 2):
            common = fitting & other_side
            if a.room_id != b.room_id:
                common &= guarded
            if common:
                split = splits[(common & -common).bit_length() - 1]
                wasted = a.capacity + b.capacity - split.one.places - split.other.places
                yield Pair(a, b, split.one, split.other, wasted)


def _mirrored(bits: int, width: int) -> int:
    return int(f"{bits:0{width}b}"[::-1], 2)


def _pair_key(pair: Pair) -> tuple[bool, int, bool, int, int]:
    apart = pair.first.room_id != pair.second.room_id
    return (pair.first.is_overflow, pair.wasted, apart, pair.first.unit_id, pair.second.unit_id)


def bridges(
    units: Iterable[UnitFacts],
    party: Party,
    nights: Nights,
    blocked: Mapping[int, Blocked],
    roommates: RoomMates = NO_ROOMMATES,
    *,
    at_site: AtSite = NO_ONE_AT_SITE,
    limit: int = ENOUGH,
) -> list[Bridge]:
    """A unit free for the first nights, then another for the rest; within a site before between sites, the
    later move before the earlier. Only units in `blocked` count: the others are to be had for all nights.
    """
    starts: list[tuple[Verdict, Blocked]] = []
    ends: list[tuple[Verdict, Blocked]] = []
    for unit in units:
        when = blocked.get(unit.unit_id)
        if when is None or (when.first <= nights.arrive_on and when.last >= nights.last):
            continue
        verdict = judge(unit, party, roommates.get(unit.room_id, ()), at_site=at_site.get(unit.site_id, NOBODY))
        if unit.blocked is Reason.OVERDUE or verdict.reasons not in ((), (unit.blocked,)):
            continue
        if when.first > nights.arrive_on:
            starts.append((verdict, when))
        if when.last < nights.last:
            ends.append((verdict, when))
    starts.sort(key=lambda s: (-s[1].first.toordinal(), rank_key(s[0], party)))
    ends.sort(key=lambda e: (e[1].last, rank_key(e[0], party)))
    found: dict[tuple[int, int], tuple[tuple[Any, ...], Bridge]] = {}
    for (one, until), (other, after) in _promising(starts, ends):
        move_on = until.first
        if one.unit.unit_id == other.unit.unit_id or after.last + DAY > move_on:
            continue
        key = (
            one.unit.site_id != other.unit.site_id,
            -move_on.toordinal(),
            one.wasted + other.wasted,
            one.unit.unit_id,
            other.unit.unit_id,
        )
        found[one.unit.unit_id, other.unit.unit_id] = (key, Bridge(one.unit, other.unit, move_on))
    return [bridge for _, bridge in nsmallest(limit, found.values(), key=lambda pair: pair[0])]


_Part = tuple[Verdict, Blocked]


def _promising(starts: list[_Part], ends: list[_Part]) -> Iterator[tuple[_Part, _Part]]:
    """The longest first parts with the longest second parts, of each site and of all."""
    here, there = _best_of_sites(starts), _best_of_sites(ends)
    for site in sorted(here.keys() & there.keys()):
        yield from product(here[site], there[site])
    yield from product(starts[:_CHOSEN_IN_ALL], ends[:_CHOSEN_IN_ALL])


def _best_of_sites(parts: list[_Part]) -> dict[UUID, list[_Part]]:
    found: dict[UUID, list[_Part]] = {}
    for part in parts:
        chosen = found.setdefault(part[0].unit.site_id, [])
        if len(chosen) < _CHOSEN_PER_SITE:
            chosen.append(part)
    return found
