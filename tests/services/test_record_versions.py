"""Whoever saves a record says what it was filled in from: what was saved meanwhile is never written over unseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from shelter.domain.districts import DISTRICTS
from shelter.domain.intake import AGREEMENT, ChangedMeanwhile, ContactTold, Intake, PetTold, parts
from shelter.domain.matching import PetSize, Species
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.models.households import Household, Person
from shelter.services import households
from shelter.services.intake import save_intake, withdraw_consent
from shelter.services.record_versions import changed_parts, typed_parts
from tests.factories import make_household, make_user
from tests.services.test_intake import CHILD, HERS, SAFE, WOMAN
from tests.services.test_placing_races import race
from tests.support.people import Account

OTHERS = "+821099990000"


@pytest.fixture
def kim(context: Flask) -> Account:
    return make_user()


@pytest.fixture
def household(kim: Account) -> Household:
    household = make_household(by=kim)
    save(household, kim, Intake(people=(WOMAN,), contact=SAFE))
    return household


def save(household: Household, by: Account, told: Intake, version: str | None = None) -> None:
    save_intake(household_id=household.id, intake=told, version=version, by=by.principal)


def opened(household: Household, by: Account) -> households.Record:
    return households.open_record(household_id=household.id, page="test", by=by.principal)


def on_contact(**changes: Any) -> Callable[[Intake], Intake]:
    return lambda told: replace(told, contact=replace(told.contact, **changes))


def on_exclusions(**changes: Any) -> Callable[[Intake], Intake]:
    return lambda told: replace(told, exclusions=replace(told.exclusions, **changes))


CHANGES: dict[str, Callable[[Intake], Intake]] = {
    "can_call": on_contact(can_call=True),
    "number": on_contact(number=OTHERS),
    "detail": on_contact(detail=type(SAFE.detail).NONE),
    "has_consented_abroad": on_contact(has_consented_abroad=False),
    "danger_numbers": on_contact(danger_numbers=(*SAFE.danger_numbers, OTHERS)),
    "other_way": on_contact(other_way="She calls at nine"),
    "people": lambda told: replace(told, people=(*told.people, CHILD)),
    "pets": lambda told: replace(told, pets=(PetTold(species=Species.CAT, size=PetSize.SMALL),)),
    "needs_cot": lambda told: replace(told, needs_cot=True),
    "notes": lambda told: replace(told, notes="Insulin at eight."),
    "districts": on_exclusions(districts=((DISTRICTS[0].code, None),)),
}


@pytest.mark.parametrize("part", CHANGES)
def test_what_was_saved_since_the_form_was_opened_is_not_written_over(
    household: Household, kim: Account, part: str
) -> None:
    mine = opened(household, kim)
    save(household, kim, CHANGES[part](mine.intake))
    now = opened(household, kim)
    with pytest.raises(ChangedMeanwhile) as refused:
        save(household, kim, replace(mine.intake, notes="My own."), mine.version)
    assert refused.value.parts == {part}
    assert opened(household, kim).intake == now.intake
    save(household, kim, replace(now.intake, notes="My own."), now.version)
    assert opened(household, kim).intake == replace(now.intake, notes="My own.")


def test_a_withdrawn_agreement_is_not_given_back(household: Household, kim: Account) -> None:
    mine = opened(household, kim)
    withdraw_consent(household_id=household.id, by=kim.principal)
    with pytest.raises(ChangedMeanwhile) as refused:
        save(household, kim, mine.intake, mine.version)
    assert refused.value.parts == {"has_consented", AGREEMENT}
    assert opened(household, kim).withdrawn_at is not None


def test_nor_is_one_that_was_given_and_withdrawn_since_the_form_was_opened(household: Household, kim: Account) -> None:
    save(household, kim, Intake(people=(WOMAN,), contact=ContactTold(can_text=True, number=HERS)))
    mine = opened(household, kim)
    save(household, kim, Intake(people=mine.intake.people, contact=replace(SAFE, danger_numbers=())))
    withdraw_consent(household_id=household.id, by=kim.principal)
    save(household, kim, replace(mine.intake, contact=replace(mine.intake.contact, has_consented=False)))
    with pytest.raises(ChangedMeanwhile) as refused:
        save(household, kim, on_contact(has_consented=True)(mine.intake), mine.version)
    assert refused.value.parts == {AGREEMENT}


def test_what_was_saved_again_as_it_was_is_in_nobodys_way(household: Household, kim: Account) -> None:
    mine = opened(household, kim)
    save(household, kim, mine.intake, mine.version)
    save(household, kim, replace(mine.intake, notes="My own."), mine.version)
    assert opened(household, kim).intake.notes == "My own."


@pytest.mark.parametrize("version", ["", "x", ".".join(["0" * 16] * 22)])
def test_a_form_that_does_not_say_what_it_was_filled_in_from_is_taken_for_a_stale_one(
    household: Household, kim: Account, version: str
) -> None:
    with pytest.raises(ChangedMeanwhile) as refused:
        save(household, kim, Intake(people=(WOMAN,)), version)
    assert refused.value.parts == {*parts(Intake(people=())), AGREEMENT}


def test_the_version_of_one_record_is_none_of_another(household: Household, kim: Account) -> None:
    other = make_household(by=kim)
    save(other, kim, Intake(people=(WOMAN,), contact=SAFE))
    differing = changed_parts(opened(household, kim).version, opened(other, kim).version)
    assert differing == {*parts(Intake(people=())), AGREEMENT}


def test_the_version_says_nothing_and_what_was_typed_is_told_from_what_was_not(
    household: Household, kim: Account
) -> None:
    mine = opened(household, kim)
    assert typed_parts(mine.version, household.id, mine.intake) == frozenset()
    for part, change in CHANGES.items():
        assert typed_parts(mine.version, household.id, change(mine.intake)) == {part}
    assert set(mine.version) <= set("0123456789abcdef.")


def test_of_two_who_save_at_once_one_is_told(app: Flask, household: Household, kim: Account) -> None:
    mine = opened(household, kim)
    household_id = household.id
    db.session.rollback()

    def add(n: int) -> Callable[[], None]:
        told = replace(mine.intake, people=(*mine.intake.people, replace(CHILD, name=f"Child {n}")))
        return lambda: save_intake(household_id=household_id, intake=told, version=mine.version, by=kim.principal)

    assert sorted(race(app, [add(1), add(2)])) == ["changed_meanwhile", "done"]
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Person)) == 2
        saved = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "household.intake_saved")
        assert db.session.scalar(saved) == 2  # the first intake, and one of these


def test_a_first_number_to_avoid_is_no_change_of_what_she_agreed_to(kim: Account) -> None:
    household = make_household(by=kim)
    before = opened(household, kim)
    told = replace(before.intake, contact=ContactTold(danger_numbers=(OTHERS,)))
    save(household, kim, told, before.version)
    assert changed_parts(before.version, opened(household, kim).version) == {"danger_numbers"}
