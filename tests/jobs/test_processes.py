"""Several schedulers as real processes: one leads, a follower takes over, a signal ends them in order."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import Database
from tests.support.settings import environment

ROOT = Path(__file__).parents[2]
# A scheduler whose one job has a slot every second, and notes each run in a table-less file of its own.
EVERY_SECOND = """
import sys
from datetime import timedelta
from shelter import create_app
from shelter.domain import timetable
from shelter.extensions import db
from shelter.gateways.leadership import leadership_over
from shelter.jobs.clockwork import Clockwork
from shelter.jobs.schedule import Job
timetable.SHORTEST_SLOT = timedelta(seconds=1)
def tick(run):
    with open(sys.argv[1], "a") as notes:
        notes.write("ran\\n")
    return {"ran": 1}
app = create_app()
with app.app_context():
    lock = leadership_over(db.engine)
job = Job(timetable.Timing("tick", "Ticks.", every=timedelta(seconds=1)), tick)
sys.exit(Clockwork(app, lock, [job]).run())
"""

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(fresh_database: Database, tmp_path: Path) -> Iterator[Start]:
    """Another scheduler on the database: ours, or with a program of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*command: str) -> subprocess.Popen[bytes]:
        command = command or ("-m", "flask", "--app", "app", "scheduler", "run")
        settings = environment(fresh_database.url)
        process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=settings, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def said(process: subprocess.Popen[bytes], words: bytes) -> bool:
    """Wait until the process logs it."""
    assert process.stderr is not None
    return any(words in line for line in process.stderr)


def eventually(question: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.05)
    raise AssertionError("it never came")


def leader(database: Database) -> int | None:
    rows = database.rows("heartbeat")
    return int(rows[0][2].rpartition(":")[2]) if rows else None


def slots(database: Database) -> list[tuple[str, Any]]:
    return [(job, due_at) for _, job, due_at, *_ in database.rows("job_run")]


def test_one_leads_another_follows_and_both_end_when_told(start: Start, fresh_database: Database) -> None:
    first = start()
    assert eventually(lambda: leader(fresh_database)) == first.pid
    second = start()
    first.kill()
    first.wait()
    assert eventually(lambda: leader(fresh_database) == second.pid)
    eventually(lambda: {"expire-holds", "flag-stays-nearing-limit"} <= {job for job, _ in slots(fresh_database)})
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0


def test_whoever_waits_ends_when_told(start: Start, fresh_database: Database) -> None:
    first = start()
    assert said(first, b'"leading"')
    second = start()
    assert said(second, b"another process leads")
    for process in (second, first):
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.slow
def test_four_schedulers_run_every_slot_once(start: Start, fresh_database: Database, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.touch()
    four = [start("-c", EVERY_SECOND, str(notes)) for _ in range(4)]
    eventually(lambda: len(slots(fresh_database)) >= 6)
    killed = next(process for process in four if process.pid == leader(fresh_database))
    killed.kill()
    killed.wait()
    so_far = len(slots(fresh_database))
    eventually(lambda: len(slots(fresh_database)) >= so_far + 6)
    for process in four:
        process.send_signal(signal.SIGTERM)
    assert [p.wait(30) for p in four if p is not killed] == [0, 0, 0]
    counted = Counter(slots(fresh_database))
    assert set(counted.values()) == {1}
    # The one that was killed may have noted a run that another repeated, because its end was never written.
    assert len(counted) <= len(notes.read_text().splitlines()) <= len(counted) + 1


@pytest.mark.only("postgresql")
def test_whoever_lost_the_lock_to_another_ends_with_3(start: Start, fresh_database: Database) -> None:
    first = start()
    assert eventually(lambda: leader(fresh_database)) == first.pid
    second = start()
    assert said(second, b"another process leads")
    held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %s"
    own = fresh_database._own
    key = 0x53484C54
    first.send_signal(signal.SIGSTOP)
    own.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    eventually(lambda: own.execute(held, (key,)).fetchall() and leader(fresh_database) == second.pid)
    first.send_signal(signal.SIGCONT)
    assert first.wait(30) == 3
    assert second.poll() is None


@pytest.mark.only("postgresql")
def test_a_leader_whose_database_was_away_leads_again(start: Start, fresh_database: Database) -> None:
    first = start()
    assert said(first, b'"leading"')
    fresh_database._own.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert said(first, b"leading again")
    before = fresh_database.rows("heartbeat")
    eventually(lambda: fresh_database.rows("heartbeat") != before)
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0
