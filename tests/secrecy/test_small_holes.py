"""Holes that were found once, each kept shut."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import text

from shelter import config, logs
from shelter.domain.people import TRIES_PER_ACCOUNT
from shelter.extensions import db
from shelter.queries.audit import LOOKS
from shelter.web.once import fingerprint
from shelter.web.sentences.audit import ACTIONS
from tests.secrecy.bad_values import MULTIPART, NESTED, NO_NAME
from tests.support.databases import Database
from tests.support.pages import page_of
from tests.support.people import sign_in
from tests.support.settings import settings

pytestmark = pytest.mark.only("sqlite")


def test_a_fingerprint_cannot_be_guessed_without_the_key(app: Flask) -> None:
    """It is kept, and a form may hold little more than a telephone number."""
    with app.test_request_context("/", method="POST", data={"number": "010-1234-5678"}):
        plain = '["/",[["number",["010-1234-5678"]]],[]]'
        assert fingerprint() != hashlib.sha256(plain.encode()).hexdigest()
        assert fingerprint() == fingerprint()


def test_figures_are_not_handed_on_by_a_proxy_beside_us(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/metrics").status_code == 200
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        assert client.get("/metrics", headers={name: "203.0.113.9"}).status_code == 404


def test_a_token_of_any_characters_is_compared(make_app: Callable[..., Flask]) -> None:
    client = make_app(metrics_token=SecretStr("quiet lantern")).test_client()
    away: Any = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
    assert client.get("/metrics", headers={"Authorization": "Bearer \u00e9"}, **away).status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer quiet lantern"}, **away).status_code == 200


@pytest.mark.parametrize(("body", "kind"), [(NO_NAME, MULTIPART), (NESTED, "application/json")])
@pytest.mark.parametrize("address", ["/login", "/webhooks/twilio/inbound"])
def test_a_body_no_page_of_ours_sends_is_refused(
    app: Flask, database: Database, address: str, body: bytes, kind: str
) -> None:
    """A part without a name, and lists in lists deeper than anybody can read."""
    config.activate(settings(database.url, twilio_auth_token=SecretStr("t" * 32)))
    app.config["WTF_CSRF_ENABLED"] = False
    headers = {"X-Twilio-Signature": "x"}
    answer = app.test_client().post(address, data=body, content_type=kind, headers=headers)
    app.config["WTF_CSRF_ENABLED"] = True
    assert answer.status_code in (403, 422)


def test_a_session_left_open_does_not_let_passwords_be_tried(app: Flask) -> None:
    client = app.test_client()
    sign_in(client)
    form = page_of(client.get("/account/password")).fields()
    new = "nine paper boats on a pond"
    wrong = form | {"current_password": "not it at all, sorry", "password": new, "again": new}
    answers = [client.post("/account/password", data=wrong).status_code for _ in range(TRIES_PER_ACCOUNT + 1)]
    assert answers == [422] * TRIES_PER_ACCOUNT + [429]


def test_an_error_of_the_database_does_not_quote_what_was_sent(context: Flask) -> None:
    with pytest.raises(Exception, match="hide_parameters") as refused:
        db.session.execute(text("SELECT * FROM nowhere WHERE name = :name"), {"name": "Kim Haneul"})
    assert "Kim" not in str(refused.value)
    db.session.rollback()


@pytest.mark.parametrize(
    "number", ["010-1234-5678", "01012345678", "+82 10 1234 5678", "+821012345678", "(02) 123-4567", "010.1234.5678"]
)
def test_no_way_to_write_a_number_gets_into_the_log(number: str) -> None:
    event: Any = {"event": f"call {number} now", "more": {"people": [number], "name": "Kim"}, "seq": 7}
    said = logs.scrub(None, "info", event)
    assert number not in str(said)
    assert "Kim" not in str(said)
    assert said["seq"] == 7


def test_every_look_at_something_sealed_counts_as_one() -> None:
    """What the access log shows as "only records opened"."""
    assert set(LOOKS) >= {action for action in ACTIONS if action.endswith(".opened")}
