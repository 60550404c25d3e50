"""How a household may be reached at this moment. Nothing sealed is opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, select
from sqlalchemy.orm import aliased

from shelter import clock
from shelter.domain.contacts import Contact, may_call, may_text
from shelter.extensions import db
from shelter.models.households import ContactNumber, Household, NumberKind, SafeContact

_danger = aliased(ContactNumber)
_has_number = exists(
    select(ContactNumber.id).where(ContactNumber.household_id == Household.id, ContactNumber.kind == NumberKind.ALLOWED)
)
_is_danger = exists(
    select(ContactNumber.id)
    .join(_danger, and_(_danger.number_index == ContactNumber.number_index, _danger.kind == NumberKind.DANGER))
    .where(ContactNumber.household_id == Household.id, ContactNumber.kind == NumberKind.ALLOWED)
)
# For statements that have `Household` and, outer-joined, `SafeContact`.
COLUMNS: tuple[ColumnElement[Any] | Any, ...] = (
    SafeContact.id.label("contact_id"),
    SafeContact.can_call,
    SafeContact.can_text,
    SafeContact.detail,
    SafeContact.consented_at,
    SafeContact.has_consented_abroad,
    SafeContact.withdrawn_at,
    SafeContact.reconfirm_on,
    SafeContact.from_time,
    SafeContact.until_time,
    _has_number.label("has_number"),
    _is_danger.label("is_danger"),
)


@dataclass(frozen=True)
class Channels:
    """What may be proposed. With neither call nor text it is the other way that was agreed."""

    can_call: bool = False
    call_from: datetime | None = None  # not before her hours begin
    can_text: bool = False

    @property
    def never_call(self) -> bool:
        return not self.can_call and self.call_from is None

    @property
    def only_other_way(self) -> bool:
        return self.never_call and not self.can_text


def channels(row: Row[Any], now: datetime) -> Channels:
    """Of a row that has `COLUMNS`."""
    contact = _contact(row)
    local = clock.local(now)
    call, text = may_call(contact, local), may_text(contact, local)
    return Channels(
        can_call=call.is_allowed,
        call_from=call.not_before,
        can_text=text.suppression is None,
    )


def _contact(row: Row[Any]) -> Contact | None:
    if row.contact_id is None:
        return None
    return Contact(
        can_call=row.can_call,
        can_text=row.can_text,
        has_number=row.has_number,
        is_danger_number=row.is_danger,
        detail=row.detail,
        has_consented=row.consented_at is not None,
        has_consented_abroad=row.has_consented_abroad,
        is_withdrawn=row.withdrawn_at is not None,
        reconfirm_on=row.reconfirm_on,
        from_time=row.from_time,
        until_time=row.until_time,
    )


def is_danger(number_index: str) -> bool:
    """A danger number of any household at all: nobody texts it, whoever's number it also is."""
    dangerous = select(ContactNumber.id).where(
        ContactNumber.number_index == number_index, ContactNumber.kind == NumberKind.DANGER
    )
    return db.session.scalar(dangerous.limit(1)) is not None


def contact_now(household: Household) -> Contact | None:
    """The agreement as the rules of texting and calling see it at this moment; None when nothing was asked."""
    contact = household.contact
    if contact is None:
        return None
    allowed = [row for row in household.numbers if row.kind is NumberKind.ALLOWED]
    return Contact(
        can_call=contact.can_call,
        can_text=contact.can_text,
        has_number=bool(allowed),
        is_danger_number=any(is_danger(row.number_index) for row in allowed),
        detail=contact.detail,
        has_consented=contact.consented_at is not None,
        has_consented_abroad=contact.has_consented_abroad,
        is_withdrawn=contact.withdrawn_at is not None,
        reconfirm_on=contact.reconfirm_on,
        from_time=contact.from_time,
        until_time=contact.until_time,
    )
