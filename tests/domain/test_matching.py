from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelter.domain.matching import (
    Audience,
    Merit,
    Party,
    PartyEmpty,
    PetsAllowed,
    Reason,
    RoomMate,
    Sharing,
    Species,
    UnitFacts,
    UnitKind,
    best_first,
    judge,
    kind_of,
    places_of,
    rank_key,
)
from tests.domain.parties import (
    BABY,
    BIG_DOG,
    BOY,
    CAT,
    GIRL,
    HOUSEHOLDS,
    LITTLE_DOG,
    MAN,
    MATES,
    OLDER_BOY,
    PARTIES,
    SITES,
    SOMEONE,
    WOMAN,
    bed,
    mate,
    party,
    unit,
    units,
)

R = Reason
SHE = party(WOMAN)
FAMILY = party(WOMAN, GIRL, BOY)


@pytest.mark.parametrize(
    ("facts", "who", "reasons"),
    [
        ({}, FAMILY, ()),
        ({"capacity": 3}, FAMILY, ()),
        ({"capacity": 2}, FAMILY, (R.TOO_SMALL,)),
        ({"capacity": 1}, party(WOMAN, BABY), ()),
        ({"capacity": 1}, party(WOMAN, BABY, BABY), (R.TOO_SMALL,)),
        ({"is_site_paused": True}, SHE, (R.SITE_PAUSED,)),
        ({"blocked": R.TAKEN}, SHE, (R.TAKEN,)),
        ({"blocked": R.CLOSED, "capacity": 1}, FAMILY, (R.CLOSED, R.TOO_SMALL)),
        ({"audience": Audience.WOMEN}, party(WOMAN, MAN), (R.AUDIENCE,)),
        ({"audience": Audience.WOMEN}, party(WOMAN, OLDER_BOY), ()),
        ({"audience": Audience.WOMEN, "accepts_older_boys": False}, party(WOMAN, OLDER_BOY), (R.OLDER_BOY,)),
        ({"audience": Audience.WOMEN, "accepts_older_boys": False}, party(WOMAN, BOY), ()),
        ({"audience": Audience.WOMEN}, party(SOMEONE), ()),
        ({"audience": Audience.MEN}, party(MAN), ()),
        ({"audience": Audience.MEN}, party(MAN, GIRL), ()),
        ({"audience": Audience.MEN}, SHE, (R.AUDIENCE,)),
        ({"audience": Audience.FAMILY}, SHE, (R.AUDIENCE,)),
        ({"audience": Audience.FAMILY}, party(MAN, GIRL), ()),
        ({}, party(WOMAN, needs_step_free=True), (R.NOT_STEP_FREE,)),
        ({"is_step_free": True}, party(WOMAN, needs_step_free=True), ()),
        ({}, party(WOMAN, BABY, needs_cot=True), (R.NO_COT,)),
        ({"has_cot": True}, party(WOMAN, BABY, needs_cot=True), ()),
        ({}, party(WOMAN, pets=(LITTLE_DOG,)), (R.PETS_NOT_ALLOWED,)),
        ({"pets": PetsAllowed.SMALL}, party(WOMAN, pets=(LITTLE_DOG,)), ()),
        ({"pets": PetsAllowed.SMALL}, party(WOMAN, pets=(BIG_DOG,)), (R.PET_TOO_LARGE,)),
        ({"pets": PetsAllowed.ANY}, party(WOMAN, pets=(BIG_DOG,)), ()),
        ({"pets": PetsAllowed.ANY}, party(WOMAN, pets=(BIG_DOG, CAT)), (R.TOO_MANY_PETS,)),
        ({"pets": PetsAllowed.SMALL}, party(WOMAN, pets=(BIG_DOG, CAT)), (R.PET_TOO_LARGE, R.TOO_MANY_PETS)),
        ({"pets": PetsAllowed.ANY, "max_pets": 2}, party(WOMAN, pets=(BIG_DOG, CAT)), ()),
        ({}, party(WOMAN, excluded_districts=frozenset({"11680"})), (R.WITHHELD_FOR_SAFETY,)),
        ({"district": None}, party(WOMAN, excluded_districts=frozenset({"11680"})), ()),
        ({}, party(WOMAN, excluded_sites=frozenset({SITES[0]})), (R.WITHHELD_FOR_SAFETY,)),
        ({}, party(WOMAN, excluded_sites=frozenset({SITES[1]})), ()),
    ],
)
def test_a_unit_is_judged(facts: dict[str, Any], who: Party, reasons: tuple[Reason, ...]) -> None:
    verdict = judge(unit(**facts), who)
    assert verdict.reasons == reasons
    assert verdict.fits is not bool(reasons)
    assert bool(verdict.merits) is verdict.fits


