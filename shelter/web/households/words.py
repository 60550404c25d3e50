"""A household in a line, without a name: `1 woman · 2 children · 1 small dog`."""

from __future__ import annotations

from collections import Counter

from shelter.domain.matching import AgeBand, PetSize, Sex, Species
from shelter.queries.households import Heads
from shelter.web.language import gettext as _
from shelter.web.language import ngettext


def heads_in_words(heads: Heads) -> str:
    """People by sex and age, then pets; needs are shown apart."""
    people, pets = Counter(heads.people), Counter(heads.pets)
    return " · ".join(
        [_person(sex, age, count) for (sex, age), count in _together(people).items()]
        + [_pet(species, size, count) for (species, size), count in pets.items()]
    )


def _together(people: Counter[tuple[Sex, AgeBand]]) -> Counter[tuple[Sex, AgeBand]]:
    """Children are counted together, whatever their sex."""
    counted: Counter[tuple[Sex, AgeBand]] = Counter()
    for (sex, age), count in people.items():
        counted[(sex if age is AgeBand.ADULT else Sex.OTHER, age)] += count
    return counted


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


def _person(sex: Sex, age: AgeBand, n: int) -> str:
    match age, sex:
        case AgeBand.ADULT, Sex.FEMALE:
            return ngettext("%(num)s woman", "%(num)s women", n)
        case AgeBand.ADULT, Sex.MALE:
            return ngettext("%(num)s man", "%(num)s men", n)
        case AgeBand.ADULT, _other:
            return ngettext("%(num)s adult", "%(num)s adults", n)
        case AgeBand.OLDER_BOY, _other:
            return ngettext("%(num)s boy 10 or older", "%(num)s boys 10 or older", n)
        case AgeBand.CHILD, _other:
            return ngettext("%(num)s child", "%(num)s children", n)
        case _:
            return ngettext("%(num)s infant", "%(num)s infants", n)


def _pet(species: Species, size: PetSize, n: int) -> str:
    match species, size:
        case Species.DOG, PetSize.SMALL:
            return ngettext("%(num)s small dog", "%(num)s small dogs", n)
        case Species.DOG, _other:
            return ngettext("%(num)s large dog", "%(num)s large dogs", n)
        case Species.CAT, _other:
            return ngettext("%(num)s cat", "%(num)s cats", n)
        case _, PetSize.SMALL:
            return ngettext("%(num)s small pet", "%(num)s small pets", n)
        case _:
            return ngettext("%(num)s large pet", "%(num)s large pets", n)
