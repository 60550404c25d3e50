"""Several schedulers as real processes: one leads, a follower takes over, a signal ends them in order."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import Database
from tests.support.servers import eventually
from tests.support.settings import environment

ROOT = Path(__file__).parents[2]
Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(fresh_database: Database) -> Iterator[Start]:
    """Another scheduler on the database."""
    started: list[subprocess.Popen[bytes]] = []

    def run() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "flask", "--app", "app", "scheduler", "run"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment(fresh_database.url), stderr=subprocess.PIPE)
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
