"""One leader among several, by a lock that dies with its process."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from shelter.extensions import db
from shelter.gateways.leadership import AdvisoryLock, FileLock, Leadership, NoAnswer, leadership_over
from tests.support.databases import Database

HOLD = """
import sys, time
from sqlalchemy import create_engine
from shelter.gateways.leadership import leadership_over
lock = leadership_over(create_engine(sys.argv[1]))
print(lock.acquire(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def lock(context: Flask) -> Leadership:
    return leadership_over(db.engine)


def other(database: Database) -> Leadership:
    return leadership_over(create_engine(database.url))


def test_only_one_leads(lock: Leadership, database: Database) -> None:
    second = other(database)
    assert lock.acquire()
    assert not second.acquire()
    assert lock.holds()
    assert not second.holds()
    lock.release()
    assert not lock.holds()
    assert second.acquire()
    second.release()


def test_becoming_leader_twice_is_being_leader(lock: Leadership, database: Database) -> None:
    assert lock.acquire()
    assert lock.acquire()
    lock.release()
    second = other(database)
    assert second.acquire()
    second.release()


def test_the_lock_dies_with_its_process(lock: Leadership, database: Database) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD, database.url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    assert not lock.acquire()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    while not lock.acquire():
        pass
    lock.release()


@pytest.mark.only("sqlite")
def test_a_replaced_file_locks_nobody_out(lock: FileLock, database: Database) -> None:
    assert lock.acquire()
    Path(database.conninfo + ".leader").unlink()
    assert not lock.holds()
    assert lock.acquire()
    lock.release()


@pytest.mark.only("postgresql")
def test_a_lost_connection_is_noticed_and_may_lead_again(lock: AdvisoryLock, database: Database) -> None:
    assert lock.acquire()
    assert lock._connection is not None
    pid = lock._connection.scalar(text("SELECT pg_backend_pid()"))
    database._own.execute("SELECT pg_terminate_backend(%s)", (pid,))
    assert not lock.holds()
    assert lock.acquire()
    lock.release()


@pytest.mark.only("postgresql")
def test_a_silent_database_is_no_refusal(database: Database, tmp_path: Path) -> None:
    nobody = leadership_over(create_engine(f"postgresql+psycopg://shelter@/x?host={tmp_path}"))
    with pytest.raises(NoAnswer):
        nobody.acquire()
