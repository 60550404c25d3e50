"""The floor under the pages: what the database alone needs, asked by its driver without the application."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import make_url

from tools.bench.data import Data
from tools.bench.times import Times

FREE = """
SELECT id FROM unit WHERE NOT EXISTS (
  SELECT 1 FROM unit_night WHERE unit_id = unit.id AND night >= :first AND night < :last OFFSET 0
)"""
OF_SITE = """
SELECT night, count(*), sum(unit_night.people) FROM unit_night JOIN unit ON unit.id = unit_night.unit_id
WHERE unit.site_id = :site AND night >= :first AND night < :last GROUP BY night"""
ROWS_OF_SITE = """
SELECT unit_id, night, placement_id FROM unit_night JOIN unit ON unit.id = unit_night.unit_id
WHERE unit.site_id = :site AND night >= :first AND night < :last"""
OF_ALL = "SELECT night, count(*), sum(people) FROM unit_night WHERE night >= :first AND night < :last GROUP BY night"
TONIGHT = "SELECT placement_id FROM unit_night WHERE night = :first"
RUNNING = "SELECT id, limit_on FROM stay WHERE state IN ('open', 'in_house') ORDER BY limit_on LIMIT 20"
SCRATCH = "CREATE TABLE IF NOT EXISTS bench_night (unit_id integer, night date, PRIMARY KEY (unit_id, night))"
WRITE = "INSERT INTO bench_night (unit_id, night) VALUES (:unit, :night)"
WAITS = 5  # seconds for a lock


class Floor:
    """Bare statements by name: `ask[name]()` runs one."""

    def __init__(self, connection: Any, dialect: str, site: UUID, tonight: date) -> None:
        self._connection, self._is_sqlite = connection, dialect == "sqlite"
        self._site = site.hex if self._is_sqlite else site
        self._next = self._run(SCRATCH) or 0
        month = tonight.replace(day=1)
        after = (month + timedelta(days=31)).replace(day=1)
        year = date(tonight.year, 1, 1)
        self.ask: dict[str, Callable[[], object]] = {
            "free 7": lambda: self._run(self._free, first=tonight, last=tonight + timedelta(days=7)),
            "free 184": lambda: self._run(self._free, first=tonight, last=tonight + timedelta(days=184)),
            "month": lambda: self._run(OF_SITE, site=self._site, first=month, last=after),
            "board": lambda: self._run(ROWS_OF_SITE, site=self._site, first=tonight, last=tonight + timedelta(days=28)),
            "year": lambda: self._run(OF_ALL, first=year, last=date(tonight.year + 1, 1, 1)),
            "tonight": lambda: self._run(TONIGHT, first=tonight),
            "running": lambda: self._run(RUNNING),
            "book 7": lambda: self._write(tonight, 7),
            "book 184": lambda: self._write(tonight, 184),
        }

    @property
    def _free(self) -> str:
        return FREE.replace(" OFFSET 0", "") if self._is_sqlite else FREE

    def _run(self, statement: str, **values: Any) -> Any:
        return self._cursor(statement, [values])

    def _cursor(self, statement: str, rows: list[dict[str, Any]]) -> Any:
        cursor = self._connection.cursor()
        if self._is_sqlite:
            rows = [{n: v.isoformat() if isinstance(v, date) else v for n, v in row.items()} for row in rows]
        else:
            statement = re.sub(r":(\w+)", r"%(\1)s", statement)
        if len(rows) == 1:
            cursor.execute(statement, rows[0])
        else:
            cursor.executemany(statement, rows)
        found = cursor.fetchall() if cursor.description else None
        cursor.close()
        return found

    def _write(self, first: date, nights: int) -> None:
        """The nights of one booking into a table like the ledger, in one transaction that is on disk afterwards."""
        self._next += 1
        self._run("BEGIN IMMEDIATE" if self._is_sqlite else "BEGIN")
        self._cursor(WRITE, [{"unit": self._next, "night": first + timedelta(days=n)} for n in range(nights)])
        self._run("COMMIT")

    def measure(self, name: str, into: Times, seconds: float) -> None:
        act, taken = self.ask[name], []
        began = time.perf_counter()
        end = began + seconds
        while (since := time.perf_counter()) < end:
            act()
            taken.append(time.perf_counter() - since)
        into.add(taken, time.perf_counter() - began)


@contextlib.contextmanager
def floor(data: Data, site: UUID, tonight: date) -> Iterator[Floor]:
    """On a connection of its own, with the promises the product asks of the database."""
    url = make_url(data.url)
    if data.dialect == "sqlite":
        connection: Any = sqlite3.connect(str(url.database), timeout=WAITS, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-16000"):
            connection.execute(f"PRAGMA {pragma}")
    else:
        host = url.query["host"]
        connection = psycopg.connect(f"host={host} user={url.username} dbname={url.database}", autocommit=True)
    with contextlib.closing(connection):
        made = Floor(connection, data.dialect, site, tonight)
        yield made
        made._run("DROP TABLE bench_night")
