"""The runs of the timetable's jobs. A slot is a job and the instant it was due; it is done once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from shelter import clock
from shelter.database import INSERT, rows_changed
from shelter.domain.permissions import SYSTEM
from shelter.domain.timetable import Timing
from shelter.extensions import db
from shelter.models.clockwork import Heartbeat, JobRun, RunOutcome
from shelter.services.unit_of_work import unit_of_work

KEEP_FREQUENT = timedelta(days=3)
KEEP_NIGHTLY = timedelta(days=400)
CLOCKS_DIFFER_BY = timedelta(minutes=5)
LONGEST_ERROR = 200


def begin_run(job: str, due_at: datetime) -> int | None:
    """The run's id, or None when the slot is done. A run that failed, or whose process died, is begun again.

    The caller knows that nobody else is running the slot: it leads, and it is not running it itself.
    """
    insert = INSERT[db.engine.dialect.name]
    with unit_of_work(SYSTEM):
        db.session.execute(
            insert(JobRun)
            .values(job=job, due_at=due_at, started_at=clock.now(), outcome=RunOutcome.RUNNING, counts={})
            .on_conflict_do_nothing()
        )
        run = db.session.scalars(select(JobRun).where(JobRun.job == job, JobRun.due_at == due_at)).one()
        if run.outcome is RunOutcome.DONE:
            return None
        run.started_at, run.outcome, run.finished_at, run.error = clock.now(), RunOutcome.RUNNING, None, None
        return run.id


def end_run(run_id: int, *, counts: Mapping[str, int] | None = None, error: Exception | None = None) -> None:
    """How it ended: figures, or the kind of error, whose text could quote a value."""
    with unit_of_work(SYSTEM):
        db.session.execute(
            update(JobRun)
            .where(JobRun.id == run_id)
            .values(
                outcome=RunOutcome.DONE if error is None else RunOutcome.FAILED,
                finished_at=clock.now(),
                counts=dict(counts or {}),
                error=None if error is None else type(error).__name__[:LONGEST_ERROR],
            )
        )


def undone(slots: Mapping[Timing, datetime], now: datetime) -> list[str]:
    """The jobs whose slot has not ended well, whether or not it was begun; of those that failed who may try again."""
    due, jobs = sorted(set(slots.values())), [timing.name for timing in slots]
    ended = db.session.execute(
        select(JobRun.job, JobRun.due_at, JobRun.outcome, JobRun.finished_at).where(
            JobRun.finished_at.is_not(None), JobRun.due_at.in_(due), JobRun.job.in_(jobs)
        )
    )
    found = {(run.job, run.due_at): run for run in ended}

    def is_for_now(timing: Timing, due_at: datetime) -> bool:
        run = found.get((timing.name, due_at))
        if run is None:
            return True
        return run.outcome is RunOutcome.FAILED and timing.again_at(due_at, run.finished_at) <= now

    return [timing.name for timing, due_at in slots.items() if is_for_now(timing, due_at)]


def beat(process: str) -> None:
    """The clockwork ticks, in this process."""
    with unit_of_work(SYSTEM):
        row = db.session.get(Heartbeat, 1)
        if row is None:
            db.session.add(Heartbeat(id=1, beat_at=clock.now(), process=process))
        else:
            row.beat_at, row.process = clock.now(), process


def forget_future_runs(now: datetime) -> int:
    """Runs that have not begun yet were made while the clock was ahead: their slots come again. How many.

    Not only slots that lie ahead: of one that is due just now, what happened since that run would stay unseen.
    """
    ahead = JobRun.started_at > now + CLOCKS_DIFFER_BY
    if not db.session.scalar(select(JobRun.id).where(ahead).limit(1)):
        return 0
    with unit_of_work(SYSTEM):
        return rows_changed(db.session.execute(delete(JobRun).where(ahead)))


def prune_runs(*, frequent: Iterable[str], now: datetime) -> int:
    """Old rows go: those of jobs that run all day after three days, the others after a year. How many."""
    with unit_of_work(SYSTEM):
        often = delete(JobRun).where(JobRun.job.in_(list(frequent)), JobRun.due_at < now - KEEP_FREQUENT)
        rarely = delete(JobRun).where(JobRun.due_at < now - KEEP_NIGHTLY)
        return rows_changed(db.session.execute(often)) + rows_changed(db.session.execute(rarely))
