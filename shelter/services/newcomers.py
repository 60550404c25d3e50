"""A household nobody has met before: heads, pets and needs, as told on the phone. Names come with the intake."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from shelter.domain import references
from shelter.domain.matching import Party
from shelter.extensions import db
from shelter.models.households import ExclusionKind, Household, Person, Pet, SafetyExclusion
from shelter.services.unit_of_work import UnitOfWork

_household = Household.__table__.c
_NAMED_SO = select(_household.id).where(_household.reference == bindparam("reference"))


def register(work: UnitOfWork, party: Party, now: datetime) -> Household:
    """A new household under a reference of its own, in the caller's transaction; what it must be kept from too."""
    household = Household(
        reference=_unused_reference(),
        needs_step_free=party.needs_step_free,
        needs_cot=party.needs_cot,
        created_by_id=work.by.user_id,
        created_at=now,
    )
    household.people = [
        Person(position=n, sex=sex, age_band=age_band, allergies=sorted(party.allergies) if n == 1 else [])
        for n, (sex, age_band) in enumerate(party.people, 1)
    ]
    household.pets = [Pet(position=n, species=species, size=size) for n, (species, size) in enumerate(party.pets, 1)]
    household.exclusions = [
        *(_exclusion(work, now, ExclusionKind.DISTRICT, district=code) for code in sorted(party.excluded_districts)),
        *(_exclusion(work, now, ExclusionKind.SITE, site_id=site) for site in sorted(party.excluded_sites)),
        *(_exclusion(work, now, ExclusionKind.HOUSEHOLD, other_household_id=h) for h in sorted(party.must_not_meet)),
    ]
    db.session.add(household)
    db.session.flush()
    if household.exclusions:
        work.record(
            "exclusions.changed",
            subject=f"household:{household.reference}",
            household=household.id,
            changed=len(household.exclusions),
        )
    return household


def _exclusion(
    work: UnitOfWork, now: datetime, kind: ExclusionKind, *, district: str | None = None, **target: Any
) -> SafetyExclusion:
    exclusion = SafetyExclusion(kind=kind, created_by_id=work.by.user_id, created_at=now, **target)
    if district is not None:
        exclusion.district = district
    return exclusion


def _unused_reference() -> str:
    while True:
        reference = references.new_reference()
        if db.session.scalar(_NAMED_SO, {"reference": reference}) is None:
            return reference
