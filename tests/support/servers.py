"""The product as real processes on loopback: web server and scheduler, to be stopped, killed and started again.

    with web(fresh_database, workers=2) as server:
        browser = server.browser()
        server.kill_hard()
        server.restart()

A control arm names the guard that is missing: `web(database, guard_removed="ledger key")` (tests.support.unguarded).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.support.browsers import Browser
from tests.support.databases import Database
from tests.support.settings import environment

ROOT = Path(__file__).parents[2]
SECONDS_TO_ANSWER = 60
SECONDS_TO_STOP = 20
# What no campaign may find in the log of a process: a view or a job that broke.
BROKEN = ("Traceback", '"level": "error"', '"level": "critical"', "WORKER TIMEOUT")


def eventually(question: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true answer; AssertionError when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.01)
    raise AssertionError("it never came")


class Process:
    """One command with its children in a process group of its own; what it says is kept over restarts."""

    def __init__(self, command: list[str], settings: dict[str, str]) -> None:
        self._command, self._settings = command, settings
        self._said = tempfile.NamedTemporaryFile(prefix="shelter-server-", suffix=".log")  # noqa: SIM115
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it can be used."""
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._settings,
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            process_group=0,  # a Ctrl-C is for us; and killed together
        )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """A child that ends before is an AssertionError with what it said."""
        try:
            eventually(lambda: not self.is_running or self.is_ready(), SECONDS_TO_ANSWER)
        except AssertionError:
            raise AssertionError(f"it does not answer:\n{self.log()[-4000:]}") from None
        assert self.is_running, f"it ended at once:\n{self.log()[-4000:]}"

    def is_ready(self) -> bool:
        return True

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def pids(self) -> list[int]:
        """Itself and its children."""
        with contextlib.suppress(OSError):
            return [self.pid, *map(int, Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split())]
        return []

    def stop(self) -> int:
        """In good order (SIGTERM); the exit code."""
        assert self._process is not None
        if self.is_running:
            self._process.terminate()
            try:
                self._process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                self.kill_hard()
                raise AssertionError(f"it did not stop when told:\n{self.log()[-4000:]}") from None
        return self._process.returncode

    def kill_hard(self) -> None:
        """`kill -9` of all its processes at once: none gets to write another word."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def restart(self) -> None:
        """Again, after `stop` or `kill_hard`, or instead of them; a web server on the same port."""
        if self.is_running:
            self.stop()
        self.start()

    def log(self) -> str:
        """Everything it wrote since its first start."""
        return Path(self._said.name).read_text(errors="replace")

    def broken(self) -> list[str]:
        """Lines of its log that no campaign may find."""
        return [line for line in self.log().splitlines() if any(word in line for word in BROKEN)]

    def close(self) -> None:
        if self._process is not None:
            self.kill_hard()
        self._said.close()


class Web(Process):
    """gunicorn as production runs it. `kill_worker` leaves the master to start another."""

    def __init__(
        self, url: str, workers: int, guard_removed: str | None, under: Sequence[str] = (), **settings: str
    ) -> None:
        # Bound and never listening: nobody else is given the port while the server is down.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self.port: int = self._reserved.getsockname()[1]
        self._browsers: list[Browser] = []
        self._number = workers
        command = [*under, sys.executable, "-m", "gunicorn", "--config", "python:shelter.cli.webserver"]
        if guard_removed:
            command.append(unguarded(guard_removed))
        address = {"PORT": str(self.port), "SHELTER_PUBLIC_URL": f"http://localhost:{self.port}"}
        super().__init__(command, environment(url, **(address | {"WEB_CONCURRENCY": str(workers)} | settings)))

    def is_ready(self) -> bool:
        """It answers, and every worker is there."""
        with contextlib.suppress(OSError), Browser(self.port, timeout=5) as browser:
            return browser.get("/healthz") == 200 and len(self.workers) == self._number
        return False

    @property
    def workers(self) -> list[int]:
        return self.pids[1:]

    def kill_worker(self, pid: int | None = None) -> None:
        """`kill -9` of one worker; the master starts another in its place."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid or self.workers[0], signal.SIGKILL)

    def browser(self, **more: Any) -> Browser:
        """A new one without cookies; closed with the server."""
        self._browsers.append(Browser(self.port, **more))
        return self._browsers[-1]

    def close(self) -> None:
        for browser in self._browsers:
            browser.close()
        super().close()
        self._reserved.close()


class Scheduler(Process):
    """`flask scheduler run`. It may follow, not lead: ready is when it says which."""

    def __init__(self, url: str, guard_removed: str | None, **settings: str) -> None:
        app = unguarded(guard_removed) if guard_removed else "app"
        command = [sys.executable, "-m", "flask", "--app", app, "scheduler", "run"]
        super().__init__(command, environment(url, **settings))
        self._read = 0

    def start(self) -> None:
        self._read = len(self.log())
        super().start()

    def is_ready(self) -> bool:
        return any(said in self.log()[self._read :] for said in ('"leading"', "another process leads"))


def unguarded(guard: str) -> str:
    from tests.support.unguarded import GUARDS

    assert guard in GUARDS, f"no guard of that name: {sorted(GUARDS)}"
    return f'tests.support.unguarded:create_app("{guard}")'


@contextlib.contextmanager
def web(
    database: Database | str,
    *,
    workers: int = 2,
    guard_removed: str | None = None,
    under: Sequence[str] = (),
    **settings: str,
) -> Iterator[Web]:
    """A running web server on a port of its own. `settings` go into its environment: `SHELTER_MAX_HOLD_MINUTES="5"`.

    `under` is a program that starts it and becomes it, with its arguments.
    """
    with _running(Web(_url(database), workers, guard_removed, under, **settings)) as server:
        yield server


@contextlib.contextmanager
def scheduler(database: Database | str, *, guard_removed: str | None = None, **settings: str) -> Iterator[Scheduler]:
    """A running scheduler, leading or following."""
    with _running(Scheduler(_url(database), guard_removed, **settings)) as server:
        yield server


def _url(database: Database | str) -> str:
    return database if isinstance(database, str) else database.url


@contextlib.contextmanager
def _running(process: Any) -> Iterator[Any]:
    try:
        process.start()
        yield process
    finally:
        process.close()
