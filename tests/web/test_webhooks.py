"""What the provider tells us: believed when signed over our public address, and then forward only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from shelter.domain.messages import MessageState, Template
from shelter.domain.refusals import Refusal
from shelter.extensions import db
from shelter.models.messages import Direction, Message
from tests.contract import fake_twilio
from tests.contract.fake_twilio import FakeTwilio, Taken
from tests.support.texts import make_textable_stay, queue

S = MessageState
PUBLIC = "https://bookings.example"
SID = "SM" + "1" * 32


@pytest.fixture
def believing(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """The application with an account at the provider, behind a proxy: what it is asked is not what is signed."""
    app = make_app(
        public_url=PUBLIC,
        sms_gateway="twilio",
        twilio_account_sid=fake_twilio.ACCOUNT,
        twilio_auth_token=fake_twilio.TOKEN,
        twilio_messaging_service_sid=fake_twilio.SERVICE,
    )
    with app.app_context():
        yield app
        db.session.remove()


@pytest.fixture
def message_id(believing: Flask, frozen_clock: Any) -> UUID:
    """A text the provider has taken."""
    message = queue(make_textable_stay(), Template.CONFIRMED)
    taken = update(Message).values(state=S.SENT, attempts=1, provider_id=SID)
    db.session.execute(taken)
    db.session.commit()
    return message.id


def tell(
    client: FlaskClient,
    message_id: UUID,
    status: str,
    *,
    code: int | None = None,
    sid: str = SID,
    token: str | None = None,
    **other: Any,
) -> TestResponse:
    path = f"/webhooks/twilio/status/{message_id}"
    taken = Taken(sid, "+821012345678", "…", PUBLIC + path, {}, None)  # type: ignore[arg-type]
    return client.post(path, **(FakeTwilio().callback(taken, status, code=code, token=token) | other))


def state_of(message_id: UUID) -> MessageState:
    db.session.rollback()
    return db.session.get_one(Message, message_id, populate_existing=True).state


def test_the_provider_is_heard_without_a_form_token(believing: Flask, message_id: UUID) -> None:
    answer = tell(believing.test_client(), message_id, "delivered")
    assert (answer.status_code, answer.data) == (204, b"")
    assert state_of(message_id) is S.DELIVERED


def test_each_three_times_in_every_order_end_in_one_state(believing: Flask, message_id: UUID) -> None:
    client, ends = believing.test_client(), set()
    for order in permutations(["queued", "sent", "sending", "delivered"]):
        db.session.execute(update(Message).values(state=S.SENT))
        db.session.commit()
        for status in order * 3:
            assert tell(client, message_id, status).status_code == 204
        ends.add(state_of(message_id))
    assert ends == {S.DELIVERED}


def test_a_failure_comes_with_its_reason_in_our_words(believing: Flask, message_id: UUID) -> None:
    tell(believing.test_client(), message_id, "undelivered", code=30005)
    message = db.session.get_one(Message, message_id, populate_existing=True)
    assert (message.state, message.error_code) == (S.FAILED, Refusal.HANDSET_UNKNOWN)


@pytest.mark.parametrize("headers", [{}, {"X-Twilio-Signature": ""}, {"X-Twilio-Signature": "x" * 300}])
def test_without_a_signature_nobody_is_heard(believing: Flask, message_id: UUID, headers: dict[str, str]) -> None:
    assert tell(believing.test_client(), message_id, "delivered", headers=headers).status_code == 403
    assert state_of(message_id) is S.SENT


def test_another_account_is_not_heard(believing: Flask, message_id: UUID) -> None:
    assert tell(believing.test_client(), message_id, "delivered", token="another").status_code == 403
    assert state_of(message_id) is S.SENT


def test_what_was_changed_on_the_way_is_not_heard(believing: Flask, message_id: UUID) -> None:
    path = f"/webhooks/twilio/status/{message_id}"
    taken = Taken(SID, "+821012345678", "…", PUBLIC + path, {}, None)  # type: ignore[arg-type]
    signed = FakeTwilio().callback(taken, "sent")
    signed["data"]["MessageStatus"] = "failed"
    assert believing.test_client().post(path, **signed).status_code == 403


def test_a_forgery_learns_nothing_of_what_there_is(believing: Flask, message_id: UUID) -> None:
    client = believing.test_client()
    known = tell(client, message_id, "sent", token="another")
    unknown = tell(client, uuid4(), "sent", token="another")
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data)


@pytest.mark.parametrize("status", ["", "exploded", "received", "DELIVERED" * 100])
def test_a_word_we_do_not_know_changes_nothing(believing: Flask, message_id: UUID, status: str) -> None:
    assert tell(believing.test_client(), message_id, status).status_code == 204
    assert state_of(message_id) is S.SENT


def test_news_of_a_text_that_is_not_ours_is_accepted_and_forgotten(believing: Flask, message_id: UUID) -> None:
    client = believing.test_client()
    assert tell(client, uuid4(), "delivered").status_code == 204
    assert tell(client, message_id, "delivered", sid="SM" + "2" * 32).status_code == 204
    assert tell(client, message_id, "delivered", sid="").status_code == 204
    assert state_of(message_id) is S.SENT


def test_a_flood_is_cut_off(believing: Flask, message_id: UUID) -> None:
    data = {"MessageSid": "x" * 100_000}
    answer = believing.test_client().post(f"/webhooks/twilio/status/{message_id}", data=data)
    assert answer.status_code in (403, 413)


def test_without_an_account_nobody_is_believed(app: Flask) -> None:
    assert tell(app.test_client(), uuid4(), "delivered").status_code == 403


def test_reading_it_is_not_possible(believing: Flask, message_id: UUID) -> None:
    answer = believing.test_client().get(f"/webhooks/twilio/status/{message_id}")
    assert answer.status_code in (302, 405)


# What comes in -----------------------------------------------------------------------------------------------------


def come_in(client: FlaskClient, **fields: str) -> TestResponse:
    taken = Taken(SID, "x", "…", f"{PUBLIC}/webhooks/twilio/inbound", {}, None)  # type: ignore[arg-type]
    signed = FakeTwilio().callback(taken, "received")
    data = signed["data"] | {"From": "+821012345678", "Body": "STOP"} | fields
    from twilio.request_validator import RequestValidator

    signature = RequestValidator(fake_twilio.TOKEN).compute_signature(taken.status_callback, data)
    return client.post("/webhooks/twilio/inbound", data=data, headers={"X-Twilio-Signature": signature})


def test_what_comes_in_is_kept_sealed_and_acts_on_nothing(believing: Flask, message_id: UUID) -> None:
    for _ in range(2):
        assert come_in(believing.test_client()).status_code == 204
    (came,) = db.session.scalars(select(Message).where(Message.direction == Direction.IN))
    assert (came.body, came.number, came.state) == ("STOP", "+821012345678", S.RECEIVED)
    assert "STOP" not in repr(db.session.execute(select(Message.__table__)).all())
    assert state_of(message_id) is S.SENT


def test_the_longest_text_and_any_character_can_come_in(believing: Flask) -> None:
    assert come_in(believing.test_client(), Body="😱‮\x00" * 2_000).status_code == 204
    (came,) = db.session.scalars(select(Message))
    assert len(came.body or "") == 1_600


def test_an_unsigned_one_is_not_kept(believing: Flask) -> None:
    data = {"MessageSid": SID, "From": "+821012345678", "Body": "x"}
    assert believing.test_client().post("/webhooks/twilio/inbound", data=data).status_code == 403
    assert db.session.scalar(select(Message.id)) is None
