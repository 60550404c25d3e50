"""How fast it is, over HTTP with two workers, beside the bare statements on the same data in the same run.

python -m tools.bench [--postgresql] [--units 200] [--years 1] [--stays 2000] [--seconds 5]
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import sqlalchemy as sa

from tests.support.postgres import server
from tests.support.settings import environment

ROOT = Path(__file__).resolve().parents[1]
# One role sees each: the demonstration's accounts (`flask demo load`).
PAGES = (
    ("a bare signed-in page", "coordinator", "/account"),
    ("today", "coordinator", "/"),
    ("find, as first shown", "coordinator", "/find"),
    ("the board", "coordinator", "/board"),
    ("occupancy", "manager", "/occupancy"),
)
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
FREE = """
SELECT count(*) FROM unit WHERE NOT EXISTS (
  SELECT 1 FROM unit_night WHERE unit_id = unit.id AND night >= :first AND night < :last
)"""
OCCUPIED = "SELECT night, count(*) FROM unit_night WHERE night >= :first AND night < :last GROUP BY night"


@dataclass(frozen=True)
class Times:
    """Of many calls: milliseconds, and calls per second of all clients together."""

    p50: float
    p95: float
    rate: float

    @classmethod
    def of(cls, taken: list[float], seconds: float) -> Times:
        points = statistics.quantiles(taken, n=20) if len(taken) > 1 else taken * 19
        return cls(statistics.median(taken) * 1000, points[18] * 1000, len(taken) / seconds)

    def __str__(self) -> str:
        return f"{self.p50:8.1f} ms p50 {self.p95:8.1f} ms p95 {self.rate:7.0f}/s"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    parser.add_argument("--units", type=int, default=200)
    parser.add_argument("--years", type=int, default=1)
    parser.add_argument("--stays", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=5, help="per page and number of clients")
    asked = parser.parse_args()
    with database(is_postgresql=asked.postgresql) as url:
        load(url, asked.units, asked.years, asked.stays)
        statements(url, asked.seconds)
        with web(url) as port:
            pages(port, asked.seconds)


@contextlib.contextmanager
def database(*, is_postgresql: bool) -> Iterator[str]:
    if is_postgresql:
        with server(durable=True) as running:
            yield running.create("bench")
    else:
        with tempfile.TemporaryDirectory(prefix="shelter-bench-") as place:
            yield f"sqlite:///{place}/bench.sqlite3"


def load(url: str, units: int, years: int, stays: int) -> None:
    began = time.perf_counter()
    size = ["--units", str(units), "--years", str(years), "--stays", str(stays), "--seed", "1"]
    for command in (["db", "upgrade"], ["demo", "load", *size]):
        subprocess.run([sys.executable, "-m", "shelter.cli", *command], cwd=ROOT, env=settings(url), check=True)
    print(f"{units} units, {years} years, {stays} stays made in {time.perf_counter() - began:.1f} s\n")


def settings(url: str, **more: str) -> dict[str, str]:
    return environment(url, SHELTER_ENV="development", **more)


def statements(url: str, seconds: float) -> None:
    """The floor under any page: what the database alone needs."""
    engine, today = sa.create_engine(url), date.today()  # noqa: DTZ011 only how full it is matters
    with engine.connect() as connection:
        for what, statement, nights in (
            ("bare statement: units free for 7 nights", FREE, 7),
            ("bare statement: units free for 184 nights", FREE, 184),
            ("bare statement: a month counted", OCCUPIED, 31),
        ):
            period = {"first": today, "last": today + timedelta(days=nights)}
            measured = repeat(partial(ask_database, connection, sa.text(statement), period), seconds)
            print(f"{what:44}{measured}")
    engine.dispose()


def ask_database(connection: sa.Connection, statement: sa.TextClause, period: dict[str, date]) -> None:
    connection.execute(statement, period).all()


def repeat(act: Callable[[], object], seconds: float) -> Times:
    taken, end = [], time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        act()
        taken.append(time.perf_counter() - began)
    return Times.of(taken, seconds)


@contextlib.contextmanager
def web(url: str) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--config", "python:shelter.cli.webserver"],
        cwd=ROOT,
        env=settings(url, PORT=str(port), SHELTER_PUBLIC_URL=f"http://localhost:{port}"),
    )
    try:
        while not answers(port):
            if process.poll() is not None:
                raise SystemExit("the web server did not start")
            time.sleep(0.02)
        print(f"\ncold start to first answer: {time.perf_counter() - began:.2f} s")
        yield port
        print(f"\nmemory of the web server, all processes: {memory(process.pid):.0f} MB (PSS)")
    finally:
        process.terminate()
        process.wait(20)


def answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        return Browser(port).get("/healthz") == 200
    return False


class Browser:
    """One kept-alive connection and its cookies."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._cookies: dict[str, str] = {}
        self.text = ""

    def get(self, path: str) -> int:
        return self._ask("GET", path)

    def post(self, path: str, **fields: str) -> int:
        return self._ask("POST", path, urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded"})

    def _ask(self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> int:
        sent = {"Cookie": "; ".join(f"{n}={v}" for n, v in self._cookies.items())} | (headers or {})
        self._connection.request(method, path, body, sent)
        answer = self._connection.getresponse()
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        self.text = answer.read().decode(errors="replace")
        return answer.status

    def sign_in(self, login: str, password: str) -> None:
        self.get("/login")
        token = TOKEN.search(self.text)
        assert token, "the sign-in page has no form token"
        status = self.post("/login", csrf_token=token[1], login=login, password=password)
        assert status == 303, f"{login} could not sign in: {status}"


def pages(port: int, seconds: float) -> None:
    from shelter.services.demo import SIGN_INS

    for clients in (1, 8):
        print(f"\n{clients} client{'s' * (clients > 1)} at a time")
        for what, role, path in PAGES:
            browsers = [Browser(port) for _ in range(clients)]
            for browser in browsers:
                browser.sign_in(*SIGN_INS[role])
            if (status := browsers[0].get(path)) != 200:
                print(f"{what:44} answered {status}")
                continue
            print(f"{what:44}{at_once(browsers, path, seconds)}")


def at_once(browsers: list[Browser], path: str, seconds: float) -> Times:
    taken: list[float] = []
    end = time.perf_counter() + seconds

    def ask(browser: Browser) -> None:
        while (began := time.perf_counter()) < end:
            browser.get(path)
            taken.append(time.perf_counter() - began)

    threads = [threading.Thread(target=ask, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Times.of(taken, seconds)


def memory(pid: int) -> float:
    """Proportional set size of a process and its children, in MB."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = 0
    for member in (pid, *map(int, children)):
        rollup = Path(f"/proc/{member}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])  # type: ignore[index]
    return total / 1024


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
