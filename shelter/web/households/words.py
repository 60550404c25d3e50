"""A household in a line, without a name: `1 woman · 2 children · 1 small dog`."""

from __future__ import annotations

from collections import Counter

from flask_babel import gettext as _

from shelter.domain.matching import AgeBand, PetSize, Sex, Species
from shelter.queries.households import Heads


def heads_in_words(heads: Heads) -> str:
    """People by sex and age, then pets; needs are shown apart."""
    people = Counter(_person(sex, age) for sex, age in heads.people)
    pets = Counter(_pet(species, size) for species, size in heads.pets)
    parts = [_("%(count)s %(who)s", count=count, who=who) for who, count in people.items()]
    parts += [_("%(count)s %(pet)s", count=count, pet=pet) for pet, count in pets.items()]
    return " · ".join(parts)


def needs_in_words(heads: Heads) -> list[str]:
    needs = []
    if heads.needs_step_free:
        needs.append(_("Step-free"))
    if heads.needs_cot:
        needs.append(_("Cot"))
    if "dog" in heads.allergies:
        needs.append(_("Allergic to dogs"))
    if "cat" in heads.allergies:
        needs.append(_("Allergic to cats"))
    return needs


def _person(sex: Sex, age: AgeBand) -> str:
    match age, sex:
        case AgeBand.ADULT, Sex.FEMALE:
            return _("woman")
        case AgeBand.ADULT, Sex.MALE:
            return _("man")
        case AgeBand.ADULT, _other:
            return _("adult")
        case AgeBand.OLDER_BOY, _other:
            return _("boy 10 or older")
        case AgeBand.CHILD, _other:
            return _("child")
        case _:
            return _("infant")


def _pet(species: Species, size: PetSize) -> str:
    match species, size:
        case Species.DOG, PetSize.SMALL:
            return _("small dog")
        case Species.DOG, _other:
            return _("large dog")
        case Species.CAT, _other:
            return _("cat")
        case _, PetSize.SMALL:
            return _("small pet")
        case _:
            return _("large pet")
