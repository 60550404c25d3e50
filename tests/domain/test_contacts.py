from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelter.domain.contacts import Contact, is_within, may_call, may_text
from shelter.domain.messages import Detail, Suppression

SEOUL = ZoneInfo("Asia/Seoul")
SAFE = Contact(
    can_call=True,
    can_text=True,
    detail=Detail.CALL_US,
    has_consented=True,
    has_consented_abroad=True,
    reconfirm_on=date(2026, 10, 1),
)
HOURS = st.none() | st.times().map(lambda at: at.replace(second=0, microsecond=0))
MOMENTS = st.integers(0, 29 * 24 * 60).map(lambda n: datetime(2026, 9, 1, tzinfo=SEOUL) + timedelta(minutes=n))
NEVER_TEXT: list[tuple[dict[str, Any], Suppression]] = [
    ({"can_text": False}, Suppression.TEXT_NOT_ALLOWED),
    ({"can_text": None}, Suppression.TEXT_NOT_ALLOWED),
    ({"has_consented": False}, Suppression.NO_CONSENT),
    ({"has_consented_abroad": False}, Suppression.NO_CONSENT_ABROAD),
    ({"is_withdrawn": True}, Suppression.CONSENT_WITHDRAWN),
    ({"reconfirm_on": date(2026, 9, 10)}, Suppression.CONSENT_EXPIRED),
    ({"detail": Detail.NONE}, Suppression.DETAIL_NONE),
    ({"is_danger_number": True}, Suppression.DANGER_NUMBER),
    ({"has_number": False}, Suppression.NO_NUMBER),
]
NEVER_CALL: list[tuple[dict[str, Any], Suppression]] = [
    ({"can_call": False}, Suppression.CALL_NOT_ALLOWED),
    ({"can_call": None}, Suppression.CALL_NOT_ALLOWED),
    ({"is_withdrawn": True}, Suppression.CONSENT_WITHDRAWN),
    ({"is_danger_number": True}, Suppression.DANGER_NUMBER),
    ({"has_number": False}, Suppression.NO_NUMBER),
]


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-09-{clock}").replace(tzinfo=SEOUL)


def test_with_everything_agreed_a_text_may_go_by_day() -> None:
    assert may_text(SAFE, at("10 14:00")).is_allowed


@pytest.mark.parametrize("is_asked_now", [False, True])
@pytest.mark.parametrize(("changes", "why"), NEVER_TEXT)
def test_one_missing_agreement_is_enough_for_no_text(
    changes: dict[str, Any], why: Suppression, is_asked_now: bool
) -> None:
    decision = may_text(replace(SAFE, **changes), at("10 14:00"), is_asked_now=is_asked_now)
    assert decision.suppression is why
    assert not decision.is_allowed
    assert not decision.is_deferred


@pytest.mark.parametrize(("changes", "why"), NEVER_CALL)
def test_one_missing_agreement_is_enough_for_no_call(changes: dict[str, Any], why: Suppression) -> None:
    assert may_call(replace(SAFE, **changes), at("10 14:00"), is_asked_now=True).suppression is why


def test_without_a_safe_contact_there_is_neither_text_nor_call() -> None:
    assert may_text(None, at("10 14:00"), is_asked_now=True).suppression is Suppression.NO_CONTACT
    assert may_call(None, at("10 14:00"), is_asked_now=True).suppression is Suppression.NO_CONTACT


def test_a_contact_nobody_filled_in_allows_nothing() -> None:
    assert may_text(Contact(), at("10 14:00")).suppression
    assert may_call(Contact(), at("10 14:00")).suppression


def test_text_and_call_are_asked_apart() -> None:
    no_text, no_call = replace(SAFE, can_text=False), replace(SAFE, can_call=False)
    assert may_call(no_text, at("10 14:00")).is_allowed
    assert may_text(no_call, at("10 14:00")).is_allowed


