"""Web server and scheduler live and die together."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from shelter.cli.processes import _free_port

ROOT = Path(__file__).parents[2]
SLEEPER = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
FAILURE = "import sys; sys.exit(3)"


@pytest.fixture
def supervisor(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a supervisor of children, each a Python program given the path to write its process id to."""

    def start(**programs: str) -> subprocess.Popen[str]:
        children = [(name, (sys.executable, "-c", text, str(tmp_path / name))) for name, text in programs.items()]
        code = (
            "import sys; from shelter.cli.processes import Child, supervise;"
            f"sys.exit(supervise([Child(n, c) for n, c in {children!r}], patience=2))"
        )
        return subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    return start


def pid_in(file: Path) -> int:
    return int(eventually(lambda: file.exists() and file.read_text()))


def eventually(question: Callable[[], object], seconds: float = 20) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := question():
            return str(answer)
        time.sleep(0.02)
    raise AssertionError("it never came")


def is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_both(
    supervisor: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: signal.Signals
) -> None:
    parent = supervisor(web=SLEEPER, scheduler=SLEEPER)
    pids = [pid_in(tmp_path / name) for name in ("web", "scheduler")]
    parent.send_signal(number)
    assert parent.wait(20) == 0
    assert not any(is_alive(pid) for pid in pids)
    parent.communicate()


def test_when_one_fails_both_stop_with_a_sentence(
    supervisor: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    parent = supervisor(web=SLEEPER, scheduler=f"import time; time.sleep(0.5); {FAILURE}")
    said, _ = parent.communicate(timeout=20)
    assert parent.returncode == 1
    assert said == "The scheduler ended by itself (exit code 3). The web is stopped too.\n"
    assert not is_alive(pid_in(tmp_path / "web"))


def test_nothing_outlives_a_killed_supervisor(supervisor: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    parent = supervisor(web=SLEEPER, scheduler=SLEEPER)
    pids = [pid_in(tmp_path / name) for name in ("web", "scheduler")]
    parent.kill()
    parent.communicate()
    for pid in pids:
        eventually(lambda pid=pid: not is_alive(pid))


def test_a_child_that_does_not_stop_is_ended(supervisor: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEPER
    parent = supervisor(web=stubborn, scheduler=SLEEPER)
    pids = [pid_in(tmp_path / name) for name in ("web", "scheduler")]
    parent.terminate()
    said, _ = parent.communicate(timeout=30)
    assert said == "The web did not stop in time and is ended.\n"
    assert not any(is_alive(pid) for pid in pids)


def test_a_taken_port_is_said_before_anything_starts() -> None:
    other = socket.create_server(("127.0.0.1", 0))
    with other, pytest.raises(click.ClickException, match="cannot be used"):
        _free_port(str(other.getsockname()[1]))


@pytest.mark.parametrize("text", ["", "abc", "0", "65536", "-1", "80.5"])
def test_a_port_is_a_number(text: str) -> None:
    with pytest.raises(click.ClickException, match="PORT must be a number"):
        _free_port(text)
