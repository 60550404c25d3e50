"""A slot is done once; what was missed is caught up; a job that fails fails alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from shelter import clock
from shelter.domain.timetable import Timing
from shelter.extensions import db
from shelter.jobs.clockwork import Clockwork
from shelter.jobs.schedule import Job, run_by_hand
from shelter.jobs.tasks import Run
from shelter.models.clockwork import JobRun, RunOutcome
from shelter.queries.clockwork import last_done
from shelter.services import clockwork
from tests.conftest import Clock


class Alone:
    """Nobody else wants to lead."""

    def acquire(self) -> bool:
        return True

    holds = acquire

    def release(self) -> None:
        pass


class Work:
    """A job's body that counts its runs and fails when told to."""

    def __init__(self) -> None:
        self.days: list[str] = []
        self.fails = 0

    def __call__(self, run: Run) -> dict[str, int]:
        self.days.append(run.today.isoformat())
        if self.fails:
            self.fails -= 1
            raise OSError("the number is 010-1234-5678")
        return {"done": len(self.days)}


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def clockwork_of(app: Flask) -> Callable[..., Clockwork]:
    def make(*jobs: Job) -> Clockwork:
        return Clockwork(app, Alone(), jobs)

    return make


NIGHTLY = Timing("nightly", "Works.", at=time(2, 30))


def nightly(work: Work) -> Job:
    return Job(NIGHTLY, work)


def runs(app: Flask) -> list[JobRun]:
    with app.app_context():
        return list(db.session.scalars(select(JobRun).order_by(JobRun.due_at, JobRun.job)))


def test_a_slot_is_done_once(
    app: Flask, frozen_clock: Clock, work: Work, clockwork_of: Callable[..., Clockwork]
) -> None:
    machine = clockwork_of(nightly(work))
    for _ in range(3):
        machine.run_due("nightly")
        machine.catch_up()
    (run,) = runs(app)
    assert work.days == ["2026-03-10"]
    assert run.due_at == clock.instant(clock.today(), 2, 30)
    assert (run.outcome, run.counts, run.error) == (RunOutcome.DONE, {"done": 1}, None)


@pytest.mark.parametrize("away", [timedelta(minutes=1), timedelta(hours=1), timedelta(hours=26), timedelta(days=8)])
def test_after_an_outage_the_latest_missed_slot_is_run_once(
    app: Flask, frozen_clock: Clock, work: Work, clockwork_of: Callable[..., Clockwork], away: timedelta
) -> None:
    frozen_clock.set("2026-03-10 02:30")
    clockwork_of(nightly(work)).catch_up()
    frozen_clock.forward(seconds=away.total_seconds())
    machine = clockwork_of(nightly(work))
    machine.catch_up()
    machine.catch_up()
    was_missed = away >= timedelta(days=1)
    assert len(work.days) == 1 + was_missed
    assert work.days[-1] == clock.today().isoformat() if was_missed else True


def test_a_slot_whose_process_died_is_run_again(
    app: Flask, frozen_clock: Clock, work: Work, clockwork_of: Callable[..., Clockwork]
) -> None:
    with app.app_context():
        assert clockwork.begin_run("nightly", NIGHTLY.latest_due(clock.now(), clock.timezone())) is not None
    clockwork_of(nightly(work)).catch_up()
    (run,) = runs(app)
    assert run.outcome is RunOutcome.DONE
    assert len(work.days) == 1


def test_a_failed_slot_is_tried_again_at_the_next_look_around(
    app: Flask, frozen_clock: Clock, work: Work, clockwork_of: Callable[..., Clockwork]
) -> None:
    work.fails = 1
    machine = clockwork_of(Job(Timing("hourly", "Works.", every=timedelta(hours=1)), work))
    frozen_clock.forward(minutes=10)
    machine.run_due("hourly")
    (run,) = runs(app)
    assert (run.outcome, run.error) == (RunOutcome.FAILED, "OSError")
    machine.catch_up()
    (run,) = runs(app)
    assert (run.outcome, run.error, len(work.days)) == (RunOutcome.DONE, None, 2)


def test_a_daily_slot_that_goes_on_failing_is_tried_less_and_less_often(
    app: Flask, frozen_clock: Clock, work: Work, clockwork_of: Callable[..., Clockwork]
) -> None:
    frozen_clock.set("2026-03-10 02:30")
    work.fails = 99
    tried, machine = [], clockwork_of(nightly(work))
    for minute in range(24 * 60):
        machine.catch_up()
        if len(work.days) > len(tried):
            tried.append(minute)
        frozen_clock.forward(minutes=1)
    assert tried[:10] == [0, 1, 2, 4, 8, 16, 32, 64, 124, 184]
    assert len(tried) < 35
    work.fails = 0
    machine.catch_up()
    assert runs(app)[-1].outcome is RunOutcome.DONE, "the next night begins anew"