def test_a_gateway_at_home_needs_no_consent_for_abroad() -> None:
    assert may_text(replace(SAFE, has_consented_abroad=False), at("10 14:00"), goes_abroad=False).is_allowed


@pytest.mark.parametrize(
    ("clock", "until"),
    [
        ("10 20:59", None),
        ("10 21:00", "11 08:00"),
        ("10 23:30", "11 08:00"),
        ("11 00:00", "11 08:00"),
        ("11 07:59", "11 08:00"),
        ("11 08:00", None),
    ],
)
def test_texts_wait_for_the_end_of_the_quiet_hours(clock: str, until: str | None) -> None:
    assert may_text(SAFE, at(clock)).not_before == (at(until) if until else None)


def test_asking_now_overrides_hours_and_nothing_else() -> None:
    hours = replace(SAFE, from_time=time(10), until_time=time(12))
    assert may_text(hours, at("10 23:00"), is_asked_now=True).is_allowed


@pytest.mark.parametrize(
    ("clock", "until"),
    [
        ("10 09:00", "10 10:00"),
        ("10 10:00", None),
        ("10 11:59", None),
        ("10 12:00", "11 10:00"),
        ("10 22:00", "11 10:00"),
    ],
)
def test_her_own_hours_hold(clock: str, until: str | None) -> None:
    hours = replace(SAFE, from_time=time(10), until_time=time(12))
    expected = at(until) if until else None
    assert may_text(hours, at(clock)).not_before == expected
    assert may_call(hours, at(clock)).not_before == expected


def test_hours_over_midnight_meet_the_quiet_hours_in_the_morning() -> None:
    night = replace(SAFE, from_time=time(20), until_time=time(9))
    assert may_text(night, at("10 20:30")).is_allowed
    assert may_text(night, at("10 22:00")).not_before == at("11 08:00")
    assert may_text(night, at("10 09:00")).not_before == at("10 20:00")


def test_hours_within_the_quiet_ones_never_open() -> None:
    late = replace(SAFE, from_time=time(22), until_time=time(6))
    assert may_text(late, at("10 14:00")).suppression is Suppression.HOURS_NEVER
    assert may_call(late, at("10 23:00")).is_allowed


def test_calls_know_no_quiet_hours() -> None:
    assert may_call(SAFE, at("10 02:00")).is_allowed


@given(HOURS, HOURS, MOMENTS)
def test_what_is_deferred_may_go_then_and_not_before(start: time | None, end: time | None, moment: datetime) -> None:
    contact = replace(SAFE, from_time=start, until_time=end, reconfirm_on=None)
    decision = may_text(contact, moment)
    if decision.not_before is not None:
        assert moment < decision.not_before <= moment + timedelta(days=1)
        assert may_text(contact, decision.not_before).is_allowed
        between = moment + (decision.not_before - moment) / 2
        assert not may_text(contact, between).is_allowed
    elif decision.suppression is Suppression.HOURS_NEVER:
        assert not any(may_text(contact, moment + timedelta(minutes=n)).is_allowed for n in range(0, 1440, 7))
    else:
        assert time(8) <= moment.time() < time(21)
        assert is_within((start or time(0), end or time(0)), moment.time())


@given(
    st.lists(st.sampled_from([changes for changes, _ in NEVER_TEXT]), min_size=1, max_size=4),
    MOMENTS,
    st.booleans(),
    HOURS,
)
def test_nothing_makes_up_for_a_missing_agreement(
    missing: list[dict[str, Any]], moment: datetime, is_asked_now: bool, start: time | None
) -> None:
    changes = {name: value for change in missing for name, value in change.items()}
    changes.setdefault("reconfirm_on", None)
    if changes["reconfirm_on"]:
        changes["reconfirm_on"] = date(2026, 9, 1)
    contact = replace(SAFE, from_time=start, **changes)
    assert may_text(contact, moment, is_asked_now=is_asked_now).suppression
