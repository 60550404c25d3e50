"""Writing down what she tells: people and pets, how to reach her safely, where she must never be.

Saving always keeps what was said, even when the held place turns out not to fit: confirming is what looks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select

from shelter import clock
from shelter.domain.contacts import has_run_out
from shelter.domain.errors import NotFound
from shelter.domain.intake import (
    RECONFIRM_AFTER_DAYS,
    ChangedMeanwhile,
    ContactTold,
    ExcludesItself,
    ExclusionsTold,
    Intake,
    NoSuchHousehold,
    PersonTold,
    PetTold,
)
from shelter.domain.permissions import Principal
from shelter.domain.stays import KEEPS_NIGHTS, RUNNING, ExclusionRelation, PlacementState
from shelter.domain.tasks import TaskKind
from shelter.extensions import db, keyring
from shelter.models.households import (
    ContactNumber,
    ExclusionKind,
    Household,
    NumberKind,
    Person,
    Pet,
    SafeContact,
    SafetyExclusion,
)
from shelter.models.sites import Unit
from shelter.models.stays import Placement, PlacementMember, Stay, Task
from shelter.queries import visibility
from shelter.services import ledger
from shelter.services.households import version_now
from shelter.services.record_versions import changed_parts
from shelter.services.unit_of_work import Once, UnitOfWork, unit_of_work


def save_intake(
    *, household_id: UUID, intake: Intake, version: str | None = None, by: Principal, once: Once | None = None
) -> None:
    """Keep all of it in one transaction, in the place of what is saved: of what `version` says, where there is one.

    Raises ChangedMeanwhile where that is not what is saved any more, another refusal of `domain/intake.py`, NotFound.
    """
    intake.check()
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return
        work.lock(household=household_id)
        household = _readable(household_id, by)
        if version is not None and (changed := changed_parts(version, version_now(household))):
            raise ChangedMeanwhile(changed)
        _lock_places(work, household_id)
        before = _summary(household)
        household.needs_step_free, household.needs_cot = intake.needs_step_free, intake.needs_cot
        household.notes = intake.notes
        _keep_people(household, intake.people)
        _keep_pets(household, intake.pets)
        _keep_contact(household, intake.contact, by)
        _keep_exclusions(household, intake.exclusions, by)
        db.session.flush()
        _settle_members(household)
        _tell_of_the_same_number(household, by)
        work.record(
            "household.intake_saved",
            subject=f"household:{household.reference}",
            household=household.id,
            before=before,
            after=_summary(household),
        )
        _record_exclusions(work, household, before)


def _lock_places(work: UnitOfWork, household_id: UUID) -> None:
    """The running stay and its sites: who is counted in which room changes with the heads."""
    running = select(Stay.id).where(Stay.household_id == household_id, Stay.state.in_(RUNNING))
    stay_id = db.session.scalar(running)
    if stay_id is not None:
        work.lock(stay=stay_id)
        here = select(Unit.site_id).join(Placement, Placement.unit_id == Unit.id)
        work.lock(sites=db.session.scalars(here.where(Placement.stay_id == stay_id)).all())


def withdraw_consent(*, household_id: UUID, by: Principal) -> None:
    """No text goes to her from this commit on, queued ones included (the dispatcher decides again)."""
    with unit_of_work(by) as work:
        work.lock(household=household_id)
        household = _readable(household_id, by)
        if household.contact is None:
            raise NotFound()
        household.contact.withdrawn_at = clock.now()
        work.record("household.consent_withdrawn", subject=f"household:{household.reference}", household=household.id)


def reconfirm_consent(*, household_id: UUID, by: Principal) -> None:
    """She was asked again and still agrees: it carries texts for another while. NotFound where none was given."""
    with unit_of_work(by) as work:
        work.lock(household=household_id)
        household = _readable(household_id, by)
        contact = household.contact
        if contact is None or contact.consented_at is None or contact.withdrawn_at is not None:
            raise NotFound()
        contact.reconfirm_on = _ask_again_on()
        work.record("household.consent_reconfirmed", subject=f"household:{household.reference}", household=household.id)


def _readable(household_id: UUID, by: Principal) -> Household:
    household = db.session.scalar(select(Household).where(Household.id == household_id, visibility.readable(by)))
    if household is None:
        raise NotFound()
    return household


def _keep_people(household: Household, told: Iterable[PersonTold]) -> None:
    known = {person.id: person for person in household.people}
    kept = []
    for position, one in enumerate(told, 1):
        person = known.get(one.id) if one.id else None
        if person is None:
            person = Person(household_id=household.id)
        # Positions are unique: new ones are given from far above first, so that none meets an old one.
        person.position = position
        person.sex, person.age_band, person.allergies = one.sex, one.age_band, list(one.allergies)
        person.name, person.notes = one.name, one.notes
        kept.append(person)
    household.people = _in_place(household.people, kept)


def _keep_pets(household: Household, told: Iterable[PetTold]) -> None:
    known = {pet.id: pet for pet in household.pets}
    kept = []
    for position, one in enumerate(told, 1):
        pet = known.get(one.id) if one.id else None
        if pet is None:
            pet = Pet(household_id=household.id)
        pet.position = position
        pet.species, pet.size, pet.is_vaccinated = one.species, one.size, one.is_vaccinated
        pet.name, pet.notes = one.name, one.notes
        kept.append(pet)
    household.pets = _in_place(household.pets, kept)


def _in_place(before: list, after: list) -> list:
    """The new list, written so that the unique positions never collide on the way."""
    gone = [row for row in before if row not in after]
    for row in gone:
        db.session.delete(row)
    shifted = {row: row.position for row in after if row in before}
    for row in shifted:
        row.position += 1000
    db.session.flush()
    for row, position in shifted.items():
        row.position = position
    return after


def _keep_contact(household: Household, told: ContactTold, by: Principal) -> None:
    now = clock.now()
    contact = household.contact
    if contact is None:
        contact = household.contact = SafeContact(household_id=household.id, updated_at=now)
    _keep_consent(contact, told.has_consented and bool(told.can_text))
    contact.can_call, contact.can_text = told.can_call, told.can_text
    contact.from_time, contact.until_time = told.from_time, told.until_time
    contact.language, contact.detail = told.language, told.detail
    contact.has_consented_abroad = told.has_consented_abroad
    contact.code_word, contact.who_answers, contact.other_way = (
        told.code_word,
        told.who_answers,
        told.other_way,
    )
    contact.updated_at = now
    _keep_numbers(household, told)


def _keep_consent(contact: SafeContact, has_consented: bool) -> None:
    """Given anew, going on as it was, or not there. What ran out stays known as that until she is asked again."""
    is_over = has_run_out(contact.reconfirm_on, clock.today())
    if has_consented and (contact.consented_at is None or contact.withdrawn_at is not None or is_over):
        contact.consented_at, contact.withdrawn_at = clock.now(), None
        contact.reconfirm_on = _ask_again_on()
    elif not has_consented and not is_over:
        contact.consented_at = contact.reconfirm_on = None


def _ask_again_on() -> date:
    return clock.today() + timedelta(days=RECONFIRM_AFTER_DAYS)


def _keep_numbers(household: Household, told: ContactTold) -> None:
    wanted = dict.fromkeys(told.danger_numbers, NumberKind.DANGER)
    if told.number:
        wanted[told.number] = NumberKind.ALLOWED
    wanted_indexes = {keyring.index("phone", number): (number, kind) for number, kind in wanted.items()}
    for row in list(household.numbers):
        if row.number_index in wanted_indexes:
            row.kind = wanted_indexes.pop(row.number_index)[1]
        else:
            household.numbers.remove(row)
    for index, (number, kind) in wanted_indexes.items():
        household.numbers.append(ContactNumber(household_id=household.id, kind=kind, number=number, number_index=index))


def _keep_exclusions(household: Household, told: ExclusionsTold, by: Principal) -> None:
    wanted: dict[tuple[ExclusionKind, Any], ExclusionRelation | None] = {
        (ExclusionKind.DISTRICT, code): relation for code, relation in told.districts
    }
    wanted |= {(ExclusionKind.SITE, site): None for site in told.sites}
    wanted |= {(ExclusionKind.HOUSEHOLD, _other(household, text)): None for text in told.households}
    for row in list(household.exclusions):
        key = (row.kind, row.district or row.site_id or row.other_household_id)
        if key in wanted:
            row.relation = wanted.pop(key)
        else:
            household.exclusions.remove(row)
    for (kind, target), relation in wanted.items():
        row = SafetyExclusion(
            household_id=household.id,
            kind=kind,
            relation=relation,
            created_by_id=by.user_id,
            created_at=clock.now(),
        )
        match kind:
            case ExclusionKind.DISTRICT:
                row.district = str(target)
            case ExclusionKind.SITE:
                row.site_id = target
            case ExclusionKind.HOUSEHOLD:
                row.other_household_id = target
        household.exclusions.append(row)


def _other(household: Household, reference: str) -> UUID:
    """A reference she or the police named is enough: knowing it is the permission."""
    if reference == household.reference:
        raise ExcludesItself()
    other = db.session.scalar(select(Household.id).where(Household.reference == reference))
    if other is None:
        raise NoSuchHousehold(reference=reference)
    return other


def _settle_members(household: Household) -> None:
    """New people sleep in the household's first running placement; heads there follow its members.

    So it is with a hold that ran out: it may be confirmed while its nights are free.
    """
    found = db.session.scalars(
        select(Placement)
        .join(Stay, Stay.id == Placement.stay_id)
        .where(
            Stay.household_id == household.id,
            Stay.state.in_(RUNNING),
            Placement.state.in_(KEEPS_NIGHTS | {PlacementState.EXPIRED}),
        )
        .order_by(Placement.arrive_on, Placement.id)
        .execution_options(populate_existing=True)
    ).all()
    keeping = [p for p in found if p.state in KEEPS_NIGHTS]
    last = max((p.created_at for p in found if p.state is PlacementState.EXPIRED), default=None)
    ran_out = [p for p in found if p.state is PlacementState.EXPIRED and p.created_at == last]
    if any(p.created_at == last for p in keeping):  # held together, and only one of them is lost
        _settle([p for p in found if p in keeping or p in ran_out], household)
    else:
        _settle(keeping, household)
        _settle(ran_out, household)


def _settle(placements: Sequence[Placement], household: Household) -> None:
    if not placements:
        return
    placed = {member.person_id for placement in placements for member in placement.members}
    first_night = placements[0].arrive_on
    for person in household.people:
        if person.id not in placed:
            for placement in placements:
                if placement is placements[0] or placement.arrive_on > first_night:
                    placement.members.append(PlacementMember(person_id=person.id))
    db.session.flush()
    for placement in placements:
        db.session.refresh(placement, ["members"])
        placement.people = max(1, len(placement.members))
        ledger.recount(placement)


def _tell_of_the_same_number(household: Household, by: Principal) -> None:
    """A number of another case this person may not see: a task for an administrator, nothing on the page."""
    indexes = [row.number_index for row in household.numbers if row.kind is NumberKind.ALLOWED]
    if not indexes:
        return
    hidden = db.session.scalars(
        select(Household.id)
        .join(ContactNumber, ContactNumber.household_id == Household.id)
        .where(
            ContactNumber.number_index.in_(indexes),
            ContactNumber.kind == NumberKind.ALLOWED,
            Household.id != household.id,
            ~visibility.readable(by),
        )
    ).all()
    now = clock.now()
    for other in hidden:
        key = "duplicate:" + ":".join(sorted((household.id.hex, other.hex)))
        if not db.session.scalar(select(exists().where(Task.dedupe_key == key))):
            db.session.add(
                Task(
                    kind=TaskKind.DUPLICATE_NUMBER,
                    dedupe_key=key,
                    household_id=household.id,
                    data={"other_household_id": other.hex},
                    created_at=now,
                    due_at=now,
                )
            )


def _summary(household: Household) -> dict:
    """For the sealed before and after of the audit entry."""
    contact = household.contact
    return {
        "people": [[p.sex, p.age_band, p.name] for p in household.people],
        "pets": [[p.species, p.size, p.name] for p in household.pets],
        "numbers": [[row.kind, row.number] for row in household.numbers],
        "contact": contact and [contact.can_call, contact.can_text, contact.detail, contact.other_way],
        "exclusions": [[e.kind, e.district or str(e.site_id or e.other_household_id)] for e in household.exclusions],
    }


def _record_exclusions(work: UnitOfWork, household: Household, before: dict) -> None:
    """Changes to exclusions are counted apart: trying districts one by one would map the network."""
    changed = len({tuple(e) for e in before["exclusions"]} ^ {tuple(e) for e in _summary(household)["exclusions"]})
    if changed:
        work.record(
            "exclusions.changed",
            subject=f"household:{household.reference}",
            household=household.id,
            changed=changed,
        )
