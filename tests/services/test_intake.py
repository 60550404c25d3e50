"""What she tells is kept, whole, sealed and audited; what is not asked is not allowed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from shelter.domain.errors import DomainError, NotFound
from shelter.domain.intake import ContactTold, ExclusionsTold, Intake, PersonTold, PetTold
from shelter.domain.matching import AgeBand, PetSize, Sex, Species
from shelter.domain.messages import Detail
from shelter.domain.stays import ExclusionRelation, PlacementState
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.models.households import ContactNumber, Household, Person
from shelter.models.stays import Placement, Task
from shelter.queries import households as queries
from shelter.services import households
from shelter.services.intake import save_intake, withdraw_consent
from tests.factories import make_household, make_site, make_stay, make_unit, make_user

pytestmark = pytest.mark.usefixtures("context")

HERS, HIS = "+821012345678", "+821087654321"
WOMAN = PersonTold(sex=Sex.FEMALE, age_band=AgeBand.ADULT, name="Kim Haneul")
CHILD = PersonTold(sex=Sex.FEMALE, age_band=AgeBand.CHILD)
SAFE = ContactTold(
    can_call=False,
    can_text=True,
    number=HERS,
    danger_numbers=(HIS,),
    detail=Detail.DATE_ONLY,
    has_consented=True,
    has_consented_abroad=True,
    code_word="blue umbrella",
)


def open_again(household: Household, by) -> Intake:
    return households.open_record(household_id=household.id, page="test", by=by.principal).intake


def without_ids(intake: Intake) -> Intake:
    return replace(
        intake,
        people=tuple(replace(p, id=None) for p in intake.people),
        pets=tuple(replace(p, id=None) for p in intake.pets),
        contact=replace(intake.contact, reconfirm_on=None),
    )


def test_everything_told_reads_back_as_it_was_told() -> None:
    kim = make_user()
    household, site = make_household(by=kim), make_site()
    told = Intake(
        people=(WOMAN, replace(CHILD, allergies=("cat",))),
        pets=(PetTold(species=Species.DOG, size=PetSize.LARGE, name="Bori", is_vaccinated=True),),
        needs_step_free=True,
        notes="Insulin at eight.",
        contact=SAFE,
        exclusions=ExclusionsTold(districts=(("11680", ExclusionRelation.HOME),), sites=(site.id,), households=()),
    )
    save_intake(household_id=household.id, intake=told, by=kim.principal)
    assert without_ids(open_again(household, kim)) == told
    save_intake(household_id=household.id, intake=open_again(household, kim), by=kim.principal)
    assert without_ids(open_again(household, kim)) == told


def test_people_can_be_added_taken_out_and_put_in_another_order() -> None:
    kim = make_user()
    household = make_household(children=1, by=kim)
    first, second = open_again(household, kim).people
    save_intake(household_id=household.id, intake=Intake(people=(second, first, CHILD)), by=kim.principal)
    again = open_again(household, kim).people
    assert [p.id for p in again][:2] == [second.id, first.id]
    save_intake(household_id=household.id, intake=Intake(people=(again[2],)), by=kim.principal)
    assert [p.id for p in open_again(household, kim).people] == [again[2].id]


def test_a_child_named_later_sleeps_where_the_household_is_placed() -> None:
    kim = make_user()
    household = make_household(by=kim)
    make_stay(make_unit(capacity=3), household=household, state=PlacementState.HELD, responsible=kim)
    known = open_again(household, kim).people
    save_intake(household_id=household.id, intake=Intake(people=(*known, CHILD)), by=kim.principal)
    placement = db.session.scalars(select(Placement)).one()
    assert (placement.people, len(placement.members)) == (2, 2)


def test_what_is_told_is_sealed_in_the_tables_and_in_the_audit() -> None:
    kim = make_user()
    household = make_household(by=kim)
    save_intake(household_id=household.id, intake=Intake(people=(WOMAN,), contact=SAFE), by=kim.principal)
    db.session.rollback()
    person = db.session.scalars(select(Person)).one()
    assert b"Haneul" not in person.name_sealed
    for number in db.session.scalars(select(ContactNumber)):
        assert b"12345678" not in number.number_sealed
        assert "12345678" not in number.number_index
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "household.intake_saved")).one()
    assert b"Haneul" not in entry.details_sealed
    assert entry.household_id == household.id


REFUSALS = {
    "nobody_in_household": Intake(people=()),
    "number_both_ways": Intake(people=(WOMAN,), contact=replace(SAFE, danger_numbers=(HERS,))),
    "number_needed": Intake(people=(WOMAN,), contact=ContactTold(can_text=True)),
    "other_way_needed": Intake(people=(WOMAN,), contact=ContactTold(can_call=False, can_text=False)),
    "no_such_household": Intake(people=(WOMAN,), exclusions=ExclusionsTold(households=("0000000",))),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_an_intake_that_cannot_be_is_refused_and_changes_nothing(code: str) -> None:
    kim = make_user()
    household = make_household(children=1, by=kim)
    with pytest.raises(DomainError) as refused:
        save_intake(household_id=household.id, intake=REFUSALS[code], by=kim.principal)
    assert refused.value.code == code
    assert len(open_again(household, kim).people) == 2


def test_a_household_cannot_be_kept_away_from_itself() -> None:
    kim = make_user()
    household = make_household(by=kim)
    told = Intake(people=(WOMAN,), exclusions=ExclusionsTold(households=(household.reference,)))
    with pytest.raises(DomainError) as refused:
        save_intake(household_id=household.id, intake=told, by=kim.principal)
    assert refused.value.code == "excludes_itself"


def test_a_household_of_somebody_elses_sites_does_not_exist() -> None:
    household = make_household(by=make_user())
    stranger = make_user()
    with pytest.raises(NotFound):
        save_intake(household_id=household.id, intake=Intake(people=(WOMAN,)), by=stranger.principal)
    with pytest.raises(NotFound):
        households.open_record(household_id=household.id, page="test", by=stranger.principal)


def test_opening_a_record_is_written_down_with_it() -> None:
    kim = make_user()
    household = make_household(by=kim)
    open_again(household, kim)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "household.opened")).one()
    assert (entry.user_id, entry.household_id) == (kim.id, household.id)


def test_the_same_number_in_a_case_she_may_see_is_shown() -> None:
    kim = make_user()
    first, second = make_household(by=kim), make_household(by=kim)
    for household in (first, second):
        save_intake(household_id=household.id, intake=Intake(people=(WOMAN,), contact=SAFE), by=kim.principal)
    assert queries.same_number(second.id, kim.principal) == [first.reference]
    assert db.session.scalar(select(func.count()).select_from(Task)) == 0


def test_the_same_number_in_a_case_she_may_not_see_shows_nothing_and_raises_one_task() -> None:
    kim, lee = make_user(), make_user()
    first, second = make_household(by=kim), make_household(by=lee)
    save_intake(household_id=first.id, intake=Intake(people=(WOMAN,), contact=SAFE), by=kim.principal)
    for _twice in range(2):
        save_intake(household_id=second.id, intake=Intake(people=(WOMAN,), contact=SAFE), by=lee.principal)
    assert queries.same_number(second.id, lee.principal) == []
    assert [task.kind for task in db.session.scalars(select(Task))] == [TaskKind.DUPLICATE_NUMBER]


def test_a_danger_number_of_any_household_is_one_for_all() -> None:
    kim, lee = make_user(), make_user()
    first, second = make_household(by=kim), make_household(by=lee)
    save_intake(household_id=first.id, intake=Intake(people=(WOMAN,), contact=SAFE), by=kim.principal)
    told = replace(SAFE, number=HIS, danger_numbers=())
    save_intake(household_id=second.id, intake=Intake(people=(WOMAN,), contact=told), by=lee.principal)
    record = households.open_record(household_id=second.id, page="test", by=lee.principal)
    assert record.contact is not None
    assert record.contact.is_danger_number


def test_consent_withdrawn_stays_withdrawn_until_given_again() -> None:
    kim = make_user()
    household = make_household(by=kim)
    save_intake(household_id=household.id, intake=Intake(people=(WOMAN,), contact=SAFE), by=kim.principal)
    withdraw_consent(household_id=household.id, by=kim.principal)
    record = households.open_record(household_id=household.id, page="test", by=kim.principal)
    assert record.contact is not None
    assert record.contact.is_withdrawn
    assert not record.intake.contact.has_consented
