"""What the processes under measurement cost: processor time and memory, as the kernel counts them."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.servers import ROOT, Web
from tests.support.settings import environment
from tools.bench.client import Connection, NoAnswer

TICK = os.sysconf("SC_CLK_TCK")
PSS = re.compile(r"^Pss:\s+(\d+)", re.MULTILINE)
# As production has them; but nobody clicks between two measurements, so the idle limit is the longest there is.
SETTINGS = {"SHELTER_SESSION_IDLE_MINUTES": "30"}


def cpu_of(pids: Sequence[int], *, with_the_dead: bool = False) -> float:
    """Seconds of processor time so far. `with_the_dead`: of their children that have ended as well."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(each) for each in fields[11 : 15 if with_the_dead else 13])
    return ticks / TICK


def busy() -> float:
    """Seconds for which the machine's processors have worked so far, for anybody."""
    user, nice, system, _idle, _waiting, *more = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:])
    return (user + nice + system + sum(more[:3])) / TICK


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def memory(web: Web) -> dict[str, float]:
    """MB, shared pages counted once (PSS): of the two workers, and with the master that holds what they share."""
    workers = sum(_pss(worker) for worker in web.workers)
    return {"workers": workers, "all": workers + _pss(web.pid)}


def _pss(pid: int) -> float:
    found = PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    assert found is not None
    return int(found[1]) / 1024


def cold_start(url: str) -> tuple[float, float]:
    """Seconds from starting the web server to its first page, the sign-in page; and of them of processor time."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = {"PORT": str(port), "SHELTER_PUBLIC_URL": f"http://localhost:{port}", "WEB_CONCURRENCY": "2"}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--config", "python:shelter.cli.webserver"],
        cwd=ROOT,
        env=environment(url, **address),
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _answers(port):
            if process.poll() is not None:
                raise SystemExit("the web server did not start")
            time.sleep(0.005)
        return time.perf_counter() - began, cpu_of([process.pid, *children(process.pid)])
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError, NoAnswer):
        connection = Connection(port)
        answer = connection.ask(f"GET /login HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        connection.close()
        return answer.status == 200
    return False
