"""All works in rounds: alone, with eight clients, and the bare statement, so that a slow minute hits them alike."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from tests.support.servers import Web
from tools.bench.client import Taken, Visitor, drive
from tools.bench.data import Data
from tools.bench.processes import busy, cpu_of
from tools.bench.statements import Floor, floor
from tools.bench.times import Times
from tools.bench.works import Work

CLIENTS = 8
WARM_UP = 48  # requests of each work before its first measurement, over all connections


@dataclass
class Row:
    """What became of one work, or of a part of it."""

    key: str
    what: str
    floor: str | None
    alone: Times = field(default_factory=Times)
    many: Times = field(default_factory=Times)
    is_part: bool = False

    @property
    def cpu(self) -> tuple[float, float]:
        """Milliseconds of processor time of web server and database for each, over all that were made."""
        number = max(1, len(self.alone.taken) + len(self.many.taken))
        web, database = self.alone.web_cpu + self.many.web_cpu, self.alone.database_cpu + self.many.database_cpu
        return web / number * 1000, database / number * 1000


@dataclass
class Measured:
    rows: list[Row] = field(default_factory=list)
    floors: dict[str, Times] = field(default_factory=dict)
    unexpected: Counter[str] = field(default_factory=Counter)
    client_ms: float = 0.0  # of processor time, for each request
    others: float = 0.0  # how many processors somebody else had meanwhile

    def row(self, key: str) -> Row | None:
        return next((row for row in self.rows if row.key == key), None)


@dataclass
class Visitors:
    coordinators: list[Visitor]
    managers: list[Visitor]

    @classmethod
    def of(cls, port: int, prepared: dict[str, Any]) -> Visitors:
        manager = Visitor.of(port, prepared["manager"], "/account")
        return cls(
            [Visitor.of(port, cookie, "/find?new=1") for cookie in prepared["coordinators"]], [manager] * CLIENTS
        )

    def for_(self, work: Work) -> list[Visitor]:
        return self.managers if work.is_managers else self.coordinators


def measure(
    data: Data, web: Web, prepared: dict[str, Any], works: Sequence[Work], *, seconds: float, rounds: int
) -> Measured:
    """`seconds` for each work with one client, and the same with eight, spread over the rounds."""
    measured, visitors = Measured(), Visitors.of(web.port, prepared)
    rows = {work.key: _rows(work) for work in works}
    measured.rows = [row for found in rows.values() for row in found]
    measured.floors = {work.floor: Times() for work in works if work.floor}
    cost: list[tuple[float, int]] = []
    began, busy_before, ours_before = time.perf_counter(), busy(), _ours(data, web)
    with floor(data, UUID(prepared["site"]), date.fromisoformat(prepared["tonight"])) as bare:
        for turn in range(rounds):
            for work in works:
                progress(f"  round {turn + 1} of {rounds}: {work.what}")
                who = visitors.for_(work)
                if work.before:
                    for each in who:
                        work.before(each)
                _run(data, web, work, who, 30, most=WARM_UP if turn == 0 else CLIENTS)
                for clients in (1, CLIENTS):
                    taken, cpu = _run(data, web, work, who[:clients], seconds / rounds)
                    _add(measured, rows[work.key], work, taken, cpu, is_alone=clients == 1)
                    cost.append((taken.client_cpu, sum(taken.statuses.values())))
            _floors(bare, measured, seconds / rounds)
    progress("")
    ours = _ours(data, web) - ours_before
    measured.others = max(0.0, busy() - busy_before - ours) / (time.perf_counter() - began)
    measured.client_ms = sum(cpu for cpu, _ in cost) / max(1, sum(number for _, number in cost)) * 1000
    return measured


def _ours(data: Data, web: Web) -> float:
    return cpu_of(web.pids) + data.cpu() + time.process_time()


def progress(what: str) -> None:
    """One line that is written over; nothing where nobody looks."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


def _rows(work: Work) -> list[Row]:
    parts = [Row(f"{work.key}: {name}", name, None, is_part=True) for name in work.parts]
    return [Row(work.key, work.what, work.floor), *parts]


def _run(
    data: Data, web: Web, work: Work, who: Sequence[Visitor], seconds: float, most: int | None = None
) -> tuple[Taken, tuple[float, float]]:
    """What it took, and the processor seconds of web server and database."""
    before = cpu_of(web.pids), data.cpu()
    taken = drive([work.flow(each) for each in who], port=web.port, workers=web.workers, seconds=seconds, most=most)
    return taken, (cpu_of(web.pids) - before[0], data.cpu() - before[1])


def _add(
    measured: Measured, rows: list[Row], work: Work, taken: Taken, cpu: tuple[float, float], *, is_alone: bool
) -> None:
    for row, steps in zip(rows, [work.steps, *work.parts.values()], strict=True):
        times = row.alone if is_alone else row.many
        costs = (0.0, 0.0) if row.is_part else cpu
        times.add(taken.together(steps), taken.seconds, web_cpu=costs[0], database_cpu=costs[1])
    last = work.steps[-1]
    for (name, status), number in taken.statuses.items():
        if status != (work.expects if name == last else 303 if name != "get" else 200):
            measured.unexpected[f"{work.what}: {name} answered with {status}"] += number


def _floors(bare: Floor, measured: Measured, seconds: float) -> None:
    for name, times in measured.floors.items():
        bare.measure(name, times, min(seconds, 1.0))
