"""What is wrong with the system: the cause, said once, and how grave it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shelter.domain.operations import (
    BACKUP_IS_OLD,
    GRACE,
    MANY_FAILED,
    ROOM_IS_GONE,
    ROOM_IS_LOW,
    SILENCE,
    TEXT_IS_LATE,
    UNREADY,
    JobState,
    Room,
    Texts,
    Trouble,
    Vitals,
    findings,
    unready,
)
from shelter.domain.timetable import NIGHTLY, TIMETABLE

NOW = datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PLENTY = Room(free=50_000_000_000, total=100_000_000_000)
TIMINGS = {timing.name: timing for timing in TIMETABLE}


def done(name: str, at: datetime | None = None, **more: Any) -> JobState:
    """Its slot of `at`, or the one that is due, ended well."""
    slot = TIMINGS[name].latest_due(at or NOW, UTC)
    return JobState(TIMINGS[name], last_good_at=slot + SECOND, last_good_slot_at=slot, **more)


ALL_DONE = tuple(done(name) for name in TIMINGS)
WELL = Vitals(schema="0009", schema_wanted="0009", beat_at=NOW, leader="x:1", jobs=ALL_DONE)


def troubles(
    vitals: Vitals = WELL, texts: Texts | None = None, room: Room = PLENTY, backup_age: timedelta | None = timedelta(0)
) -> list[Trouble]:
    backup_at = None if backup_age is None else NOW - backup_age
    return [found.trouble for found in findings(vitals, texts or Texts(), room, backup_at, NOW, UTC)]


def with_job(job: JobState) -> Vitals:
    others = tuple(other for other in WELL.jobs if other.timing is not job.timing)
    return replace(WELL, jobs=(*others, job))


def test_nothing_is_found_when_all_is_well() -> None:
    assert troubles() == []
    assert unready(WELL, NOW, UTC) == []


@pytest.mark.parametrize(
    ("vitals", "trouble"),
    [
        (Vitals(database_answers=False), Trouble.DATABASE_SILENT),
        (replace(WELL, schema="0008"), Trouble.SCHEMA_DIFFERS),
        (replace(WELL, schema=None), Trouble.SCHEMA_DIFFERS),
        (replace(WELL, forgetful=({"setting": "fsync", "value": "off"},), beat_at=None), Trouble.DATABASE_FORGETS),
        (replace(WELL, beat_at=None, jobs=()), Trouble.CLOCKWORK_NEVER_RAN),
        (replace(WELL, beat_at=NOW - SILENCE - SECOND, jobs=()), Trouble.CLOCKWORK_SILENT),
        (replace(WELL, beat_at=NOW + SILENCE + SECOND, jobs=()), Trouble.CLOCKWORK_SILENT),
    ],
)
def test_the_cause_is_named_and_not_what_follows_from_it(vitals: Vitals, trouble: Trouble) -> None:
    assert [found.trouble for found in unready(vitals, NOW, UTC)] == [trouble]
    assert trouble in UNREADY


def test_a_clockwork_is_given_two_minutes() -> None:
    assert troubles(replace(WELL, beat_at=NOW - SILENCE)) == []


@pytest.mark.parametrize("name", [timing.name for timing in TIMETABLE if timing.has_slots])
def test_a_slot_is_overdue_when_its_grace_is_over(name: str) -> None:
    timing = TIMINGS[name]
    due = timing.latest_due(NOW, UTC)
    before = done(name, due - SECOND)
    assert not before.is_overdue(due, UTC)
    assert not before.is_overdue(due + GRACE - SECOND, UTC) or timing.every is not None
    assert before.is_overdue(due + GRACE, UTC)
    assert not done(name, due).is_overdue(due + GRACE, UTC)
    assert JobState(timing).is_overdue(NOW, UTC)


def test_only_the_latest_slot_counts() -> None:
    """A slot that was missed is made good by a later one, as the clockwork does it."""
    assert troubles(with_job(done("expire-holds"))) == []
    assert troubles(with_job(done(NIGHTLY, NOW - timedelta(days=1)))) == [Trouble.SLOT_OVERDUE]


def test_jobs_that_only_look_are_never_overdue() -> None:
    assert troubles(with_job(JobState(TIMINGS["deliver-messages"]))) == []


def test_a_job_that_fails_is_told_before_it_is_overdue() -> None:
    assert troubles(with_job(done("expire-holds", failures=2, error="OSError"))) == [Trouble.JOB_FAILED]
    assert troubles(with_job(done("expire-holds", failures=2))) == [], "a later slot has ended well"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (Texts(due=3, oldest_due_at=NOW - TEXT_IS_LATE), []),
        (Texts(due=3, oldest_due_at=NOW - TEXT_IS_LATE - SECOND), [Trouble.TEXTS_LATE]),
        (Texts(stopped_at=NOW), [Trouble.TEXTS_STOPPED]),
        (Texts(unknown_for_long=1, failed_lately=MANY_FAILED), [Trouble.TEXTS_UNKNOWN, Trouble.TEXTS_FAILED]),
        (Texts(failed_lately=MANY_FAILED - 1), []),
    ],
)
def test_texts_that_do_not_leave_are_told(texts: Texts, expected: list[Trouble]) -> None:
    assert troubles(texts=texts) == expected


def test_a_backup_has_a_day_and_two_hours() -> None:
    assert troubles(backup_age=BACKUP_IS_OLD) == []
    assert troubles(backup_age=BACKUP_IS_OLD + SECOND) == [Trouble.BACKUP_OLD]
    assert troubles(backup_age=None) == [Trouble.BACKUP_MISSING]


def test_a_disk_that_fills_up_is_told_in_time() -> None:
    assert troubles(room=replace(PLENTY, free=ROOM_IS_LOW)) == []
    assert troubles(room=replace(PLENTY, free=ROOM_IS_LOW - 1)) == [Trouble.ROOM_LOW]
    assert troubles(room=replace(PLENTY, free=ROOM_IS_GONE - 1)) == [Trouble.ROOM_GONE]


def test_the_gravest_is_told_first() -> None:
    never, failing, full = replace(WELL, beat_at=None), Texts(failed_lately=MANY_FAILED), replace(PLENTY, free=0)
    found = troubles(never, failing, full, backup_age=timedelta(days=3))
    assert found == [Trouble.CLOCKWORK_NEVER_RAN, Trouble.ROOM_GONE, Trouble.BACKUP_OLD, Trouble.TEXTS_FAILED]
