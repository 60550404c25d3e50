"""A household as the rules of matching know it: heads, pets, needs, and whom and what it must not be near."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from shelter.domain.matching import Party, Species
from shelter.extensions import db
from shelter.models.households import ExclusionKind, Household, Person, Pet, SafetyExclusion
from shelter.models.sealed import unseal

_one: Any = bindparam("household")
_h, _person, _pet, _x = (table.__table__.c for table in (Household, Person, Pet, SafetyExclusion))
_NEEDS = select(_h.needs_step_free, _h.needs_cot).where(_h.id == _one)
_PEOPLE = (
    select(_person.id, _person.sex, _person.age_band, _person.allergies)
    .where(_person.household_id == _one)
    .order_by(_person.position)
)
_PETS = select(_pet.species, _pet.size).where(_pet.household_id == _one).order_by(_pet.position)
_EXCLUSIONS = select(*(_x.id, _x.kind, _x.district_sealed, _x.site_id, _x.household_id, _x.other_household_id)).where(
    (_x.household_id == _one) | (_x.other_household_id == _one)
)


def party_of(household_id: UUID, only: frozenset[UUID] | None = None) -> Party:
    """The whole household, or only those of its people (by id); exclusions of both sides are in it."""
    which = {"household": household_id}
    needs = db.session.execute(_NEEDS, which).one()
    people = db.session.execute(_PEOPLE, which).all()
    pets = db.session.execute(_PETS, which).all()
    districts, sites, households = _exclusions(household_id)
    return Party(
        people=tuple((row.sex, row.age_band) for row in people if only is None or row.id in only),
        pets=tuple(pets),
        needs_step_free=needs.needs_step_free,
        needs_cot=needs.needs_cot,
        allergies=frozenset(Species(code) for row in people for code in row.allergies),
        excluded_districts=districts,
        excluded_sites=sites,
        must_not_meet=households,
        household_id=household_id,
        is_family=len(people) > 1,
    )


def _exclusions(household_id: UUID) -> tuple[frozenset[str], frozenset[UUID], frozenset[UUID]]:
    districts, sites, households = set(), set(), set()
    for row in db.session.execute(_EXCLUSIONS, {"household": household_id}):
        if row.kind is ExclusionKind.HOUSEHOLD:
            households.add(row.other_household_id if row.household_id == household_id else row.household_id)
        elif row.kind is ExclusionKind.SITE:
            sites.add(row.site_id)
        else:
            districts.add(unseal(row.district_sealed, SafetyExclusion.__tablename__, "district_sealed", row.id))
    return frozenset(districts), frozenset(sites), frozenset(households)


def ids_of(references: Collection[str]) -> dict[str, UUID]:
    """Ids of households by reference, of those there are."""
    if not references:
        return {}
    rows = db.session.execute(select(Household.reference, Household.id).where(Household.reference.in_(references)))
    return {row.reference: row.id for row in rows}
