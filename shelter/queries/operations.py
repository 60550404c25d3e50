"""The system itself, for operators, load balancers and Prometheus. Nothing by site, nothing of a person."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from sqlalchemy import String, case, func, literal_column, or_, select, table
from sqlalchemy.exc import DBAPIError

from shelter import clock
from shelter.database import UNAVAILABLE
from shelter.domain.messages import MessageState
from shelter.domain.operations import (
    LATELY,
    UNKNOWN_FOR_LONG,
    Finding,
    JobState,
    Room,
    Texts,
    Vitals,
    findings,
    unready,
)
from shelter.domain.stays import RUNNING, PlacementState, StayState
from shelter.domain.timetable import NIGHTLY, TIMETABLE, Timing
from shelter.extensions import db
from shelter.models.clockwork import Heartbeat, JobRun, RunOutcome
from shelter.models.messages import Message
from shelter.models.stays import Placement, Stay
from shelter.paths import resource_dir
from shelter.queries.clockwork import Backup, last_backup
from shelter.queries.durability import weaknesses
from shelter.queries.messages import texts_stopped_at

SCHEMA = table("alembic_version")
SCHEMA_NUMBER = literal_column("version_num", String)


@dataclass(frozen=True)
class Operations:
    """Everything there is to know; what is wrong with it is in `findings`."""

    database: str  # its kind
    vitals: Vitals
    room: Room
    findings: list[Finding]
    texts: Texts = field(default_factory=Texts)
    backup: Backup | None = None
    stays: Mapping[StayState, int] = field(default_factory=dict)  # those that go on
    holds: int = 0
    holds_run_out: int = 0
    nightly_at: datetime | None = None
    nightly_counts: Mapping[str, int] = field(default_factory=dict)


def operations(now: datetime) -> Operations:
    """The whole picture, in some ten statements; of a database that cannot be used only that."""
    vitals, room, kind = read_vitals(), _room(), db.engine.url.get_backend_name()
    if not vitals.is_database_usable:
        return Operations(kind, vitals, room, unready(vitals, now, clock.timezone()))
    texts, backup = _texts(now), last_backup()
    nightly = _last_good_run(NIGHTLY)
    holds, run_out = db.session.execute(
        select(func.count(), func.coalesce(func.sum(case((Placement.held_until <= now, 1), else_=0)), 0)).where(
            Placement.state == PlacementState.HELD
        )
    ).one()
    stays = select(Stay.state, func.count()).where(Stay.state.in_(RUNNING)).group_by(Stay.state)
    return Operations(
        database=kind,
        vitals=vitals,
        room=room,
        findings=findings(vitals, texts, room, backup.made_at if backup else None, now, clock.timezone()),
        texts=texts,
        backup=backup,
        stays={StayState(state): n for state, n in db.session.execute(stays)},
        holds=holds,
        holds_run_out=run_out,
        nightly_at=nightly.finished_at if nightly else None,
        nightly_counts=nightly.counts if nightly else {},
    )


def readiness(now: datetime) -> list[Finding]:
    """Why the system is not ready; empty when it is."""
    return unready(read_vitals(), now, clock.timezone())


def read_vitals() -> Vitals:
    """Never raises because of the database: whether it answers is one of the figures."""
    wanted = schema_wanted()
    try:
        schema = _schema()
        if schema != wanted:
            return Vitals(schema=schema, schema_wanted=wanted)
        beat = db.session.execute(select(Heartbeat.beat_at, Heartbeat.process)).one_or_none()
        return Vitals(
            schema=schema,
            schema_wanted=wanted,
            forgetful=tuple(weakness.params for weakness in weaknesses()),
            beat_at=beat.beat_at if beat else None,
            leader=beat.process if beat else None,
            jobs=_jobs(clock.now()),
        )
    except UNAVAILABLE:
        db.session.rollback()
        return Vitals(database_answers=False, schema_wanted=wanted)


@lru_cache(maxsize=1)
def schema_wanted() -> str:
    """The number of the last migration this program knows."""
    return max(file.name for file in (resource_dir("migrations") / "versions").glob("[0-9]*.py")).partition("_")[0]


def _schema() -> str | None:
    """The number of the last migration of the database; None where there was none."""
    db.session.scalar(select(1))  # raises where nothing answers: below, a missing table may not be taken for that
    try:
        return db.session.scalar(select(SCHEMA_NUMBER).select_from(SCHEMA))
    except DBAPIError:
        db.session.rollback()
        return None


def _jobs(now: datetime) -> tuple[JobState, ...]:
    is_done, is_late = JobRun.outcome == RunOutcome.DONE, JobRun.due_at > now - LATELY
    slots = select(
        JobRun.job,
        func.max(case((is_done, JobRun.finished_at))).label("last_good_at"),
        func.max(case((is_done, JobRun.due_at))).label("last_good_slot_at"),
    ).group_by(JobRun.job)
    good = {job: (at, slot_at) for job, at, slot_at in db.session.execute(slots)}
    failed = select(JobRun.job, JobRun.due_at, JobRun.error).where(JobRun.outcome == RunOutcome.FAILED, is_late)
    bad: dict[str, list[tuple[datetime, str | None]]] = {}
    for job, due_at, error in db.session.execute(failed.order_by(JobRun.due_at)):
        bad.setdefault(job, []).append((due_at, error))
    return tuple(_job(timing, *good.get(timing.name, (None, None)), bad.get(timing.name, [])) for timing in TIMETABLE)


def _job(
    timing: Timing, good_at: datetime | None, good_slot_at: datetime | None, bad: list[tuple[datetime, str | None]]
) -> JobState:
    is_failing = bool(bad) and (good_slot_at is None or bad[-1][0] > good_slot_at)
    return JobState(timing, good_at, good_slot_at, len(bad), bad[-1][1] if is_failing else None)


def _last_good_run(job: str) -> JobRun | None:
    good = select(JobRun).where(JobRun.job == job, JobRun.outcome == RunOutcome.DONE)
    return db.session.scalars(good.order_by(JobRun.finished_at.desc()).limit(1)).one_or_none()


def _texts(now: datetime) -> Texts:
    states = select(Message.state, func.count()).group_by(Message.state)
    due = select(func.count(), func.min(Message.not_before)).where(
        Message.state == MessageState.QUEUED, Message.not_before <= now
    )
    is_failed = (Message.state == MessageState.FAILED) & (Message.state_changed_at > now - LATELY)
    is_unknown = (Message.state == MessageState.UNKNOWN) & (Message.state_changed_at < now - UNKNOWN_FOR_LONG)
    bad = select(Message.state, func.count()).where(or_(is_failed, is_unknown)).group_by(Message.state)
    waiting, oldest_due_at = db.session.execute(due).one()
    wrong = {MessageState(state): n for state, n in db.session.execute(bad)}
    return Texts(
        by_state={MessageState(state): n for state, n in db.session.execute(states)},
        due=waiting,
        oldest_due_at=oldest_due_at,
        failed_lately=wrong.get(MessageState.FAILED, 0),
        unknown_for_long=wrong.get(MessageState.UNKNOWN, 0),
        stopped_at=texts_stopped_at(),
    )


def _room() -> Room:
    """Of the disk SQLite writes to; with PostgreSQL, whose disk is elsewhere, of our own."""
    url = db.engine.url
    place = Path(str(url.database)).parent if url.get_backend_name() == "sqlite" else Path.cwd()
    usage = shutil.disk_usage(place)
    return Room(free=usage.free, total=usage.total)
