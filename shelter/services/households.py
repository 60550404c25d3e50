"""Opening a household's record: what is sealed is read, and the look is written down in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from shelter import clock
from shelter.domain.contacts import Contact, has_run_out
from shelter.domain.errors import NotFound
from shelter.domain.intake import ContactTold, ExclusionsTold, Intake, PersonTold, PetTold
from shelter.domain.permissions import Principal
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.households import ExclusionKind, Household, NumberKind, SafeContact
from shelter.models.sites import Site, Unit
from shelter.models.stays import Placement, Stay
from shelter.queries import visibility
from shelter.queries.channels import contact_now
from shelter.services import history
from shelter.services.record_versions import version_of
from shelter.services.unit_of_work import Once, unit_of_work


@dataclass(frozen=True)
class Record:
    """Everything about a household, opened for one person."""

    id: UUID
    reference: str
    intake: Intake
    version: str  # of what is saved: a form brings it back (`record_versions`)
    contact: Contact | None
    created_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True)
class Card:
    """What the site needs at the door beyond the booking itself."""

    code_word: str | None
    night_lines: tuple[tuple[str, str | None], ...]  # code name of the site, its number
    contact: Contact | None
    contact_told: ContactTold
    notes: str | None


def open_record(*, household_id: UUID, page: str, by: Principal) -> Record:
    """The whole record. `page` says where it was opened; it goes into the audit. Raises NotFound."""
    with unit_of_work(by) as work:
        household = _readable(household_id, by)
        work.record(
            "household.opened",
            subject=f"household:{household.reference}",
            household=household.id,
            page=page,
        )
        return Record(
            id=household.id,
            reference=household.reference,
            intake=_told(household),
            version=version_now(household),
            contact=contact_now(household),
            created_at=household.created_at,
            withdrawn_at=household.contact.withdrawn_at if household.contact else None,
        )


def open_arrival_card(*, stay_id: UUID, by: Principal) -> Card:
    """The card of one stay's arrival, audited as a look at the household. Raises NotFound."""
    with unit_of_work(by) as work:
        stay = db.session.get_one(Stay, stay_id)
        household = _readable(stay.household_id, by)
        work.record("arrival_card.opened", subject=f"household:{household.reference}", household=household.id)
        contact = household.contact
        return Card(
            code_word=contact.code_word if contact else None,
            night_lines=_night_lines(stay_id),
            contact=contact_now(household),
            contact_told=_contact_told(household, contact),
            notes=household.notes,
        )


def receive_arrival_card(*, stay_id: UUID, by: Principal, once: Once | None = None) -> None:
    """The site knows who comes. Raises NotFound."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return
        work.lock(stay=stay_id)
        stay = db.session.get(Stay, stay_id, populate_existing=True)
        if stay is None:
            raise NotFound()
        household = _readable(stay.household_id, by)
        now = clock.now()
        unread = [p for p in stay.placements if p.state is PlacementState.BOOKED and p.received_at is None]
        for placement in unread:
            placement.received_at, placement.received_by_id = now, by.user_id
        if unread:
            history.note(work, stay, "card_received")
            work.record(
                "arrival_card.received",
                subject=f"household:{household.reference}",
                household=household.id,
            )


def _readable(household_id: UUID, by: Principal) -> Household:
    household = db.session.scalar(
        select(Household)
        .where(Household.id == household_id, visibility.readable(by))
        .options(
            selectinload(Household.people),
            selectinload(Household.pets),
            selectinload(Household.numbers),
            selectinload(Household.exclusions),
        )
    )
    if household is None:
        raise NotFound()
    return household


def _allowed_number(household: Household) -> str | None:
    return next((row.number for row in household.numbers if row.kind is NumberKind.ALLOWED), None)


def _night_lines(stay_id: UUID) -> tuple[tuple[str, str | None], ...]:
    sites = db.session.scalars(
        select(Site)
        .join(Unit, Unit.site_id == Site.id)
        .join(Placement, Placement.unit_id == Unit.id)
        .where(Placement.stay_id == stay_id)
        .order_by(Site.code_name)
        .distinct()
    )
    return tuple((site.code_name, site.night_line) for site in sites)


def version_now(household: Household) -> str:
    return version_of(household.id, _told(household), household.contact)


def _told(household: Household) -> Intake:
    return Intake(
        people=tuple(
            PersonTold(
                id=p.id,
                sex=p.sex,
                age_band=p.age_band,
                name=p.name,
                allergies=tuple(p.allergies),
                notes=p.notes,
            )
            for p in household.people
        ),
        pets=tuple(
            PetTold(
                id=p.id,
                species=p.species,
                size=p.size,
                name=p.name,
                is_vaccinated=p.is_vaccinated,
                notes=p.notes,
            )
            for p in household.pets
        ),
        needs_step_free=household.needs_step_free,
        needs_cot=household.needs_cot,
        notes=household.notes,
        contact=_contact_told(household, household.contact),
        exclusions=_exclusions_told(household),
    )


def _contact_told(household: Household, contact: SafeContact | None) -> ContactTold:
    if contact is None:
        return ContactTold()
    danger = (row.number for row in household.numbers if row.kind is NumberKind.DANGER)
    return ContactTold(
        can_call=contact.can_call,
        can_text=contact.can_text,
        number=_allowed_number(household),
        danger_numbers=tuple(number for number in danger if number),
        from_time=contact.from_time,
        until_time=contact.until_time,
        language=contact.language,
        detail=contact.detail,
        # Withdrawn or run out is not given: saving the form again must not give it back unasked.
        has_consented=contact.consented_at is not None
        and contact.withdrawn_at is None
        and not has_run_out(contact.reconfirm_on, clock.today()),
        has_consented_abroad=contact.has_consented_abroad,
        reconfirm_on=contact.reconfirm_on,
        code_word=contact.code_word,
        who_answers=contact.who_answers,
        other_way=contact.other_way,
    )


def _exclusions_told(household: Household) -> ExclusionsTold:
    rows = household.exclusions
    others = [row.other_household_id for row in rows if row.kind is ExclusionKind.HOUSEHOLD]
    references = db.session.scalars(select(Household.reference).where(Household.id.in_(others))).all()
    return ExclusionsTold(
        districts=tuple((row.district or "", row.relation) for row in rows if row.kind is ExclusionKind.DISTRICT),
        sites=tuple(row.site_id for row in rows if row.site_id is not None),
        households=tuple(sorted(references)),
    )
