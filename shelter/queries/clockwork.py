"""Is the clockwork alive, is the database there: for load balancers, operators and the age shown on pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from shelter.domain.messages import MessageState
from shelter.domain.timetable import BACKUP, NIGHTLY
from shelter.extensions import db
from shelter.models.clockwork import Heartbeat, Installation, JobRun, RunOutcome
from shelter.models.messages import Message

SILENCE = timedelta(minutes=2)  # a clockwork that has not ticked for so long is taken for dead



@dataclass(frozen=True)
class Readiness:
    code: str
    is_ready: bool


def readiness(now: datetime) -> Readiness:
    """Ready until the first slot is overdue. A clockwork that never ran is not overdue for two minutes' grace."""
    try:
        beat_at = db.session.scalar(select(Heartbeat.beat_at))
        is_set_up = db.session.scalar(select(Installation.id)) is not None
    except DBAPIError:
        return Readiness("database does not answer", False)
    if not is_set_up:
        return Readiness("not set up", False)
    if beat_at is not None and now - beat_at > SILENCE:
        return Readiness("clockwork is silent", False)
    return Readiness("ready", True)


def last_done_at(job: str) -> datetime | None:
    """When the job last ended well."""
    return db.session.scalar(
        select(func.max(JobRun.finished_at)).where(JobRun.job == job, JobRun.outcome == RunOutcome.DONE)
    )


@dataclass(frozen=True)
class Backup:
    """When the last good backup was complete on this machine's disk, and how much was in it."""

    made_at: datetime
    rows: int
    bytes: int


def last_backup() -> Backup | None:
    """The last backup that was made to its end, by the job or by hand (`flask backup create`); None: never."""
    good = select(JobRun.finished_at, JobRun.counts).where(JobRun.job == BACKUP, JobRun.outcome == RunOutcome.DONE)
    found = db.session.execute(good.order_by(JobRun.finished_at.desc()).limit(1)).first()
    return found and Backup(found.finished_at, found.counts.get("rows", 0), found.counts.get("bytes", 0))


def last_done() -> dict[str, datetime]:
    """When each job last ended well; jobs that never did are missing."""
    latest = select(JobRun.job, func.max(JobRun.finished_at)).where(JobRun.outcome == RunOutcome.DONE)
    return {job: at for job, at in db.session.execute(latest.group_by(JobRun.job)) if at is not None}


def figures(now: datetime) -> dict[str, tuple[str, float]]:
    """Name → (help, value) for Prometheus."""
    beat_at = db.session.scalar(select(Heartbeat.beat_at))
    nightly_at = last_done_at(NIGHTLY)
    oldest_due_at, due = db.session.execute(
        select(func.min(Message.not_before), func.count()).where(
            Message.state == MessageState.QUEUED, Message.not_before <= now
        )
    ).one()
    return {
        "clockwork_silent_seconds": ("Since the clockwork last ticked; -1 before the first.", _age(beat_at, now)),
        "nightly_run_age_seconds": (
            "Since the nightly job last ended well; -1 before the first.",
            _age(nightly_at, now),
        ),
        "messages_due": ("Texts that are due and not yet sent.", due),
        "oldest_message_due_seconds": ("Age of the oldest text due; -1 if none.", _age(oldest_due_at, now)),
    }


def _age(at: datetime | None, now: datetime) -> float:
    return -1 if at is None else (now - at).total_seconds()
