from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelter.domain import limits
from shelter.domain.errors import PolicyIncomplete
from shelter.domain.limits import CountingRule, LeaveAfterLimit, StayPolicy, limit_on

CIVIL, SAME = CountingRule.CIVIL_CODE, CountingRule.SAME_DAY
SIX_MONTHS = StayPolicy(months=6)

# The calendar as a list, so that the oracle shares no arithmetic with the rule.
CALENDAR = [date(2023, 12, 1) + timedelta(days=n) for n in range(5000)]
PLACE = {day: n for n, day in enumerate(CALENDAR)}
MONTHS: dict[tuple[int, int], list[date]] = {}
for _day in CALENDAR:
    MONTHS.setdefault((_day.year, _day.month), []).append(_day)
NAMES = list(MONTHS)
CHECK_INS = [day for day in CALENDAR if date(2024, 1, 1) <= day <= date(2032, 12, 31)]


def oracle(check_in: date, months: int, rule: CountingRule) -> date:
    """Look the corresponding day up in the calendar and go back one line."""
    first = CALENDAR[PLACE[check_in] + 1] if rule is CIVIL else check_in
    days = MONTHS[NAMES[NAMES.index((first.year, first.month)) + months]]
    same = [day for day in days if day.day == first.day]
    return CALENDAR[PLACE[same[0]] - 1] if same else days[-1]


@pytest.mark.parametrize(
    ("check_in", "civil", "same"),
    [
        ("2026-03-10", "2026-09-10", "2026-09-09"),
        ("2026-08-30", "2027-02-28", "2027-02-28"),
        ("2026-08-31", "2027-02-28", "2027-02-28"),
        ("2026-02-28", "2026-08-31", "2026-08-27"),
        ("2026-04-30", "2026-10-31", "2026-10-29"),
        ("2026-09-30", "2027-03-31", "2027-03-29"),
        ("2027-08-30", "2028-02-29", "2028-02-29"),
        ("2028-02-29", "2028-08-31", "2028-08-28"),
    ],
)
def test_the_limit_is_as_the_table_says(check_in: str, civil: str, same: str) -> None:
    day = date.fromisoformat(check_in)
    assert limit_on(day, StayPolicy(months=6, counting_rule=CIVIL)) == date.fromisoformat(civil)
    assert limit_on(day, StayPolicy(months=6, counting_rule=SAME)) == date.fromisoformat(same)


@pytest.fixture(params=["UTC", "Asia/Seoul", "America/Los_Angeles"])
def machine_zone(request: pytest.FixtureRequest) -> Iterator[str]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize("rule", CountingRule)
def test_every_check_in_of_nine_years_agrees_with_the_oracle(machine_zone: str, rule: CountingRule) -> None:
    policy = StayPolicy(months=6, counting_rule=rule)
    wrong = [day for day in CHECK_INS if limit_on(day, policy) != oracle(day, 6, rule)]
    assert not wrong


@pytest.mark.parametrize("rule", CountingRule)
@pytest.mark.parametrize("months", [1, 3, 12])
def test_other_lengths_in_months_agree_with_the_oracle(months: int, rule: CountingRule) -> None:
    policy = StayPolicy(months=months, counting_rule=rule)
    assert not [day for day in CHECK_INS if limit_on(day, policy) != oracle(day, months, rule)]


def test_days_are_counted_one_by_one() -> None:
    day = date(2026, 1, 31)
    assert limit_on(day, StayPolicy(days=30, counting_rule=CIVIL)) == CALENDAR[PLACE[day] + 30]
    assert limit_on(day, StayPolicy(days=30, counting_rule=SAME)) == CALENDAR[PLACE[day] + 29]


@pytest.mark.parametrize("rule", CountingRule)
def test_an_extension_counts_from_the_first_check_in_and_is_never_chained(rule: CountingRule) -> None:
    policy = StayPolicy(months=6, counting_rule=rule, extension_months=3, max_extensions=2)
    for steps in (1, 2):
        assert not [d for d in CHECK_INS if limit_on(d, policy, steps) != oracle(d, 6 + 3 * steps, rule)]
    # Chained from the first limit, the end of the month would be lost.
    assert limit_on(date(2026, 8, 30), StayPolicy(months=6, extension_months=3, max_extensions=1), 1) == date(
        2027, 5, 30
    )


