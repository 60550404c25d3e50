"""The timetable: which slot is due when, in the shelter's own time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from shelter.domain.timetable import NIGHTLY, TIMETABLE, Timing

TIMINGS = {timing.name: timing for timing in TIMETABLE}
FLAGS = TIMINGS[NIGHTLY]
# Their clocks jump at 02:00 from one offset to another, and at 03:00 or 02:00 back; the first day of each pair.
JUMPS = [
    ("America/Los_Angeles", date(2026, 3, 7)),
    ("America/Los_Angeles", date(2026, 10, 31)),
    ("Europe/Berlin", date(2026, 3, 28)),
    ("Europe/Berlin", date(2026, 10, 24)),
]


def wall(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize("zone", ["Asia/Seoul", "UTC", "America/Los_Angeles"])
@pytest.mark.parametrize(
    ("now", "due", "next_due"),
    [
        ("2026-03-10 02:30:00", "2026-03-10 02:30", "2026-03-11 02:30"),
        ("2026-03-10 02:29:59", "2026-03-09 02:30", "2026-03-10 02:30"),
        ("2026-03-10 23:59:59", "2026-03-10 02:30", "2026-03-11 02:30"),
        ("2026-03-11 00:00:01", "2026-03-10 02:30", "2026-03-11 02:30"),
        ("2026-01-01 01:00:00", "2025-12-31 02:30", "2026-01-01 02:30"),
    ],
)
def test_a_nightly_job_is_due_at_its_wall_clock_time(zone: str, now: str, due: str, next_due: str) -> None:
    moment = wall(now, zone)
    assert FLAGS.latest_due(moment, ZoneInfo(zone)) == wall(due, zone)
    assert FLAGS.next_due(moment, ZoneInfo(zone)) == wall(next_due, zone)


@pytest.mark.parametrize(("name", "before"), JUMPS)
@pytest.mark.parametrize("at", [time(1, 30), time(2, 30), time(3, 0)])
def test_every_day_has_one_slot_where_an_hour_is_missing_or_comes_twice(name: str, before: date, at: time) -> None:
    zone, timing = ZoneInfo(name), Timing("x", "X.", at=at)
    start = wall(f"{before} 12:00", name)
    minutes = [start + timedelta(minutes=m) for m in range(48 * 60)]
    slots = sorted({timing.latest_due(moment, zone) for moment in minutes})
    assert [slot.astimezone(zone).date() for slot in slots] == [before + timedelta(days=n) for n in range(3)]
    assert {timing.next_due(moment, zone) for moment in minutes[: 24 * 60]} >= {slots[1]}


def test_even_intervals_begin_at_even_instants() -> None:
    timing = Timing("x", "X.", every=timedelta(minutes=15))
    now = datetime(2026, 3, 10, 12, 29, 59, 999_999, tzinfo=UTC)
    assert timing.latest_due(now, UTC) == datetime(2026, 3, 10, 12, 15, tzinfo=UTC)
    assert timing.next_due(now, UTC) == datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
    assert timing.latest_due(datetime(2026, 3, 10, 12, 30, tzinfo=UTC), UTC) == timing.next_due(now, UTC)


def test_flags_are_made_at_night_and_told_in_the_morning() -> None:
    assert FLAGS.at == time(2, 30)
    assert TIMINGS["send-limit-digests"].at == time(8, 30)


def test_every_job_has_one_name_one_time_and_says_what_it_does() -> None:
    assert len(TIMINGS) == len(TIMETABLE)
    for timing in TIMETABLE:
        assert (timing.at is None) != (timing.every is None), timing.name
        assert timing.what.endswith(".")
        assert timing.when
