"""Is the system itself well: what is wrong, and what is only late. Pages, `/readyz` and `/metrics` all ask here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from shelter.domain.messages import MessageState
from shelter.domain.timetable import Timing

SILENCE = timedelta(minutes=2)  # a clockwork that has not ticked for so long is taken for dead
GRACE = timedelta(minutes=5)  # a slot that is due has so long to end well
TEXT_IS_LATE = timedelta(minutes=5)
UNKNOWN_FOR_LONG = timedelta(minutes=15)
LATELY = timedelta(days=1)
MANY_FAILED = 10  # within a day; a few are tasks of the staff
BACKUP_IS_OLD = timedelta(hours=26)
ROOM_IS_LOW, ROOM_IS_GONE = 2_000_000_000, 500_000_000  # bytes


class Trouble(StrEnum):
    """What can be wrong, the gravest first."""

    DATABASE_SILENT = "database_silent"
    SCHEMA_DIFFERS = "schema_differs"
    DATABASE_FORGETS = "database_forgets"
    CLOCKWORK_NEVER_RAN = "clockwork_never_ran"
    CLOCKWORK_SILENT = "clockwork_silent"
    SLOT_OVERDUE = "slot_overdue"
    TEXTS_LATE = "texts_late"
    ROOM_GONE = "room_gone"
    BACKUP_MISSING = "backup_missing"
    BACKUP_OLD = "backup_old"
    ROOM_LOW = "room_low"
    JOB_FAILED = "job_failed"
    TEXTS_STOPPED = "texts_stopped"
    TEXTS_UNKNOWN = "texts_unknown"
    TEXTS_FAILED = "texts_failed"


# While one of these lasts the system is not ready.
UNREADY = frozenset(
    {
        Trouble.DATABASE_SILENT,
        Trouble.SCHEMA_DIFFERS,
        Trouble.DATABASE_FORGETS,
        Trouble.CLOCKWORK_NEVER_RAN,
        Trouble.CLOCKWORK_SILENT,
        Trouble.SLOT_OVERDUE,
    }
)
GRAVE = UNREADY | {Trouble.TEXTS_LATE, Trouble.ROOM_GONE, Trouble.BACKUP_MISSING}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong; its sentence is found by `code`."""

    trouble: Trouble
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return self.trouble.value

    @property
    def is_grave(self) -> bool:
        return self.trouble in GRAVE

    @property
    def is_unready(self) -> bool:
        return self.trouble in UNREADY


@dataclass(frozen=True)
class JobState:
    """What became of a job's slots."""

    timing: Timing
    last_good_at: datetime | None = None  # when a run last ended well
    last_good_slot_at: datetime | None = None  # the latest slot that was done
    failures: int = 0  # slots of the last day that ended badly, and were not done again
    error: str | None = None  # the kind of error, while no later slot has ended well

    def is_overdue(self, now: datetime, zone: tzinfo) -> bool:
        """Neither the slot that was due a while ago nor a later one has ended well."""
        if not self.timing.has_slots:
            return False
        due = self.timing.latest_due(now - GRACE, zone)
        return self.last_good_slot_at is None or self.last_good_slot_at < due


@dataclass(frozen=True)
class Vitals:
    """What is needed to say whether the system is ready. `schema` is the number of the last migration."""

    database_answers: bool = True
    schema: str | None = None
    schema_wanted: str | None = None
    forgetful: tuple[Mapping[str, Any], ...] = ()  # settings with which a power cut loses what was confirmed
    beat_at: datetime | None = None
    leader: str | None = None  # host and process
    jobs: tuple[JobState, ...] = ()

    @property
    def is_database_usable(self) -> bool:
        return self.database_answers and self.schema == self.schema_wanted


@dataclass(frozen=True)
class Texts:
    by_state: Mapping[MessageState, int] = field(default_factory=dict)
    due: int = 0
    oldest_due_at: datetime | None = None
    failed_lately: int = 0
    unknown_for_long: int = 0
    stopped_at: datetime | None = None


@dataclass(frozen=True)
class Room:
    """What is left on the disk of the database, in bytes."""

    free: int
    total: int

    @property
    def percent(self) -> int:
        return self.free * 100 // self.total if self.total else 0


def unready(vitals: Vitals, now: datetime, zone: tzinfo) -> list[Finding]:
    """Why the system is not ready: the cause alone, not what follows from it. Empty when it is."""
    if not vitals.database_answers:
        return [Finding(Trouble.DATABASE_SILENT)]
    if vitals.schema != vitals.schema_wanted:
        return [Finding(Trouble.SCHEMA_DIFFERS, {"found": vitals.schema or "–", "wanted": vitals.schema_wanted})]
    if vitals.forgetful:
        return [Finding(Trouble.DATABASE_FORGETS, setting) for setting in vitals.forgetful]
    if vitals.beat_at is None:
        return [Finding(Trouble.CLOCKWORK_NEVER_RAN)]
    if abs(now - vitals.beat_at) > SILENCE:
        return [Finding(Trouble.CLOCKWORK_SILENT, {"since": vitals.beat_at})]
    return [
        Finding(Trouble.SLOT_OVERDUE, {"job": job.timing.name, "due": job.timing.latest_due(now - GRACE, zone)})
        for job in vitals.jobs
        if job.is_overdue(now, zone)
    ]


def findings(
    vitals: Vitals, texts: Texts, room: Room, backup_at: datetime | None, now: datetime, zone: tzinfo
) -> list[Finding]:
    """Everything that is wrong, the gravest first. Empty when all is well."""
    found = [*unready(vitals, now, zone), *_of_jobs(vitals, now, zone), *_of_texts(texts, now)]
    if backup_at is None:
        found.append(Finding(Trouble.BACKUP_MISSING))
    elif now - backup_at > BACKUP_IS_OLD:
        found.append(Finding(Trouble.BACKUP_OLD, {"since": backup_at}))
    if room.free < ROOM_IS_LOW:
        is_gone = room.free < ROOM_IS_GONE
        found.append(Finding(Trouble.ROOM_GONE if is_gone else Trouble.ROOM_LOW, {"percent": room.percent}))
    order = list(Trouble)
    return sorted(found, key=lambda finding: order.index(finding.trouble))


def _of_jobs(vitals: Vitals, now: datetime, zone: tzinfo) -> Iterator[Finding]:
    for job in vitals.jobs:
        if job.error and not job.is_overdue(now, zone):
            yield Finding(Trouble.JOB_FAILED, {"job": job.timing.name, "error": job.error})


def _of_texts(texts: Texts, now: datetime) -> Iterator[Finding]:
    if texts.oldest_due_at is not None and now - texts.oldest_due_at > TEXT_IS_LATE:
        yield Finding(Trouble.TEXTS_LATE, {"number": texts.due, "since": texts.oldest_due_at})
    if texts.stopped_at is not None:
        yield Finding(Trouble.TEXTS_STOPPED, {"since": texts.stopped_at})
    if texts.unknown_for_long:
        yield Finding(Trouble.TEXTS_UNKNOWN, {"number": texts.unknown_for_long})
    if texts.failed_lately >= MANY_FAILED:
        yield Finding(Trouble.TEXTS_FAILED, {"number": texts.failed_lately})
