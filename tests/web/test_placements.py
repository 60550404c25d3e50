"""From the hold to the door: held, intake, confirmed, arrival card."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from shelter import clock
from shelter.domain.matching import PetsAllowed, PetSize, Species
from shelter.domain.messages import Detail, MessageState, Suppression
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.messages import Message
from shelter.models.stays import Placement, Stay
from shelter.services import drafts
from shelter.services.intake import save_intake
from tests.factories import make_household, make_site, make_stay, make_unit, make_user
from tests.services.test_intake import SAFE, WOMAN
from tests.support.pages import PageClient, page_of
from tests.support.people import Account, sign_in


@pytest.fixture
def kim(app: Flask, client: PageClient) -> Account:
    """A coordinator of the site, signed in, reading English."""
    with app.app_context():
        kim = make_user(locale="en")
    sign_in(client, user=kim)
    return kim


@pytest.fixture
def held(app: Flask, kim: Account) -> str:
    """A mother, two children and a dog, held for tonight."""
    with app.app_context():
        site = make_site("Magnolia", night_line="+8221234567")
        unit = make_unit(site=site, capacity=4, pets_allowed=PetsAllowed.ANY)
        household = make_household(children=2, pets=[(Species.DOG, PetSize.SMALL)], by=kim)
        make_stay(unit, household=household, state=PlacementState.HELD, responsible=kim)
        return f"{household.reference}-1"


def post(client: PageClient, path: str, changes: dict[str, Any] | None = None, page: str | None = None) -> Any:
    """Send the form of a page as a browser would, with changes."""
    form = page_of(client.get(page or path))
    action = next(f for f in form.all("form") if f.get("action", "").split("?")[0] == path)
    return client.post(path, data=form.fields(action) | (changes or {}))


def typed(client: PageClient, path: str) -> dict[str, Any]:
    """What the page's own form holds."""
    page = page_of(client.get(path))
    return page.fields(next(form for form in page.all("form") if form.get("action") == path))


def test_the_held_page_says_until_when_and_leads_to_the_intake(client: PageClient, held: str) -> None:
    page = page_of(client.get(f"/stays/{held}/hold"))
    assert page.h1.startswith("Held until")
    assert "1 woman · 2 children · 1 small dog" in page.text
    assert "Magnolia" in page.text
    assert page.links()["Go on to intake"] == f"/stays/{held}/intake"


def test_a_hold_is_extended_once_and_kept_for_those_on_the_way(app: Flask, client: PageClient, held: str) -> None:
    answer = post(client, f"/stays/{held}/hold/renew", page=f"/stays/{held}/hold")
    assert answer.status_code == 303
    assert "Extend once" not in page_of(client.get(f"/stays/{held}/hold")).text
    assert post(client, f"/stays/{held}/hold/on-the-way", page=f"/stays/{held}/hold").status_code == 303
    assert "kept until a person decides" in page_of(client.get(f"/stays/{held}/hold")).text


def test_a_released_place_is_free_again(app: Flask, client: PageClient, held: str) -> None:
    answer = post(client, f"/stays/{held}/hold/release", page=f"/stays/{held}/hold")
    assert (answer.status_code, answer.location) == (303, "/find")
    with app.app_context():
        assert db.session.scalars(select(Placement.state)).all() == [PlacementState.CANCELLED]


def test_the_intake_shows_the_heads_told_and_keeps_what_is_typed(app: Flask, client: PageClient, held: str) -> None:
    path = f"/stays/{held}/intake"
    page = page_of(client.get(path))
    fields = page.fields()
    assert [fields[f"people-{n}-age_band"] for n in range(4)] == ["adult", "child", "child", "adult"]
    assert [fields[f"people-{n}-sex"] for n in range(4)] == ["female", "female", "female", ""]
    answer = post(
        client,
        path,
        {
            "can_call": "no",
            "can_text": "yes",
            "number": "010-1234-5678",
            "has_consented": "y",
            "has_consented_abroad": "y",
            "detail": "date_only",
            "people-0-name": "Kim Haneul",
            "districts-0-district": "11680",
            "danger_numbers": "010-8765-4321",
            "code_word": "blue umbrella",
        },
    )
    assert (answer.status_code, answer.location) == (303, f"/stays/{held}/confirm")
    again = page_of(client.get(path)).fields()
    assert again["number"] == "010-1234-5678"
    assert again["people-0-name"] == "Kim Haneul"
    assert again["districts-0-district"] == "11680"
    assert again["danger_numbers"].strip() == "010-8765-4321"


def test_a_wrong_number_is_said_beside_its_field_and_loses_nothing(client: PageClient, held: str) -> None:
    answer = post(client, f"/stays/{held}/intake", {"can_text": "yes", "number": "123", "people-0-name": "Kim"})
    assert answer.status_code == 422
    page = page_of(answer)
    assert "This is not a telephone number" in page.text
    assert page.fields()["number"] == "123"
    assert page.fields()["people-0-name"] == "Kim"


def test_one_more_row_saves_nothing_and_loses_nothing(app: Flask, client: PageClient, held: str) -> None:
    answer = post(client, f"/stays/{held}/intake", {"people-3-sex": "female", "people-3-name": "Lee", "more": "1"})
    assert answer.status_code == 200
    fields = page_of(answer).fields()
    assert fields["people-3-name"] == "Lee"
    assert fields["people-4-sex"] == ""


def test_what_is_typed_is_kept_as_a_draft_and_can_be_dropped(
    app: Flask, client: PageClient, held: str, kim: Account
) -> None:
    path = f"/stays/{held}/intake"
    fields = typed(client, path) | {"code_word": "half typed"}
    assert client.post(f"{path}/draft", data=fields).status_code == 204
    assert typed(client, path)["code_word"] == "half typed"
    assert "not yet saved" in page_of(client.get(path)).text
    assert post(client, f"{path}/draft/drop", page=path).status_code == 303
    assert typed(client, path)["code_word"] == ""
    with app.app_context():
        assert drafts.read_draft(purpose=f"intake:{held}", by=kim.principal) is None


