"""The system calls of a server, noted or made to fail by strace; and what is to be said where that cannot be."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.servers import Web, eventually

SYNCS = "fsync,fdatasync"
UNDER = ("strace", "-D", "-I", "2", "-f", "-y", "-q", "-e", f"trace={SYNCS}")


def not_proven(why: str, *, is_proof: bool) -> NoReturn:
    """A machine that cannot do it may skip it, but then has proven nothing."""
    if is_proof:
        pytest.fail(f"NOT PROVEN: {why}")
    pytest.skip(f"NOT PROVEN: {why}")


def need_strace(is_proof: bool) -> None:
    if shutil.which("strace") is None:
        not_proven("strace is missing (tools/system_packages.sh installs it)", is_proof=is_proof)
    tried = subprocess.run([*UNDER, "true"], capture_output=True, text=True)
    if tried.returncode:
        not_proven(f"this machine does not permit ptrace: {tried.stderr.strip()}", is_proof=is_proof)


def noting_syncs(calls: Path) -> list[str]:
    return [*UNDER, "-o", str(calls)]


def failing_syncs(calls: Path, after: int) -> list[str]:
    """Each thread has so many syncs; all later ones are an input/output error."""
    return [*noting_syncs(calls), "-e", f"inject={SYNCS}:error=EIO:when={after + 1}+"]


def let_go(server: Web) -> None:
    """Whatever was done to its system calls is over."""
    for tracer in {tracer for pid in server.pids if (tracer := _tracer(pid))}:
        os.kill(tracer, signal.SIGTERM)
    eventually(lambda: not any(map(_tracer, server.pids)))
    time.sleep(0.1)


def _tracer(pid: int) -> int:
    said = Path(f"/proc/{pid}/status").read_text()
    return int(said.partition("TracerPid:")[2].split()[0])
