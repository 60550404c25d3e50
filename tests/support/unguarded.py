"""Control arms in real processes: the application with one named guard removed.

A campaign that finds nothing proves something only if it finds the fault where the guard is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask

from tests.support.databases import Database
from tests.support.postgres import Server


def create_app(guard: str) -> Flask:
    """What gunicorn and flask are given instead of `shelter:create_app()`."""
    from shelter import create_app as real

    GUARDS[guard]()
    return real()


def without_ledger_key() -> None:
    """Nobody waits for the site and nobody looks again; `drop_ledger_key` takes the key itself."""
    from shelter.domain.matching import Party
    from shelter.services import placements
    from shelter.services.unit_of_work import UnitOfWork

    def blind(segments: Sequence[Any], party: Party, now: Any) -> list[Party]:
        return [party] * len(segments)

    lock = UnitOfWork.lock
    placements.parts_that_fit = blind  # type: ignore[assignment]
    UnitOfWork.lock = lambda work, *, sites=(), **more: lock(work, **more)  # type: ignore[method-assign]


def without_act_key() -> None:
    """Every click is an act of its own: the key of the form is not kept."""
    from shelter.services import unit_of_work

    unit_of_work._claim = lambda work, once: None
    unit_of_work._keep_result = lambda work, once: None


def without_either_key() -> None:
    without_act_key()
    without_ledger_key()


def without_one_transaction() -> None:
    """What is done is committed, and a moment later that it was done."""
    import time

    from shelter.extensions import db
    from shelter.services import audit

    write = audit.write

    def write_apart(*written: Any) -> Any:
        db.session.commit()
        time.sleep(0.2)
        return write(*written)

    audit.write = write_apart


def without_sync(mode: str = "OFF") -> None:
    """SQLite does not wait for the disk; in development only, production refuses to start."""
    from sqlalchemy import Engine, event

    from shelter import database

    prepare = database.prepare

    def prepare_and_weaken(engine: Engine) -> None:
        prepare(engine)
        event.listen(engine, "connect", lambda connection, _: connection.execute(f"PRAGMA synchronous={mode}"))

    database.prepare = prepare_and_weaken


def without_sync_of_each_commit() -> None:
    """The log is synced when it is written back, now and then."""
    without_sync("NORMAL")


def without_patience() -> None:
    """Whoever asks a database that does not answer waits until it does."""
    from shelter import outage

    outage.watch = lambda engine: None


def without_kept_form() -> None:
    """The page that says so has a form to be sent again, and nothing of what was typed in it."""
    from dataclasses import replace

    from shelter.web import errors

    again = errors.again

    def again_without_fields() -> Any:
        made = again()
        return made and replace(made, fields=tuple(f for f in made.fields if f[0] in ("once", "csrf_token")))

    errors.again = again_without_fields


def without_refusal() -> None:
    """What the database refuses to keep is answered as if it were kept."""
    from contextlib import suppress

    from sqlalchemy.exc import OperationalError

    from shelter.extensions import db
    from shelter.services import unit_of_work

    def commit() -> None:
        with suppress(OperationalError):
            db.session.commit()

    unit_of_work._commit = commit


def without_unfinished_name() -> None:
    """A backup has its name from its first byte on."""
    from shelter.services import backups

    backups._becoming = lambda file: file.open("wb")  # type: ignore[assignment]


def without_quiet_log() -> None:
    """Every library says everything it has to say; what of it may be said is still decided by ours."""
    import logging

    import structlog

    from shelter import logs

    configure = logs.configure

    def configure_loudly(**how: Any) -> None:
        configure(**how)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
        for name in ("", "sqlalchemy", "twilio.http_client", "apscheduler", "werkzeug", "psycopg"):
            logging.getLogger(name).setLevel(logging.DEBUG)

    logs.configure = configure_loudly  # type: ignore[assignment]


def without_discretion() -> None:
    """What somebody sends is told to whoever reads the log, and kept in a temporary file."""
    import sys
    import tempfile

    from flask import request

    from shelter import web

    init_app = web.init_app

    def tell() -> None:
        print(dict(request.form), file=sys.stderr, flush=True)
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(repr(dict(request.form)).encode())

    def init_and_tell(app: Flask, settings: Any) -> None:
        app.before_request(tell)
        init_app(app, settings)

    web.init_app = init_and_tell


GUARDS: dict[str, Callable[[], None]] = {
    "ledger key": without_ledger_key,
    "act key": without_act_key,
    "act key and ledger key": without_either_key,
    "one transaction": without_one_transaction,
    "discretion": without_discretion,
    "kept form": without_kept_form,
    "patience": without_patience,
    "quiet log": without_quiet_log,
    "refusal": without_refusal,
    "sync": without_sync,
    "sync of each commit": without_sync_of_each_commit,
    "unfinished name": without_unfinished_name,
}


def drop_ledger_key(database: Database) -> None:
    """A ledger that takes everything."""
    connection = database.connect()
    if database.dialect == "postgresql":
        connection.execute("ALTER TABLE unit_night DROP CONSTRAINT pk_unit_night")
    else:
        connection.execute("ALTER TABLE unit_night RENAME TO before")
        connection.execute("CREATE TABLE unit_night AS SELECT * FROM before")
        connection.execute("DROP TABLE before")
    connection.close()


def forgetful(server: Server) -> None:
    """A PostgreSQL that answers before anything is on disk, and takes its time with it."""
    for setting in ("synchronous_commit = off", "wal_writer_delay = '10s'", "wal_writer_flush_after = '1GB'"):
        server.administer(f"ALTER SYSTEM SET {setting}")
    server.stop()
    server.start()