@pytest.mark.parametrize(
    ("sharing", "who", "mates", "reasons"),
    [
        (Sharing.WOMEN, SHE, [], ()),
        (Sharing.WOMEN, SHE, [mate(WOMAN)], ()),
        (Sharing.WOMEN, party(MAN), [], (R.SHARING_WOMEN,)),
        (Sharing.WOMEN, SHE, [mate(MAN)], (R.SHARING_WOMEN,)),
        (Sharing.WOMEN, party(OLDER_BOY), [], (R.SHARING_WOMEN,)),
        (Sharing.WOMEN, SHE, [mate(WOMAN, OLDER_BOY)], (R.SHARING_WOMEN,)),
        (Sharing.WOMEN, party(WOMAN, BABY), [mate(WOMAN, GIRL)], ()),
        (Sharing.MEN, party(MAN), [mate(MAN)], ()),
        (Sharing.MEN, SHE, [], (R.SHARING_MEN,)),
        (Sharing.MEN, party(MAN), [mate(WOMAN)], (R.SHARING_MEN,)),
        (Sharing.MEN, party(MAN, BABY), [], (R.SHARED_ROOM_CHILDREN,)),
        (Sharing.ANY, SHE, [mate(MAN)], ()),
        (Sharing.ANY, party(WOMAN, BABY), [], (R.SHARED_ROOM_CHILDREN,)),
        (Sharing.ANY, SHE, [mate(MAN, BOY)], (R.SHARED_ROOM_CHILDREN,)),
        (Sharing.HOUSEHOLD, SHE, [mate(WOMAN)], (R.ROOM_OF_ANOTHER_HOUSEHOLD,)),
        (
            Sharing.WOMEN,
            party(WOMAN, allergies=frozenset({Species.DOG})),
            [mate(WOMAN, pets=(LITTLE_DOG,))],
            (R.ALLERGY,),
        ),
        (Sharing.WOMEN, party(WOMAN, allergies=frozenset({Species.CAT})), [mate(WOMAN, pets=(LITTLE_DOG,))], ()),
        (Sharing.WOMEN, party(WOMAN, pets=(CAT,)), [mate(WOMAN, allergies=frozenset({Species.CAT}))], (R.ALLERGY,)),
        (Sharing.WOMEN, party(WOMAN, pets=(CAT,)), [mate(WOMAN, allergies=frozenset({Species.DOG}))], ()),
        (Sharing.WOMEN, party(WOMAN, must_not_meet=frozenset({HOUSEHOLDS[0]})), [mate(WOMAN)], (R.MUST_NOT_MEET,)),
        (Sharing.WOMEN, party(WOMAN, must_not_meet=frozenset({HOUSEHOLDS[1]})), [mate(WOMAN)], ()),
        (
            Sharing.WOMEN,
            party(WOMAN, household_id=HOUSEHOLDS[2]),
            [mate(WOMAN, must_not_meet=frozenset({HOUSEHOLDS[2]}))],
            (R.MUST_NOT_MEET,),
        ),
    ],
)
def test_a_shared_room_is_judged_as_a_whole(
    sharing: Sharing, who: Party, mates: list[RoomMate], reasons: tuple[Reason, ...]
) -> None:
    assert judge(bed(sharing, pets=PetsAllowed.ANY), who, mates).reasons == reasons


def test_households_that_must_not_meet_share_no_site() -> None:
    who = party(WOMAN, must_not_meet=frozenset({HOUSEHOLDS[0]}))
    assert judge(unit(), who, at_site={HOUSEHOLDS[0]}).reasons == (R.MUST_NOT_MEET,)
    assert judge(unit(), who, at_site={HOUSEHOLDS[1]}).fits


def test_a_household_without_an_id_is_nobody_s_enemy() -> None:
    assert judge(bed(Sharing.WOMEN), SHE, [mate(WOMAN, must_not_meet=frozenset({HOUSEHOLDS[2]}))]).fits


