"""The timetable, in one table: what runs when. Wall-clock times are the shelter's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shelter import clock
from shelter.jobs import tasks

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHORTEST_SLOT = timedelta(minutes=1)


@dataclass(frozen=True)
class Job:
    """Runs at a time of every day, or at even intervals.

    Its slots are rows (`job_run`), each done once and caught up when missed: the latest only, because what is due
    is read from the database. Jobs more frequent than once a minute merely look whether there is work.
    """

    name: str
    run: Callable[[tasks.Run], Mapping[str, int]]
    what: str
    at: time | None = None
    every: timedelta | None = None

    @property
    def has_slots(self) -> bool:
        return self.every is None or self.every >= SHORTEST_SLOT

    @property
    def is_daily(self) -> bool:
        return self.every is None

    def latest_due(self, now: datetime) -> datetime:
        """The instant of the slot that is due at `now`."""
        if self.every is not None:
            return now - (now - EPOCH) % self.every
        assert self.at is not None
        day = clock.day_of(now)
        due = clock.instant(day, self.at.hour, self.at.minute)
        return due if due <= now else clock.instant(day - timedelta(days=1), self.at.hour, self.at.minute)

    @property
    def when(self) -> str:
        """For people who read the list."""
        if self.at is not None:
            return f"{self.at:%H:%M} daily"
        assert self.every is not None
        seconds = int(self.every.total_seconds())
        for size, unit in ((3600, "h"), (60, "min")):
            if seconds % size == 0:
                return f"every {seconds // size} {unit}"
        return f"every {seconds} s"


TIMETABLE = (
    Job(
        "deliver-messages",
        tasks.deliver_messages,
        "Hands the texts that are due to the gateway.",
        every=timedelta(seconds=5),
    ),
    Job(
        "expire-holds",
        tasks.expire_holds,
        "Marks holds that have run out; those whose household is on the way stay.",
        every=timedelta(minutes=1),
    ),
    Job(
        "settle-unknown-messages",
        tasks.settle_unknown_messages,
        "Asks the provider what became of texts whose call broke off.",
        every=timedelta(minutes=1),
    ),
    Job(
        "back-up-database",
        tasks.back_up_database,
        "Copies a SQLite database to backups/ beside it; PostgreSQL has tools of its own.",
        at=time(3, 40),
    ),
    Job(
        "anchor-audit",
        tasks.anchor_audit,
        "Writes the heads of the audit chains to a file outside the database.",
        every=timedelta(minutes=15),
    ),
    Job(
        "roll-overstays",
        tasks.roll_overstays,
        "Keeps the rooms of those who have not left.",
        every=timedelta(hours=1),
    ),
    Job(
        "flag-stays-nearing-limit",
        tasks.flag_stays_nearing_limit,
        "Records every threshold that open stays have crossed on the way to their limit.",
        at=time(2, 30),
    ),
    Job(
        "renew-closures",
        tasks.renew_closures,
        "Raises a task for every closure until further notice that is about to end.",
        at=time(3, 0),
    ),
    Job(
        "prune-job-runs",
        tasks.prune_job_runs,
        "Removes old rows about jobs.",
        at=time(3, 30),
    ),
    Job(
        "forget-dead-sessions",
        tasks.forget_dead_sessions,
        "Removes what is over: old sessions, links, keys of acts, drafts nobody came back for.",
        at=time(3, 45),
    ),
    Job(
        "send-limit-digests",
        tasks.send_limit_digests,
        "Texts each responsible coordinator one digest of new flags.",
        at=time(8, 30),
    ),
)
JOBS = {job.name: job for job in TIMETABLE}


def run_by_hand(name: str, *, today: date | None = None) -> Mapping[str, int]:
    """One run outside the timetable, recorded like the others; what it counted. Raises what the job raises."""
    from shelter.services import clockwork

    job = JOBS[name]
    due_at = clock.now()
    while (run_id := clockwork.begin_run(name, due_at)) is None:  # somebody else's, at the same instant
        due_at += timedelta(microseconds=1)
    try:
        counts = job.run(tasks.Run(day=today))
    except Exception as failed:
        clockwork.end_run(run_id, error=failed)
        raise
    clockwork.end_run(run_id, counts=counts)
    return counts
