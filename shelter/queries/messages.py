"""Texts as people see them: those of the households they may read, and those to themselves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from shelter import clock
from shelter.domain.messages import MessageState, Suppression, Template, cp949_bytes
from shelter.domain.permissions import Permission, Principal
from shelter.domain.references import stay_reference
from shelter.domain.refusals import Refusal
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.households import Household
from shelter.models.messages import Direction, Message
from shelter.models.stays import Stay
from shelter.queries.visibility import readable

CARRIER_PREFIX = "[국제발신]"
PAGE = 20
LAST_DIGITS = 4


@dataclass(frozen=True)
class TextState:
    """One text in a word or two, for the pages of a stay."""

    id: UUID
    template: Template | None
    state: MessageState
    suppression: Suppression | None
    refusal: Refusal | None
    not_before: datetime
    created_at: datetime


@dataclass(frozen=True)
class ShownText:
    """One text as the phone shows it. Of the number only the last digits."""

    id: UUID
    template: Template | None
    state: MessageState
    suppression: Suppression | None
    refusal: Refusal | None
    is_incoming: bool
    is_mine: bool  # to the person who looks
    household_id: UUID | None
    stay: str | None  # reference
    language: str
    number_end: str | None
    body: str | None
    not_before: datetime
    created_at: datetime
    state_changed_at: datetime

    @property
    def as_shown(self) -> str | None:
        """With what the carrier puts in front."""
        return None if self.body is None else f"{CARRIER_PREFIX}\n{self.body}"

    @property
    def bytes(self) -> int:
        """What the carrier counts, its own prefix and line break included."""
        return 0 if self.as_shown is None else cp949_bytes(self.as_shown)

    @property
    def is_waiting(self) -> bool:
        return self.state is MessageState.QUEUED and self.not_before > clock.now()


@dataclass(frozen=True)
class TextPage:
    items: Sequence[ShownText]
    total: int
    number: int
    size: int = PAGE


def of_stay(stay_id: UUID) -> list[TextState]:
    """Every text about a stay, newest first. The caller knows that the stay may be read."""
    rows = select(Message).where(Message.stay_id == stay_id).order_by(Message.created_at.desc(), Message.id.desc())
    return [
        TextState(
            id=m.id,
            template=m.template,
            state=m.state,
            suppression=m.suppression,
            refusal=_refusal(m.error_code),
            not_before=m.not_before,
            created_at=m.created_at,
        )
        for m in db.session.scalars(rows)
    ]


def page_of_texts(by: Principal, *, states: Collection[MessageState] = (), number: int = 1) -> TextPage:
    """The texts this person may see, newest first; of some states or of all."""
    mine = _visible(by)
    wanted = and_(mine, Message.state.in_(states)) if states else mine
    total = db.session.scalar(_from(select(func.count(Message.id))).where(wanted)) or 0
    number = max(1, min(number, -(-total // PAGE)))
    rows = (
        _from(select(Message, Household.reference, Stay.number))
        .where(wanted)
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(PAGE)
        .offset((number - 1) * PAGE)
    )
    shown = [_shown(message, reference, stay, by) for message, reference, stay in db.session.execute(rows)]
    return TextPage(items=shown, total=total, number=number)


def counts_by_state(by: Principal) -> dict[MessageState, int]:
    """How many the person may see in each state; states without any are missing."""
    rows = _from(select(Message.state, func.count(Message.id))).where(_visible(by)).group_by(Message.state)
    return {row[0]: row[1] for row in db.session.execute(rows)}


def texts_stopped_at() -> datetime | None:
    """Since when no text leaves; None while they do."""
    return db.session.scalar(select(Installation.texts_stopped_at))


def _visible(by: Principal) -> ColumnElement[bool]:
    """Texts to the person, texts of readable households; what came in, for those who keep households."""
    seen = [Message.user_id == by.user_id, and_(Message.household_id.is_not(None), readable(by))]
    if by.can(Permission.HOUSEHOLDS_READ):
        seen.append(and_(Message.direction == Direction.IN, Message.household_id.is_(None)))
    return or_(*seen)


def _from(what: Any) -> Any:
    return (
        what.select_from(Message)
        .outerjoin(Household, Household.id == Message.household_id)
        .outerjoin(Stay, Stay.id == Message.stay_id)
    )


def _shown(message: Message, reference: str | None, stay_number: int | None, by: Principal) -> ShownText:
    number = message.number
    return ShownText(
        id=message.id,
        template=message.template,
        state=message.state,
        suppression=message.suppression,
        refusal=_refusal(message.error_code),
        is_incoming=message.direction is Direction.IN,
        is_mine=message.user_id == by.user_id,
        household_id=message.household_id,
        language=message.language,
        stay=stay_reference(reference, stay_number) if reference and stay_number else None,
        number_end=number[-LAST_DIGITS:] if number else None,
        body=message.body,
        not_before=message.not_before,
        created_at=message.created_at,
        state_changed_at=message.state_changed_at,
    )


def _refusal(code: str | None) -> Refusal | None:
    return next((refusal for refusal in Refusal if refusal.value == code), None)
