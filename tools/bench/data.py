"""The data that is measured on: made in bulk by `flask demo load`, and kept between runs where that is wanted.

Every run works on a copy, so that what one run books is not in the way of the next.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from tests.support.postgres import Server, server
from tests.support.servers import ROOT
from tests.support.settings import environment
from tools.bench.processes import children, cpu_of

POSTGRESQL = ("-c", "shared_buffers=128MB")  # its own default; the tests' server has less
DIALECTS = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Size:
    """How large a network, and how much of a past it has."""

    sites: int = 50
    units: int = 2_000
    years: float = 5
    stays: int = 200_000

    def __str__(self) -> str:
        return f"{self.sites} sites, {self.units:,} units, {self.years:g} years, about {self.stays:,} stays"

    @property
    def options(self) -> list[str]:
        asked = {"sites": self.sites, "units": self.units, "years": self.years, "stays": self.stays, "seed": 1}
        return [word for name, value in asked.items() for word in (f"--{name}", str(value))]


@dataclass
class Data:
    """A database filled and ready."""

    dialect: str
    url: str
    postmaster: int | None = None

    def cpu(self) -> float:
        """Seconds of processor time of the database so far; SQLite's are the web server's own."""
        if self.postmaster is None:
            return 0.0
        return cpu_of([self.postmaster], with_the_dead=True) + cpu_of(children(self.postmaster))


def ask(what: str, url: str, **more: str) -> dict[str, Any]:
    """One of `tools.bench.inside`, in a process of its own with the application in it."""
    command = [sys.executable, "-m", "tools.bench.inside", what]
    done = subprocess.run(command, cwd=ROOT, env=environment(url, **more), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{what} failed:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


@contextlib.contextmanager
def database(dialect: str, size: Size, keep: Path | None) -> Iterator[Data]:
    """A new one, or a copy of the one that was kept."""
    with contextlib.ExitStack() as stack:
        place = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shelter-bench-", dir="/tmp")))
        place.mkdir(parents=True, exist_ok=True)
        if dialect == "sqlite":
            yield Data(dialect, _sqlite(place, size))
        else:
            running = stack.enter_context(server(durable=True, data=place / "postgres", options=POSTGRESQL))
            yield Data(dialect, _postgresql(running, size), running.pid)


def _key(size: Size) -> str:
    return f"kept-{size.sites}-{size.units}-{size.years:g}-{size.stays}{_version()}"


def _version() -> str:
    """Of another day, or with other tables, it is another data set."""
    newest = max(path.stem for path in (ROOT / "migrations" / "versions").glob("*.py"))
    night = datetime.now(UTC) + timedelta(hours=9 - 8)  # the operating night where the tests' shelter is
    return f"-{newest.split('_')[0]}-{night:%Y%m%d}"


def _sqlite(place: Path, size: Size) -> str:
    kept, used = place / f"{_key(size)}.sqlite3", place / "bench.sqlite3"
    outdated = [each for each in place.glob("kept-*.sqlite3") if not each.stem.endswith(_version())]
    for left in (*place.glob("bench.sqlite3*"), *outdated):
        left.unlink()
    if not kept.exists():
        _fill(f"sqlite:///{used}", size)
        with contextlib.closing(sqlite3.connect(used)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(used, kept)
    else:
        shutil.copy(kept, used)
    return f"sqlite:///{used}"


def _postgresql(running: Server, size: Size) -> str:
    key = _key(size)
    with psycopg.connect(running.conninfo("postgres"), autocommit=True) as connection:
        there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
    for left in ("bench", *there):
        if left == "bench" or (left.startswith("kept-") and not left.endswith(_version())):
            running.drop(left)
    if key not in there:
        url = running.create("bench")
        _fill(url, size)
        with psycopg.connect(running.conninfo("bench"), autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")  # the server does it by itself, some time later
        running.administer(f'ALTER DATABASE "bench" RENAME TO "{key}"')
    url = running.create("bench", template=key)
    with psycopg.connect(running.conninfo("bench"), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    return url


def _fill(url: str, size: Size) -> None:
    print(f"building {size}", file=sys.stderr, flush=True)
    for command in (["db", "upgrade"], ["demo", "load", *size.options]):
        with tempfile.TemporaryFile() as said:
            made = subprocess.run(
                [sys.executable, "-m", "shelter.cli", *command],
                cwd=ROOT,
                env=environment(url),
                stdout=sys.stderr,
                stderr=said,
            )
            if made.returncode:
                said.seek(0)
                raise SystemExit(said.read().decode()[-4000:])
