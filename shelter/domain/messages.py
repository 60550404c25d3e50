"""Texts: the fixed ones, what no text may contain, and the states of one on its way.

SMS is hostile ground: whoever holds the phone reads it. Who may be texted when is in `contacts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from typing import ClassVar, Literal

from shelter.domain import districts, references
from shelter.domain.errors import DomainError

LONGEST = 79  # bytes in CP949 to Korean numbers: 90 less the carrier's "[국제발신]" and its line break
MOST_SHOWN = 99  # in a count of a text

Language = Literal["ko", "en"]


class Detail(StrEnum):
    """How much a text to her may say."""

    NONE = "none"
    CALL_US = "call_us"
    DATE_ONLY = "date_only"


class Template(StrEnum):
    CONFIRMED = "confirmed"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    CALL_US = "call_us"
    DIGEST = "digest"  # to staff
    ESCALATION = "escalation"  # to staff


STAFF_TEMPLATES = frozenset({Template.DIGEST, Template.ESCALATION})


class MessageState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"  # claimed by the dispatcher
    UNKNOWN = "unknown"  # the call ended without an answer; to be asked, never to be sent again blindly
    SENT = "sent"  # the provider has it
    DELIVERED = "delivered"  # the carrier says so; whether anybody read it is never known
    FAILED = "failed"
    SUPPRESSED = "suppressed"  # decided not to be sent
    RECEIVED = "received"  # came in


class Suppression(StrEnum):
    """Why a text was not sent, or a call is not proposed."""

    NO_CONTACT = "no_contact"  # no safe contact was recorded
    NO_NUMBER = "no_number"
    DANGER_NUMBER = "danger_number"
    NO_CONSENT = "no_consent"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENT_EXPIRED = "consent_expired"  # the day to re-confirm has passed
    NO_CONSENT_ABROAD = "no_consent_abroad"
    TEXT_NOT_ALLOWED = "text_not_allowed"  # said no, or was not asked
    CALL_NOT_ALLOWED = "call_not_allowed"
    DETAIL_NONE = "detail_none"
    HOURS_NEVER = "hours_never"  # her hours lie within the quiet ones
    TOLD_BY_VOICE = "told_by_voice"
    IN_HOUSE = "in_house"  # after check-in nothing goes unless a person asks
    PURPOSE_PASSED = "purpose_passed"  # too late, overtaken by another text, or the booking has changed
    NUMBER_CHANGED = "number_changed"
    NOT_MOBILE = "not_mobile"
    NOT_DISCREET = "not_discreet"  # refused by the linter
    TOO_MANY = "too_many"  # over a cap
    STOPPED = "stopped"  # all texts are stopped, or the recipient has stopped them
    RECIPIENT_INACTIVE = "recipient_inactive"  # a colleague's account is closed


class LintCode(StrEnum):
    EMPTY = "empty"
    NAME = "name"  # of a person, a site, a room
    SERVICE_WORD = "service_word"
    PLACE_WORD = "place_word"
    REFERENCE = "reference"
    URL = "url"
    NUMBER = "number"  # a telephone number, or anything that could be one
    TOO_LONG = "too_long"
    CHARACTER = "character"  # outside KS X 1001, or not to be seen


@dataclass
class TextNotDiscreet(DomainError):
    """The linter refuses the text."""

    why: tuple[LintCode, ...]
    code: ClassVar[str] = "text_not_discreet"


@dataclass
class NoSuchText(DomainError):
    """There is no text for this template at this level of detail."""

    template: Template
    level: Detail | None
    code: ClassVar[str] = "no_such_text"


TEXTS: dict[tuple[Template, Detail | None], dict[str, str]] = {
    (Template.CONFIRMED, Detail.CALL_US): {
        "ko": "요청하신 건 확인되었습니다. 문의는 알려드린 번호로 전화 주세요.",
        "en": "Your request is confirmed. Questions? Call the number we gave you.",
    },
    (Template.CONFIRMED, Detail.DATE_ONLY): {
        "ko": "{date} 예약 확인되었습니다. 문의는 알려드린 번호로 전화 주세요.",
        "en": "Confirmed for {date}. Questions? Call the number we gave you.",
    },
    (Template.CHANGED, Detail.CALL_US): {
        "ko": "변경된 내용이 있습니다. 알려드린 번호로 전화 부탁드립니다.",
        "en": "There is a change. Please call the number we gave you.",
    },
    (Template.CHANGED, Detail.DATE_ONLY): {
        "ko": "{date}로 변경되었습니다. 문의는 알려드린 번호로 전화 주세요.",
        "en": "Changed to {date}. Questions? Call the number we gave you.",
    },
    (Template.CANCELLED, Detail.CALL_US): {
        "ko": "요청하신 건 취소되었습니다. 문의는 알려드린 번호로 전화 주세요.",
        "en": "Your request is cancelled. Questions? Call the number we gave you.",
    },
    (Template.CANCELLED, Detail.DATE_ONLY): {
        "ko": "{date} 예약 취소되었습니다. 문의는 알려드린 번호로 전화 주세요.",
        "en": "Your {date} booking is cancelled. Call the number we gave you.",
    },
    (Template.CALL_US, Detail.CALL_US): {
        "ko": "통화 가능하실 때 알려드린 번호로 전화 부탁드립니다.",
        "en": "Please call the number we gave you when you are free to talk.",
    },
    (Template.CALL_US, Detail.DATE_ONLY): {
        "ko": "{date} {time} 전에 알려드린 번호로 전화 부탁드립니다.",
        "en": "Please call the number we gave you before {time} on {date}.",
    },
    (Template.DIGEST, None): {
        "ko": "기한 임박 {n}건, 기한 도달 {m}건입니다. 오늘 접속해 확인해 주세요.",
        "en": "{n} near limit, {m} at limit. Please sign in and check today.",
    },
    (Template.ESCALATION, None): {
        "ko": "확인되지 않은 기한 {n}건, 최장 {d}일 경과. 지금 접속해 결정해 주세요.",
        "en": "Not acknowledged: {n}, oldest {d} days. Please sign in and decide.",
    },
}

_WEEKDAYS = {"ko": "월화수목금토일", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def date_in_text(day: date, language: str) -> str:
    """`12월 30일(수)`, `Wed 30 Sep`: without a year, in any locale of the machine."""
    weekday = _WEEKDAYS[language][day.weekday()]
    if language == "ko":
        return f"{day.month}월 {day.day}일({weekday})"
    return f"{weekday} {day.day} {_MONTHS[day.month - 1]}"


def render(template: Template, level: Detail | None, language: str, **values: date | time | int) -> str:
    """The text in the recipient's language. Values: `date`, `time`, and the counts `n`, `m`, `d`.

    Texts to staff have no level. Raises NoSuchText for `Detail.NONE` and for pairs nobody wrote.
    """
    texts = TEXTS.get((template, None if template in STAFF_TEMPLATES else level))
    if texts is None:
        raise NoSuchText(template, level)
    return texts[language].format(**{name: _in_text(value, language) for name, value in values.items()})


def _in_text(value: date | time | int, language: str) -> str:
    if isinstance(value, date):
        return date_in_text(value, language)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return f"{value}" if value <= MOST_SHOWN else f"{MOST_SHOWN}+"


def cp949_bytes(text: str) -> int:
    """What the carrier counts; a character it does not know counts two."""
    return sum(_bytes(character) for character in text)


def _bytes(character: str) -> int:
    try:
        return len(character.encode("cp949"))
    except UnicodeEncodeError:
        return 2


def is_in_ks_x_1001(character: str) -> bool:
    """ASCII or one of the standard's two-byte characters. Python writes others, as 힣, in eight bytes."""
    try:
        return len(character.encode("euc_kr")) <= 2
    except UnicodeEncodeError:
        return False


