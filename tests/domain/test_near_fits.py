from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelter.domain.matching import AgeBand, Audience, Party, PetsAllowed, Reason, RoomMate, Sharing, UnitFacts, judge
from shelter.domain.near_fits import Blocked, Bridge, Pair, bridges, fits_if_boarded, pairs_that_fit
from shelter.domain.nights import Nights
from tests.domain.parties import (
    BABY,
    BIG_DOG,
    BOY,
    GIRL,
    HOUSEHOLDS,
    LITTLE_DOG,
    MAN,
    MATES,
    OLDER_BOY,
    PARTIES,
    SITES,
    WOMAN,
    bed,
    mate,
    party,
    unit,
    units,
)

FIRST = date(2026, 9, 10)
WEEK = Nights(FIRST, FIRST + timedelta(days=7))


def ids(pairs: list[Pair]) -> list[tuple[int, int]]:
    return [(pair.first.unit_id, pair.second.unit_id) for pair in pairs]


def test_two_units_of_a_site_take_a_family_too_large_for_one() -> None:
    who = party(WOMAN, WOMAN, GIRL, BOY)
    pairs = pairs_that_fit([unit(unit_id=1, capacity=2), unit(unit_id=2, capacity=2)], who)
    assert ids(pairs) == [(1, 2)]
    assert sorted(pairs[0].in_first.people + pairs[0].in_second.people) == sorted(who.people)
    assert pairs[0].wasted == 0


def test_units_of_two_sites_are_no_pair() -> None:
    who = party(WOMAN, WOMAN, GIRL, BOY)
    assert pairs_that_fit([unit(unit_id=1, capacity=2), unit(unit_id=2, capacity=2, site_id=SITES[1])], who) == []


def test_no_minor_sleeps_without_an_adult() -> None:
    one_adult = party(WOMAN, GIRL, BOY, OLDER_BOY)
    assert pairs_that_fit([unit(unit_id=1, capacity=2), unit(unit_id=2, capacity=2)], one_adult) == []
    two = party(WOMAN, MAN, GIRL)
    pair = pairs_that_fit([unit(unit_id=1, capacity=2), unit(unit_id=2, capacity=1)], two)[0]
    assert len(pair.in_first.people) == 2
    assert pair.in_second.people in ((WOMAN,), (MAN,))


def test_a_child_may_have_the_bed_next_to_its_mother() -> None:
    beds = [bed(Sharing.WOMEN, unit_id=n) for n in (1, 2)]
    assert ids(pairs_that_fit(beds, party(WOMAN, GIRL))) == [(1, 2)]
    elsewhere = [beds[0], bed(Sharing.WOMEN, unit_id=2, room_id=8)]
    assert pairs_that_fit(elsewhere, party(WOMAN, GIRL)) == []
    assert pairs_that_fit(beds, party(WOMAN, OLDER_BOY)) == []


def test_those_in_the_room_have_their_say_about_a_pair() -> None:
    beds = [bed(Sharing.WOMEN, unit_id=n) for n in (1, 2)]
    assert pairs_that_fit(beds, party(WOMAN, GIRL), {7: [mate(WOMAN)]})
    assert not pairs_that_fit(beds, party(WOMAN, GIRL), {7: [mate(WOMAN, OLDER_BOY)]})
    foe = party(WOMAN, GIRL, must_not_meet=frozenset({HOUSEHOLDS[0]}))
    assert not pairs_that_fit(beds, foe, {7: [mate(WOMAN)]})
    assert not pairs_that_fit(beds, foe, at_site={SITES[0]: {HOUSEHOLDS[0]}})


def test_the_cot_goes_with_the_infant() -> None:
    who = party(WOMAN, WOMAN, BABY, GIRL, needs_cot=True)
    pair = pairs_that_fit([unit(unit_id=1, capacity=2), unit(unit_id=2, capacity=1, has_cot=True)], who)[0]
    assert any(age is AgeBand.INFANT for _, age in pair.in_second.people)


def test_fewest_wasted_places_first_and_only_as_many_as_asked_for() -> None:
    who = party(WOMAN, WOMAN, GIRL, BOY)
    chosen = [unit(unit_id=n, capacity=c) for n, c in ((1, 3), (2, 3), (3, 2), (4, 2))]
    assert ids(pairs_that_fit(chosen, who))[0] == (3, 4)
    assert len(pairs_that_fit(chosen, who, limit=2)) == 2


