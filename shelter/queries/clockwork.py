"""What the jobs have done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from shelter.domain.timetable import BACKUP
from shelter.extensions import db
from shelter.models.clockwork import JobRun, RunOutcome


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
    if found is None:
        return None
    return Backup(found.finished_at, found.counts.get("rows", 0), found.counts.get("bytes", 0))


def last_done() -> dict[str, datetime]:
    """When each job last ended well; jobs that never did are missing."""
    latest = select(JobRun.job, func.max(JobRun.finished_at)).where(JobRun.outcome == RunOutcome.DONE)
    return {job: at for job, at in db.session.execute(latest.group_by(JobRun.job)) if at is not None}
