"""What a coordinator is told about a household, in the order it is asked: contact, people and pets, exclusions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, ClassVar
from uuid import UUID

from shelter.domain.errors import DomainError
from shelter.domain.matching import AgeBand, PetSize, Sex, Species
from shelter.domain.messages import Detail
from shelter.domain.stays import ExclusionRelation

AGREEMENT = "agreement"  # when it was given and withdrawn: a part of the record no form has a field for
RECONFIRM_AFTER_DAYS = 30  # what is safe changes: ask again (SAFETY S25)


@dataclass
class NobodyInHousehold(DomainError):
    """A household has at least one person."""

    code: ClassVar[str] = "nobody_in_household"


@dataclass
class NumberBothWays(DomainError):
    """One number cannot be safe to use and never to be used."""

    code: ClassVar[str] = "number_both_ways"
    field: ClassVar[str | None] = "danger_numbers"


@dataclass
class NumberNeeded(DomainError):
    """She may be called or texted, and there is no number for it."""

    code: ClassVar[str] = "number_needed"
    field: ClassVar[str | None] = "number"


@dataclass
class OtherWayNeeded(DomainError):
    """Neither call nor text is allowed: how do we reach her?"""

    code: ClassVar[str] = "other_way_needed"
    field: ClassVar[str | None] = "other_way"


@dataclass
class ExcludesItself(DomainError):
    """A household cannot be kept away from itself."""

    code: ClassVar[str] = "excludes_itself"
    field: ClassVar[str | None] = "households"


@dataclass
class NoSuchHousehold(DomainError):
    """The reference names no household this person may know of."""

    reference: str
    code: ClassVar[str] = "no_such_household"
    field: ClassVar[str | None] = "households"


@dataclass
class ChangedMeanwhile(DomainError):
    """Somebody saved the record after the form was filled in from it: these parts of it differ now."""

    parts: frozenset[str]
    code: ClassVar[str] = "changed_meanwhile"


@dataclass(frozen=True, kw_only=True)
class PersonTold:
    """`id` is the person's row when it exists already."""

    id: UUID | None = None
    sex: Sex
    age_band: AgeBand
    name: str | None = None
    allergies: tuple[str, ...] = ()
    notes: str | None = None


@dataclass(frozen=True, kw_only=True)
class PetTold:
    id: UUID | None = None
    species: Species
    size: PetSize
    name: str | None = None
    is_vaccinated: bool | None = None
    notes: str | None = None


@dataclass(frozen=True, kw_only=True)
class ContactTold:
    """Numbers are E.164. None for `can_call` and `can_text` is "not asked", which is no.

    `has_consented`: given, and neither withdrawn nor run out. `reconfirm_on` is shown; saving counts it by itself.
    """

    can_call: bool | None = None
    can_text: bool | None = None
    number: str | None = None
    danger_numbers: tuple[str, ...] = ()
    from_time: time | None = None
    until_time: time | None = None
    language: str = "ko"
    detail: Detail = Detail.NONE
    has_consented: bool = False
    has_consented_abroad: bool = False
    reconfirm_on: date | None = None
    code_word: str | None = None
    who_answers: str | None = None
    other_way: str | None = None

    def check(self) -> None:
        """Raises NumberBothWays, NumberNeeded or OtherWayNeeded."""
        if self.number in self.danger_numbers:
            raise NumberBothWays()
        if (self.can_call or self.can_text) and self.number is None:
            raise NumberNeeded()
        if self.can_call is False and self.can_text is False and not self.other_way:
            raise OtherWayNeeded()


@dataclass(frozen=True, kw_only=True)
class ExclusionsTold:
    """Hard limits: where never to place them, near whom never. References are canonical."""

    districts: tuple[tuple[str, ExclusionRelation | None], ...] = ()
    sites: tuple[UUID, ...] = ()
    households: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Everything, or as much as there was time for; only heads are required."""

    people: tuple[PersonTold, ...]
    pets: tuple[PetTold, ...] = ()
    needs_step_free: bool = False
    needs_cot: bool = False
    notes: str | None = None
    contact: ContactTold = field(default_factory=ContactTold)
    exclusions: ExclusionsTold = field(default_factory=ExclusionsTold)

    def check(self) -> None:
        """Raises the first refusal there is."""
        if not self.people:
            raise NobodyInHousehold()
        self.contact.check()


def parts(told: Intake) -> dict[str, Any]:
    """What a form asks, by its fields, each in one form of writing: equal parts are equal here."""
    contact, excluded = told.contact, told.exclusions
    people = [
        (str(p.id), p.sex.value, p.age_band.value, p.name, sorted(str(species) for species in p.allergies))
        for p in told.people
    ]
    return {
        "can_call": contact.can_call,
        "can_text": contact.can_text,
        "number": contact.number,
        "who_answers": contact.who_answers,
        "from_time": str(contact.from_time),
        "until_time": str(contact.until_time),
        "language": contact.language,
        "detail": contact.detail.value,
        "has_consented": contact.has_consented,
        "has_consented_abroad": contact.has_consented_abroad,
        "other_way": contact.other_way,
        "danger_numbers": sorted(contact.danger_numbers),
        "code_word": contact.code_word,
        "people": people,
        "pets": [(str(p.id), p.species.value, p.size.value, p.name, p.is_vaccinated) for p in told.pets],
        "needs_step_free": told.needs_step_free,
        "needs_cot": told.needs_cot,
        "notes": (told.notes or "").split(),
        "districts": sorted((code, relation.value if relation else "") for code, relation in excluded.districts),
        "sites": sorted(site.hex for site in excluded.sites),
        "households": sorted(excluded.households),
    }
