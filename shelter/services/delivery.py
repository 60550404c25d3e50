"""The dispatcher: from the outbox to the gateway and back, each text at most once.

Claim, commit; decide once more; call with no transaction open; store what came of it. A claim without a result, or a
call without an answer, is an unknown outcome: the callback that carries our id settles it, or the provider is asked.
Before any second attempt the provider is asked again. Nothing is ever sent blindly a second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import or_, select, update

from shelter import clock, config
from shelter.database import UNAVAILABLE
from shelter.domain.errors import DatabaseBusy
from shelter.domain.messages import FINAL, MessageState, Suppression, advance, may_queue_again
from shelter.domain.permissions import SYSTEM
from shelter.domain.refusals import Refusal
from shelter.extensions import db
from shelter.gateways.sms import Accepted, OutcomeUnknown, PermanentRefusal, SmsGateway, TemporaryRefusal
from shelter.models.messages import Direction, Message
from shelter.services import sending_rules
from shelter.services.message_tasks import raise_text_task
from shelter.services.unit_of_work import UnitOfWork, unit_of_work

S = MessageState
BATCH = 100
RETRY_AFTER = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60))  # the last one again and again, until it expires
ASK_AFTER = timedelta(seconds=60)  # the provider's own list may lag behind
TELL_AFTER = timedelta(minutes=5)  # without an answer for so long, a person is told
CLAIM_LASTS = timedelta(minutes=2)  # far longer than a call may take
TOO_LATE_TO_CALL = timedelta(seconds=45)  # the process was held up: others may take the claim for dead soon
log = structlog.get_logger("sms")


def _go_on() -> bool:
    return False


def deliver_due(gateway: SmsGateway, *, should_stop: Callable[[], bool] = _go_on) -> dict[str, int]:
    """Every text that is due, oldest first, one at a time; how many ended in which way. Safe beside another one."""
    counts: Counter[str] = Counter()
    while not should_stop() and (ids := _due(clock.now())):
        for message_id in ids:
            if should_stop():
                break
            counts[_safely(_deliver, gateway, message_id)] += 1
    return dict(counts)


def settle_unknown(gateway: SmsGateway, *, should_stop: Callable[[], bool] = _go_on) -> dict[str, int]:
    """Claims whose process died become unknown; every unknown one is looked for at the provider."""
    counts: Counter[str] = Counter()
    _give_up_dead_claims(clock.now())
    for message_id in _unknown(clock.now()):
        if should_stop():
            break
        counts[_safely(_settle, gateway, message_id)] += 1
    return dict(counts)


def record_delivery_status(
    *, message_id: UUID, provider_id: str, state: MessageState | None, refusal: Refusal | None
) -> None:
    """What the provider told of a text: once or five times, in any order. Forward only; others' news is ignored."""
    if state is None:
        return
    with unit_of_work(SYSTEM) as work:
        message = _locked(message_id)
        if message is None or message.direction is Direction.IN or message.attempts == 0:
            return
        if message.provider_id not in (None, provider_id):
            return
        _store(work, message, Accepted(provider_id[:64], state, refusal if state is S.FAILED else None))


def _safely(act: Callable[[SmsGateway, UUID], str], gateway: SmsGateway, message_id: UUID) -> str:
    """One text that cannot be handled does not keep the others waiting. Without a database all of them do."""
    try:
        return act(gateway, message_id)
    except DatabaseBusy:
        raise
    except UNAVAILABLE:
        raise
    except Exception as broken:
        db.session.rollback()
        log.error("a text could not be handled", exc_info=broken, message_id=str(message_id))
        return "broken"


# One text -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Letter:
    """What the call needs, taken out of the database before it."""

    id: UUID
    number: str
    body: str
    created_at: datetime
    expires_at: datetime
    claimed_at: datetime | None


def _letter(message: Message) -> Letter:
    assert message.number is not None
    assert message.body is not None
    return Letter(message.id, message.number, message.body, message.created_at, message.expires_at, message.claimed_at)


def _due(now: datetime) -> list[UUID]:
    rows = (
        select(Message.id)
        .where(Message.state == S.QUEUED, Message.not_before <= now)
        .order_by(Message.not_before, Message.id)
        .limit(BATCH)
    )
    try:
        return list(db.session.scalars(rows))
    finally:
        db.session.rollback()


