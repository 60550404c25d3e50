"""A connection to PostgreSQL that dies in the middle of a request, or answers nothing any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, Response
from sqlalchemy import func, select, text

from shelter import outage
from shelter.database import UNAVAILABLE
from shelter.domain.errors import DatabaseBusy, OutcomeUnknown
from shelter.extensions import db
from shelter.models.households import Household
from shelter.services import audit
from shelter.services.placements import Segment, hold_units
from shelter.services.unit_of_work import Once
from shelter.web.access import public
from tests import factories as make
from tests.support.databases import Database, application, dispose
from tests.support.placing import SHE, tonight
from tests.support.postgres import Server, server

pytestmark = pytest.mark.only("postgresql")
ONCE = Once("k" * 24, "f" * 64)


def terminate(database: Database) -> None:
    """As a server does when it is shut down."""
    database._own.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def test_what_is_answered_stays_answered(database: Database, make_app: Callable[..., Flask]) -> None:
    """There is nothing left to undo on a connection that was lost after the last question."""
    bp = Blueprint("probe", __name__)

    @bp.get("/probe")
    @public(because="a probe")
    def show() -> Response:
        db.session.execute(text("SELECT 1"))
        terminate(database)
        return Response("answered", mimetype="text/plain")

    app = make_app()
    app.register_blueprint(bp)
    answer = app.test_client().get("/probe")
    assert (answer.status_code, answer.text) == (200, "answered")
    assert app.test_client().get("/readyz").status_code in (200, 503), "and the next request has another connection"


def test_a_connection_lost_at_the_commit_leaves_the_outcome_open(
    context: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody may be told that nothing was done; the same key, sent again, tells."""
    unit, coordinator = make.make_unit(), make.make_user()
    act: dict[str, Any] = {"party": SHE, "by": coordinator.principal, "once": ONCE}
    act["segments"] = [Segment(unit.id, tonight())]
    write = audit.write

    def lost(*written: Any) -> Any:
        links = write(*written)
        terminate(database)
        return links

    monkeypatch.setattr(audit, "write", lost)
    with pytest.raises(OutcomeUnknown):
        hold_units(**act)
    monkeypatch.undo()
    reference = hold_units(**act)
    assert hold_units(**act) == reference
    assert db.session.scalar(select(func.count()).select_from(Household)) == 1


@pytest.fixture
def standing_still() -> Iterator[tuple[Flask, Server]]:
    """An application with an open connection to a server of its own."""
    with server() as running:
        app = application(running.create("shelter"))
        yield app, running
        dispose(app)


def ask(app: Flask) -> str:
    with app.test_request_context("/"):
        try:
            return str(db.session.scalar(text("SELECT 'answered'")))
        except UNAVAILABLE as silent:
            return str(silent.orig) if hasattr(silent, "orig") else str(silent)
        finally:
            db.session.remove()


def test_a_database_that_stands_still_is_asked_by_one_at_a_time(
    standing_still: tuple[Flask, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are told at once; when it is back, everybody is answered."""
    app, running = standing_still
    monkeypatch.setattr(outage, "PAGE_SECONDS", 0.5)
    monkeypatch.setattr(outage, "QUIET_SECONDS", 0.5)
    assert ask(app) == "answered"
    running.freeze()
    try:
        assert ask(app) == "the database did not answer a moment ago", "after one wait, not two"
        time.sleep(0.6)
        said: list[str] = []
        asking = [threading.Thread(target=lambda: said.append(ask(app))) for _ in range(4)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(30)
    finally:
        running.thaw()
    assert sorted(said) == ["connection timeout expired"] + ["the database did not answer a moment ago"] * 3
    time.sleep(0.6)
    assert ask(app) == "answered"


def test_a_job_waits_longer_than_a_page(
    standing_still: tuple[Flask, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, _ = standing_still
    monkeypatch.setattr(outage, "PAGE_SECONDS", 0.2)
    slow = text("SELECT 'slow' FROM pg_sleep(0.5)")
    with app.app_context():
        assert db.session.scalar(slow) == "slow"
        db.session.remove()
    with app.test_request_context("/"), pytest.raises(UNAVAILABLE):
        db.session.scalar(slow)


def test_a_page_ends_a_statement_before_a_reader_gives_up(standing_still: tuple[Flask, Server]) -> None:
    app, _ = standing_still
    with app.app_context():
        db.engine.dispose()
    with app.test_request_context("/"):
        assert db.session.scalar(text("SHOW statement_timeout")) == "4s"
        db.session.remove()
        db.engine.dispose()
    with app.app_context():
        assert db.session.scalar(text("SHOW statement_timeout")) == "30s"


def test_whoever_is_refused_is_told_that_it_is_busy(context: Flask, database: Database) -> None:
    unit, coordinator = make.make_unit(), make.make_user()
    database._own.execute("BEGIN")
    try:
        database._own.execute("SELECT 1 FROM site FOR UPDATE")
        db.session.execute(text("SET lock_timeout = 100"))
        db.session.commit()
        with pytest.raises(DatabaseBusy):
            hold_units(segments=[Segment(unit.id, tonight())], party=SHE, by=coordinator.principal)
    finally:
        database._own.execute("ROLLBACK")
        db.session.remove()
        db.engine.dispose()
