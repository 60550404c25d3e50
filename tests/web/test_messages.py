"""The page of texts: as the phone shows them, to those who may read the household, with the reason where none went."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from shelter.domain.contacts import TextChoice
from shelter.domain.messages import MessageState, Suppression, Template
from shelter.domain.permissions import SYSTEM, Role
from shelter.domain.refusals import Refusal
from shelter.extensions import db
from shelter.gateways.sms.recorded import RecordedGateway
from shelter.models.audit import AuditEntry
from shelter.models.messages import Message
from shelter.models.people import User
from shelter.models.stays import Stay
from shelter.services.delivery import deliver_due
from shelter.services.messages import queue_staff_message, stop_all_texts
from shelter.services.unit_of_work import unit_of_work
from tests.factories import make_contact, make_household, make_site, make_stay, make_unit, make_user
from tests.support.pages import Page, PageClient, page_of
from tests.support.people import Account, sign_in
from tests.support.statements import count_statements
from tests.support.texts import queue

pytestmark = pytest.mark.usefixtures("context", "frozen_clock")
BODY = "3월 10일(화) 예약 확인되었습니다. 문의는 알려드린 번호로 전화 주세요."


@pytest.fixture
def site() -> Any:
    return make_site()


@pytest.fixture
def stay(site: Any) -> Stay:
    household = make_household()
    make_contact(household)
    return make_stay(make_unit(site=site), household=household)


@pytest.fixture
def coordinator(site: Any) -> Account:
    return make_user(sites=[site])


@pytest.fixture
def reader(client: PageClient, coordinator: Account) -> PageClient:
    sign_in(client, user=coordinator)
    return client


def page(client: PageClient, path: str = "/messages") -> Page:
    answer = client.get(path)
    assert answer.status_code == 200
    return page_of(answer)


def shown(client: PageClient, path: str = "/messages") -> list[str]:
    """Each text with all that is said of it."""
    return [
        " ".join("".join(li.itertext()).split())
        for li in page(client, path).all("li")
        if "app-text" in li.get("class", "")
    ]


def test_a_text_is_shown_as_the_phone_shows_it(reader: PageClient, stay: Stay) -> None:
    queue(stay)
    (text,) = shown(reader)
    assert f"[국제발신] {BODY}" in text
    assert "80 of 90 bytes" in text
    assert "Queued" in text


def test_of_the_number_only_its_end_is_shown(reader: PageClient, stay: Stay) -> None:
    queue(stay)
    (text,) = shown(reader)
    assert "number ending in 5678" in text
    assert "1234" not in text.replace("number ending in 5678", "")


def test_where_none_went_the_reason_is_said(reader: PageClient, stay: Stay) -> None:
    queue(stay, choice=TextChoice.BY_VOICE)
    (text,) = shown(reader)
    assert "Not sent told by voice" in text
    assert "No text was written." in text


def test_what_failed_says_why(reader: PageClient, stay: Stay) -> None:
    queue(stay)
    db.session.execute(update(Message).values(state=MessageState.FAILED, error_code=Refusal.BLOCKED))
    db.session.commit()
    assert "Failed blocked by the phone or the carrier" in shown(reader)[0]


def test_nobody_is_told_that_a_text_was_read(reader: PageClient, stay: Stay) -> None:
    queue(stay)
    db.session.execute(update(Message).values(state=MessageState.DELIVERED))
    db.session.commit()
    assert "Delivered by the carrier" in shown(reader)[0]


def test_a_household_of_others_stays_theirs(client: PageClient, stay: Stay) -> None:
    queue(stay)
    sign_in(client, user=make_user(sites=[make_site()]))
    assert shown(client) == []
    assert "No texts here" in page(client).text


@pytest.mark.parametrize("role", [Role.MANAGER, Role.ADMINISTRATOR])
def test_whoever_keeps_no_households_sees_only_their_own(client: PageClient, stay: Stay, role: Role) -> None:
    queue(stay)
    account = make_user(role, phone="+821011112222", locale="en")
    with unit_of_work(SYSTEM) as work:
        user = db.session.get_one(User, account.id)
        until = db.session.scalars(select(Message.expires_at)).one()
        queue_staff_message(work, user=user, template=Template.DIGEST, cause="x", expires_at=until, n=2, m=1)
    sign_in(client, user=account)
    (text,) = shown(client)
    assert "2 near limit, 1 at limit." in text
    assert "to you" in text


def test_looking_is_written_down_with_whose_it_was(reader: PageClient, stay: Stay, coordinator: Account) -> None:
    queue(stay)
    page(reader)
    entries = select(AuditEntry.user_id, AuditEntry.household_id).where(AuditEntry.action == "message.opened")
    assert [tuple(row) for row in db.session.execute(entries)] == [(coordinator.id, stay.household_id)]


def test_nothing_leaves_is_said_where_nothing_leaves(reader: PageClient) -> None:
    assert "Nothing leaves this machine" in page(reader).text


@pytest.mark.parametrize(
    ("which", "state", "more"),
    [
        ("failed", MessageState.FAILED, {}),
        ("unknown", MessageState.UNKNOWN, {}),
        ("queued", MessageState.QUEUED, {}),
        ("sent", MessageState.DELIVERED, {}),
        ("not-sent", MessageState.SUPPRESSED, {"suppression": Suppression.STOPPED}),
    ],
)
def test_each_tab_holds_its_states_and_their_number(
    reader: PageClient, stay: Stay, which: str, state: MessageState, more: dict[str, Any]
) -> None:
    message, other = queue(stay, cause="1"), queue(stay, cause="2")
    final = MessageState.FAILED if which != "failed" else MessageState.SENT
    for one, its, values in ((message, state, more), (other, final, {})):
        db.session.execute(update(Message).where(Message.id == one.id).values(state=its, **values))
    db.session.commit()
    assert len(shown(reader, f"/messages/list/{which}")) == 1
    assert len(shown(reader)) == 2
    current = [a for a in page(reader, f"/messages/list/{which}").all("a") if a.get("aria-current") == "page"]
    assert "(1)" in "".join(current[-1].itertext())


def test_more_than_a_page_has_pages(reader: PageClient, stay: Stay) -> None:
    for n in range(23):
        queue(stay, cause=str(n))
    assert len(shown(reader)) == 20
    assert len(shown(reader, "/messages?page=2")) == 3
    for odd in ("0", "-1", "99", "x"):
        assert page(reader, f"/messages?page={odd}")


def test_a_page_costs_the_same_for_three_texts_and_for_twenty(reader: PageClient, stay: Stay) -> None:
    page(reader)
    counted = []
    for number in (3, 17):
        for n in range(number):
            queue(stay, cause=f"{number}:{n}")
        with count_statements() as said:
            page(reader)
        counted.append(said.total)
    assert counted[0] == counted[1]


def test_stop_and_let_go_again(reader: PageClient, stay: Stay) -> None:
    message = queue(stay)
    confirm = page(reader, "/messages/stop")
    answer = reader.post("/messages/stop", data=confirm.fields(form_to(confirm, "/messages/stop")))
    assert answer.status_code == 303
    stopped = page(reader)
    assert "All texts are stopped" in stopped.text
    assert "/messages/stop" not in stopped.links().values()
    gateway = RecordedGateway()
    deliver_due(gateway)
    db.session.refresh(message)
    assert (gateway.sent, message.suppression) == ([], Suppression.STOPPED)
    reader.post("/messages/resume", data=stopped.fields(form_to(stopped, "/messages/resume")))
    assert "/messages/stop" in page(reader).links().values()


def form_to(shown_page: Page, action: str) -> Any:
    (form,) = [form for form in shown_page.all("form") if form.get("action") == action]
    return form


def test_whoever_may_not_stop_them_may_not(app: Flask, client: PageClient) -> None:
    sign_in(client, user=make_user(Role.AUDITOR))
    assert client.get("/messages").status_code == 403
    assert client.get("/messages/stop").status_code == 403


def test_stopping_twice_is_stopping_once(coordinator: Account) -> None:
    stop_all_texts(by=coordinator.principal)
    stop_all_texts(by=coordinator.principal)
    entries = select(AuditEntry.id).where(AuditEntry.action == "messages.stopped")
    assert len(db.session.scalars(entries).all()) == 1


def test_both_languages_read_well(client: PageClient, site: Any, stay: Stay) -> None:
    queue(stay)
    sign_in(client, user=make_user(sites=[site], locale="ko"))
    (text,) = shown(client)
    assert "발송 대기" in text
    assert "머리말 포함 90바이트 중 80바이트" in text