def _deliver(gateway: SmsGateway, message_id: UUID) -> str:
    attempt = _claim(message_id)
    if attempt is None:
        return "taken"
    if attempt > 1:
        found = _ask(gateway, _read(message_id))
        if found is None:
            return _unanswered(message_id)
        if found:
            return _keep(message_id, found[0])
    letter = _decide(message_id)
    if letter is None:
        return "held_back"
    if letter.claimed_at is None or clock.now() - letter.claimed_at > TOO_LATE_TO_CALL:
        return _unanswered(message_id)
    try:
        accepted = gateway.send(
            letter.number,
            letter.body,
            callback_url=f"{config.active().public_url.rstrip('/')}/webhooks/twilio/status/{letter.id}",
            valid_for=letter.expires_at - clock.now(),
        )
    except TemporaryRefusal as busy:
        return _try_later(letter.id, busy.refusal)
    except PermanentRefusal as refused:
        return _fail(letter.id, refused.refusal)
    except OutcomeUnknown as broken:
        log.warning("a call to the gateway broke off", kind=str(broken), message_id=str(letter.id))
        return _unanswered(message_id)
    return _keep(letter.id, accepted)


def _claim(message_id: UUID) -> int | None:
    """Ours alone, by a conditional update: which attempt it is. Committed before anything is decided or sent."""
    now = clock.now()
    with unit_of_work(SYSTEM):
        return db.session.scalar(
            update(Message)
            .where(Message.id == message_id, Message.state == S.QUEUED, Message.not_before <= now)
            .values(state=S.SENDING, claimed_at=now, state_changed_at=now, attempts=Message.attempts + 1)
            .returning(Message.attempts)
        )


def _read(message_id: UUID) -> Letter:
    try:
        return _letter(db.session.get_one(Message, message_id, populate_existing=True))
    finally:
        db.session.rollback()


def _decide(message_id: UUID) -> Letter | None:
    """Once more, with everything as it is now. None: it waits, or never goes, and the row says which and why."""
    with unit_of_work(SYSTEM) as work:
        message = _locked(message_id)
        if message is None or message.state is not S.SENDING:
            return None
        verdict, now = sending_rules.decide(message, clock.now()), clock.now()
        if verdict.suppression is not None:
            _suppress(work, message, verdict.suppression, is_told=verdict.suppression in sending_rules.TELLS_A_PERSON)
            return None
        if max(now, verdict.not_before or now) >= message.expires_at:
            _run_out(work, message)
            return None
        if verdict.not_before is not None:
            _back_to_queue(message, verdict.not_before)
            message.attempts -= 1
            return None
        return _letter(message)


def _suppress(work: UnitOfWork, message: Message, why: Suppression, *, is_told: bool) -> None:
    _move(message, S.SUPPRESSED)
    message.suppression = why
    if is_told:
        raise_text_task(work, message)
    work.record("message.suppressed", subject=_name(message), household=message.household_id, why=why)


def _run_out(work: UnitOfWork, message: Message) -> None:
    """Its time is over and it has not gone: refused until then, or nobody could send. Somebody must tell her."""
    if message.error_code is None:
        _suppress(work, message, Suppression.PURPOSE_PASSED, is_told=True)
    else:
        _give_up(work, message)


def _give_up(work: UnitOfWork, message: Message) -> None:
    """It will not reach anybody."""
    _move(message, S.FAILED)
    raise_text_task(work, message)
    work.record("message.failed", subject=_name(message), household=message.household_id, why=message.error_code)


def _keep(message_id: UUID, accepted: Accepted) -> str:
    """The provider has it."""
    with unit_of_work(SYSTEM) as work:
        message = _locked(message_id)
        assert message is not None
        _store(work, message, accepted)
        action = "message.failed" if message.state is S.FAILED else "message.sent"
        work.record(action, subject=_name(message), household=message.household_id)
        return message.state.value


def _try_later(message_id: UUID, refusal: Refusal) -> str:
    """It was certainly not taken: again after a while, as long as it is of use."""
    with unit_of_work(SYSTEM) as work:
        message = _locked(message_id)
        assert message is not None
        if not may_queue_again(message.state):
            return message.state.value
        message.error_code = refusal
        again = clock.now() + RETRY_AFTER[min(message.attempts, len(RETRY_AFTER)) - 1]
        if again < message.expires_at:
            _back_to_queue(message, again)
        else:
            _give_up(work, message)
        return message.state.value