def test_one_failing_job_leaves_the_others_alone(
    app: Flask, frozen_clock: Clock, work: Work, clockwork_of: Callable[..., Clockwork]
) -> None:
    broken = Work()
    broken.fails = 99
    clockwork_of(Job(Timing("broken", "Breaks.", at=time(1)), broken), nightly(work)).catch_up()
    assert [(run.job, run.outcome) for run in runs(app)] == [
        ("broken", RunOutcome.FAILED),
        ("nightly", RunOutcome.DONE),
    ]


def test_frequent_jobs_look_for_work_and_leave_no_rows(
    app: Flask, frozen_clock: Clock, work: Work, clockwork_of: Callable[..., Clockwork]
) -> None:
    machine = clockwork_of(Job(Timing("often", "Looks.", every=timedelta(seconds=5)), work))
    machine.run_due("often")
    machine.run_due("often")
    assert (len(work.days), runs(app)) == (2, [])


def test_a_job_does_not_run_beside_itself(
    app: Flask, frozen_clock: Clock, clockwork_of: Callable[..., Clockwork]
) -> None:
    inner: list[str] = []

    def body(run: Run) -> dict[str, int]:
        inner.append("ran")
        machine.run_due("nightly")
        machine.catch_up()
        return {}

    machine = clockwork_of(Job(NIGHTLY, body))
    machine.run_due("nightly")
    assert inner == ["ran"]


def test_nothing_is_begun_after_the_stop(
    app: Flask, frozen_clock: Clock, work: Work, clockwork_of: Callable[..., Clockwork]
) -> None:
    machine = clockwork_of(nightly(work))
    machine.stop()
    machine.run_due("nightly")
    machine.catch_up()
    assert (work.days, runs(app)) == ([], [])


def test_a_clock_that_went_forward_and_back_repeats_and_misses_nothing(
    app: Flask, frozen_clock: Clock, work: Work, clockwork_of: Callable[..., Clockwork]
) -> None:
    machine = clockwork_of(nightly(work))
    machine.catch_up()
    frozen_clock.forward(days=1)
    machine.catch_up()
    frozen_clock.forward(days=-1)
    machine.catch_up()
    assert work.days == ["2026-03-10", "2026-03-11"]
    frozen_clock.forward(days=1)
    machine.catch_up()
    assert work.days == ["2026-03-10", "2026-03-11", "2026-03-11"]


def test_a_slot_run_ahead_of_its_time_is_run_again_when_it_is_due(
    app: Flask, frozen_clock: Clock, work: Work, clockwork_of: Callable[..., Clockwork]
) -> None:
    """The clock was a day ahead from 16:00 on and is right again at 02:00, half an hour before the slot."""
    machine = clockwork_of(nightly(work))
    for wall in ("2026-03-10 15:00", "2026-03-11 16:00", "2026-03-11 02:00", "2026-03-11 02:31"):
        frozen_clock.set(wall)
        machine.catch_up()
    assert work.days == ["2026-03-10", "2026-03-11", "2026-03-11"]
    assert [run.due_at for run in runs(app)] == [clock.instant(date(2026, 3, day), 2, 30) for day in (10, 11)]


def test_a_run_by_hand_is_recorded_and_leaves_the_slots_alone(context: Flask, frozen_clock: Clock) -> None:
    counts = run_by_hand("prune-job-runs")
    assert counts == {"rows": 0}
    (run,) = db.session.scalars(select(JobRun))
    assert (run.job, run.due_at, run.outcome) == ("prune-job-runs", clock.now(), RunOutcome.DONE)
    assert last_done() == {"prune-job-runs": clock.now()}


def test_old_rows_go(context: Flask, frozen_clock: Clock) -> None:
    now = clock.now()
    for job, age in (("often", 4), ("often", 2), ("nightly", 401), ("nightly", 399)):
        run_id = clockwork.begin_run(job, now - timedelta(days=age))
        assert run_id is not None
        clockwork.end_run(run_id)
    assert clockwork.prune_runs(frequent=["often"], now=now) == 2
    left = {(run.job, (now - run.due_at).days) for run in db.session.scalars(select(JobRun))}
    assert left == {("often", 2), ("nightly", 399)}


def test_the_heartbeat_is_one_row(context: Flask, frozen_clock: Clock) -> None:
    from shelter.models.clockwork import Heartbeat

    clockwork.beat("one")
    frozen_clock.forward(seconds=10)
    clockwork.beat("two")
    (row,) = db.session.scalars(select(Heartbeat).execution_options(populate_existing=True))
    assert (row.beat_at, row.process) == (datetime(2026, 3, 10, 3, 0, 10, tzinfo=UTC), "two")
