"""Who may tell us what became of a text: whoever signed over our public address with the account's token."""

from __future__ import annotations

import random
import string

import pytest
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from shelter.gateways.sms.signature import is_genuine
from tests.contract import fake_twilio
from tests.support.settings import settings

PATH = "/webhooks/twilio/status/0190c5a0-0000-7000-8000-000000000000"
FORM = {"MessageSid": "SM" + "1" * 32, "MessageStatus": "delivered", "To": "+821012345678"}
PUBLIC = "https://bookings.example"
SETTINGS = settings(
    "sqlite:////tmp/none.sqlite3",
    public_url=PUBLIC,
    sms_gateway="twilio",
    twilio_account_sid=fake_twilio.ACCOUNT,
    twilio_auth_token=fake_twilio.TOKEN,
    twilio_from_number="+15005550006",
)


def signature(url: str = PUBLIC + PATH, form: dict[str, str] = FORM, token: str = fake_twilio.TOKEN) -> str:
    return RequestValidator(token).compute_signature(url, form)


def check(given: str | None, form: dict[str, str] = FORM, path: str = PATH, query: str = "") -> bool:
    return is_genuine(SETTINGS, path=path, query=query, form=MultiDict(form), signature=given)


def test_the_provider_is_believed() -> None:
    assert check(signature())
    assert check(signature(PUBLIC + ":443" + PATH))
    assert check(signature(f"{PUBLIC}{PATH}?rc=2"), query="rc=2")


@pytest.mark.parametrize("given", [None, "", "x", "ü" * 28, "=" * 28, "A" * 5000])
def test_a_missing_or_malformed_signature_is_none(given: str | None) -> None:
    assert not check(given)


def test_another_address_is_not_ours() -> None:
    for url in (f"http://bookings.example{PATH}", f"https://evil.example{PATH}", f"{PUBLIC}{PATH}/", PUBLIC):
        assert not check(signature(url))


def test_another_token_is_not_ours() -> None:
    assert not check(signature(token="stolen from elsewhere"))


def test_without_an_account_nobody_is_believed() -> None:
    console = settings("sqlite:////tmp/none.sqlite3")
    assert not is_genuine(console, path=PATH, query="", form=MultiDict(FORM), signature=signature())


def test_a_thousand_forgeries_are_refused() -> None:
    chance, genuine = random.Random(1), signature()
    letters = string.ascii_letters + string.digits + "+/="
    believed = 0
    for _ in range(1_000):
        form, given = dict(FORM), genuine
        match chance.randrange(4):
            case 0:
                at = chance.randrange(len(given))
                other = chance.choice([c for c in letters if c != given[at]])
                given = given[:at] + other + given[at + 1 :]
            case 1:
                field = chance.choice(list(form))
                form[field] += chance.choice(letters)
            case 2:
                form["MessageStatus"] = chance.choice(["failed", "sent", "undelivered", ""])
            case 3:
                form["Extra" + chance.choice(letters)] = chance.choice(letters)
        believed += check(given, form)
    assert believed == 0
