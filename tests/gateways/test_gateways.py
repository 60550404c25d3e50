"""The gateways beside Twilio, and which one the settings choose."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from shelter.domain.messages import MessageState
from shelter.gateways.sms import OutcomeUnknown, gateway_from
from shelter.gateways.sms.console import ConsoleGateway
from shelter.gateways.sms.recorded import RecordedGateway
from shelter.gateways.sms.twilio import TwilioGateway
from tests.contract.fake_twilio import FakeTwilio
from tests.gateways.conftest import twilio_settings
from tests.support.settings import settings

NUMBER = "+821012345678"
BODY = "요청하신 건 확인되었습니다."
NOWHERE = "sqlite:////tmp/none.sqlite3"


def test_nothing_leaves_unless_it_is_asked_for() -> None:
    assert isinstance(gateway_from(settings(NOWHERE)), ConsoleGateway)


def test_twilio_is_chosen_by_the_settings(twilio: FakeTwilio) -> None:
    assert isinstance(gateway_from(settings(NOWHERE, **twilio_settings(twilio))), TwilioGateway)


def test_the_console_says_that_and_not_what() -> None:
    with structlog.testing.capture_logs() as said:
        accepted = ConsoleGateway().send(NUMBER, BODY, callback_url=None, valid_for=timedelta(hours=1))
    assert accepted.state is MessageState.SENT
    assert len(said) == 1
    assert NUMBER[1:] not in str(said)
    assert BODY not in str(said)


def test_the_recorded_gateway_can_lose_an_answer() -> None:
    gateway = RecordedGateway()
    gateway.lost_answers.append(OutcomeUnknown())
    with pytest.raises(OutcomeUnknown):
        gateway.send(NUMBER, BODY, callback_url=None, valid_for=timedelta(hours=1))
    found = gateway.find(NUMBER, BODY, since=datetime.now(UTC) - timedelta(minutes=1))
    assert found == [gateway.sent[0].accepted]


def test_whoever_sends_nothing_loads_no_client() -> None:
    loads = "import sys, shelter.gateways.sms, shelter.gateways.sms.twilio, shelter.gateways.sms.signature\n"
    ran = subprocess.run(
        [sys.executable, "-c", loads + "sys.exit('twilio.rest' in sys.modules or 'requests' in sys.modules)"]
    )
    assert ran.returncode == 0
