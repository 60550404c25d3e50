"""Holding and confirming a place in tests, and looking at what became of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select

from shelter import clock
from shelter.domain import references
from shelter.domain.matching import AgeBand, Party, PetSize, Sex, Species
from shelter.domain.nights import Nights
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.models.households import Household
from shelter.models.sites import Unit
from shelter.models.stays import Placement, Stay, StayEvent, UnitNight
from shelter.services import placements
from shelter.services.placements import Segment
from tests.support.people import Account

WOMAN, MAN = (Sex.FEMALE, AgeBand.ADULT), (Sex.MALE, AgeBand.ADULT)
CHILD, INFANT = (Sex.OTHER, AgeBand.CHILD), (Sex.OTHER, AgeBand.INFANT)
SMALL_DOG = (Species.DOG, PetSize.SMALL)
SHE = Party(people=(WOMAN,))


def tonight(nights: int = 7) -> Nights:
    first = clock.shelter_day()
    return Nights(first, first + timedelta(days=nights))


def hold(coordinator: Account, *units: Unit, party: Party = SHE, nights: Nights | None = None, **more: Any) -> Stay:
    segments = [Segment(unit.id, nights or tonight()) for unit in units]
    return stay_of(placements.hold_units(segments=segments, party=party, by=coordinator.principal, **more))


def stay_of(reference: str) -> Stay:
    household, number = references.split_stay_reference(reference)
    found = select(Stay).join(Household).where(Household.reference == household, Stay.number == number)
    return db.session.scalars(found).one()


def confirm(stay: Stay, coordinator: Account, **more: Any) -> None:
    expected = clock.now() + timedelta(hours=2)
    placements.confirm_stay(stay_id=stay.id, expected_at=expected, by=coordinator.principal, **more)


def nights_of(unit: Unit) -> list[date]:
    return list(db.session.scalars(select(UnitNight.night).where(UnitNight.unit_id == unit.id).order_by("night")))


def only_placement(stay: Stay) -> Placement:
    db.session.expire_all()
    (placement,) = stay.placements
    return placement


def events(stay: Stay) -> list[str]:
    return sorted(db.session.scalars(select(StayEvent.kind).where(StayEvent.stay_id == stay.id)))


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.chain, AuditEntry.seq)))


def households() -> int:
    return db.session.scalar(select(func.count()).select_from(Household)) or 0
