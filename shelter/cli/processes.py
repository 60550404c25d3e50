"""`serve`: web server and scheduler as two processes that live and die together."""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

import click

from shelter.cli import instance
from shelter.cli.first_start import OTHER_KEYS

SHELTER = (sys.executable, "-m", "shelter.cli")
WEB = (sys.executable, "-m", "gunicorn", "--config", "python:shelter.cli.webserver")
SECONDS_TO_STOP = 12
SECONDS_TO_ANSWER = 30


@click.command("serve")
@click.option("--demo", is_flag=True, help="The demonstration: example data, development settings.")
def serve(*, demo: bool) -> None:
    """Prepare the database, then run web server and scheduler until Ctrl-C.

    Keys the environment does not have are kept in instance/, made at the first start.
    """
    kind = instance.Kind.DEMO if demo else instance.Kind.REAL
    port = _free_port(os.environ.get("PORT", "8000"))
    os.umask(0o077)  # what this installation writes is for its own account
    keys_are_new = instance.create_keys(kind)
    instance.use(kind)
    os.environ["PORT"] = str(port)
    os.environ.setdefault("SHELTER_PUBLIC_URL", f"http://localhost:{port}")
    steps = [
        *SHELTER,
        "prepare",
        *(["--demo"] if demo else []),
        *(["--keys-are-new"] if keys_are_new else []),
    ]
    prepared = subprocess.run(steps, stdin=subprocess.DEVNULL, check=False).returncode  # noqa: S603
    if prepared:
        if prepared == OTHER_KEYS and keys_are_new:
            instance.key_file(kind).unlink()  # they fit nothing
        raise click.ClickException("The system was not started.")
    if keys_are_new and not demo:
        click.echo(f"New keys: {instance.key_file(kind)}. Read the first lines of that file now.")
    address = os.environ["SHELTER_PUBLIC_URL"]
    _name_recipient(kind)
    children = [Child("web server", WEB), Child("scheduler", (*SHELTER, "scheduler", "run"))]
    sys.exit(supervise(children, ready=lambda: _announce_when_answering(port, address)))


def _name_recipient(kind: instance.Kind) -> None:
    """Once: the identity that opens the backups is shown, and kept nowhere."""
    is_seen = sys.stdout.isatty()  # by a person; a terminal of a desktop session has JOURNAL_STREAM too
    is_named = os.environ.get(instance.RECIPIENT) or kind is instance.Kind.DEMO
    if os.environ.get("JOURNAL_STREAM") and not is_seen and not is_named:
        click.echo("No backups are made yet, because what is printed here is kept: run `make start` once by hand.")
        return
    instance.create_recipient(
        kind,
        lambda secret: click.echo(
            "Backups are made every night and sealed for this identity. It is shown this once and is not kept here:"
            " write it down, keep it off this machine and apart from the backups. Without it no backup can be"
            f" opened.\n\n  {secret}\n"
            + ("" if is_seen else "\nThis is no terminal: take it out of wherever this is kept.\n")
        ),
    )


def _free_port(text: str) -> int:
    """PORT as a number nobody listens on."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise click.ClickException(f"PORT must be a number from 1 to 65535, not {text!r}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(text)))
        except OSError as taken:
            raise click.ClickException(
                f"Port {text} cannot be used ({taken.strerror}). Choose another, for example PORT=8080."
            ) from None
    return int(text)


def _announce_when_answering(port: int, address: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                click.echo(f"Open {address} in a browser. Ctrl-C stops everything.")
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)


@dataclass(frozen=True)
class Child:
    name: str
    command: tuple[str, ...]


def supervise(
    children: list[Child], *, ready: Callable[[], None] = lambda: None, patience: float = SECONDS_TO_STOP
) -> int:
    """Run all until a signal (0) or until one ends by itself (1, and a sentence); none outlives us."""
    events: queue.SimpleQueue[Child | int] = queue.SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: events.put(received))
    running = {child: _start(child, events) for child in children}
    threading.Thread(target=ready, daemon=True).start()
    ended = events.get()
    if isinstance(ended, Child):
        code = running[ended].returncode
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        others = " and ".join(child.name for child in children if child is not ended)
        click.echo(f"The {ended.name} ended by itself ({how}). The {others} is stopped too.", err=True)
    _stop(running, patience)
    return 1 if isinstance(ended, Child) else 0


def _start(child: Child, events: queue.SimpleQueue[Child | int]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(  # noqa: S603
        child.command,
        stdin=subprocess.DEVNULL,
        process_group=0,  # a terminal's Ctrl-C reaches only us, and we stop them in good order
        preexec_fn=_end_with_parent,
    )

    def watch() -> None:
        process.wait()
        events.put(child)

    threading.Thread(target=watch, daemon=True).start()
    return process


def _end_with_parent() -> None:
    """In the child: a SIGTERM when the supervisor is gone, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _stop(running: dict[Child, subprocess.Popen[bytes]], patience: float) -> None:
    for process in running.values():
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + patience
    for child, process in running.items():
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            click.echo(f"The {child.name} did not stop in time and is ended.", err=True)
            os.killpg(process.pid, signal.SIGKILL)
