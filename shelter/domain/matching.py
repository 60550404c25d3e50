"""Which household may sleep in which unit, and which unit suits it best.

A shared room is judged as a whole: everybody who would be in it on any of the nights. Places are counted so: an
infant sleeps with an adult or in a cot and takes no place, one infant for each adult; every other person takes
one. A person's sex `other` is refused by no rule; the verdict says that the site should be asked first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from shelter.domain.errors import DomainError


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class AgeBand(StrEnum):
    ADULT = "adult"
    OLDER_BOY = "older_boy"  # 10 and more
    CHILD = "child"
    INFANT = "infant"


class Species(StrEnum):
    DOG = "dog"
    CAT = "cat"
    OTHER = "other"


class PetSize(StrEnum):
    SMALL = "small"
    LARGE = "large"


class PetsAllowed(StrEnum):
    NONE = "none"
    SMALL = "small"
    ANY = "any"


class Audience(StrEnum):
    WOMEN = "women"  # no men
    MEN = "men"  # no women
    FAMILY = "family"  # more than one person
    ANY = "any"


class Sharing(StrEnum):
    HOUSEHOLD = "household"
    WOMEN = "women"
    MEN = "men"
    ANY = "any"


class UnitKind(StrEnum):
    SINGLE = "single"
    FAMILY = "family"
    SHARED = "shared"  # a bed in a room shared with other households


def kind_of(sharing: Sharing, capacity: int) -> UnitKind:
    """The one definition: shared by the room's rule; else single for one person, family for more."""
    if sharing is not Sharing.HOUSEHOLD:
        return UnitKind.SHARED
    return UnitKind.SINGLE if capacity == 1 else UnitKind.FAMILY


class Reason(StrEnum):
    """Why a unit does not fit, in the order in which reasons are told: the first one counts the unit."""

    NOT_IN_SERVICE = "not_in_service"
    CLOSED = "closed"
    TAKEN = "taken"
    OVERDUE = "overdue"  # somebody is still in it past the planned day
    SITE_PAUSED = "site_paused"
    TOO_SMALL = "too_small"
    AUDIENCE = "audience"
    OLDER_BOY = "older_boy"
    NOT_STEP_FREE = "not_step_free"
    NO_COT = "no_cot"
    PETS_NOT_ALLOWED = "pets_not_allowed"
    PET_TOO_LARGE = "pet_too_large"
    TOO_MANY_PETS = "too_many_pets"
    SHARING_WOMEN = "sharing_women"
    SHARING_MEN = "sharing_men"
    SHARED_ROOM_CHILDREN = "shared_room_children"
    ROOM_OF_ANOTHER_HOUSEHOLD = "room_of_another_household"
    ALLERGY = "allergy"
    MUST_NOT_MEET = "must_not_meet"
    WITHHELD_FOR_SAFETY = "withheld_for_safety"


# Readers without the right learn how many places these withhold, not which.
SAFETY_REASONS = frozenset({Reason.MUST_NOT_MEET, Reason.WITHHELD_FOR_SAFETY})


class Merit(StrEnum):
    """Why a fitting unit fits, and what to know about it."""

    EXACT = "exact"  # no place is wasted
    SPARE = "spare"  # `wasted` places stay empty
    PETS_WELCOME = "pets_welcome"
    STEP_FREE = "step_free"
    COT = "cot"
    OLDER_BOY_WELCOME = "older_boy_welcome"
    OWN_ROOM = "own_room"
    ALONE_IN_ROOM = "alone_in_room"  # a shared room with nobody else in it so far
    SHARED_ROOM = "shared_room"
    ASK_SITE = "ask_site"  # a rule by sex cannot be decided here
    PET_PLACE_SPENT = "pet_place_spent"  # fits, but pet-friendly rooms are kept for those who need them
    STEP_FREE_SPENT = "step_free_spent"


Someone = tuple[Sex, AgeBand]
Animal = tuple[Species, PetSize]


