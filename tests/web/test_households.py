"""A household's record: what is saved is shown, and what somebody else saved meanwhile is not written over unseen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from shelter.domain.intake import ExclusionsTold, Intake
from shelter.domain.messages import Suppression
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.messages import Message
from shelter.models.stays import PlacementMember
from shelter.services import households
from shelter.services.intake import save_intake, withdraw_consent
from tests.conftest import Clock
from tests.factories import make_household, make_stay, make_unit, make_user
from tests.services.test_intake import CHILD, SAFE, WOMAN
from tests.support.pages import PageClient, page_of
from tests.support.people import Account, sign_in
from tests.web.test_placements import post, typed

pytestmark = pytest.mark.only("sqlite")

WHAT_THE_OTHER_CHANGED = [
    "She agrees to receive texts",
    "Numbers never to be called or texted",
    "People",
    "Households she must not meet",
]


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


# Two at once --------------------------------------------------------------------------------------------------------


class Two:
    """A held household with its first intake done; Kim sits at the page, somebody else at another one."""

    def __init__(self, app: Flask, client: PageClient, kim: Account) -> None:
        self.app, self.client, self.kim = app, client, kim
        with app.app_context():
            household, self.feared = make_household(by=kim), make_household(by=kim).reference
            save_intake(household_id=household.id, intake=Intake(people=(WOMAN,), contact=SAFE), by=kim.principal)
            make_stay(make_unit(capacity=4), household=household, state=PlacementState.HELD, responsible=kim)
            self.household_id: UUID = household.id
            self.reference: str = household.reference
        self.paths = {"edit": f"/households/{self.reference}/edit", "intake": f"/stays/{self.reference}-1/intake"}

    def saved(self) -> households.Record:
        with self.app.app_context():
            return households.open_record(household_id=self.household_id, page="test", by=self.kim.principal)

    def the_other_saves(self, **changes: Any) -> None:
        told = self.saved().intake
        contact = replace(told.contact, **changes.pop("contact", {}))
        with self.app.app_context():
            save_intake(
                household_id=self.household_id, intake=replace(told, contact=contact, **changes), by=self.kim.principal
            )

    def the_other_makes_her_safe(self) -> None:
        """Consent withdrawn, a danger number, a household never to meet, a child."""
        with self.app.app_context():
            withdraw_consent(household_id=self.household_id, by=self.kim.principal)
        self.the_other_saves(
            contact={"danger_numbers": (*SAFE.danger_numbers, "+821099990000")},
            exclusions=ExclusionsTold(households=(self.feared,)),
            people=(*self.saved().intake.people, CHILD),
        )

    def send(self, fields: dict[str, Any], page: str = "edit", **changes: Any) -> Any:
        return self.client.post(self.paths[page], data=fields | changes)

    def fields(self, page: str = "edit") -> dict[str, Any]:
        return typed(self.client, self.paths[page])

    def shown(self, answer: Any, page: str = "edit") -> dict[str, Any]:
        again = page_of(answer)
        return again.fields(next(form for form in again.all("form") if form.get("action") == self.paths[page]))


@pytest.fixture
def two(app: Flask, client: PageClient, kim: Account) -> Two:
    return Two(app, client, kim)


@pytest.mark.parametrize("page", ["edit", "intake"])
def test_an_old_page_gives_no_consent_back_and_takes_nothing_away(app: Flask, two: Two, page: str) -> None:
    opened = two.fields(page)
    two.the_other_makes_her_safe()
    before = two.saved()
    refused = two.send(opened, page, notes="Insulin at eight.")
    assert refused.status_code == 422
    assert two.saved().intake == before.intake
    said = page_of(refused)
    assert "This record was changed meanwhile" in said.text
    named = [item.text for each in said.all("ul") if "app-notice__text" in each.get("class", "") for item in each]
    assert named == WHAT_THE_OTHER_CHANGED
    assert said.links()["What is saved now (opens in a new window)"] == f"/households/{two.reference}"
    again = two.shown(refused, page)
    assert again["notes"] == "Insulin at eight."
    assert "has_consented" not in again
    assert sorted(again["danger_numbers"].split()) == ["010-8765-4321", "010-9999-0000"]
    assert again["households"] == two.feared
    assert two.send(again, page).status_code == 303
    after = two.saved()
    assert after.intake == replace(before.intake, notes="Insulin at eight.")
    assert after.withdrawn_at is not None
    with app.app_context():
        assert len(db.session.scalars(select(PlacementMember.person_id)).all()) == 2
    assert post(two.client, f"/stays/{two.reference}-1/confirm", {"text": "asked_now"}).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Message.suppression)).all() == [Suppression.CONSENT_WITHDRAWN]


def test_an_old_draft_says_so_when_it_is_opened_and_is_not_saved_over_what_is_new(two: Two) -> None:
    path = two.paths["intake"]
    assert two.client.post(f"{path}/draft", data=two.fields("intake") | {"notes": "half typed"}).status_code == 204
    assert "Changed meanwhile" not in page_of(two.client.get(path)).text
    two.the_other_makes_her_safe()
    before = two.saved()
    page = page_of(two.client.get(path))
    assert "Changed meanwhile" in page.text
    assert "not yet saved" in page.text
    refused = two.send(two.fields("intake"), "intake")
    assert refused.status_code == 422
    assert two.saved().intake == before.intake
    assert two.send(two.shown(refused, "intake"), "intake").status_code == 303
    assert two.saved().intake == replace(before.intake, notes="half typed")


def test_where_both_said_something_what_keeps_her_safe_is_of_both(two: Two) -> None:
    opened = two.fields()
    two.the_other_makes_her_safe()
    two.the_other_saves(contact={"can_text": False, "other_way": "She calls at nine", "code_word": "theirs"})
    refused = two.send(
        opened,
        danger_numbers="010-7777-0000",
        households=two.feared,
        has_consented_abroad="",
        code_word="mine",
        **{"people-1-sex": "male", "people-1-age_band": "infant"},
    )
    again = two.shown(refused)
    assert (again["can_text"], again["code_word"]) == ("no", "mine")
    assert sorted(again["danger_numbers"].split()) == ["010-7777-0000", "010-8765-4321", "010-9999-0000"]
    assert "has_consented" not in again
    assert two.send(again).status_code == 303
    after = two.saved().intake
    assert [(p.sex.value, p.age_band.value) for p in after.people] == [
        ("female", "adult"),
        ("male", "infant"),
        ("female", "child"),
    ]
    assert after.exclusions.households == (two.feared,)
    assert (after.contact.can_text, after.contact.other_way) == (False, "She calls at nine")


def test_somebody_taken_out_meanwhile_does_not_come_back(two: Two) -> None:
    two.the_other_saves(people=(*two.saved().intake.people, CHILD))
    opened = two.fields()
    two.the_other_saves(people=two.saved().intake.people[:1])
    refused = two.send(opened, notes="Insulin")
    assert refused.status_code == 422
    assert two.send(two.shown(refused)).status_code == 303
    assert len(two.saved().intake.people) == 1


def test_one_more_row_makes_an_old_page_no_newer(two: Two) -> None:
    opened = two.fields()
    two.the_other_makes_her_safe()
    more = two.send(opened, more="1", notes="Insulin")
    assert (more.status_code, "Changed meanwhile" in page_of(more).text) == (200, True)
    assert two.send(two.shown(more)).status_code == 422


def test_a_page_of_before_there_were_versions_is_taken_for_an_old_one(two: Two) -> None:
    opened = two.fields()
    del opened["version"]
    refused = two.send(opened, notes="Insulin")
    assert refused.status_code == 422
    assert two.send(two.shown(refused)).status_code == 303


def test_a_second_click_on_save_is_the_same_act(two: Two) -> None:
    opened = two.fields() | {"notes": "Insulin"}
    assert [two.send(opened).status_code for _twice in range(2)] == [303, 303]
