from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelter.domain.nights import Nights, NightsEmpty, operating_night

DAYS = st.dates(date(2024, 1, 1), date(2024, 3, 31))
RUNS = st.builds(lambda day, length: Nights(day, day + timedelta(days=length)), DAYS, st.integers(1, 40))


def day(n: int) -> date:
    return date(2026, 9, n)


@pytest.mark.parametrize("leave", [10, 9, 1])
def test_leaving_on_or_before_the_day_of_arrival_is_refused(leave: int) -> None:
    with pytest.raises(NightsEmpty) as refused:
        Nights(day(10), day(leave))
    assert refused.value.params == {"arrive_on": day(10), "leave_on": day(leave)}
    assert refused.value.field == "leave_on"


def test_the_day_of_leaving_is_not_slept() -> None:
    nights = Nights(day(10), day(12))
    assert list(nights) == [day(10), day(11)]
    assert len(nights) == 2
    assert nights.last == day(11)
    assert day(11) in nights
    assert day(12) not in nights


def test_leaving_on_the_day_another_arrives_is_no_overlap() -> None:
    assert not Nights(day(1), day(5)).overlaps(Nights(day(5), day(9)))
    assert Nights(day(1), day(6)).overlaps(Nights(day(5), day(9)))


@given(RUNS)
def test_nights_come_in_date_order_and_as_many_as_counted(run: Nights) -> None:
    found = list(run)
    assert found == sorted(set(found))
    assert len(found) == len(run)
    assert all(night in run for night in found)


@given(RUNS, RUNS)
def test_all_questions_agree_with_sets_of_days(a: Nights, b: Nights) -> None:
    one, other = set(a), set(b)
    assert a.overlaps(b) == b.overlaps(a) == bool(one & other)
    assert a.contains(b) == (other <= one)
    assert set(a.common(b) or ()) == one & other
    left = a.minus(b)
    assert {night for run in left for night in run} == one - other
    assert list(left) == sorted(left)


@pytest.mark.parametrize(
    ("clock", "night"),
    [
        ("2026-09-10 23:59", 10),
        ("2026-09-11 00:01", 10),
        ("2026-09-11 02:10", 10),
        ("2026-09-11 07:59", 10),
        ("2026-09-11 08:00", 11),
        ("2026-09-11 08:01", 11),
    ],
)
def test_tonight_turns_over_at_the_cut_over(clock: str, night: int) -> None:
    assert operating_night(datetime.fromisoformat(clock), 8) == day(night)
    seoul = datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo("Asia/Seoul"))
    assert operating_night(seoul, 8) == day(night)


def test_the_cut_over_is_wall_clock_when_clocks_change() -> None:
    new_york = ZoneInfo("America/New_York")
    after_the_change = datetime(2026, 3, 8, 8, 30, tzinfo=new_york)
    assert operating_night(after_the_change, 8) == date(2026, 3, 8)
    assert operating_night(after_the_change.astimezone(UTC).astimezone(new_york), 8) == date(2026, 3, 8)