@dataclass
class PartyEmpty(DomainError):
    """Nobody to place."""

    code: ClassVar[str] = "party_empty"
    field: ClassVar[str | None] = "people"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """A unit over the nights asked for. `blocked`: why the nights are not to be had, as the ledger says."""

    unit_id: int
    site_id: UUID
    room_id: int
    capacity: int
    pets: PetsAllowed = PetsAllowed.NONE
    max_pets: int = 0
    is_step_free: bool = False
    has_cot: bool = False
    audience: Audience = Audience.ANY
    accepts_older_boys: bool = True
    sharing: Sharing = Sharing.HOUSEHOLD
    is_site_paused: bool = False
    is_overflow: bool = False  # a hotel or other temporary place
    district: str | None = None
    blocked: Reason | None = None
    unit_label: str = ""
    room_label: str = ""
    site_name: str = ""  # its code name

    @property
    def kind(self) -> UnitKind:
        return kind_of(self.sharing, self.capacity)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomMate:
    """Another household that is in the same room on one of the nights, or will be."""

    household_id: UUID
    people: tuple[Someone, ...]
    pets: tuple[Animal, ...] = ()
    allergies: frozenset[Species] = frozenset()
    must_not_meet: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who is to be placed, and what they need. `must_not_meet`: best filled from both sides' exclusions.

    `is_family` says that more than these belong together, when only some of them are judged.
    """

    people: tuple[Someone, ...]
    pets: tuple[Animal, ...] = ()
    needs_step_free: bool = False
    needs_cot: bool = False
    allergies: frozenset[Species] = frozenset()
    excluded_districts: frozenset[str] = frozenset()
    excluded_sites: frozenset[UUID] = frozenset()
    must_not_meet: frozenset[UUID] = frozenset()
    household_id: UUID | None = None
    is_family: bool | None = None
    # Worked out once: a search asks two thousand times.
    places: int = field(init=False)
    has_man: bool = field(init=False)
    has_woman: bool = field(init=False)
    has_older_boy: bool = field(init=False)
    has_minor: bool = field(init=False)
    has_unstated: bool = field(init=False)
    has_large_pet: bool = field(init=False)
    species: frozenset[Species] = field(init=False)

    def __post_init__(self) -> None:
        if not self.people:
            raise PartyEmpty()
        worked_out: dict[str, Any] = {
            "is_family": len(self.people) > 1 if self.is_family is None else self.is_family,
            "places": places_of(self.people),
            "has_man": _has(self.people, Sex.MALE),
            "has_woman": _has(self.people, Sex.FEMALE),
            "has_older_boy": any(age is AgeBand.OLDER_BOY for _, age in self.people),
            "has_minor": has_minor(self.people),
            "has_unstated": _has(self.people, Sex.OTHER),  # no rule asks for the sex of a child
            "has_large_pet": any(size is PetSize.LARGE for _, size in self.pets),
            "species": frozenset(species for species, _ in self.pets),
        }
        for name, value in worked_out.items():
            object.__setattr__(self, name, value)


def _has(people: Iterable[Someone], sex: Sex) -> bool:
    return (sex, AgeBand.ADULT) in people


def has_minor(people: Iterable[Someone]) -> bool:
    return any(age is not AgeBand.ADULT for _, age in people)


def has_adult(people: Iterable[Someone]) -> bool:
    return any(age is AgeBand.ADULT for _, age in people)


def places_of(people: Collection[Someone]) -> int:
    """Places the people take: one infant for each adult takes none."""
    infants = sum(age is AgeBand.INFANT for _, age in people)
    adults = sum(age is AgeBand.ADULT for _, age in people)
    return len(people) - min(infants, adults)


class Verdict(NamedTuple):
    """Every reason against, in the order of `Reason`; none means it fits. `wasted` places would stay empty."""

    unit: UnitFacts
    reasons: tuple[Reason, ...]
    wasted: int
    merits: tuple[Merit, ...] = ()

    @property
    def fits(self) -> bool:
        return not self.reasons

    @property
    def main_reason(self) -> Reason | None:
        """The one reason a unit is counted under. Safety comes last: it withholds only what would fit."""
        return self.reasons[0] if self.reasons else None


NOBODY: frozenset[UUID] = frozenset()
_ANYBODY, _ONE_HOUSEHOLD = Audience.ANY, Sharing.HOUSEHOLD  # looking up a member takes as long as a rule


def judge(
    unit: UnitFacts, party: Party, roommates: Sequence[RoomMate] = (), *, at_site: Collection[UUID] = NOBODY
) -> Verdict:
    """May this party sleep in this unit? `roommates`: other households in the room on any of the nights.

    `at_site`: ids of all households at the site on those nights; whoever must not meet does not share a site.
    """
    against: list[Reason] = []
    if unit.blocked is not None:
        against.append(unit.blocked)
    if unit.is_site_paused:
        against.append(Reason.SITE_PAUSED)
    wasted = unit.capacity - party.places
    if wasted < 0:
        against.append(Reason.TOO_SMALL)
    if unit.audience is not _ANYBODY and not _is_for(unit.audience, party):
        against.append(Reason.AUDIENCE)
    if party.has_older_boy and not unit.accepts_older_boys:
        against.append(Reason.OLDER_BOY)
    if party.needs_step_free and not unit.is_step_free:
        against.append(Reason.NOT_STEP_FREE)
    if party.needs_cot and not unit.has_cot:
        against.append(Reason.NO_COT)
    if party.pets:
        against += _pets(unit, party)
    if unit.sharing is not _ONE_HOUSEHOLD or roommates:
        against += _sharing(unit.sharing, party, roommates)
    if (party.must_not_meet and not party.must_not_meet.isdisjoint(at_site)) or (
        roommates and any(_must_not_meet(party, mate) for mate in roommates)
    ):
        against.append(Reason.MUST_NOT_MEET)
    if unit.district in party.excluded_districts or unit.site_id in party.excluded_sites:
        against.append(Reason.WITHHELD_FOR_SAFETY)
    if against:
        return Verdict(unit, tuple(against), wasted)
    return Verdict(unit, (), wasted, _merits(unit, party, wasted, roommates))


def _is_for(audience: Audience, party: Party) -> bool:
    if audience is Audience.WOMEN:
        return not party.has_man
    if audience is Audience.MEN:
        return not party.has_woman
    return bool(party.is_family) or audience is Audience.ANY


def _pets(unit: UnitFacts, party: Party) -> list[Reason]:
    if unit.pets is PetsAllowed.NONE:
        return [Reason.PETS_NOT_ALLOWED]
    against = []
    if unit.pets is PetsAllowed.SMALL and party.has_large_pet:
        against.append(Reason.PET_TOO_LARGE)
    if len(party.pets) > unit.max_pets:
        against.append(Reason.TOO_MANY_PETS)
    return against


def _sharing(sharing: Sharing, party: Party, roommates: Sequence[RoomMate]) -> list[Reason]:
    """The room as a whole, with everybody who would be in it.

    Children share a room with strangers only where it is for women, boys from 10 on nowhere.
    """
    if sharing is Sharing.HOUSEHOLD:
        return [Reason.ROOM_OF_ANOTHER_HOUSEHOLD]
    against = []
    everybody = [party.people, *(mate.people for mate in roommates)]
    older_boy = any(age is AgeBand.OLDER_BOY for people in everybody for _, age in people)
    if sharing is Sharing.WOMEN and (older_boy or any(_has(people, Sex.MALE) for people in everybody)):
        against.append(Reason.SHARING_WOMEN)
    if sharing is Sharing.MEN and any(_has(people, Sex.FEMALE) for people in everybody):
        against.append(Reason.SHARING_MEN)
    if sharing is not Sharing.WOMEN and any(has_minor(people) for people in everybody):
        against.append(Reason.SHARED_ROOM_CHILDREN)
    if any(_allergic(party, mate) for mate in roommates):
        against.append(Reason.ALLERGY)
    return against


def _allergic(party: Party, mate: RoomMate) -> bool:
    if not party.species.isdisjoint(mate.allergies):
        return True
    return any(species in party.allergies for species, _ in mate.pets)


def _must_not_meet(party: Party, mate: RoomMate) -> bool:
    return mate.household_id in party.must_not_meet or party.household_id in mate.must_not_meet


def _merits(unit: UnitFacts, party: Party, wasted: int, roommates: Sequence[RoomMate]) -> tuple[Merit, ...]:
    found = [Merit.SPARE if wasted else Merit.EXACT]
    if unit.sharing is Sharing.HOUSEHOLD:
        found.append(Merit.OWN_ROOM)
    else:
        found.append(Merit.SHARED_ROOM if roommates else Merit.ALONE_IN_ROOM)
    if party.pets:
        found.append(Merit.PETS_WELCOME)
    elif unit.pets is not PetsAllowed.NONE:
        found.append(Merit.PET_PLACE_SPENT)
    if party.needs_step_free:
        found.append(Merit.STEP_FREE)
    elif unit.is_step_free:
        found.append(Merit.STEP_FREE_SPENT)
    if party.needs_cot:
        found.append(Merit.COT)
    if party.has_older_boy:
        found.append(Merit.OLDER_BOY_WELCOME)
    by_sex = unit.audience in (Audience.WOMEN, Audience.MEN) or unit.sharing in (Sharing.WOMEN, Sharing.MEN)
    if party.has_unstated and by_sex:
        found.append(Merit.ASK_SITE)
    return tuple(found)


RankKey = tuple[bool, int, int, bool, bool, int]


def rank_key(verdict: Verdict, party: Party) -> RankKey:
    """Best first: real places before hotels, fewest wasted places, then what others may need kept for them
    (pet-friendly, step-free, cots), own rooms before shared ones; the id settles ties."""
    unit = verdict.unit
    spent = (not party.pets and unit.pets is not PetsAllowed.NONE) + (unit.is_step_free and not party.needs_step_free)
    cot_spent = unit.has_cot and not (party.needs_cot or any(age is AgeBand.INFANT for _, age in party.people))
    is_shared = unit.sharing is not Sharing.HOUSEHOLD
    return (unit.is_overflow, verdict.wasted, spent, cot_spent, is_shared, unit.unit_id)


def best_first(verdicts: Iterable[Verdict], party: Party) -> list[Verdict]:
    """The fitting ones, ranked."""
    return sorted((v for v in verdicts if v.fits), key=lambda verdict: rank_key(verdict, party))