def test_somebody_must_be_placed() -> None:
    with pytest.raises(PartyEmpty):
        party()


@pytest.mark.parametrize(
    ("people", "places"),
    [
        ((WOMAN,), 1),
        ((WOMAN, BABY), 1),
        ((WOMAN, BABY, BABY), 2),
        ((WOMAN, WOMAN, BABY, BABY), 2),
        ((WOMAN, GIRL, OLDER_BOY, BABY), 3),
        ((BABY,), 1),
    ],
)
def test_one_infant_for_each_adult_takes_no_place(people: tuple[Any, ...], places: int) -> None:
    assert places_of(people) == places


def test_the_kind_of_a_unit_follows_from_sharing_and_capacity() -> None:
    assert kind_of(Sharing.HOUSEHOLD, 1) is UnitKind.SINGLE
    assert kind_of(Sharing.HOUSEHOLD, 2) is UnitKind.FAMILY
    assert kind_of(Sharing.WOMEN, 1) is UnitKind.SHARED
    assert kind_of(Sharing.ANY, 2) is UnitKind.SHARED
    assert unit(capacity=1).kind is UnitKind.SINGLE


def test_a_fitting_unit_says_why() -> None:
    home = unit(capacity=2, pets=PetsAllowed.ANY, is_step_free=True, has_cot=True)
    who = party(WOMAN, GIRL, BABY, pets=(CAT,), needs_cot=True)
    assert judge(home, who).merits == (
        Merit.EXACT,
        Merit.OWN_ROOM,
        Merit.PETS_WELCOME,
        Merit.STEP_FREE_SPENT,
        Merit.COT,
    )
    assert Merit.SPARE in judge(unit(capacity=3), SHE).merits
    assert Merit.PET_PLACE_SPENT in judge(home, SHE).merits
    assert Merit.ALONE_IN_ROOM in judge(bed(Sharing.WOMEN), SHE).merits
    assert Merit.SHARED_ROOM in judge(bed(Sharing.WOMEN), SHE, [mate(WOMAN)]).merits


def test_the_site_is_asked_where_a_rule_by_sex_cannot_be_decided() -> None:
    assert Merit.ASK_SITE in judge(unit(audience=Audience.WOMEN), party(SOMEONE)).merits
    assert Merit.ASK_SITE in judge(bed(Sharing.MEN), party(SOMEONE)).merits
    assert Merit.ASK_SITE not in judge(unit(), party(SOMEONE)).merits


@pytest.mark.parametrize(
    ("better", "worse", "who"),
    [
        ({"capacity": 1}, {"capacity": 2}, SHE),
        ({"capacity": 3}, {"capacity": 4}, FAMILY),
        ({"capacity": 1, "pets": PetsAllowed.ANY}, {"capacity": 2}, SHE),  # wasted places come first
        ({}, {"pets": PetsAllowed.SMALL}, FAMILY),
        ({}, {"is_step_free": True}, FAMILY),
        ({"is_step_free": True}, {"is_step_free": True, "pets": PetsAllowed.ANY}, FAMILY),
        ({}, {"has_cot": True}, FAMILY),
        ({"capacity": 1}, {"capacity": 1, "sharing": Sharing.WOMEN}, SHE),
        ({"capacity": 4}, {"capacity": 3, "is_overflow": True}, FAMILY),
    ],
)
def test_the_better_unit_comes_first(better: dict[str, Any], worse: dict[str, Any], who: Party) -> None:
    first, second = unit(unit_id=9, **better), unit(unit_id=1, **worse)
    ranked = best_first([judge(second, who), judge(first, who)], who)
    assert [verdict.unit.unit_id for verdict in ranked] == [9, 1]


def test_pet_friendly_units_go_to_whoever_needs_them() -> None:
    who = party(WOMAN, pets=(LITTLE_DOG,))
    ranked = best_first(
        [judge(unit(unit_id=n, pets=p), who) for n, p in ((1, PetsAllowed.NONE), (2, PetsAllowed.ANY))], who
    )
    assert [verdict.unit.unit_id for verdict in ranked] == [2]


