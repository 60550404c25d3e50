"""At most once for each text, whatever the provider does, and however its news arrives."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from shelter import clock
from shelter.domain.contacts import TextChoice
from shelter.domain.messages import MessageState, Template
from shelter.domain.refusals import Refusal
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.gateways.sms import OutcomeUnknown, PermanentRefusal, TemporaryRefusal
from shelter.gateways.sms.recorded import RecordedGateway
from shelter.models.messages import Message
from shelter.models.stays import Stay
from shelter.services import sending_rules
from shelter.services.delivery import deliver_due, record_delivery_status, settle_unknown
from tests.conftest import Clock
from tests.support.texts import change, fresh, household_of, make_textable_stay, queue, tasks

pytestmark = pytest.mark.usefixtures("context", "frozen_clock")
S = MessageState


@pytest.fixture
def gateway() -> RecordedGateway:
    return RecordedGateway()


@pytest.fixture
def stay() -> Stay:
    return make_textable_stay()


# What goes wrong ---------------------------------------------------------------------------------------------------


def test_a_busy_provider_is_asked_again_after_1_5_15_60_minutes(
    stay: Stay, gateway: RecordedGateway, frozen_clock: Clock
) -> None:
    message = queue(stay, Template.CHANGED)
    started = clock.now()
    gateway.faults.extend([TemporaryRefusal(Refusal.TOO_MANY)] * 6)
    waited = []
    for _ in range(6):
        deliver_due(gateway)
        waited.append((fresh(message).not_before - clock.now()).total_seconds() / 60)
        frozen_clock.set(message.not_before)
    assert waited == [1, 5, 15, 60, 60, 60]
    assert fresh(message).state is S.QUEUED
    deliver_due(gateway)
    assert len(gateway.sent) == 1
    assert clock.now() - started == timedelta(minutes=201)


def test_a_provider_that_stays_away_becomes_a_task(stay: Stay, gateway: RecordedGateway, frozen_clock: Clock) -> None:
    message = queue(stay)
    gateway.faults.extend([TemporaryRefusal(Refusal.OFFLINE)] * 99)
    while fresh(message).state is S.QUEUED:
        frozen_clock.set(max(message.not_before, clock.now()))
        deliver_due(gateway)
    assert (message.state, message.error_code) == (S.FAILED, Refusal.OFFLINE)
    assert tasks() == [(TaskKind.CALL, "offline")]


@pytest.mark.parametrize(
    ("can_call", "kind"), [(True, TaskKind.CALL), (False, TaskKind.OTHER_WAY), (None, TaskKind.OTHER_WAY)]
)
def test_a_refusal_for_good_becomes_a_task_of_an_allowed_kind(
    stay: Stay, gateway: RecordedGateway, can_call: bool | None, kind: TaskKind
) -> None:
    change(household_of(stay).contact, can_call=can_call)
    message = queue(stay)
    gateway.faults.append(PermanentRefusal(Refusal.OPTED_OUT))
    assert deliver_due(gateway) == {"failed": 1}
    assert (fresh(message).state, message.error_code) == (S.FAILED, Refusal.OPTED_OUT)
    assert tasks() == [(kind, "opted_out")]
    assert deliver_due(gateway) == {}


def test_a_lost_answer_is_never_sent_again(stay: Stay, gateway: RecordedGateway, frozen_clock: Clock) -> None:
    message = queue(stay)
    gateway.lost_answers.append(OutcomeUnknown("ReadTimeout"))
    assert deliver_due(gateway) == {"unknown": 1}
    assert settle_unknown(gateway) == {}, "the provider's own list may lag"
    frozen_clock.forward(seconds=60)
    assert settle_unknown(gateway) == {"sent": 1}
    assert (fresh(message).state, message.provider_id, len(gateway.sent)) == (S.SENT, "recorded-1", 1)


def test_what_the_provider_never_got_is_sent_after_asking_twice(
    stay: Stay, gateway: RecordedGateway, frozen_clock: Clock
) -> None:
    message = queue(stay)
    gateway.faults.append(OutcomeUnknown("status 500"))
    deliver_due(gateway)
    frozen_clock.forward(seconds=60)
    assert settle_unknown(gateway) == {"queued": 1}
    frozen_clock.forward(seconds=60)
    assert deliver_due(gateway) == {"sent": 1}
    assert (fresh(message).attempts, len(gateway.sent)) == (2, 1)


def test_before_a_second_attempt_the_provider_is_asked(
    stay: Stay, gateway: RecordedGateway, frozen_clock: Clock
) -> None:
    """Its list lagged: it said no after a minute, and yes when the text was about to go again."""
    queue(stay)
    gateway.lost_answers.append(OutcomeUnknown("ReadTimeout"))
    deliver_due(gateway)
    frozen_clock.forward(seconds=60)
    lagging, gateway.sent = gateway.sent, []
    assert settle_unknown(gateway) == {"queued": 1}
    gateway.sent = lagging
    frozen_clock.forward(seconds=60)
    assert deliver_due(gateway) == {"sent": 1}
    assert len(gateway.sent) == 1


def test_a_provider_that_cannot_be_asked_leaves_it_unknown_and_tells_a_person(
    stay: Stay, gateway: RecordedGateway, frozen_clock: Clock
) -> None:
    message = queue(stay)
    gateway.lost_answers.append(OutcomeUnknown("ReadTimeout"))
    gateway.is_silent = True
    deliver_due(gateway)
    for _ in range(4):
        frozen_clock.forward(minutes=1)
        assert settle_unknown(gateway) == {"unknown": 1}
    assert tasks() == []
    for _ in range(3):
        frozen_clock.forward(minutes=1)
        settle_unknown(gateway)
    assert tasks() == [(TaskKind.CALL, "never_settled")]
    assert (fresh(message).state, len(gateway.sent)) == (S.UNKNOWN, 1)


def test_a_claim_whose_process_died_is_settled_like_a_lost_answer(
    stay: Stay, gateway: RecordedGateway, frozen_clock: Clock
) -> None:
    class Killed(BaseException):
        pass

    message = queue(stay)
    gateway.lost_answers.append(Killed())  # type: ignore[arg-type]
    with pytest.raises(Killed):
        deliver_due(gateway)
    assert fresh(message).state is S.SENDING
    assert deliver_due(gateway) == {}
    frozen_clock.forward(minutes=2)
    assert settle_unknown(gateway) == {"sent": 1}
    assert len(gateway.sent) == 1


def test_a_process_that_was_held_up_does_not_call(
    stay: Stay, gateway: RecordedGateway, frozen_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then somebody else may have taken the claim for dead and sent it."""
    message, decide = queue(stay), sending_rules.decide

    def slowly(*arguments: Any) -> Any:
        decision = decide(*arguments)
        frozen_clock.forward(minutes=3)
        return decision

    monkeypatch.setattr(sending_rules, "decide", slowly)
    assert deliver_due(gateway) == {"unknown": 1}
    assert (gateway.sent, fresh(message).state) == ([], S.UNKNOWN)


