"""The timetable: which slot is due when, in the shelter's own time."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from shelter import clock
from shelter.jobs import tasks
from shelter.jobs.schedule import JOBS, TIMETABLE, Job

NIGHTLY = JOBS["flag-stays-nearing-limit"]


@pytest.fixture
def zone(request: pytest.FixtureRequest) -> Iterator[ZoneInfo]:
    before, hours = clock.timezone(), clock.cutover().total_seconds() // 3600
    clock.configure(ZoneInfo(request.param), int(hours))
    yield ZoneInfo(request.param)
    clock.configure(before, int(hours))


def wall(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize("zone", ["Asia/Seoul", "UTC", "America/Los_Angeles"], indirect=True)
@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-10 02:30:00", "2026-03-10 02:30"),
        ("2026-03-10 02:29:59", "2026-03-09 02:30"),
        ("2026-03-10 23:59:59", "2026-03-10 02:30"),
        ("2026-03-11 00:00:01", "2026-03-10 02:30"),
        ("2026-01-01 01:00:00", "2025-12-31 02:30"),
    ],
)
def test_a_nightly_job_is_due_at_its_wall_clock_time(zone: ZoneInfo, now: str, due: str) -> None:
    assert NIGHTLY.latest_due(wall(now, zone)) == wall(due, zone)


@pytest.mark.parametrize("zone", ["America/Los_Angeles"], indirect=True)
def test_the_hour_that_does_not_exist_has_a_slot_too(zone: ZoneInfo) -> None:
    """On 2026-03-08 the clocks jump from 02:00 to 03:00 there."""
    slots = {NIGHTLY.latest_due(wall("2026-03-07 12:00", zone) + timedelta(hours=h)) for h in range(48)}
    assert [slot.astimezone(zone).date() for slot in sorted(slots)] == [
        date(2026, 3, 7),
        date(2026, 3, 8),
        date(2026, 3, 9),
    ]


def test_even_intervals_begin_at_even_instants() -> None:
    job = Job("x", tasks.anchor_audit, "x", every=timedelta(minutes=15))
    now = datetime(2026, 3, 10, 12, 29, 59, 999_999, tzinfo=UTC)
    assert job.latest_due(now) == datetime(2026, 3, 10, 12, 15, tzinfo=UTC)
    assert job.latest_due(datetime(2026, 3, 10, 12, 30, tzinfo=UTC)) == datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


def test_flags_are_made_at_night_and_told_in_the_morning() -> None:
    assert NIGHTLY.at == time(2, 30)
    assert JOBS["send-limit-digests"].at == time(8, 30)


def test_every_job_has_one_name_one_time_and_says_what_it_does() -> None:
    assert len(JOBS) == len(TIMETABLE)
    for job in TIMETABLE:
        assert (job.at is None) != (job.every is None), job.name
        assert job.name == job.run.__name__.replace("_", "-")
        assert job.what.endswith(".")
        assert job.when


def test_every_task_names_a_use_case_that_is_there() -> None:
    """They are imported when they run: a misspelt one would be noticed at night."""
    import importlib
    import re

    for job in TIMETABLE:
        source = inspect.getsource(job.run)
        for module in re.findall(r"from shelter\.services import (\w+)", source):
            service = importlib.import_module(f"shelter.services.{module}")
            for name in re.findall(rf"\b{module}\.(\w+)\(", source):
                assert callable(getattr(service, name)), f"{job.name}: {module}.{name}"
