"""The dispatcher: decides once more, calls with no transaction open, and keeps what came of it."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from shelter import clock
from shelter.domain.contacts import TextChoice
from shelter.domain.messages import Detail, MessageState, Suppression, Template
from shelter.domain.stays import CancelReason, StayState
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.gateways.sms.recorded import RecordedGateway
from shelter.models.messages import Message
from shelter.models.stays import Stay
from shelter.services import sending_rules
from shelter.services.delivery import deliver_due
from shelter.services.messages import stop_all_texts
from tests.conftest import Clock
from tests.factories import make_contact, make_household, make_user
from tests.support.statements import count_statements
from tests.support.texts import NUMBER, change, fresh, household_of, make_textable_stay, queue, tasks

pytestmark = pytest.mark.usefixtures("context", "frozen_clock")
S = MessageState


@pytest.fixture
def gateway() -> RecordedGateway:
    return RecordedGateway()


@pytest.fixture
def stay() -> Stay:
    return make_textable_stay()


# The usual way ----------------------------------------------------------------------------------------------------


def test_a_text_that_is_due_goes_once(stay: Stay, gateway: RecordedGateway) -> None:
    message = queue(stay)
    assert deliver_due(gateway) == {"sent": 1}
    assert deliver_due(gateway) == {}
    (sent,) = gateway.sent
    assert (sent.number, sent.body) == (NUMBER, message.body)
    assert sent.callback_url == f"http://localhost:8000/webhooks/twilio/status/{message.id}"
    assert sent.valid_for == message.expires_at - clock.now()
    assert (fresh(message).state, message.provider_id, message.attempts) == (S.SENT, "recorded-1", 1)


def test_a_text_waits_for_its_time(stay: Stay, gateway: RecordedGateway, frozen_clock: Clock) -> None:
    frozen_clock.set("2026-03-10 06:00")
    queue(stay)
    assert deliver_due(gateway) == {}
    frozen_clock.set("2026-03-10 08:00")
    assert deliver_due(gateway) == {"sent": 1}


def test_no_transaction_is_open_during_the_call(stay: Stay, gateway: RecordedGateway) -> None:
    queue(stay)
    seen: list[bool] = []

    class Watching(RecordedGateway):
        def send(self, *arguments: Any, **named: Any) -> Any:
            seen.append(db.session.registry().in_transaction())
            return super().send(*arguments, **named)

    deliver_due(Watching())
    assert seen == [False]


def test_a_stop_ends_between_two_texts(gateway: RecordedGateway) -> None:
    for n in range(3):
        queue(make_textable_stay(f"+82101234000{n}"))
    deliver_due(gateway, should_stop=lambda: len(gateway.sent) >= 2)
    assert len(gateway.sent) == 2


# Decided once more -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agreed", "why"),
    [
        ({"withdrawn_at": "now"}, Suppression.CONSENT_WITHDRAWN),
        ({"can_text": False}, Suppression.TEXT_NOT_ALLOWED),
        ({"has_consented_abroad": False}, Suppression.NO_CONSENT_ABROAD),
        ({"reconfirm_on": date(2026, 3, 10)}, Suppression.CONSENT_EXPIRED),
        ({"detail": Detail.NONE}, Suppression.DETAIL_NONE),
    ],
)
def test_what_was_withdrawn_since_holds(
    stay: Stay, gateway: RecordedGateway, agreed: dict[str, Any], why: Suppression
) -> None:
    message = queue(stay)
    contact = household_of(stay).contact
    change(contact, **{name: clock.now() if value == "now" else value for name, value in agreed.items()})
    deliver_due(gateway)
    assert gateway.sent == []
    assert (fresh(message).state, message.suppression) == (S.SUPPRESSED, why)
    assert len(tasks()) == 1


def test_a_number_that_is_not_hers_any_more_is_not_texted(stay: Stay, gateway: RecordedGateway) -> None:
    message = queue(stay)
    make_contact(household_of(stay), "+821099998888")
    deliver_due(gateway)
    assert (gateway.sent, fresh(message).suppression) == ([], Suppression.NUMBER_CHANGED)


def test_a_number_that_became_dangerous_is_not_texted(stay: Stay, gateway: RecordedGateway) -> None:
    message = queue(stay)
    make_contact(make_household(), "+821055556666", danger=[NUMBER])
    deliver_due(gateway)
    assert (gateway.sent, fresh(message).suppression) == ([], Suppression.DANGER_NUMBER)


def test_less_detail_agreed_since_says_less(stay: Stay, gateway: RecordedGateway) -> None:
    queue(stay)
    change(household_of(stay).contact, detail=Detail.CALL_US, language="en")
    deliver_due(gateway)
    assert gateway.sent[0].body == "Your request is confirmed. Questions? Call the number we gave you."


def test_a_name_learnt_since_is_not_spelt(stay: Stay, gateway: RecordedGateway) -> None:
    message = queue(stay)
    change(household_of(stay).people[0], name="예약")
    deliver_due(gateway)
    assert (gateway.sent, fresh(message).suppression) == ([], Suppression.NOT_DISCREET)


def test_hours_agreed_since_are_waited_for(stay: Stay, gateway: RecordedGateway, frozen_clock: Clock) -> None:
    message = queue(stay)
    change(household_of(stay).contact, from_time=time(18), until_time=time(20))
    assert deliver_due(gateway) == {"held_back": 1}
    assert (fresh(message).state, message.attempts) == (S.QUEUED, 0)
    frozen_clock.set("2026-03-10 18:00")
    assert deliver_due(gateway) == {"sent": 1}


def test_asking_for_it_now_does_not_last_all_night(stay: Stay, gateway: RecordedGateway, frozen_clock: Clock) -> None:
    frozen_clock.set("2026-03-10 05:00")
    queue(stay, choice=TextChoice.ASKED_NOW)
    frozen_clock.forward(minutes=16)
    assert deliver_due(gateway) == {"held_back": 1}
    frozen_clock.set("2026-03-10 08:00")
    assert deliver_due(gateway) == {"sent": 1}


def test_a_cancelled_booking_is_not_confirmed(stay: Stay, gateway: RecordedGateway) -> None:
    message = queue(stay)
    change(db.session.get_one(Stay, stay.id), state=StayState.CANCELLED, cancel_reason=CancelReason.OTHER)
    deliver_due(gateway)
    assert (gateway.sent, fresh(message).suppression, tasks()) == ([], Suppression.PURPOSE_PASSED, [])


def test_a_booking_that_stands_is_not_called_cancelled(stay: Stay, gateway: RecordedGateway) -> None:
    message = queue(stay, Template.CANCELLED)
    deliver_due(gateway)
    assert (gateway.sent, fresh(message).suppression) == ([], Suppression.PURPOSE_PASSED)


def test_after_check_in_nothing_goes_unless_somebody_asks(
    stay: Stay, gateway: RecordedGateway, frozen_clock: Clock
) -> None:
    before = queue(stay, cause="before")
    change(db.session.get_one(Stay, stay.id), state=StayState.IN_HOUSE, checked_in_at=clock.now())
    deliver_due(gateway)
    assert (gateway.sent, fresh(before).suppression, tasks()) == ([], Suppression.IN_HOUSE, [])
    frozen_clock.forward(minutes=1)
    queue(stay, Template.CALL_US, cause="asked")
    assert deliver_due(gateway) == {"sent": 1}


def test_a_later_text_overtakes_an_earlier_one(stay: Stay, gateway: RecordedGateway, frozen_clock: Clock) -> None:
    first = queue(stay)
    frozen_clock.forward(minutes=1)
    queue(stay, Template.CHANGED)
    deliver_due(gateway)
    assert [sent.body[:5] for sent in gateway.sent] == ["3월 10"]
    assert fresh(first).suppression is Suppression.PURPOSE_PASSED


def test_a_text_that_is_of_no_use_any_more_does_not_go(
    stay: Stay, gateway: RecordedGateway, frozen_clock: Clock
) -> None:
    message = queue(stay)
    frozen_clock.set("2026-03-11 08:00")
    deliver_due(gateway)
    assert (gateway.sent, fresh(message).suppression) == ([], Suppression.PURPOSE_PASSED)
    assert tasks() == [(TaskKind.CALL, "purpose_passed")], "nobody sent it while it was of use"


def test_stop_all_texts_holds_for_what_is_queued(stay: Stay, gateway: RecordedGateway) -> None:
    message = queue(stay)
    stop_all_texts(by=make_user().principal)
    deliver_due(gateway)
    assert (gateway.sent, fresh(message).suppression) == ([], Suppression.STOPPED)
    assert tasks() == [(TaskKind.CALL, "stopped")]


def test_nobody_is_texted_more_than_three_times_a_day(
    stay: Stay, gateway: RecordedGateway, frozen_clock: Clock
) -> None:
    for n in range(5):
        queue(stay, Template.CALL_US, cause=str(n))
        deliver_due(gateway)
        frozen_clock.forward(minutes=1)
    assert len(gateway.sent) == sending_rules.MOST_PER_NUMBER_A_DAY
    assert len(tasks()) == 2


def test_five_hundred_texts_in_a_loop_stop_at_the_cap(
    gateway: RecordedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending_rules, "MOST_TO_GUESTS_A_DAY", 4)
    for n in range(6):
        queue(make_textable_stay(f"+82101234000{n}"))
    deliver_due(gateway)
    assert len(gateway.sent) == 4
    assert {kind for kind, _ in tasks()} == {TaskKind.CALL}


def test_statements_do_not_grow_with_what_waits(gateway: RecordedGateway, stay: Stay, frozen_clock: Clock) -> None:
    """Looking for work costs the same however many texts are not due."""
    counted = []
    for number in (3, 30):
        for n in range(number):
            queue(stay, Template.CALL_US, cause=f"{number}:{n}")
        db.session.execute(update(Message).values(not_before=clock.now() + timedelta(hours=1)))
        db.session.commit()
        with count_statements() as said:
            deliver_due(gateway)
        counted.append(said.total)
    assert counted[0] == counted[1] == 1