# Stems, looked for without spaces: a text that holds one says what it is about.
_SERVICE = re.compile(
    "쉼터|쉘터|보호|스토킹|폭력|피해|가해|행위자|경찰|신고|긴급|피난|대피|은신|상담|여성의|입소|퇴소|가구|이용자|반려|"
    "데이트|성폭|학대|접근금지|사례번호|고소|법률"
)
_SERVICE_WORD = re.compile(
    r"\b(?:shelters?|refuge|stalk(?:ing|ers?)|violen(?:ce|t)|abus(?:e|ed|er|ive)|victims?|survivors?|police|protect(?:ion|ed)|"
    r"perpetrators?|safehouse|emergency|hotline|counsell?ing|crisis|escape|household|advocate)\b"
)
_PLACE = re.compile("시설|주소|호실|객실|침대|층|방|숙소|센터|역|아파트|빌라|오피스텔|출구|특별시|광역시|대로")
_PLACE_WORD = re.compile(
    r"\b(?:rooms?|beds?|unit|floor|site|address|street|road|avenue|apartment|building|hotel|motel|station|district|"
    r"house|home|gate|exit|cent(?:re|er))\b"
)
_WHERE = re.compile(r"[가-힣]{2,3}[시군구읍면동]\s[가-힣0-9]|[가-힣]+\d*길\s?\d|\d+\s?호")
_URL = re.compile(r"://|www\.|@|\b[\w-]+\.(?:com|net|org|kr|io|me|ly|gl|app|link|info|go|co|or|re|to)\b", re.I)
_LONG_NUMBER = re.compile(r"\d(?:[\s().\-‐-―/]*\d){6,}|\d{3,}")
_TOKEN = re.compile(r"[0-9A-Za-z]{3}-?[0-9A-Za-z]{4}(?![0-9A-Za-z])")


