"""A double of Twilio, and the real client against it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shelter.gateways.sms.twilio import TwilioGateway
from tests.contract import fake_twilio
from tests.contract.fake_twilio import FakeTwilio
from tests.support.settings import settings


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with fake_twilio.serve() as fake:
        yield fake
        assert fake.violations == []


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
    return TwilioGateway(settings("sqlite:////tmp/none.sqlite3", **twilio_settings(twilio)), timeout=0.5)
