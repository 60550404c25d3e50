"""May this text still go, now? Decided again at the last moment, with everything as it is by then."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from shelter import clock
from shelter.domain.contacts import ASKED_NOW_LASTS, Contact, Decision, may_text
from shelter.domain.messages import Detail, MessageState, Suppression, Template, lint, render
from shelter.domain.stays import PlacementState, StayState
from shelter.extensions import db, keyring
from shelter.models.households import Household, NumberKind
from shelter.models.messages import Message
from shelter.models.people import User
from shelter.models.stays import Stay, StayEvent, StayFlag
from shelter.queries.channels import contact_now, is_danger
from shelter.services.messages import PHONE, are_texts_stopped, forbidden_words, staff_number

# However wrong something goes, nobody's phone rings all night, and no bill runs away.
MOST_PER_NUMBER_A_DAY = 3
MOST_PER_PERSON_AN_HOUR = 20  # decided by one member of staff
MOST_TO_GUESTS_A_DAY = 200
DAY, HOUR = timedelta(days=1), timedelta(hours=1)

WENT = (
    MessageState.SENDING,
    MessageState.UNKNOWN,
    MessageState.SENT,
    MessageState.DELIVERED,
    MessageState.FAILED,
)
# Why somebody must be told in another way. The others are no loss.
TELLS_A_PERSON = frozenset(Suppression) - {
    Suppression.PURPOSE_PASSED,
    Suppression.IN_HOUSE,
    Suppression.TOLD_BY_VOICE,
}
COLLEAGUE = Contact(can_text=True, has_consented=True, has_consented_abroad=True, detail=Detail.CALL_US)


def decide(message: Message, now: datetime) -> Decision:
    """Now, not before an instant, or never, and why. Brings number and text up to date. Its end is not looked at."""
    if are_texts_stopped():
        return _never(Suppression.STOPPED)
    decision = _to_colleague(message, now) if message.user_id else _to_guest(message, now)
    if decision.is_allowed and _are_too_many(message, now):
        return _never(Suppression.TOO_MANY)
    return decision


def _never(why: Suppression) -> Decision:
    return Decision(suppression=why)


def _to_guest(message: Message, now: datetime) -> Decision:
    stay = db.session.get_one(Stay, message.stay_id, populate_existing=True)
    if why := _purpose_passed(message, stay):
        return _never(why)
    household = db.session.get_one(Household, message.household_id, populate_existing=True)
    contact = contact_now(household)
    is_asked_now = message.is_asked_now and now - message.created_at <= ASKED_NOW_LASTS
    decision = may_text(contact, clock.local(now), is_asked_now=is_asked_now)
    if decision.suppression is not None or contact is None:
        return decision
    if all(row.number_index != message.number_index for row in household.numbers if row.kind is NumberKind.ALLOWED):
        return _never(Suppression.NUMBER_CHANGED)
    assert household.contact is not None
    if not _reword(message, contact.detail, household.contact.language):
        return _never(Suppression.NOT_DISCREET)
    return decision


def _purpose_passed(message: Message, stay: Stay) -> Suppression | None:
    """What it says is not so any more, a later text says more, or she has arrived since it was decided."""
    is_cancelled = stay.state is StayState.CANCELLED
    if stay.state is StayState.ENDED or is_cancelled is not (message.template is Template.CANCELLED):
        return Suppression.PURPOSE_PASSED
    if stay.checked_in_at is not None and message.created_at <= _came_in(stay):
        return Suppression.IN_HOUSE
    if message.template is Template.CONFIRMED and not _is_still_so(message, stay):
        return Suppression.PURPOSE_PASSED
    later = select(Message.id).where(
        Message.stay_id == stay.id,
        Message.user_id.is_(None),
        Message.id != message.id,
        Message.created_at > message.created_at,
        (Message.state != MessageState.SUPPRESSED) | (Message.suppression == Suppression.TOLD_BY_VOICE),
    )
    return Suppression.PURPOSE_PASSED if db.session.scalar(later.limit(1)) else None


def _came_in(stay: Stay) -> datetime:
    """When it was known that she is in the house: an arrival may be recorded late."""
    assert stay.checked_in_at is not None
    recorded = select(func.max(StayEvent.at)).where(StayEvent.stay_id == stay.id, StayEvent.kind == "checked_in")
    return max(stay.checked_in_at, db.session.scalar(recorded) or stay.checked_in_at)


def _is_still_so(message: Message, stay: Stay) -> bool:
    """Is a room booked for her, and for the day the text names if it names one?"""
    booked = [p for p in stay.placements if p.state is PlacementState.BOOKED]
    if message.body == render(Template.CONFIRMED, Detail.CALL_US, message.language):
        return bool(booked)
    told_on = clock.shelter_day(message.created_at)
    days = {max(placement.arrive_on, told_on) for placement in booked}
    return any(message.body == render(Template.CONFIRMED, Detail.DATE_ONLY, message.language, date=day) for day in days)


def _reword(message: Message, detail: Detail, language: str) -> bool:
    """As agreed by now. Where less was agreed since, it says less. False: it cannot be said discreetly."""
    assert message.template is not None
    least = render(message.template, Detail.CALL_US, message.language)
    if message.language != language or (detail is Detail.CALL_US and message.body != least):
        message.language, message.body = language, render(message.template, Detail.CALL_US, language)
    assert message.household_id is not None
    return not lint(message.body or "", forbidden=forbidden_words(message.household_id, message.stay_id))


def _to_colleague(message: Message, now: datetime) -> Decision:
    user = db.session.get_one(User, message.user_id, populate_existing=True)
    number = staff_number(user)
    if number is None:
        return _never(Suppression.RECIPIENT_INACTIVE)
    if message.template is Template.DIGEST and not _tells_of_anything(message):
        return _never(Suppression.PURPOSE_PASSED)
    index = keyring.index(PHONE, number.e164)
    if is_danger(index):
        return _never(Suppression.DANGER_NUMBER)
    if index != message.number_index:
        message.number, message.number_index = number.e164, index
    return may_text(COLLEAGUE, clock.local(now))


def _tells_of_anything(message: Message) -> bool:
    """At least one of the stays it counts is still on its way to the same limit.

    A flag names one message even where several colleagues were told: then it is not known which ones this counts.
    """
    told = select(StayFlag.id).where(StayFlag.message_id == message.id)
    if db.session.scalar(told.limit(1)) is None:
        return True
    open_ones = told.join(Stay, Stay.id == StayFlag.stay_id).where(
        Stay.state == StayState.IN_HOUSE, Stay.limit_on == StayFlag.limit_on
    )
    return db.session.scalar(open_ones.limit(1)) is not None


def _are_too_many(message: Message, now: datetime) -> bool:
    """Over one of the caps, this one not counted."""
    others = Message.id != message.id
    if _went(now - DAY, others, Message.number_index == message.number_index) >= MOST_PER_NUMBER_A_DAY:
        return True
    if message.user_id is not None:
        return False
    if message.created_by_id is not None:
        decided_by = Message.created_by_id == message.created_by_id
        if _went(now - HOUR, others, decided_by) >= MOST_PER_PERSON_AN_HOUR:
            return True
    return _went(now - DAY, others, Message.household_id.is_not(None)) >= MOST_TO_GUESTS_A_DAY


def _went(since: datetime, *where) -> int:  # type: ignore[no-untyped-def]
    counted = select(func.count(Message.id)).where(Message.claimed_at >= since, Message.state.in_(WENT), *where)
    return db.session.scalar(counted) or 0