def lint(text: str, *, is_korean_number: bool = True, forbidden: Iterable[str] = ()) -> tuple[LintCode, ...]:
    """Everything a text may not be, each code once; empty means it may go.

    `forbidden` are names of people, sites and rooms around this message.
    """
    found = {
        LintCode.EMPTY: not text.strip(),
        LintCode.NAME: any(_names(word, text) for word in forbidden),
        LintCode.SERVICE_WORD: _says(_SERVICE, _SERVICE_WORD, text),
        LintCode.PLACE_WORD: _says(_PLACE, _PLACE_WORD, text)
        or _WHERE.search(text) is not None
        or districts.is_named_in(text),
        LintCode.REFERENCE: any(_is_reference(token) for token in _TOKEN.findall(text)),
        LintCode.URL: bool(_URL.search(text)),
        LintCode.NUMBER: bool(_LONG_NUMBER.search(text)),
        LintCode.TOO_LONG: is_korean_number and cp949_bytes(text) > LONGEST,
        LintCode.CHARACTER: any(not character.isprintable() for character in text)
        or (is_korean_number and not all(map(is_in_ks_x_1001, text))),
    }
    return tuple(code for code, is_found in found.items() if is_found)


def check_discreet(text: str, *, is_korean_number: bool = True, forbidden: Iterable[str] = ()) -> None:
    if why := lint(text, is_korean_number=is_korean_number, forbidden=forbidden):
        raise TextNotDiscreet(why)


def _says(stems: re.Pattern[str], words: re.Pattern[str], text: str) -> bool:
    spoken = text.casefold()
    return bool(stems.search(re.sub(r"[\s\W]", "", spoken)) or words.search(spoken))


def _names(word: str, text: str) -> bool:
    """Single characters and bare numbers, such as a room's label, would be found in every date."""
    word = word.strip().casefold()
    if len(word) < 2 or word.isdigit():
        return False
    if word.isascii():
        return re.search(rf"(?<![0-9a-z]){re.escape(word)}(?![0-9a-z])", text.casefold()) is not None
    return word in text.casefold()


def _is_reference(token: str) -> bool:
    """Ordinary words that would check out by chance have no digit and are not all capitals."""
    is_written_so = token.isupper() or any(character.isdigit() for character in token)
    return is_written_so and references.is_valid(references.normalise(token))


_RANK = {
    MessageState.QUEUED: 0,
    MessageState.SENDING: 1,
    MessageState.UNKNOWN: 2,
    MessageState.SENT: 3,
    MessageState.DELIVERED: 4,
    MessageState.FAILED: 4,
    MessageState.SUPPRESSED: 4,
    MessageState.RECEIVED: 4,
}
FINAL = frozenset(state for state, rank in _RANK.items() if rank == 4)


def advance(current: MessageState, new: MessageState) -> MessageState:
    """The state after hearing `new`: never backwards, never out of a final state.

    Reports come twice and out of order; what the provider already has can no longer be suppressed.
    """
    if new is MessageState.SUPPRESSED and current is MessageState.SENT:
        return current
    if new is MessageState.RECEIVED or current is MessageState.RECEIVED:
        return current
    return new if _RANK[new] > _RANK[current] else current


def may_queue_again(current: MessageState) -> bool:
    """Only what is known not to have reached the provider: it refused for now, or was asked and has nothing."""
    return current in (MessageState.SENDING, MessageState.UNKNOWN)
