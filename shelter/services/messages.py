"""The outbox: a text is a row, written in the transaction that decided it, before it is a call.

Whether it may go is decided here once, so that the person who asked sees it at once, and again by the dispatcher
(`services/delivery.py`) when its time has come.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, select

from shelter import clock
from shelter.domain.contacts import TextChoice, may_text
from shelter.domain.errors import NotPermitted
from shelter.domain.messages import Detail, MessageState, Suppression, Template, lint, render
from shelter.domain.permissions import SYSTEM, Permission, Principal
from shelter.extensions import db, keyring
from shelter.gateways.phones import Number, NumberNotValid, parse
from shelter.models.clockwork import Installation
from shelter.models.households import Household, NumberKind, Person, Pet
from shelter.models.messages import Direction, Message
from shelter.models.people import User
from shelter.models.sites import Room, Site, Unit
from shelter.models.stays import Placement, Stay
from shelter.queries.channels import contact_now, is_danger
from shelter.queries.messages import TextPage, page_of_texts
from shelter.services.unit_of_work import UnitOfWork, unit_of_work

LONGEST_WAIT = timedelta(hours=24)  # for a text that says nothing about a day
LONGEST_INBOUND = 1_600
LONGEST_NUMBER = 40
PHONE = "phone"
_DECIDED_SO = select(Message).where(Message.dedupe_key == bindparam("key"))


def queue_message(
    work: UnitOfWork,
    *,
    stay: Stay,
    template: Template,
    cause: str,
    choice: TextChoice = TextChoice.IN_SAFE_HOURS,
    on: date | None = None,
    before: datetime | None = None,
    expires_at: datetime | None = None,
) -> Message:
    """A text to her, in the caller's transaction: queued, or suppressed with the reason. Nothing is sent here.

    `cause` says what decided it ("confirm", an extension's id): the same cause of a stay gives the same row again.
    `choice` is what was agreed on the line; BY_VOICE leaves a row that says why no text goes. `on` is the day in
    the text (the arrival by default), `before` the time until which she is asked to call.
    """
    key = f"{template.value}:{stay.id.hex}:{cause}"
    if earlier := db.session.scalar(_DECIDED_SO, {"key": key}):
        return earlier
    now = clock.now()
    household = db.session.get_one(Household, stay.household_id)
    message = Message(
        dedupe_key=key,
        template=template,
        language=household.contact.language if household.contact else "ko",
        household_id=household.id,
        stay_id=stay.id,
        is_asked_now=choice is TextChoice.ASKED_NOW,
        state=MessageState.QUEUED,
        not_before=now,
        expires_at=expires_at or _purpose_ends(template, on or stay.arrive_on, before, now),
        created_by_id=work.by.user_id,
        created_at=now,
        state_changed_at=now,
    )
    if why := _refused(message, household, stay, choice, on, before):
        message.state, message.suppression = MessageState.SUPPRESSED, why
    db.session.add(message)
    db.session.flush()
    work.record(
        "message.suppressed" if why else "message.queued",
        subject=f"message:{message.id}",
        household=household.id,
        template=template,
        why=why,
    )
    return message


def queue_staff_message(
    work: UnitOfWork, *, user: User, template: Template, cause: str, expires_at: datetime, **counts: int
) -> Message | None:
    """A text to a colleague, in the caller's transaction; None where there is no number to text."""
    number = staff_number(user)
    if number is None or is_danger(keyring.index(PHONE, number.e164)):
        return None
    key = f"{template.value}:{user.id.hex}:{cause}"
    if earlier := db.session.scalar(_DECIDED_SO, {"key": key}):
        return earlier
    now = clock.now()
    message = Message(
        dedupe_key=key,
        template=template,
        language=user.locale,
        user_id=user.id,
        number_index=keyring.index(PHONE, number.e164),
        state=MessageState.QUEUED,
        not_before=now,
        expires_at=expires_at,
        created_by_id=work.by.user_id,
        created_at=now,
        state_changed_at=now,
    )
    message.number, message.body = number.e164, render(template, None, user.locale, **counts)
    db.session.add(message)
    db.session.flush()
    return message


def staff_number(user: User) -> Number | None:
    """Where a colleague can be texted; None: the account is closed, or has no such number."""
    number = _number(user.phone) if user.is_active else None
    return number if number and is_textable(number) else None


def stop_all_texts(*, by: Principal) -> None:
    """From this commit on nothing leaves; what is due is suppressed, and its people are told another way."""
    _switch(by, stopped_at=clock.now())


def resume_texts(*, by: Principal) -> None:
    """Texts leave again; what was suppressed stays so."""
    _switch(by, stopped_at=None)


def _switch(by: Principal, stopped_at: datetime | None) -> None:
    if not by.can(Permission.MESSAGES_STOP):
        raise NotPermitted()
    with unit_of_work(by) as work:
        row = db.session.scalars(select(Installation).with_for_update()).one()
        if (row.texts_stopped_at is None) != (stopped_at is None):
            row.texts_stopped_at = stopped_at
            work.record("messages.stopped" if stopped_at else "messages.resumed")


def read_texts(*, states: Collection[MessageState] = (), number: int = 1, by: Principal) -> TextPage:
    """A page of the texts this person may see; whose they are is written down in the same transaction."""
    with unit_of_work(by) as work:
        page = page_of_texts(by, states=states, number=number)
        for household_id in dict.fromkeys(text.household_id for text in page.items if text.household_id):
            work.record("message.opened", household=household_id)
    return page


def store_inbound(*, provider_id: str, number: str, body: str) -> None:
    """Something came in: kept for a person to read, once, and never acted upon."""
    now = clock.now()
    with unit_of_work(SYSTEM):
        key = f"in:{provider_id}"[:120]
        if db.session.scalar(select(Message.id).where(Message.dedupe_key == key)) is not None:
            return
        message = Message(
            direction=Direction.IN,
            dedupe_key=key,
            state=MessageState.RECEIVED,
            not_before=now,
            expires_at=now,
            provider_id=provider_id[:64],
            number_index=keyring.index(PHONE, number),
            created_at=now,
            state_changed_at=now,
        )
        message.number, message.body = number[:LONGEST_NUMBER], body[:LONGEST_INBOUND]
        db.session.add(message)


def forbidden_words(household_id: UUID, stay_id: UUID | None) -> list[str]:
    """Names a text about this household must not hold: its people and pets, its sites, rooms and units."""
    names = [person.name for person in db.session.scalars(select(Person).where(Person.household_id == household_id))]
    names += [pet.name for pet in db.session.scalars(select(Pet).where(Pet.household_id == household_id))]
    places = (
        select(Site.code_name, Room.label, Unit.label)
        .join(Room, Room.site_id == Site.id)
        .join(Unit, Unit.room_id == Room.id)
        .join(Placement, Placement.unit_id == Unit.id)
        .where(Placement.stay_id == stay_id)
    )
    return [word for word in [*names, *(w for row in db.session.execute(places) for w in row)] if word]


def text_for(template: Template, detail: Detail, language: str, words: list[str], **values: object) -> str | None:
    """The text at this level, or at the level that says least where it would not be discreet; None if neither is."""
    for level in (detail, Detail.CALL_US):
        try:
            body = render(template, level, language, **values)  # type: ignore[arg-type]
        except KeyError:  # no day was given for a text that would say one
            continue
        if not lint(body, forbidden=words):
            return body
    return None


def allowed_number(household: Household) -> Number | Suppression:
    """The first number she may be texted at, or why there is none."""
    numbers = [_number(row.number) for row in household.numbers if row.kind is NumberKind.ALLOWED]
    if not numbers:
        return Suppression.NO_NUMBER
    return next((n for n in numbers if n and is_textable(n)), Suppression.NOT_MOBILE)


def is_textable(number: Number) -> bool:
    """Mobile numbers of this country: everything else costs or fails."""
    return number.is_mobile and number.is_korean


def are_texts_stopped() -> bool:
    return db.session.scalar(select(Installation.texts_stopped_at)) is not None


def _refused(
    message: Message, household: Household, stay: Stay, choice: TextChoice, on: date | None, before: datetime | None
) -> Suppression | None:
    """Fill in number, text and time; or say why it will not go."""
    if choice is TextChoice.BY_VOICE:
        return Suppression.TOLD_BY_VOICE
    if are_texts_stopped():
        return Suppression.STOPPED
    local_now = clock.local(message.created_at)
    contact = contact_now(household)
    decision = may_text(contact, local_now, is_asked_now=message.is_asked_now)
    if decision.suppression or contact is None:
        return decision.suppression
    number = allowed_number(household)
    if isinstance(number, Suppression):
        return number
    values: dict[str, object] = {"date": on or stay.arrive_on}
    if template_needs_time(message.template):
        wall = clock.local(before) if before else None
        values = {"date": wall.date(), "time": wall.time()} if wall else {}
    words = forbidden_words(household.id, stay.id)
    body = text_for(message.template, contact.detail, message.language, words, **values)  # type: ignore[arg-type]
    if body is None:
        return Suppression.NOT_DISCREET
    message.number, message.number_index = number.e164, keyring.index(PHONE, number.e164)
    message.body = body
    if decision.not_before is not None:
        message.not_before = decision.not_before
    return Suppression.PURPOSE_PASSED if message.not_before >= message.expires_at else None


def template_needs_time(template: Template | None) -> bool:
    return template is Template.CALL_US


def _purpose_ends(template: Template, on: date, before: datetime | None, now: datetime) -> datetime:
    """After this the text would say something that is no longer of use."""
    latest = now + LONGEST_WAIT
    if before is not None:
        latest = min(latest, before)
    if template is Template.CONFIRMED:
        latest = min(latest, clock.cutover_instant(on + timedelta(days=1)))
    return max(latest, now + timedelta(minutes=15))


def _number(e164: str | None) -> Number | None:
    try:
        return parse(e164) if e164 else None
    except NumberNotValid:
        return None
