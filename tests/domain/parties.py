"""Units and parties for the tests of matching, and how hypothesis finds others."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from shelter.domain.matching import (
    AgeBand,
    Audience,
    Party,
    PetsAllowed,
    PetSize,
    RoomMate,
    Sex,
    Sharing,
    Species,
    UnitFacts,
)

WOMAN, MAN, SOMEONE = (Sex.FEMALE, AgeBand.ADULT), (Sex.MALE, AgeBand.ADULT), (Sex.OTHER, AgeBand.ADULT)
GIRL, BOY = (Sex.FEMALE, AgeBand.CHILD), (Sex.MALE, AgeBand.CHILD)
OLDER_BOY, BABY = (Sex.MALE, AgeBand.OLDER_BOY), (Sex.FEMALE, AgeBand.INFANT)
LITTLE_DOG, BIG_DOG = (Species.DOG, PetSize.SMALL), (Species.DOG, PetSize.LARGE)
CAT = (Species.CAT, PetSize.SMALL)

SITES = [UUID(int=n) for n in range(1, 4)]
HOUSEHOLDS = [UUID(int=n) for n in range(101, 106)]


def unit(**said: Any) -> UnitFacts:
    facts: dict[str, Any] = {"unit_id": 1, "site_id": SITES[0], "capacity": 4, "district": "11680", **said}
    facts.setdefault("room_id", facts["unit_id"])
    if facts.get("pets", PetsAllowed.NONE) is not PetsAllowed.NONE:
        facts.setdefault("max_pets", 1)
    return UnitFacts(**facts)


def bed(sharing: Sharing, **said: Any) -> UnitFacts:
    return unit(**{"capacity": 1, "sharing": sharing, "room_id": 7, **said})


def party(*people: Any, **said: Any) -> Party:
    return Party(people=people, **said)


def mate(*people: Any, **said: Any) -> RoomMate:
    return RoomMate(**{"household_id": HOUSEHOLDS[0], "people": people, **said})


PEOPLE = st.lists(st.tuples(st.sampled_from(Sex), st.sampled_from(AgeBand)), min_size=1, max_size=6).map(tuple)
PETS = st.lists(st.tuples(st.sampled_from(Species), st.sampled_from(PetSize)), max_size=3).map(tuple)
ALLERGIES = st.frozensets(st.sampled_from(Species), max_size=2)
IDS = st.frozensets(st.sampled_from(HOUSEHOLDS), max_size=2)


@st.composite
def units(draw: st.DrawFn, unit_id: int | None = None) -> UnitFacts:
    pets = draw(st.sampled_from(PetsAllowed))
    number = draw(st.integers(1, 99)) if unit_id is None else unit_id
    sharing = draw(st.sampled_from([Sharing.HOUSEHOLD, *Sharing]))
    return UnitFacts(
        unit_id=number,
        site_id=draw(st.sampled_from(SITES)),
        room_id=draw(st.integers(1, 3)) if sharing is not Sharing.HOUSEHOLD else number + 1_000,
        capacity=draw(st.integers(1, 6)),
        pets=pets,
        max_pets=0 if pets is PetsAllowed.NONE else draw(st.integers(1, 3)),
        is_step_free=draw(st.booleans()),
        has_cot=draw(st.booleans()),
        audience=draw(st.sampled_from(Audience)),
        accepts_older_boys=draw(st.booleans()),
        sharing=sharing,
        district=draw(st.sampled_from(["11680", "11440"])),
    )


PARTIES = st.builds(
    Party,
    people=PEOPLE,
    pets=PETS,
    needs_step_free=st.booleans(),
    needs_cot=st.booleans(),
    allergies=ALLERGIES,
    excluded_districts=st.frozensets(st.sampled_from(["11680", "11440"]), max_size=1),
    excluded_sites=st.frozensets(st.sampled_from(SITES), max_size=1),
    must_not_meet=IDS,
    household_id=st.just(UUID(int=200)),
)
MATES = st.builds(
    RoomMate,
    household_id=st.sampled_from(HOUSEHOLDS),
    people=PEOPLE,
    pets=PETS,
    allergies=ALLERGIES,
    must_not_meet=st.just(frozenset()) | st.just(frozenset({UUID(int=200)})),
)