def test_an_extension_in_days_is_added_at_the_end() -> None:
    policy = StayPolicy(days=30, extension_days=15, max_extensions=2)
    assert limit_on(date(2026, 3, 1), policy, 2) == date(2026, 3, 1) + timedelta(days=60)
    mixed = StayPolicy(months=6, extension_days=10, max_extensions=1)
    assert limit_on(date(2026, 3, 10), mixed, 1) == date(2026, 9, 20)


def test_steps_of_a_policy_without_any_are_refused() -> None:
    with pytest.raises(PolicyIncomplete):
        limit_on(date(2026, 3, 1), SIX_MONTHS, 1)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"months": 6, "days": 30},
        {"months": 0},
        {"days": -1},
        {"months": 6, "extension_months": 1, "extension_days": 1},
        {"months": 6, "extension_months": 0},
    ],
)
def test_a_policy_is_in_months_or_days_and_so_is_its_step(said: dict[str, int]) -> None:
    with pytest.raises(PolicyIncomplete):
        StayPolicy(**said)  # type: ignore[arg-type]


@given(
    st.sampled_from(CHECK_INS),
    st.sampled_from(CHECK_INS),
    st.builds(StayPolicy, months=st.integers(1, 36), counting_rule=st.sampled_from(CountingRule))
    | st.builds(StayPolicy, days=st.integers(1, 1000), counting_rule=st.sampled_from(CountingRule)),
)
def test_whoever_comes_later_may_not_have_to_leave_earlier(a: date, b: date, policy: StayPolicy) -> None:
    earlier, later = sorted((a, b))
    assert limit_on(earlier, policy) <= limit_on(later, policy)
    assert limit_on(earlier, policy) >= earlier


def test_a_threshold_is_crossed_when_so_many_days_are_left() -> None:
    limit = date(2026, 9, 10)

    def crossed(days_before: int) -> tuple[int, ...]:
        return limits.crossed_thresholds(SIX_MONTHS, limit, limit - timedelta(days=days_before))

    assert crossed(61) == ()
    assert crossed(60) == (60,)
    assert crossed(30) == (60, 30)
    assert crossed(14) == (60, 30, 14)
    assert crossed(7) == (60, 30, 14, 7)
    assert crossed(1) == (60, 30, 14, 7, 1)
    assert crossed(0) == crossed(-40) == (60, 30, 14, 7, 1, 0)


@given(st.integers(-50, 100), st.integers(0, 20))
def test_a_missed_night_is_caught_up(left: int, missed: int) -> None:
    limit = date(2026, 9, 10)
    before = limits.crossed_thresholds(SIX_MONTHS, limit, limit - timedelta(days=left + missed))
    now = limits.crossed_thresholds(SIX_MONTHS, limit, limit - timedelta(days=left))
    assert set(before) <= set(now)


def test_only_the_tightest_is_shown() -> None:
    assert limits.tightest((60, 30, 14)) == 14
    assert limits.tightest((60, 0)) == 0
    assert limits.tightest(()) is None


def test_days_left_turn_negative_past_the_limit() -> None:
    assert limits.days_left(date(2026, 9, 10), date(2026, 9, 9)) == 1
    assert limits.days_left(date(2026, 9, 10), date(2026, 9, 12)) == -2


@pytest.mark.parametrize(
    ("threshold", "is_silent"), [(60, True), (30, True), (14, True), (7, False), (1, False), (0, False)]
)
def test_a_plan_silences_the_wider_thresholds_through_its_day(threshold: int, is_silent: bool) -> None:
    plan = date(2026, 8, 1)
    assert limits.is_silenced_by_plan(threshold, plan, date(2026, 7, 1)) is is_silent
    assert limits.is_silenced_by_plan(threshold, plan, plan) is is_silent
    assert not limits.is_silenced_by_plan(threshold, plan, date(2026, 8, 2))
    assert not limits.is_silenced_by_plan(threshold, None, plan)


def test_thresholds_stand_widest_first_and_suit_the_length() -> None:
    assert StayPolicy(days=30, thresholds=(1, 14, 7)).thresholds == (14, 7, 1)
    assert limits.usual_thresholds(months=6) == (60, 30, 14, 7, 1)
    assert limits.usual_thresholds(days=30) == (14, 7, 1)
    assert limits.usual_thresholds(days=1) == ()


def test_leaving_on_the_limit_is_the_latest() -> None:
    limits.check_leave_on(date(2026, 9, 10), date(2026, 9, 10))
    with pytest.raises(LeaveAfterLimit) as refused:
        limits.check_leave_on(date(2026, 9, 11), date(2026, 9, 10))
    assert refused.value.params == {"leave_on": date(2026, 9, 11), "limit_on": date(2026, 9, 10)}