def _fail(message_id: UUID, refusal: Refusal) -> str:
    with unit_of_work(SYSTEM) as work:
        message = _locked(message_id)
        assert message is not None
        message.error_code = refusal
        _give_up(work, message)
    return S.FAILED.value


def _unanswered(message_id: UUID) -> str:
    with unit_of_work(SYSTEM):
        message = _locked(message_id)
        assert message is not None
        _move(message, S.UNKNOWN)
        return message.state.value


# Unknown outcomes -----------------------------------------------------------------------------------------------------


def _give_up_dead_claims(now: datetime) -> None:
    """Whoever claimed them died between claim and result: nobody knows whether the call was made."""
    dead = (Message.state == S.SENDING, Message.claimed_at <= now - CLAIM_LASTS)
    if not db.session.scalar(select(Message.id).where(*dead).limit(1)):
        db.session.rollback()
        return
    with unit_of_work(SYSTEM):
        db.session.execute(update(Message).where(*dead).values(state=S.UNKNOWN, state_changed_at=now))


def _unknown(now: datetime) -> list[UUID]:
    asked_for = or_(Message.claimed_at.is_(None), Message.claimed_at <= now - ASK_AFTER)
    rows = select(Message.id).where(Message.state == S.UNKNOWN, asked_for).order_by(Message.claimed_at).limit(BATCH)
    try:
        return list(db.session.scalars(rows))
    finally:
        db.session.rollback()


def _settle(gateway: SmsGateway, message_id: UUID) -> str:
    try:
        found = _ask(gateway, _read(message_id))
    except Exception:  # it will not be better next time: a person is told as if nobody had answered
        db.session.rollback()
        _tell_after_a_while(message_id)
        raise
    if found:
        return _keep(message_id, found[0])
    if found is None:
        _tell_after_a_while(message_id)
        return S.UNKNOWN.value
    return _try_later(message_id, Refusal.OFFLINE)


def _ask(gateway: SmsGateway, letter: Letter) -> list[Accepted] | None:
    """What the provider has of this text, without what belongs to other texts of ours; None: it could not say."""
    try:
        found = gateway.find(letter.number, letter.body, since=letter.created_at)
    except OutcomeUnknown:
        return None
    if not found:
        return []
    try:
        known = select(Message.provider_id).where(
            Message.provider_id.in_([a.provider_id for a in found]), Message.id != letter.id
        )
        others = set(db.session.scalars(known))
    finally:
        db.session.rollback()
    return [a for a in found if a.provider_id not in others]


def _tell_after_a_while(message_id: UUID) -> None:
    with unit_of_work(SYSTEM) as work:
        message = _locked(message_id)
        now = clock.now()
        if message is None or message.state is not S.UNKNOWN or message.state_changed_at > now - TELL_AFTER:
            return
        message.error_code = Refusal.NEVER_SETTLED
        raise_text_task(work, message)


# Rows -----------------------------------------------------------------------------------------------------------------


def _locked(message_id: UUID) -> Message | None:
    return db.session.scalar(
        select(Message).where(Message.id == message_id).with_for_update().execution_options(populate_existing=True)
    )


def _name(message: Message) -> str:
    return f"message:{message.id}"


def _store(work: UnitOfWork, message: Message, accepted: Accepted) -> None:
    """News of the provider, forward only. A failure becomes a task for a person."""
    if message.state in FINAL:
        return
    message.provider_id = message.provider_id or accepted.provider_id
    if _move(message, accepted.state) and accepted.state is S.FAILED:
        message.error_code = accepted.refusal
        raise_text_task(work, message)


def _move(message: Message, state: MessageState) -> bool:
    """Forward only; True when it changed."""
    after = advance(message.state, state)
    if after is message.state:
        return False
    message.state, message.state_changed_at = after, clock.now()
    return True


def _back_to_queue(message: Message, not_before: datetime) -> None:
    message.state, message.state_changed_at = S.QUEUED, clock.now()
    message.not_before, message.claimed_at = not_before, None
