"""May she be texted, may she be called, and when. Unknown is no; never call is as binding as never text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from shelter.domain.messages import Detail, Suppression

QUIET_FROM = time(21)
QUIET_UNTIL = time(8)
ASKED_NOW_LASTS = timedelta(minutes=15)  # from the call on; later her hours and the quiet ones hold again
_MIDNIGHT = time(0)


@dataclass(frozen=True, kw_only=True)
class Contact:
    """What was agreed with her, as it stands at the moment of the decision.

    `is_danger_number`: the number meant is a danger number of any household at all.
    """

    can_call: bool | None = None
    can_text: bool | None = None
    has_number: bool = True  # one she may be reached at
    is_danger_number: bool = False
    detail: Detail = Detail.NONE
    has_consented: bool = False
    has_consented_abroad: bool = False
    is_withdrawn: bool = False
    reconfirm_on: date | None = None  # from this day on the agreement no longer carries a text
    from_time: time | None = None  # her own hours, wall clock; may run over midnight
    until_time: time | None = None


@dataclass(frozen=True)
class Decision:
    """Now, not before an hour, or not at all."""

    not_before: datetime | None = None  # wall clock
    suppression: Suppression | None = None

    @property
    def is_allowed(self) -> bool:
        return self.not_before is None and self.suppression is None

    @property
    def is_deferred(self) -> bool:
        return self.not_before is not None


ALLOWED = Decision()


def may_text(
    contact: Contact | None, local_now: datetime, *, is_asked_now: bool = False, goes_abroad: bool = True
) -> Decision:
    """May a text go to her at this wall-clock time?

    `is_asked_now`: she asked for it during the call, which overrides hours and nothing else.
    """
    if why := _never_text(contact, local_now.date(), goes_abroad):
        return Decision(suppression=why)
    if contact is None or is_asked_now:
        return ALLOWED
    return _first_moment(local_now, [_hours(contact), (QUIET_UNTIL, QUIET_FROM)])


def may_call(contact: Contact | None, local_now: datetime, *, is_asked_now: bool = False) -> Decision:
    """May somebody call her? Only her own hours matter: a late arrival at night is called at night."""
    if why := _never_call(contact):
        return Decision(suppression=why)
    if contact is None or is_asked_now:
        return ALLOWED
    return _first_moment(local_now, [_hours(contact)])


def _never_text(contact: Contact | None, today: date, goes_abroad: bool) -> Suppression | None:
    if contact is None:
        return Suppression.NO_CONTACT
    if contact.is_danger_number:
        return Suppression.DANGER_NUMBER
    if contact.is_withdrawn:
        return Suppression.CONSENT_WITHDRAWN
    if contact.can_text is not True:
        return Suppression.TEXT_NOT_ALLOWED
    if not contact.has_consented:
        return Suppression.NO_CONSENT
    if has_run_out(contact.reconfirm_on, today):
        return Suppression.CONSENT_EXPIRED
    if goes_abroad and not contact.has_consented_abroad:
        return Suppression.NO_CONSENT_ABROAD
    if contact.detail is Detail.NONE:
        return Suppression.DETAIL_NONE
    return None if contact.has_number else Suppression.NO_NUMBER


def has_run_out(reconfirm_on: date | None, today: date) -> bool:
    """What is safe changes: from that day on she has to be asked again."""
    return reconfirm_on is not None and reconfirm_on <= today


def _never_call(contact: Contact | None) -> Suppression | None:
    if contact is None:
        return Suppression.NO_CONTACT
    if contact.is_danger_number:
        return Suppression.DANGER_NUMBER
    if contact.is_withdrawn:
        return Suppression.CONSENT_WITHDRAWN
    if contact.can_call is not True:
        return Suppression.CALL_NOT_ALLOWED
    return None if contact.has_number else Suppression.NO_NUMBER


Hours = tuple[time, time]  # half-open, over midnight when the end is not after the start


def _hours(contact: Contact) -> Hours:
    return (contact.from_time or _MIDNIGHT, contact.until_time or _MIDNIGHT)


def is_within(hours: Hours, at: time) -> bool:
    """Equal ends are the whole day."""
    start, end = hours
    if start < end:
        return start <= at < end
    return at >= start or at < end


def _first_moment(local_now: datetime, windows: list[Hours]) -> Decision:
    """Now when all windows are open; else the first moment they are. It can only be a window's start."""
    now = local_now.time()
    if all(is_within(hours, now) for hours in windows):
        return ALLOWED
    starts = sorted(start for start, _ in windows if all(is_within(hours, start) for hours in windows))
    if not starts:
        return Decision(suppression=Suppression.HOURS_NEVER)
    later = [start for start in starts if start > now]
    day = local_now.date() if later else local_now.date() + timedelta(days=1)
    return Decision(not_before=datetime.combine(day, (later or starts)[0], tzinfo=local_now.tzinfo))


class TextChoice(StrEnum):
    """How she learns that the place is hers; by voice, on the line, is the first choice."""

    BY_VOICE = "by_voice"
    ASKED_NOW = "asked_now"  # she asks for it during the call: hours do not matter
    IN_SAFE_HOURS = "in_safe_hours"
