"""A household's record: what is saved is shown, and what somebody else saved meanwhile is not written over unseen."""

from __future__ import annotations

import pytest
from flask import Flask

from shelter.domain.intake import Intake
from shelter.services.intake import save_intake
from tests.conftest import Clock
from tests.factories import make_household, make_user
from tests.services.test_intake import SAFE, WOMAN
from tests.support.pages import PageClient, page_of
from tests.support.people import Account, sign_in
from tests.web.test_placements import post, typed

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture
def kim(app: Flask, client: PageClient, frozen_clock: Clock) -> Account:
    with app.app_context():
        kim = make_user(locale="en")
    sign_in(client, user=kim)
    return kim


@pytest.fixture
def record(app: Flask, kim: Account) -> str:
    """The path of a household whose woman agreed to texts on 2026-03-10."""
    with app.app_context():
        household = make_household(by=kim)
        save_intake(household_id=household.id, intake=Intake(people=(WOMAN,), contact=SAFE), by=kim.principal)
        return f"/households/{household.reference}"


def test_an_agreement_that_ran_out_is_said_and_not_ticked_until_she_is_asked_again(
    client: PageClient, record: str, kim: Account, frozen_clock: Clock
) -> None:
    assert typed(client, f"{record}/edit")["has_consented"] == "y"
    assert "given, to be asked again" in page_of(client.get(record)).text
    frozen_clock.set("2026-04-09 12:00")
    sign_in(client, user=kim)
    assert "has_consented" not in typed(client, f"{record}/edit")
    assert "ask her again" in page_of(client.get(record)).text
    assert post(client, f"{record}/reconfirm-consent", page=record).status_code == 303
    assert "given, to be asked again" in page_of(client.get(record)).text
    assert typed(client, f"{record}/edit")["has_consented"] == "y"
