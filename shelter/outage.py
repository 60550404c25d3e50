"""A PostgreSQL that does not answer: nobody waits for it longer than a page may take.

The server ends what takes too long by itself (`lock_timeout`, `statement_timeout`), but a server that is frozen, or
behind a network that is cut, ends nothing. So this side gives up, too; and while the database is known to be silent
one connection at a time asks for it, so that the other requests are told at once instead of queueing behind it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from flask import has_request_context
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event

from shelter.database import BUSY_TIMEOUT_MS, STATEMENT_TIMEOUT_MS

PAGE_SECONDS = 4.2  # for one answer while somebody waits for a page; the server's own limits are shorter
WORK_SECONDS = STATEMENT_TIMEOUT_MS / 1000 + 5  # for jobs and commands
QUIET_SECONDS = 1.0  # after a silence nobody asks for so long: the rest of the request does not wait again


class Outage:
    """What this process knows about a database that does not answer."""

    def __init__(self) -> None:
        self._is_known = False
        self._quiet_until = 0.0
        self._one_asks = threading.Lock()

    def begin(self) -> None:
        self._is_known, self._quiet_until = True, time.monotonic() + QUIET_SECONDS

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """Around an attempt to connect. Raises OperationalError at once while it is known to be in vain."""
        asks = self._is_known and time.monotonic() >= self._quiet_until and self._one_asks.acquire(blocking=False)
        if self._is_known and not asks:
            raise psycopg.OperationalError("the database did not answer a moment ago")
        try:
            yield
            self._is_known = False
        except psycopg.errors.ConnectionTimeout:
            self.begin()
            raise
        finally:
            if asks:
                self._one_asks.release()


class Patient(psycopg.Connection[Any]):
    """A connection that waits only so long for an answer, and is closed when none came."""

    outage: Outage | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        limit = PAGE_SECONDS if has_request_context() else WORK_SECONDS
        try:
            return super().wait(gen, interval, limit if timeout is None else timeout)
        except psycopg.OperationalError:
            # A server that refuses has ended the statement; a lost one has ended the connection.
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.close()
                if self.outage:
                    self.outage.begin()
            raise


def watch(engine: Engine) -> None:
    """Every connection of the engine is patient; call once per engine."""
    outage = Outage()

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, arguments: Any, settings: dict[str, Any]) -> Any:
        if has_request_context():
            settings = settings | {"options": f"{settings['options']} -c statement_timeout={BUSY_TIMEOUT_MS}"}
        with outage.connecting():
            connection = Patient.connect(*arguments, **settings)
        connection.outage = outage
        return connection
