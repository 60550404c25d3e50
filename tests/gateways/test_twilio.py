"""Our Twilio gateway: the real client against the double, which is held to Twilio's specification."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from shelter.config import UnsafeSettings
from shelter.domain.messages import MessageState
from shelter.domain.refusals import Refusal
from shelter.gateways.sms import OutcomeUnknown, PermanentRefusal, TemporaryRefusal, gateway_from
from shelter.gateways.sms.twilio import STATES, TwilioGateway, refusal_of, state_of
from tests.contract import fake_twilio, specification
from tests.contract.fake_twilio import TAKEN, FakeTwilio, Fault
from tests.gateways.conftest import twilio_settings
from tests.support.settings import settings

NUMBER = "+821012345678"
BODY = "요청하신 건 확인되었습니다. 문의는 알려드린 번호로 전화 주세요."
CALLBACK = "https://bookings.example/webhooks/twilio/status/0190c5a0-0000-7000-8000-000000000000"
HOUR = timedelta(hours=1)
NOWHERE = "sqlite:////tmp/none.sqlite3"


def send(gateway: TwilioGateway, number: str = NUMBER, body: str = BODY) -> str:
    return gateway.send(number, body, callback_url=CALLBACK, valid_for=HOUR).provider_id


def long_ago() -> datetime:
    return datetime.now(UTC) - HOUR


def test_a_text_is_handed_over_once_and_whole(twilio: FakeTwilio, gateway: TwilioGateway) -> None:
    accepted = gateway.send(NUMBER, BODY, callback_url=CALLBACK, valid_for=HOUR)
    (taken,) = twilio.taken
    assert accepted.provider_id == taken.sid
    assert accepted.state is MessageState.SENT
    assert taken.form == {
        "To": NUMBER,
        "Body": BODY,
        "MessagingServiceSid": fake_twilio.SERVICE,
        "StatusCallback": CALLBACK,
        "ValidityPeriod": "3600",
    }


def test_a_sender_number_is_used_where_there_is_no_service(twilio: FakeTwilio) -> None:
    chosen = twilio_settings(twilio, twilio_messaging_service_sid=None, twilio_from_number="+82215991366")
    send(TwilioGateway(settings(NOWHERE, **chosen)))
    assert twilio.taken[0].form["From"] == "+82215991366"


@pytest.mark.parametrize(("asked", "told"), [(timedelta(days=3), 36_000), (timedelta(0), 1)])
def test_the_validity_keeps_to_what_twilio_allows(
    twilio: FakeTwilio, gateway: TwilioGateway, asked: timedelta, told: int
) -> None:
    gateway.send(NUMBER, BODY, callback_url=None, valid_for=asked)
    assert twilio.taken[0].form["ValidityPeriod"] == str(told)
    assert "StatusCallback" not in twilio.taken[0].form


@pytest.mark.parametrize(
    ("number", "refusal"),
    [
        ("+821000021211", Refusal.NUMBER_INVALID),
        ("+821000021610", Refusal.OPTED_OUT),
        ("+821000021614", Refusal.NOT_MOBILE),
        ("+821000021408", Refusal.REGION_CLOSED),
        ("+821000021606", Refusal.SETTINGS_WRONG),
        ("+821000099999", Refusal.TEXT_REFUSED),
    ],
)
def test_a_refusal_for_good_is_said_in_our_words(
    twilio: FakeTwilio, gateway: TwilioGateway, number: str, refusal: Refusal
) -> None:
    with pytest.raises(PermanentRefusal) as refused:
        send(gateway, number)
    assert refused.value.refusal is refusal
    assert twilio.taken == []


def test_wrong_credentials_are_for_the_operator(twilio: FakeTwilio) -> None:
    wrong = settings(NOWHERE, **twilio_settings(twilio, twilio_auth_token="another"))
    with pytest.raises(PermanentRefusal) as refused:
        send(TwilioGateway(wrong))
    assert refused.value.refusal.is_for_the_operator


def test_too_many_may_be_tried_again(twilio: FakeTwilio, gateway: TwilioGateway) -> None:
    twilio.faults.append(Fault.BUSY)
    with pytest.raises(TemporaryRefusal) as refused:
        send(gateway)
    assert refused.value.refusal is Refusal.TOO_MANY
    assert twilio.taken == []


def test_nobody_listening_may_be_tried_again() -> None:
    with fake_twilio.serve() as gone:
        pass
    with pytest.raises(TemporaryRefusal) as refused:
        send(TwilioGateway(settings(NOWHERE, **twilio_settings(gone))))
    assert refused.value.refusal is Refusal.OFFLINE


@pytest.mark.parametrize("fault", [Fault.ERROR, *sorted(TAKEN, key=lambda fault: fault.name)])
def test_a_call_that_breaks_off_has_an_unknown_outcome(
    twilio: FakeTwilio, gateway: TwilioGateway, fault: Fault
) -> None:
    """From here nobody can tell whether the text was taken: both happen, and the answer is the same."""
    twilio.faults.append(fault)
    impatient = TwilioGateway(settings(NOWHERE, **twilio_settings(twilio)), timeout=1)
    with pytest.raises(OutcomeUnknown):
        send(impatient if fault is Fault.TAKEN_THEN_SILENCE else gateway)
    found = gateway.find(NUMBER, BODY, since=long_ago())
    assert [accepted.provider_id for accepted in found] == [taken.sid for taken in twilio.taken]
    assert len(found) == (fault in TAKEN)


def test_a_call_is_never_repeated_by_itself(twilio: FakeTwilio, gateway: TwilioGateway) -> None:
    twilio.faults.extend([Fault.TAKEN_THEN_CLOSED, Fault.TAKEN_THEN_CLOSED])
    with pytest.raises(OutcomeUnknown):
        send(gateway)
    assert len(twilio.taken) == 1


def test_finding_looks_at_number_text_and_time(twilio: FakeTwilio, gateway: TwilioGateway) -> None:
    first = send(gateway)
    send(gateway, NUMBER, "통화 가능하실 때 알려드린 번호로 전화 부탁드립니다.")
    send(gateway, "+821087654321")
    twilio.callback(twilio.taken[0], "undelivered", code=30005)
    (found,) = gateway.find(NUMBER, BODY, since=long_ago())
    assert (found.provider_id, found.state, found.refusal) == (first, MessageState.FAILED, Refusal.HANDSET_UNKNOWN)
    assert gateway.find(NUMBER, BODY, since=datetime.now(UTC) + HOUR) == []


def test_a_provider_that_cannot_be_asked_is_no_answer(twilio: FakeTwilio, gateway: TwilioGateway) -> None:
    twilio.is_down = True
    with pytest.raises(OutcomeUnknown):
        gateway.find(NUMBER, BODY, since=long_ago())


def test_every_status_of_the_specification_has_a_word_of_ours() -> None:
    theirs = specification.specification()["components"]["schemas"]["message_enum_status"]["enum"]
    inbound = {"receiving", "received"}
    assert set(theirs) - inbound == set(STATES)
    assert state_of("something new") is None
    assert state_of(None) is None


def test_a_text_is_never_said_to_be_read() -> None:
    assert state_of("read") is MessageState.DELIVERED
    assert not [state for state in MessageState if "read" in state.value]


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("30003", Refusal.HANDSET_OFF),
        (30004, Refusal.BLOCKED),
        ("30005", Refusal.HANDSET_UNKNOWN),
        ("30006", Refusal.NOT_MOBILE),
        ("30007", Refusal.FILTERED),
        ("30008", Refusal.CARRIER_FAULT),
        ("77777", Refusal.CARRIER_FAULT),
        ("", Refusal.CARRIER_FAULT),
        (None, Refusal.CARRIER_FAULT),
    ],
)
def test_codes_of_carriers_are_said_in_our_words(code: object, refusal: Refusal) -> None:
    assert refusal_of(code) is refusal


def test_neither_logs_nor_errors_hold_number_or_text(
    twilio: FakeTwilio, gateway: TwilioGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for noisy in ("twilio.http_client", "urllib3"):
        caplog.set_level(logging.WARNING, noisy)
    twilio.faults.append(Fault.TAKEN_THEN_ERROR)
    with pytest.raises(OutcomeUnknown) as broken:
        send(gateway)
    gateway.find(NUMBER, BODY, since=long_ago())
    said = caplog.text + repr(broken.value) + str(broken.value) + repr(broken.value.__cause__)
    assert NUMBER.removeprefix("+") not in said
    assert BODY not in said


def test_in_development_the_double_must_be_on_this_machine(twilio: FakeTwilio) -> None:
    chosen = settings(NOWHERE, **twilio_settings(twilio, env="development", twilio_api_base_url="https://x.example"))
    with pytest.raises(UnsafeSettings, match="TWILIO_API_BASE_URL"):
        gateway_from(chosen)


def test_twilio_is_given_no_callback_it_could_not_reach(twilio: FakeTwilio) -> None:
    """The real one refuses an address on somebody's own machine; a double is on it."""
    chosen = settings(NOWHERE, **twilio_settings(twilio, twilio_api_base_url=None))
    gateway = TwilioGateway(chosen)
    said: dict[str, object] = {}

    class Client:
        class messages:
            @staticmethod
            def create(**fields: object) -> None:
                said.update(fields)
                raise ValueError

    gateway._client = Client  # type: ignore[assignment]
    with pytest.raises(OutcomeUnknown):
        gateway.send(NUMBER, BODY, callback_url="http://localhost:8000/webhooks/x", valid_for=HOUR)
    assert "status_callback" not in said
    assert said["to"] == NUMBER