def brute_force(chosen: list[UnitFacts], who: Party, mates: dict[int, list[RoomMate]]) -> set[frozenset[int]]:
    """Everybody and every pet put left or right, one by one."""
    found = set()
    alone = [u for u in chosen if not judge(u, who, mates.get(u.room_id, ())).fits]
    for a, b in combinations(alone, 2):
        if a.site_id != b.site_id:
            continue
        for sides in product((0, 1), repeat=len(who.people) + len(who.pets)):
            heads, animals = sides[: len(who.people)], sides[len(who.people) :]
            people = [tuple(p for p, s in zip(who.people, heads, strict=True) if s == n) for n in (0, 1)]
            pets = [tuple(p for p, s in zip(who.pets, animals, strict=True) if s == n) for n in (0, 1)]
            if not all(people):
                continue
            has_adult = [any(age is AgeBand.ADULT for _, age in some) for some in people]
            if not (all(has_adult) or (any(has_adult) and a.room_id == b.room_id)):
                continue
            has_infant = [any(age is AgeBand.INFANT for _, age in some) for some in people]
            cots = [who.needs_cot and (has_infant[n] or not any(has_infant)) for n in (0, 1)]
            parts = [replace(who, people=people[n], pets=pets[n], needs_cot=cots[n]) for n in (0, 1)]
            if all(judge(u, part, mates.get(u.room_id, ())).fits for u, part in zip((a, b), parts, strict=True)):
                found.add(frozenset({a.unit_id, b.unit_id}))
                break
    return found


ROOMY = units().map(
    lambda u: replace(
        u,
        site_id=SITES[u.unit_id % 7 == 0],
        capacity=2 + u.capacity % 2,
        is_step_free=True,
        has_cot=u.unit_id % 2 == 0,
        audience=Audience.ANY if u.unit_id % 3 else u.audience,
        pets=u.pets if u.unit_id % 4 == 0 else PetsAllowed.ANY,
        max_pets=u.max_pets or 1,
    )
)
MODEST = PARTIES.map(
    lambda p: replace(
        p,
        people=(WOMAN, *p.people[:3], GIRL),
        pets=p.pets[:2],
        needs_cot=p.needs_cot and len(p.people) % 2 == 0,
        excluded_sites=frozenset(),
        excluded_districts=frozenset(),
        allergies=p.allergies if len(p.people) % 2 else frozenset(),
        is_family=True,
    )
)
SEVERAL = st.lists(ROOMY, min_size=3, max_size=6, unique_by=lambda u: u.unit_id)


def test_the_search_for_pairs_is_not_in_vain() -> None:
    """Enough of what is tried below has a pair at all."""
    hits = []

    @given(SEVERAL, MODEST)
    def try_it(chosen: list[UnitFacts], who: Party) -> None:
        hits.append(bool(brute_force(chosen, who, {})))

    try_it()
    assert sum(hits) > len(hits) / 10


@given(SEVERAL, MODEST, st.dictionaries(st.integers(1, 3), st.lists(MATES, max_size=1), max_size=2))
def test_pairs_are_those_that_trying_everything_finds(
    chosen: list[UnitFacts], who: Party, mates: dict[int, list[RoomMate]]
) -> None:
    pairs = pairs_that_fit(chosen, who, mates, limit=100)
    assert {frozenset(pair) for pair in ids(pairs)} == brute_force(chosen, who, mates)
    for pair in pairs:
        assert judge(pair.first, pair.in_first, mates.get(pair.first.room_id, ())).fits
        assert judge(pair.second, pair.in_second, mates.get(pair.second.room_id, ())).fits
        assert sorted(pair.in_first.people + pair.in_second.people) == sorted(who.people)
        assert sorted(pair.in_first.pets + pair.in_second.pets) == sorted(who.pets)


def blocked(first: int, last: int) -> Blocked:
    return Blocked(FIRST + timedelta(days=first), FIRST + timedelta(days=last))


def taken(number: int, **said: Any) -> UnitFacts:
    return unit(unit_id=number, blocked=Reason.TAKEN, **said)


def test_a_transfer_bridges_a_gap() -> None:
    chosen = [taken(1), taken(2)]
    found = bridges(chosen, party(WOMAN), WEEK, {1: blocked(4, 6), 2: blocked(0, 2)})
    assert found == [Bridge(chosen[0], chosen[1], FIRST + timedelta(days=4))]


