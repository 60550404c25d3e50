"""How many requests there were and how long they took, counted over all workers of this server.

The workers share one nameless file in memory, made before they part. Each writes only to a slice of its own: the one
whose byte it has locked, and the lock dies with the worker. So no request ever waits for another worker, and whichever
of them is asked for the figures tells those of all.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import tempfile
import threading
import time
import weakref
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from flask import Flask, Response, current_app, g, request, request_finished, request_started

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds
STATUSES = (200, 204, 302, 303, 304, 400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503)
OTHER_STATUS = 0
NOWHERE = "none"  # no such page
MOST_WORKERS = 32
CELL = 8  # bytes
PER_ROW = len(BOUNDS) + 2  # a count for each bound and one above them, and the time in microseconds


@dataclass(frozen=True)
class Row:
    """The requests to one endpoint that ended alike. `counts`: up to each bound, and all."""

    endpoint: str
    status: int
    counts: tuple[int, ...]
    seconds: float


class Tally:
    def __init__(self, endpoints: list[str]) -> None:
        keys = product([*sorted(endpoints), NOWHERE], [*STATUSES, OTHER_STATUS])
        self._start = {key: n * PER_ROW for n, key in enumerate(keys)}
        self._size = len(self._start) * PER_ROW
        self._file = _nameless_file()
        weakref.finalize(self, os.close, self._file)
        os.ftruncate(self._file, MOST_WORKERS * self._size * CELL)
        self._cells = memoryview(mmap.mmap(self._file, 0)).cast("Q")
        self._thread = threading.Lock()
        self._owner, self._mine = 0, -1

    def add(self, endpoint: str | None, status: int, seconds: float) -> None:
        row = self._start.get((endpoint or NOWHERE, status))
        if row is None:
            row = self._start.get((endpoint or NOWHERE, OTHER_STATUS), self._start[NOWHERE, OTHER_STATUS])
        with self._thread:
            if self._owner != os.getpid():
                self._owner, self._mine = os.getpid(), self._take_slice()
            if self._mine < 0:
                return
            at = self._mine * self._size + row
            self._cells[at + bisect_left(BOUNDS, seconds)] += 1
            self._cells[at + PER_ROW - 1] += int(seconds * 1_000_000)

    def _take_slice(self) -> int:
        """The first that nobody alive has; whoever had it before left its numbers, and they count on."""
        for n in range(MOST_WORKERS):
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, n)
            except OSError:
                continue
            return n
        return -1

    def rows(self) -> Iterator[Row]:
        """Of all workers together; only what was asked for at all."""
        slices = [self._cells[n * self._size : (n + 1) * self._size].tolist() for n in range(MOST_WORKERS)]
        used = [cells for cells in slices if any(cells)]
        for (endpoint, status), start in self._start.items():
            row = [sum(cells) for cells in zip(*(s[start : start + PER_ROW] for s in used), strict=True)]
            if not any(row):
                continue
            *each, microseconds = row
            counts = tuple(sum(each[: n + 1]) for n in range(len(each)))
            yield Row(endpoint, status, counts, microseconds / 1_000_000)


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("shelter-requests")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def init_app(app: Flask) -> None:
    """After the last area is registered: the endpoints are known then."""
    app.extensions["tally"] = Tally([rule.endpoint for rule in app.url_map.iter_rules()])
    request_started.connect(_begin, app)
    request_finished.connect(_end, app)


def of_this_server() -> Tally:
    tally: Tally = current_app.extensions["tally"]
    return tally


def _begin(_app: Flask) -> None:
    g.began = time.perf_counter()


def _end(_app: Flask, response: Response) -> None:
    of_this_server().add(request.endpoint, response.status_code, time.perf_counter() - g.began)
