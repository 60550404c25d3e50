"""Schedulers as real processes, several at once: what makes them, and the one that is made.

They are forked from one process that has everything imported, so that a campaign which kills twenty of them spends
its time on them and not on starting Python. Each notes in one file which slot it begins, and which it runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.databases import Database
from tests.support.servers import ROOT
from tests.support.settings import environment

GUARDED = "guarded"
UNLOCKED = "unlocked"  # asks for no lock, and a slot is a row whenever somebody makes one
UNWATCHED = "unwatched"  # nobody watches the wall clock
NAMES = ("tick", "tack", "tock")
SLOT_KEY = "uq_job_run_job_due_at"
Slot = tuple[str, str]  # the job, and the second it was due


@dataclass
class Notes:
    """Process ids by slot, in the order in which they came: who was about to begin it, and who ran it."""

    begun: dict[Slot, list[int]] = field(default_factory=lambda: defaultdict(list))
    ran: dict[Slot, list[int]] = field(default_factory=lambda: defaultdict(list))

    @property
    def runs(self) -> int:
        return sum(map(len, self.ran.values()))

    def run_again(self, killed: set[int]) -> list[Slot]:
        """Run once more although whoever ran it before was not killed."""
        return [slot for slot, pids in self.ran.items() if not killed.issuperset(pids[:-1])]

    def left_out(self, slots: Counter[Slot], killed: set[int]) -> list[Slot]:
        """Not run, and not all of those who were about to were killed over it."""
        not_run = [slot for slot in slots if slot not in self.ran]
        return [slot for slot in not_run if slot not in self.begun or not killed.issuperset(self.begun[slot])]


class Schedulers:
    """`start` returns the new one's process id; all are gone with the context."""

    def __init__(self, database: Database, folder: Path, arm: str) -> None:
        self.database = database
        self._notes, self._clock = folder / "notes", folder / "clock"
        self._notes.touch()
        self._maker = subprocess.Popen(
            [sys.executable, "-m", "tests.campaigns.schedulers", arm, str(self._notes), str(self._clock)],
            cwd=ROOT,
            env=environment(database.url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.alive: list[int] = []
        self.killed: set[int] = set()

    def start(self) -> int:
        assert self._maker.stdin is not None
        assert self._maker.stdout is not None
        print("start", file=self._maker.stdin, flush=True)
        self.alive.append(int(self._maker.stdout.readline()))
        return self.alive[-1]

    def kill_hard(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self.alive.remove(pid)
        self.killed.add(pid)

    def close(self) -> None:
        for pid in self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert self._maker.stdin is not None
        assert self._maker.stdout is not None
        self._maker.stdin.close()
        self._maker.wait(20)
        self._maker.stdout.close()

    def move_clocks(self, how_far: timedelta) -> None:
        """The wall clock of all of them stands so far from ours from now on."""
        fresh = self._clock.with_suffix(".fresh")
        fresh.write_text(str(how_far.total_seconds()))
        fresh.replace(self._clock)

    def leader(self) -> int | None:
        """Whose heartbeat it is."""
        rows = self.database.rows("heartbeat")
        return int(rows[0][2].rpartition(":")[2]) if rows else None

    def slots(self) -> Counter[Slot]:
        """Rows by job and instant."""
        return Counter((job, second(due_at)) for _, job, due_at, *_ in self.database.rows("job_run"))

    def notes(self) -> Notes:
        """What was really done."""
        notes = Notes()
        for line in self._notes.read_text().splitlines():
            what, job, due_at, pid = line.split()
            (notes.begun if what == "begins" else notes.ran)[job, due_at].append(int(pid))
        return notes


def second(due_at: Any) -> str:
    """As one word. SQLite keeps UTC as text; PostgreSQL answers in the zone of the session."""
    at = datetime.fromisoformat(due_at).replace(tzinfo=UTC) if isinstance(due_at, str) else due_at
    return str(at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))


@contextlib.contextmanager
def schedulers(database: Database, folder: Path, arm: str = GUARDED) -> Iterator[Schedulers]:
    if arm == UNLOCKED:
        drop_slot_key(database)
    made = Schedulers(database, folder, arm)
    try:
        yield made
    finally:
        made.close()


def drop_slot_key(database: Database) -> None:
    connection = database.connect()
    if database.dialect == "postgresql":
        connection.execute(f"ALTER TABLE job_run DROP CONSTRAINT {SLOT_KEY}")
    else:
        (table,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'job_run'").fetchone()
        kept = [line for line in table.splitlines() if SLOT_KEY not in line]
        connection.execute("DROP TABLE job_run")
        connection.execute("\n".join(kept).replace(", \n)", "\n)"))
    connection.close()


# The process --------------------------------------------------------------------------------------------------------


def main(arm: str, notes: str, clock_file: str) -> None:
    """Forks a scheduler for each line it is told, until there are no more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody is waited for
    import apscheduler.schedulers.blocking  # noqa: F401  imported once, before the fork

    from shelter import create_app

    app = create_app()
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os._exit(lead(app, arm, notes, Path(clock_file)))
        print(pid, flush=True)


def lead(app: Any, arm: str, notes: str, clock_file: Path) -> int:
    import time_machine

    from shelter.domain import timetable
    from shelter.extensions import db
    from shelter.gateways.leadership import leadership_over
    from shelter.jobs import clockwork
    from shelter.jobs.schedule import Job

    timetable.SHORTEST_SLOT = timedelta(seconds=1)

    this = threading.local()  # the slot the thread is at: a job is not told which one it is run for

    def note(what: str) -> None:
        job, due_at = this.slot
        with open(notes, "a") as file:
            file.write(f"{what} {job} {due_at} {os.getpid()}\n")

    def tick(_run: Any) -> dict[str, int]:
        note("ran")
        return {"ran": 1}

    jobs = [Job(timetable.Timing(name, "Ticks.", every=timedelta(seconds=1)), tick) for name in NAMES]
    with app.app_context():
        lock = leadership_over(db.engine)
    if arm == UNLOCKED:
        lock = Nobody()  # type: ignore[assignment]
        forget_slots()
    begin = clockwork.clockwork.begin_run

    def begin_and_note(job: str, due_at: datetime) -> int | None:
        this.slot = job, second(due_at)
        note("begins")
        return begin(job, due_at)

    clockwork.clockwork.begin_run = begin_and_note
    if arm == UNWATCHED:
        clockwork.LATEST = timedelta(days=9)
    with time_machine.travel(time.time(), tick=True) as traveller:
        threading.Thread(target=follow, args=[clock_file, traveller], daemon=True).start()
        return clockwork.Clockwork(app, lock, jobs).run()


def follow(clock_file: Path, traveller: Any) -> None:
    """Stand as far from the true time as the file says."""
    stands = 0.0
    while True:
        with contextlib.suppress(FileNotFoundError):
            told = float(clock_file.read_text())
            if told != stands:
                traveller.shift(told - stands)
                stands = told
        time.sleep(0.05)


class Nobody:
    """A lock that locks nobody out."""

    def acquire(self) -> bool:
        return True

    holds = acquire

    def release(self) -> None:
        pass


def forget_slots() -> None:
    """Whoever comes to a slot begins it."""
    from shelter import clock
    from shelter.domain.permissions import SYSTEM
    from shelter.extensions import db
    from shelter.models.clockwork import JobRun, RunOutcome
    from shelter.services import clockwork
    from shelter.services.unit_of_work import unit_of_work

    def begin(job: str, due_at: Any) -> int:
        with unit_of_work(SYSTEM):
            run = JobRun(job=job, due_at=due_at, started_at=clock.now(), outcome=RunOutcome.RUNNING, counts={})
            db.session.add(run)
            db.session.flush()
            return run.id

    clockwork.begin_run = begin  # type: ignore[assignment]


if __name__ == "__main__":
    main(*sys.argv[1:])