def test_what_leaves_a_night_uncovered_is_no_bridge() -> None:
    chosen = [taken(1), taken(2)]
    assert bridges(chosen, party(WOMAN), WEEK, {1: blocked(3, 6), 2: blocked(0, 3)}) == []
    assert len(bridges(chosen, party(WOMAN), WEEK, {1: blocked(4, 6), 2: blocked(0, 3)})) == 1


def test_a_bridge_keeps_every_other_rule() -> None:
    who = party(WOMAN, GIRL, pets=(BIG_DOG,))
    nights = {1: blocked(4, 6), 2: blocked(0, 2)}
    assert bridges([taken(1), taken(2)], who, WEEK, nights) == []
    friendly = [taken(n, pets=PetsAllowed.ANY) for n in (1, 2)]
    assert len(bridges(friendly, who, WEEK, nights)) == 1
    assert bridges([friendly[0], replace(friendly[1], is_site_paused=True)], who, WEEK, nights) == []
    withheld = replace(who, excluded_sites=frozenset({SITES[0]}))
    assert bridges(friendly, withheld, WEEK, nights) == []


def test_a_unit_somebody_has_not_left_bridges_nothing() -> None:
    chosen = [taken(1), unit(unit_id=2, blocked=Reason.OVERDUE)]
    assert bridges(chosen, party(WOMAN), WEEK, {1: blocked(4, 6), 2: blocked(0, 0)}) == []


def test_a_move_within_the_site_comes_first_then_the_latest() -> None:
    chosen = [taken(1), taken(2), taken(3, site_id=SITES[1]), taken(4)]
    found = bridges(
        chosen, party(WOMAN), WEEK, {1: blocked(3, 6), 2: blocked(0, 1), 3: blocked(0, 0), 4: blocked(5, 6)}
    )
    assert [(b.first.unit_id, b.then.unit_id) for b in found] == [(4, 2), (1, 2), (4, 3)]


@given(
    SEVERAL.map(lambda chosen: [replace(u, capacity=6) for u in chosen]),
    MODEST,
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)).map(sorted), min_size=6, max_size=6),
)
def test_bridges_are_those_that_trying_everything_finds(
    chosen: list[UnitFacts], who: Party, spans: list[list[int]]
) -> None:
    when = {u.unit_id: blocked(*span) for u, span in zip(chosen, spans, strict=False)}
    expected = {
        (a.unit_id, b.unit_id)
        for a, b in product(chosen, chosen)
        if a is not b
        and judge(a, who).fits
        and judge(b, who).fits
        and when[a.unit_id].first > FIRST
        and when[b.unit_id].last < WEEK.last
        and when[b.unit_id].last < when[a.unit_id].first
    }
    found = bridges([replace(u, blocked=Reason.TAKEN) for u in chosen], who, WEEK, when, limit=100)
    assert {(b.first.unit_id, b.then.unit_id) for b in found} == expected
    for bridge in found:
        one, other = when[bridge.first.unit_id], when[bridge.then.unit_id]
        assert FIRST < bridge.move_on <= one.first
        assert other.last < bridge.move_on < WEEK.leave_on


@pytest.mark.parametrize(
    ("facts", "who", "fits"),
    [
        ({}, party(WOMAN, pets=(LITTLE_DOG,)), True),
        ({"pets": PetsAllowed.SMALL}, party(WOMAN, pets=(BIG_DOG,)), True),
        ({"pets": PetsAllowed.ANY}, party(WOMAN, pets=(BIG_DOG,)), False),
        ({}, party(WOMAN), False),
        ({"capacity": 1}, party(WOMAN, GIRL, pets=(LITTLE_DOG,)), False),
        ({"blocked": Reason.TAKEN}, party(WOMAN, pets=(LITTLE_DOG,)), False),
    ],
)
def test_a_place_without_the_pet_is_one_that_nothing_else_hinders(
    facts: dict[str, Any], who: Party, fits: bool
) -> None:
    assert fits_if_boarded(unit(**facts), who) is fits


@given(units(), PARTIES, st.lists(MATES, max_size=2))
def test_boarding_the_pets_is_proposed_only_where_it_helps(facts: UnitFacts, who: Party, mates: list[RoomMate]) -> None:
    helps = not judge(facts, who, mates).fits and judge(facts, replace(who, pets=()), mates).fits
    assert fits_if_boarded(facts, who, mates) is helps
