"""A double of Twilio, and the real client against it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shelter.gateways.sms.twilio import TwilioGateway
from tests.contract import fake_twilio, prism
from tests.contract.fake_twilio import FakeTwilio
from tests.support.settings import settings


@pytest.fixture(scope="session")
def running_twilio() -> Iterator[FakeTwilio]:
    with fake_twilio.serve() as fake:
        if prism.is_asked_for():
            with prism.in_front_of(fake.url) as fake.url:
                yield fake
        else:
            yield fake


@pytest.fixture
def twilio(running_twilio: FakeTwilio) -> Iterator[FakeTwilio]:
    running_twilio.forget()
    yield running_twilio
    running_twilio.released.set()
    assert running_twilio.violations == []


def twilio_settings(fake: FakeTwilio, **changes: object) -> dict[str, object]:
    """What an operator would set to speak to the double."""
    return {
        "sms_gateway": "twilio",
        "twilio_account_sid": fake_twilio.ACCOUNT,
        "twilio_auth_token": fake.token,
        "twilio_messaging_service_sid": fake_twilio.SERVICE,
        "twilio_api_base_url": fake.url,
        **changes,
    }


@pytest.fixture
def gateway(twilio: FakeTwilio) -> TwilioGateway:
    return TwilioGateway(settings("sqlite:////tmp/none.sqlite3", **twilio_settings(twilio)))
