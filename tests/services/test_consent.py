"""An agreement carries texts for a while, until it is withdrawn or runs out; nothing but her word gives it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from shelter import clock
from shelter.domain.contacts import TextChoice
from shelter.domain.errors import NotFound
from shelter.domain.intake import ContactTold, Intake
from shelter.domain.messages import Suppression
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.households import Household, SafeContact
from shelter.models.messages import Message
from shelter.models.stays import Stay
from shelter.services.intake import reconfirm_consent, save_intake, withdraw_consent
from shelter.services.placements import confirm_stay
from tests.conftest import Clock
from tests.factories import make_household, make_stay, make_unit, make_user
from tests.services.test_intake import SAFE, WOMAN, open_again
from tests.support.people import Account

ASKED, ASK_AGAIN = "2026-03-10 12:00", date(2026, 4, 9)


@pytest.fixture
def kim(context: Flask, frozen_clock: Clock) -> Account:
    frozen_clock.set(ASKED)
    return make_user()


@pytest.fixture
def household(kim: Account) -> Household:
    """She agreed on the tenth of March."""
    household = make_household(by=kim)
    save(household, kim, Intake(people=(WOMAN,), contact=SAFE))
    return household


def save(household: Household, by: Account, told: Intake) -> None:
    save_intake(household_id=household.id, intake=told, by=by.principal)


def contact_of(household: Household) -> SafeContact:
    db.session.rollback()
    return db.session.scalars(select(SafeContact).where(SafeContact.household_id == household.id)).one()


def note_something(household: Household, by: Account) -> ContactTold:
    """What the form holds is saved again with another note, as the form sends it; what it held of the contact."""
    told = open_again(household, by)
    save(household, by, replace(told, notes="Insulin", contact=replace(told.contact, reconfirm_on=None)))
    return told.contact


def why_no_text(household: Household, by: Account) -> Suppression | None:
    stay: Stay = make_stay(make_unit(), household=household, state=PlacementState.HELD, responsible=by)
    confirm_stay(stay_id=stay.id, expected_at=clock.now(), text=TextChoice.ASKED_NOW, by=by.principal)
    return db.session.scalars(select(Message.suppression)).one()


def test_it_is_to_be_asked_again_thirty_days_after_it_was_given(household: Household) -> None:
    assert contact_of(household).reconfirm_on == ASK_AGAIN


def test_another_edit_does_not_prolong_it(household: Household, kim: Account, frozen_clock: Clock) -> None:
    frozen_clock.set("2026-04-08 12:00")
    assert note_something(household, kim).has_consented
    assert contact_of(household).reconfirm_on == ASK_AGAIN
    assert why_no_text(household, kim) is None


def test_once_it_ran_out_another_edit_does_not_give_it_back(
    household: Household, kim: Account, frozen_clock: Clock
) -> None:
    frozen_clock.set("2026-04-09 12:00")
    for _twice in range(2):
        assert not note_something(household, kim).has_consented
    assert contact_of(household).reconfirm_on == ASK_AGAIN
    assert why_no_text(household, kim) is Suppression.CONSENT_EXPIRED


def test_ticked_again_after_it_ran_out_it_is_given_anew(
    household: Household, kim: Account, frozen_clock: Clock
) -> None:
    frozen_clock.set("2026-05-01 12:00")
    save(household, kim, Intake(people=(WOMAN,), contact=SAFE))
    assert (contact_of(household).reconfirm_on, contact_of(household).consented_at) == (date(2026, 5, 31), clock.now())
    assert why_no_text(household, kim) is None


@pytest.mark.parametrize("at", ["2026-04-01 12:00", "2026-04-20 12:00"])
def test_she_can_be_asked_again_before_and_after_it_ran_out(
    household: Household, kim: Account, frozen_clock: Clock, at: str
) -> None:
    frozen_clock.set(at)
    reconfirm_consent(household_id=household.id, by=kim.principal)
    assert (contact_of(household).reconfirm_on - clock.today()).days == 30
    assert why_no_text(household, kim) is None


def test_what_was_withdrawn_or_never_given_cannot_be_reconfirmed(household: Household, kim: Account) -> None:
    withdraw_consent(household_id=household.id, by=kim.principal)
    for one in (household, make_household(by=kim)):
        with pytest.raises(NotFound):
            reconfirm_consent(household_id=one.id, by=kim.principal)
    assert why_no_text(household, kim) is Suppression.CONSENT_WITHDRAWN


def test_given_again_after_it_was_withdrawn_it_counts_from_then(
    household: Household, kim: Account, frozen_clock: Clock
) -> None:
    withdraw_consent(household_id=household.id, by=kim.principal)
    frozen_clock.set("2026-03-20 12:00")
    note_something(household, kim)
    assert contact_of(household).withdrawn_at is not None
    save(household, kim, Intake(people=(WOMAN,), contact=SAFE))
    contact = contact_of(household)
    assert (contact.withdrawn_at, contact.consented_at, contact.reconfirm_on) == (None, clock.now(), date(2026, 4, 19))
