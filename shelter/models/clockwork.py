"""The installation itself, and the runs of its jobs."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shelter.extensions import Model
from shelter.tables import Instant, coded


class Installation(Model):
    """One row, made by the first migration: what may never change afterwards, and switches of the whole house."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    timezone: Mapped[str] = mapped_column(String(64))
    cutover_hours: Mapped[int]
    live_from: Mapped[date]  # nights before it show "no data"
    texts_stopped_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)


class RunOutcome(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class JobRun(Model):
    """One slot of the timetable: a job and the instant it was due."""

    __tablename__ = "job_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    job: Mapped[str] = mapped_column(String(60))
    due_at: Mapped[datetime] = mapped_column(Instant)
    started_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    outcome: Mapped[RunOutcome] = mapped_column(coded(RunOutcome, "outcome"), default=RunOutcome.RUNNING)
    counts: Mapped[dict] = mapped_column(JSON, default=dict)
    error: Mapped[str | None] = mapped_column(String(200))  # the kind of error; never a value

    __table_args__ = (UniqueConstraint("job", "due_at"), Index(None, "started_at"))


class Heartbeat(Model):
    """When the clockwork last ticked, and in which process."""

    __tablename__ = "heartbeat"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    beat_at: Mapped[datetime] = mapped_column(Instant)
    process: Mapped[str] = mapped_column(String(80))

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