def test_two_texts_with_the_same_words_are_not_mistaken_for_each_other(
    stay: Stay, gateway: RecordedGateway, frozen_clock: Clock
) -> None:
    first = queue(stay, Template.CALL_US, cause="1")
    deliver_due(gateway)
    second = queue(stay, Template.CALL_US, cause="2")
    gateway.faults.append(OutcomeUnknown("status 500"))
    deliver_due(gateway)
    frozen_clock.forward(seconds=60)
    assert settle_unknown(gateway) == {"queued": 1}
    frozen_clock.forward(seconds=60)
    deliver_due(gateway)
    assert {fresh(first).provider_id, fresh(second).provider_id} == {"recorded-1", "recorded-2"}


def test_one_text_that_cannot_be_handled_does_not_hold_up_the_others(
    stay: Stay, gateway: RecordedGateway, frozen_clock: Clock
) -> None:
    broken = queue(stay)
    queue(make_textable_stay("+821077778888"))
    db.session.execute(update(Message).where(Message.id == broken.id).values(body_sealed=b"moved"))
    db.session.commit()
    assert deliver_due(gateway) == {"broken": 1, "sent": 1}


@pytest.mark.parametrize("is_readable", [True, False])
def test_one_that_cannot_be_settled_at_all_is_told_too(
    stay: Stay, gateway: RecordedGateway, frozen_clock: Clock, monkeypatch: pytest.MonkeyPatch, is_readable: bool
) -> None:
    message = queue(stay)
    gateway.lost_answers.append(OutcomeUnknown("ReadTimeout"))
    deliver_due(gateway)
    if is_readable:
        monkeypatch.setattr(gateway, "find", lambda *_, **__: 1 / 0)
    else:
        db.session.execute(update(Message).where(Message.id == message.id).values(body_sealed=b"moved"))
        db.session.commit()
    for minutes, told in ((4, []), (2, [(TaskKind.CALL, "never_settled")]), (1, [(TaskKind.CALL, "never_settled")])):
        frozen_clock.forward(minutes=minutes)
        assert settle_unknown(gateway) == {"broken": 1}
        assert tasks() == told
    assert (fresh(message).state, len(gateway.sent)) == (S.UNKNOWN, 1)


# News of the provider ------------------------------------------------------------------------------------------------


