"""The PostgreSQL of the tests: ours alone, gone when we are, honest when killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.cli.test_processes import eventually, is_alive
from tests.support.postgres import Server, server

ROOT = Path(__file__).parents[2]
THEN_WAIT = """
import time
from tests.support.postgres import Server

server = Server()
print(server.pid, flush=True)
time.sleep(60)
"""


def test_it_listens_on_no_network_address() -> None:
    with server() as running, psycopg.connect(running.conninfo("postgres")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_it_is_gone_when_closed() -> None:
    with server() as running:
        pid, root = running.pid, running.root
    assert not is_alive(pid)
    assert not root.exists()


def test_it_does_not_outlive_a_killed_process() -> None:
    parent = subprocess.Popen([sys.executable, "-c", THEN_WAIT], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline().split()[0])
    assert is_alive(pid)
    parent.kill()
    parent.communicate()
    eventually(lambda: not is_alive(pid))


def test_what_was_committed_survives_a_power_cut() -> None:
    with server(durable=True) as running:
        running.create("kept")
        with psycopg.connect(running.conninfo("kept")) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            connection.execute("CREATE TABLE row (n int)")
            connection.execute("INSERT INTO row VALUES (1)")
            connection.commit()
        running.kill()
        running.start()
        with psycopg.connect(running.conninfo("kept")) as connection:
            assert connection.execute("SELECT n FROM row").fetchone() == (1,)


def test_without_the_binaries_it_fails_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="make install"):
        Server()