def test_confirming_preselects_told_by_voice_and_gives_the_arrival_card(
    app: Flask, client: PageClient, held: str
) -> None:
    path = f"/stays/{held}/confirm"
    assert page_of(client.get(path)).fields()["text"] == "by_voice"
    answer = post(client, path)
    assert (answer.status_code, answer.location) == (303, f"/stays/{held}/arrival-card")
    card = page_of(client.get(answer.location))
    assert card.h1 == "Arrival card"
    assert "Magnolia: 02-123-4567" in card.text
    with app.app_context():
        assert db.session.scalars(select(Placement.state)).all() == [PlacementState.BOOKED]
        message = db.session.scalars(select(Message)).one()
        assert (message.state, message.suppression) == (MessageState.SUPPRESSED, Suppression.TOLD_BY_VOICE)


def test_a_text_asked_for_now_is_queued_and_says_only_what_she_allowed(
    app: Flask, client: PageClient, held: str, kim: Account
) -> None:
    with app.app_context():
        household = db.session.scalars(select(Stay)).one().household_id
        intake = {"people": (WOMAN,), "contact": SAFE}
        from shelter.domain.intake import Intake

        save_intake(household_id=household, intake=Intake(**intake), by=kim.principal)
    assert post(client, f"/stays/{held}/confirm", {"text": "asked_now"}).status_code == 303
    with app.app_context():
        message = db.session.scalars(select(Message)).one()
        assert (message.state, message.number) == (MessageState.QUEUED, SAFE.number)
        assert "예약 확인되었습니다" in message.body
        assert SAFE.detail is Detail.DATE_ONLY


def test_a_double_click_confirms_once(app: Flask, client: PageClient, held: str) -> None:
    path = f"/stays/{held}/confirm"
    page = page_of(client.get(path))
    form = next(f for f in page.all("form") if f.get("action") == path)
    sent = page.fields(form)
    first, second = (client.post(path, data=sent) for _ in range(2))
    assert (first.status_code, first.location) == (second.status_code, second.location)
    assert (first.status_code, first.location) == (303, f"/stays/{held}/arrival-card")
    with app.app_context():
        assert len(db.session.scalars(select(Message)).all()) == 1
    assert client.post(path, data=sent | {"text": "asked_now"}).status_code == 409


def test_confirming_what_another_page_has_confirmed_opens_the_card(client: PageClient, held: str) -> None:
    path = f"/stays/{held}/confirm"
    page = page_of(client.get(path))
    sent = page.fields(next(f for f in page.all("form") if f.get("action") == path))
    assert post(client, path).status_code == 303
    answer = client.post(path, data=sent | {"once": "k" * 24})
    assert (answer.status_code, answer.location) == (303, f"/stays/{held}/arrival-card")


def test_the_site_marks_the_card_received_and_unread_turns_red(app: Flask, client: PageClient, held: str) -> None:
    post(client, f"/stays/{held}/confirm")
    card = f"/stays/{held}/arrival-card"
    assert "has not received this card yet" in page_of(client.get(card)).text
    with app.app_context():
        placement = db.session.scalars(select(Placement)).one()
        placement.confirmed_at = clock.now() - timedelta(minutes=10)
        db.session.commit()
    assert "Ten minutes have passed" in page_of(client.get(card)).text
    assert post(client, f"{card}/received", page=card).status_code == 303
    assert "Received by the site" in page_of(client.get(card)).text


@pytest.mark.parametrize("page", ["hold", "intake", "confirm", "arrival-card"])
def test_a_booking_of_others_does_not_exist(app: Flask, client: PageClient, held: str, page: str) -> None:
    with app.app_context():
        stranger = make_user()
    sign_in(client, user=stranger)
    assert client.get(f"/stays/{held}/{page}").status_code == 404


def test_the_record_shows_contact_first_and_edits_keep_it(app: Flask, client: PageClient, held: str) -> None:
    household = held.split("-")[0]
    page = page_of(client.get(f"/households/{household}"))
    assert "Nobody has asked yet whether she may be called or texted" in page.text
    answer = post(
        client,
        f"/households/{household}/edit",
        {"can_call": "no", "can_text": "no", "other_way": "She calls at nine"},
    )
    assert answer.status_code == 303
    page = page_of(client.get(f"/households/{household}"))
    assert "Never call, never text" in page.text
    assert "She calls at nine" in page.text


def test_consent_is_withdrawn_from_the_record(app: Flask, client: PageClient, held: str) -> None:
    household = held.split("-")[0]
    path = f"/households/{household}"
    post(
        client,
        f"{path}/edit",
        {"can_text": "yes", "number": "010-1234-5678", "has_consented": "y", "has_consented_abroad": "y"},
    )
    assert post(client, f"{path}/withdraw-consent", page=path).status_code == 303
    assert "withdrawn" in page_of(client.get(path)).text


@pytest.mark.parametrize("days", [-1, 2, -2000])
def test_she_is_expected_on_the_night_the_booking_begins_with(client: PageClient, held: str, days: int) -> None:
    far = clock.local(clock.now()) + timedelta(days=days)
    path = f"/stays/{held}/confirm"
    with client.application.app_context():
        far = far.replace(tzinfo=None) - timedelta(days=(clock.today() - clock.shelter_day()).days)
    refused = post(client, path, {"expected_at": far.strftime("%Y-%m-%dT%H:%M")})
    assert refused.status_code == 422
    assert "The booking begins with this night" in page_of(refused).text