def test_all_orders_of_callbacks_end_in_the_same_state(stay: Stay, gateway: RecordedGateway) -> None:
    ends = set()
    for n, order in enumerate(permutations([S.SENT, S.SENT, S.DELIVERED, S.SENT])):
        message = queue(stay, Template.CALL_US, cause=str(n))
        db.session.execute(update(Message).where(Message.id == message.id).values(state=S.SENT, attempts=1))
        db.session.commit()
        for state in order * 3:
            record_delivery_status(message_id=message.id, provider_id="x", state=state, refusal=None)
        ends.add(fresh(message).state)
    assert ends == {S.DELIVERED}


@pytest.mark.parametrize("first", [S.DELIVERED, S.FAILED])
def test_the_first_final_word_is_the_last(stay: Stay, gateway: RecordedGateway, first: MessageState) -> None:
    message = queue(stay)
    deliver_due(gateway)
    for state in (first, S.SENT, S.DELIVERED, S.FAILED):
        record_delivery_status(
            message_id=message.id, provider_id="recorded-1", state=state, refusal=Refusal.HANDSET_OFF
        )
    assert fresh(message).state is first
    assert len(tasks()) == (first is S.FAILED)


def test_a_failed_delivery_becomes_a_task_once(stay: Stay, gateway: RecordedGateway) -> None:
    message = queue(stay)
    deliver_due(gateway)
    for _ in range(3):
        record_delivery_status(
            message_id=message.id, provider_id="recorded-1", state=S.FAILED, refusal=Refusal.HANDSET_UNKNOWN
        )
    assert (fresh(message).state, message.error_code) == (S.FAILED, Refusal.HANDSET_UNKNOWN)
    assert tasks() == [(TaskKind.CALL, "handset_unknown")]


def test_a_callback_settles_an_unknown_outcome(stay: Stay, gateway: RecordedGateway, frozen_clock: Clock) -> None:
    message = queue(stay)
    gateway.lost_answers.append(OutcomeUnknown("ReadTimeout"))
    deliver_due(gateway)
    record_delivery_status(message_id=message.id, provider_id="recorded-1", state=S.DELIVERED, refusal=None)
    frozen_clock.forward(minutes=5)
    assert settle_unknown(gateway) == {}
    assert deliver_due(gateway) == {}
    assert (fresh(message).state, message.provider_id) == (S.DELIVERED, "recorded-1")


def test_a_callback_overtakes_the_answer_of_the_call(stay: Stay, gateway: RecordedGateway) -> None:
    message = queue(stay)

    class Fast(RecordedGateway):
        def send(self, *arguments: Any, **named: Any) -> Any:
            accepted = super().send(*arguments, **named)
            record_delivery_status(
                message_id=message.id, provider_id=accepted.provider_id, state=S.DELIVERED, refusal=None
            )
            return accepted

    deliver_due(Fast())
    assert (fresh(message).state, message.provider_id) == (S.DELIVERED, "recorded-1")


def test_a_callback_stops_a_second_attempt(stay: Stay, gateway: RecordedGateway, frozen_clock: Clock) -> None:
    message = queue(stay)
    gateway.faults.append(OutcomeUnknown("status 500"))
    deliver_due(gateway)
    frozen_clock.forward(seconds=60)
    settle_unknown(gateway)
    record_delivery_status(message_id=message.id, provider_id="late", state=S.SENT, refusal=None)
    frozen_clock.forward(minutes=5)
    assert deliver_due(gateway) == {}
    assert (fresh(message).state, gateway.sent) == (S.SENT, [])


def test_news_about_another_text_is_not_ours(stay: Stay, gateway: RecordedGateway) -> None:
    message, waiting = queue(stay), queue(stay, Template.CALL_US, cause="2", choice=TextChoice.BY_VOICE)
    deliver_due(gateway)
    record_delivery_status(message_id=message.id, provider_id="somebody", state=S.DELIVERED, refusal=None)
    record_delivery_status(message_id=waiting.id, provider_id="x", state=S.DELIVERED, refusal=None)
    record_delivery_status(message_id=uuid4(), provider_id="x", state=S.DELIVERED, refusal=None)
    record_delivery_status(message_id=message.id, provider_id="recorded-1", state=None, refusal=None)
    assert fresh(message).state is S.SENT
    assert fresh(waiting).state is S.SUPPRESSED


def test_a_text_that_was_never_tried_has_no_news(stay: Stay, frozen_clock: Clock) -> None:
    message = queue(stay)
    record_delivery_status(message_id=message.id, provider_id="x", state=S.DELIVERED, refusal=None)
    assert fresh(message).state is S.QUEUED