def test_the_first_reason_counts_the_unit_and_safety_withholds_only_what_would_fit() -> None:
    who = party(WOMAN, GIRL, excluded_sites=frozenset({SITES[0]}))
    assert judge(unit(capacity=1), who).main_reason is R.TOO_SMALL
    assert judge(unit(), who).main_reason is R.WITHHELD_FOR_SAFETY
    assert judge(unit(site_id=SITES[1]), who).main_reason is None


@given(units(), PARTIES, st.lists(MATES, max_size=2), st.frozensets(st.sampled_from(HOUSEHOLDS)))
def test_reasons_come_in_their_order_and_once(
    facts: UnitFacts, who: Party, mates: list[RoomMate], present: frozenset[UUID]
) -> None:
    reasons = judge(facts, who, mates, at_site=present).reasons
    order = list(Reason)
    assert list(reasons) == sorted(set(reasons), key=order.index)


NEEDS: list[dict[str, Any]] = [
    {"needs_step_free": True},
    {"needs_cot": True},
    {"pets": (LITTLE_DOG,)},
    {"allergies": frozenset(Species)},
    {"excluded_districts": frozenset({"11680"})},
    {"excluded_sites": frozenset({SITES[0]})},
    {"must_not_meet": frozenset(HOUSEHOLDS)},
]


@given(units(), PARTIES, st.lists(MATES, max_size=2), st.sampled_from(NEEDS))
def test_one_more_need_never_makes_a_unit_fit(
    facts: UnitFacts, who: Party, mates: list[RoomMate], need: dict[str, Any]
) -> None:
    (name, value), *_ = need.items()
    before = getattr(who, name)
    more: Any = True if value is True else (before + value if isinstance(value, tuple) else before | value)
    after = judge(facts, replace(who, **dict[str, Any]({name: more})), mates).reasons
    assert set(judge(facts, who, mates).reasons) <= set(after)


@given(units(), PARTIES, st.lists(MATES, min_size=1, max_size=3))
def test_emptier_rooms_fit_whatever_fuller_ones_fit(facts: UnitFacts, who: Party, mates: list[RoomMate]) -> None:
    assert set(judge(facts, who, mates[1:]).reasons) <= set(judge(facts, who, mates).reasons)


@given(units(), PARTIES)
def test_a_better_unit_fits_whoever_fitted_before(facts: UnitFacts, who: Party) -> None:
    better = replace(
        facts,
        capacity=facts.capacity + 1,
        pets=PetsAllowed.ANY,
        max_pets=10,
        is_step_free=True,
        has_cot=True,
        audience=Audience.ANY,
        accepts_older_boys=True,
        sharing=Sharing.HOUSEHOLD,
    )
    assert set(judge(better, who).reasons) <= set(judge(facts, who).reasons)


@given(PARTIES, MATES)
def test_who_may_join_whom_does_not_depend_on_who_came_first(who: Party, other: RoomMate) -> None:
    """The newcomer and the one in the room exchanged: the shared rules say the same."""
    room = bed(Sharing.WOMEN, capacity=20, pets=PetsAllowed.ANY, max_pets=9, is_step_free=True, has_cot=True)
    shared = {R.SHARING_WOMEN, R.SHARED_ROOM_CHILDREN, R.ALLERGY, R.MUST_NOT_MEET}
    there = RoomMate(
        household_id=UUID(int=200),
        people=who.people,
        pets=who.pets,
        allergies=who.allergies,
        must_not_meet=who.must_not_meet,
    )
    comes = Party(
        people=other.people,
        pets=other.pets,
        allergies=other.allergies,
        must_not_meet=other.must_not_meet,
        household_id=other.household_id,
    )
    one, two = judge(room, who, [other]).reasons, judge(room, comes, [there]).reasons
    assert shared & set(one) == shared & set(two)


@given(st.lists(units(), max_size=8, unique_by=lambda u: u.unit_id), PARTIES, st.randoms(use_true_random=False))
def test_the_ranking_does_not_depend_on_the_order_of_asking(facts: list[UnitFacts], who: Party, random: Any) -> None:
    verdicts = [judge(u, who) for u in facts]
    ranked = best_first(verdicts, who)
    random.shuffle(verdicts)
    assert best_first(verdicts, who) == ranked
    keys = [rank_key(verdict, who) for verdict in ranked]
    assert keys == sorted(keys)
