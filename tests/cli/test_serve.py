"""`make start` and `make run` as people use them: the real command in a folder of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.test_processes import eventually, is_alive
from tests.support.settings import OURS

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"http://localhost:\d+/link/\S+")
IDENTITY = re.compile(r"AGE-SECRET-KEY-1\w+")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Serving:
    """A running `serve`; `said` is what it has printed so far."""

    def __init__(self, place: Path, *arguments: str, **environment: str) -> None:
        self.place, self.port = place, free_port()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self._output = (place / "output").open("a+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "shelter.cli", "serve", *arguments],
            cwd=place,
            env=clean | {"PYTHONPATH": str(ROOT), "PORT": str(self.port)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    @property
    def said(self) -> str:
        return (self.place / "output").read_text()

    def wait_until_it_answers(self) -> None:
        ready = f"Open http://localhost:{self.port}"
        eventually(lambda: ready in self.said or self.process.poll() is not None, seconds=60)
        assert ready in self.said, self.said

    def get(self, path: str) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return int(answer.status)

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(30)
        self._output.close()


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    started: list[Serving] = []

    def start(*arguments: str, **environment: str) -> Serving:
        started.append(Serving(tmp_path, *arguments, **environment))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_a_new_installation_serves_pages_and_invites_its_first_administrator(
    serving: Callable[..., Serving], tmp_path: Path
) -> None:
    first = serving()
    first.wait_until_it_answers()
    assert first.get("/healthz") == 200
    assert first.get("/login") == 200
    link = LINK.search(first.said)
    assert link, first.said
    assert first.get(link[0].partition(str(first.port))[2]) == 200
    assert "Keep a copy off this machine" in (tmp_path / "instance/keys.env").read_text()
    identity = IDENTITY.findall(first.said)
    assert len(identity) == 1
    assert "SHELTER_BACKUP_RECIPIENT=age1" in (tmp_path / "instance/backup.env").read_text()
    readable = [p.name for p in (tmp_path / "instance").iterdir() if stat.S_IMODE(p.stat().st_mode) & 0o077]
    assert readable == []

    children = first.children()
    assert len(children) == 2
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(30) == 0
    assert not any(is_alive(pid) for pid in children)

    second = serving()
    second.wait_until_it_answers()
    assert IDENTITY.findall(second.said) == identity, "it is shown once"
    kept = [path.read_bytes() for path in (tmp_path / "instance").rglob("*") if path.is_file()]
    assert not [text for text in kept if identity[0].encode() in text]
    assert len(set(LINK.findall(second.said))) == 2, "a link nobody used is replaced by a new one"
    os.kill(second.children()[1], signal.SIGKILL)
    assert second.process.wait(30) == 1
    assert "ended by itself (signal 9)" in second.said


def test_a_database_written_with_other_keys_is_refused(serving: Callable[..., Serving], tmp_path: Path) -> None:
    first = serving()
    first.wait_until_it_answers()
    first.close()
    key_file = tmp_path / "instance/keys.env"
    key_file.rename(tmp_path / "keys.kept")
    again = serving()
    assert again.process.wait(60) == 1
    assert "written with other keys" in again.said
    assert not key_file.exists(), "keys that fit nothing must not be taken for the right ones next time"


def test_an_unsafe_setting_is_said_and_nothing_starts(serving: Callable[..., Serving]) -> None:
    refused = serving(SHELTER_PUBLIC_URL="http://bookings.example")
    assert refused.process.wait(60) == 1
    assert "SHELTER_PUBLIC_URL must begin with https://" in refused.said
    assert "Traceback" not in refused.said


def test_the_demonstration_leaves_no_trace_in_the_real_thing(serving: Callable[..., Serving], tmp_path: Path) -> None:
    demonstration = serving("--demo")
    demonstration.wait_until_it_answers()
    assert "password:" in demonstration.said
    kept = {path.name.partition(".")[0] for path in (tmp_path / "instance").iterdir()}
    assert kept == {"demo", "demo-keys", "demo-backup", "demo-backup-identity"}
    demonstration.process.send_signal(signal.SIGINT)
    assert demonstration.process.wait(30) == 0

    real = serving()
    real.wait_until_it_answers()
    assert LINK.search(real.said), "the real thing is empty and waits for its first administrator"
