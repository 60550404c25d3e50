"""Days, times, nights and phone numbers as people read them, in the language of the page.

Filters: `|on` a day, `|at` a time of day, `|moment` both, `|night` an operating night in full,
`|night_short` the same in brackets and tables, `|phone` digits in groups, `|weekday` and `|month` their short names.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import phonenumbers
from flask import Flask
from flask_babel import get_locale

from shelter import clock

WEEKDAYS = {"ko": "월화수목금토일", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
REGION = "KR"
NOTHING = "–"


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(on=on, at=at, moment=moment, night=night, night_short=night_short, phone=phone)
    app.jinja_env.filters.update(weekday=weekday, month=month)
    app.jinja_env.globals.update(local_date=on, local_time=at)


def on(day: date | datetime | None) -> str:
    """`11월 23일(월)`, `Mon 23 Nov`; with the year when it is not this one."""
    if day is None:
        return NOTHING
    day = _local_day(day)
    return _day(day, with_year=day.year != clock.today().year)


def at(instant: datetime | time | None) -> str:
    """`14:05` on the shelter's wall clock."""
    if instant is None:
        return NOTHING
    if isinstance(instant, datetime):
        instant = clock.local(instant).time()
    return f"{instant.hour:02}:{instant.minute:02}"


def moment(instant: datetime | None) -> str:
    """`11월 23일(월) 14:05`, `Mon 23 Nov, 14:05`."""
    if instant is None:
        return NOTHING
    return f"{on(instant)} {at(instant)}" if _is_korean() else f"{on(instant)}, {at(instant)}"


def night(day: date | None) -> str:
    """The night that begins on `day`: `11월 10일(화)→11일(수) 밤`, `night of Tue 10 to Wed 11 Nov`."""
    if day is None:
        return NOTHING
    first, last = _local_day(day), _local_day(day) + timedelta(days=1)
    far = first.year != clock.today().year
    is_one_month = first.month == last.month
    if _is_korean():
        end = f"{last.day}일({_weekday(last)})" if is_one_month else _day(last, with_year=first.year != last.year)
        return f"{_day(first, with_year=far)}→{end} 밤"
    begin = f"{_weekday(first)} {first.day}" if is_one_month else _day(first, with_year=first.year != last.year)
    return f"night of {begin} to {_day(last, with_year=far or first.year != last.year)}"


def night_short(day: date | None) -> str:
    """`10일→11일`, `30일→12월 1일`; `10→11 Nov`, `30 Nov→1 Dec`."""
    if day is None:
        return NOTHING
    first, last = _local_day(day), _local_day(day) + timedelta(days=1)
    is_one_month = first.month == last.month
    if _is_korean():
        return f"{first.day}일→{'' if is_one_month else f'{last.month}월 '}{last.day}일"
    month = "" if is_one_month else f" {MONTHS[first.month - 1]}"
    return f"{first.day}{month}→{last.day} {MONTHS[last.month - 1]}"


def weekday(day: date) -> str:
    """`화`, `Tue`."""
    return _weekday(day)


def month(day: date, *, with_year: bool = False) -> str:
    """`11월`, `Nov`; `2026년 11월`, `Nov 2026`."""
    if _is_korean():
        return f"{f'{day.year}년 ' if with_year else ''}{day.month}월"
    return f"{MONTHS[day.month - 1]}{f' {day.year}' if with_year else ''}"


def phone(number: str | None) -> str:
    """`010-1234-5678` at home, `+44 7400 123456` from abroad; what is no number (1366) stays as it is."""
    if not number:
        return NOTHING
    try:
        parsed = phonenumbers.parse(number, REGION)
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_possible_number(parsed):
        return number
    is_home = parsed.country_code == phonenumbers.country_code_for_region(REGION)
    style = phonenumbers.PhoneNumberFormat.NATIONAL if is_home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, style)


def _local_day(day: date | datetime) -> date:
    return clock.day_of(day) if isinstance(day, datetime) else day


def _day(day: date, *, with_year: bool) -> str:
    if _is_korean():
        return f"{f'{day.year}년 ' if with_year else ''}{day.month}월 {day.day}일({_weekday(day)})"
    return f"{_weekday(day)} {day.day} {MONTHS[day.month - 1]}{f' {day.year}' if with_year else ''}"


def _weekday(day: date) -> str:
    return WEEKDAYS["ko" if _is_korean() else "en"][day.weekday()]


def _is_korean() -> bool:
    locale = get_locale()
    return locale is None or locale.language == "ko"
