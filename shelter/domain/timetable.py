"""The timetable, in one table: what runs when, on the wall clock of the shelter; `jobs/tasks.py` says what is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from shelter.domain.tonight import MADE_EVERY

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHORTEST_SLOT = timedelta(minutes=1)
LONGEST_REST = timedelta(hours=1)


@dataclass(frozen=True)
class Timing:
    """Due at a time of every day, or at even intervals.

    Its slots are rows (`job_run`), each done once and caught up when missed: the latest only, because what is due
    is read from the database. Jobs more frequent than once a minute merely look whether there is work.
    """

    name: str
    what: str
    at: time | None = None
    every: timedelta | None = None

    @property
    def has_slots(self) -> bool:
        return self.every is None or self.every >= SHORTEST_SLOT

    @property
    def is_daily(self) -> bool:
        return self.every is None

    def latest_due(self, now: datetime, zone: tzinfo) -> datetime:
        """The instant of the slot that is due at `now`."""
        if self.every is not None:
            return now - (now - EPOCH) % self.every
        due = self._on_the_day_of(now, zone)
        return due if due <= now else self._on_the_day_of(now, zone, days=-1)

    def next_due(self, now: datetime, zone: tzinfo) -> datetime:
        """The instant of the first slot after `now`."""
        if self.every is not None:
            return self.latest_due(now, zone) + self.every
        due = self._on_the_day_of(now, zone)
        return due if due > now else self._on_the_day_of(now, zone, days=1)

    def again_at(self, due_at: datetime, failed_at: datetime) -> datetime:
        """When a slot that failed may be tried again: at once where it is frequent.

        A daily one, which may be much work, rests for as long as it has been failing, an hour at most.
        """
        return failed_at + min(failed_at - due_at, LONGEST_REST) if self.is_daily else failed_at

    def _on_the_day_of(self, now: datetime, zone: tzinfo, *, days: int = 0) -> datetime:
        assert self.at is not None
        day = now.astimezone(zone).date() + timedelta(days=days)
        return datetime.combine(day, self.at, tzinfo=zone).astimezone(UTC)

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
    Timing(
        "deliver-messages",
        "Hands the texts that are due to the gateway.",
        every=timedelta(seconds=5),
    ),
    Timing(
        "expire-holds",
        "Marks holds that have run out; those whose household is on the way stay.",
        every=timedelta(minutes=1),
    ),
    Timing(
        "settle-unknown-messages",
        "Asks the provider what became of texts whose call broke off.",
        every=timedelta(minutes=1),
    ),
    Timing(
        "back-up-database",
        "Writes an encrypted backup of the database; refused where no recipient is set.",
        at=time(3, 40),
    ),
    Timing(
        "anchor-audit",
        "Writes the heads of the audit chains to a file outside the database.",
        every=timedelta(minutes=15),
    ),
    Timing(
        "print-night-sheets",
        "Writes tonight's sheet of every site to files, for when power or network fails.",
        every=MADE_EVERY,
    ),
    Timing(
        "roll-overstays",
        "Keeps the rooms of those who have not left.",
        every=timedelta(hours=1),
    ),
    Timing(
        "flag-stays-nearing-limit",
        "Records every threshold that open stays have crossed on the way to their limit.",
        at=time(2, 30),
    ),
    Timing(
        "renew-closures",
        "Raises a task for every closure until further notice that is about to end.",
        at=time(3, 0),
    ),
    Timing(
        "prune-job-runs",
        "Removes old rows about jobs.",
        at=time(3, 30),
    ),
    Timing(
        "forget-dead-sessions",
        "Removes what is over: old sessions, links, keys of acts, drafts nobody came back for.",
        at=time(3, 45),
    ),
    Timing(
        "send-limit-digests",
        "Texts each responsible coordinator one digest of new flags.",
        at=time(8, 30),
    ),
)
NIGHTLY = "flag-stays-nearing-limit"  # the one nobody may miss: without it a limit comes unseen
BACKUP = "back-up-database"
