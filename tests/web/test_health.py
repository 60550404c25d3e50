"""What machines are told: alive, ready or why not, and figures. Nothing by site, nothing of a person."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from shelter import clock
from shelter.domain.operations import GRACE, SILENCE
from shelter.domain.stays import PlacementState
from shelter.domain.timetable import BACKUP, NIGHTLY
from shelter.extensions import db
from shelter.jobs.clockwork import Clockwork
from shelter.jobs.schedule import JOBS
from shelter.models.clockwork import Heartbeat
from shelter.models.households import Household
from shelter.models.stays import Stay
from shelter.queries.operations import schema_wanted
from shelter.services import clockwork
from tests.architecture.test_migrations import revisions
from tests.conftest import Clock
from tests.factories import make_site, make_stay, make_unit
from tests.jobs.test_clockwork import Alone
from tests.support.databases import Database, application, dispose
from tests.support.pages import PageClient
from tests.support.servers import eventually, web
from tests.support.statements import count_statements
from tests.support.texts import make_textable_stay, queue

SAMPLE = re.compile(r'^(?P<name>shelter_\w+)(?:\{(?P<labels>[^}]*)\})? (?P<value>-?[\d.]+)$')


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs write files beside the program."""
    monkeypatch.chdir(tmp_path)


def tick(app: Flask) -> None:
    """The clockwork looks around once and everything due is done; of a backup only its trace is made."""
    with app.app_context():
        clockwork.beat("here:1")
    backup = replace(JOBS[BACKUP], run=lambda _run: {"rows": 3, "bytes": 9_000_000})
    Clockwork(app, Alone(), (JOBS | {BACKUP: backup}).values()).catch_up()


def figures(text: str) -> dict[str, float]:
    """Every sample by name and labels; a line that is none fails."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            sample = SAMPLE.match(line)
            assert sample, line
            found[line.rpartition(" ")[0]] = float(sample["value"])
    return found


def codes(answer: Any) -> list[str]:
    return [wrong["code"] for wrong in answer.json["wrong"]]


def test_the_last_migration_is_known_without_asking_alembic() -> None:
    assert schema_wanted() == revisions()[-1]


def test_ready_until_the_first_slot_is_overdue(app: Flask, client: PageClient, frozen_clock: Clock) -> None:
    assert codes(client.get("/readyz")) == ["clockwork_never_ran"]
    tick(app)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"ready": True, "wrong": []})

    frozen_clock.forward(seconds=SILENCE.total_seconds() + 1)
    answer = client.get("/readyz")
    assert (answer.status_code, codes(answer)) == (503, ["clockwork_silent"])

    frozen_clock.forward(seconds=GRACE.total_seconds())
    with app.app_context():
        clockwork.beat("here:1")  # it ticks, and yet nothing is done
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert {wrong["job"] for wrong in answer.json["wrong"]} >= {"expire-holds", "settle-unknown-messages"}
    assert set(codes(answer)) == {"slot_overdue"}
    tick(app)
    assert client.get("/readyz").status_code == 200


def test_a_night_that_was_missed_is_told(app: Flask, client: PageClient, frozen_clock: Clock) -> None:
    tick(app)
    with app.app_context():
        run_id = clockwork.begin_run(NIGHTLY, clock.now())
        assert run_id is not None
        clockwork.end_run(run_id)
    frozen_clock.set("2026-03-11 02:36")
    with app.app_context():
        clockwork.beat("here:1")
    late = {wrong["job"] for wrong in client.get("/readyz").json["wrong"]}  # type: ignore[index]
    assert NIGHTLY in late
    assert "send-limit-digests" not in late


def test_a_database_that_is_not_migrated_is_told(client: PageClient, database: Database) -> None:
    with database.connect() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    try:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json["wrong"]) == (  # type: ignore[index]
            503,
            [{"code": "schema_differs", "found": "0001", "wanted": schema_wanted()}],
        )
        assert figures(client.get("/metrics").text)["shelter_ready"] == 0
    finally:
        with database.connect() as connection:
            connection.execute(f"UPDATE alembic_version SET version_num = '{schema_wanted()}'")


def test_a_database_without_a_table_is_told(blank_database: Database) -> None:
    app = application(blank_database.url)
    assert codes(app.test_client().get("/readyz")) == ["schema_differs"]
    dispose(app)


@pytest.mark.only("postgresql")
def test_a_database_that_could_forget_is_told(fresh_database: Database) -> None:
    """It is refused at the start; somebody may change it later."""
    fresh_database._own.execute(
        f'ALTER DATABASE "{fresh_database._own.info.dbname}" SET synchronous_commit = off'
    )
    app = application(fresh_database.url)
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json["wrong"]) == (  # type: ignore[index]
        503,
        [{"code": "database_forgets", "setting": "synchronous_commit", "value": "off"}],
    )
    dispose(app)


def test_a_database_that_is_gone_is_told_and_the_figures_go_on(frozen_clock: Clock) -> None:
    app = application("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    client = app.test_client()
    assert codes(client.get("/readyz")) == ["database_silent"]
    found = figures(client.get("/metrics").text)
    assert found["shelter_database_up"] == 0
    assert found['shelter_request_seconds_count{endpoint="health.ready",status="503"}'] == 1
    assert client.get("/healthz").status_code == 200
    dispose(app)


def test_the_figures_are_those_of_the_database(app: Flask, client: PageClient, frozen_clock: Clock) -> None:
    with app.app_context():
        unit = make_unit()
        make_stay(unit, state=PlacementState.HELD, held_until=clock.now() + timedelta(minutes=1))
        make_stay(state=PlacementState.IN_HOUSE, limit_on=clock.today() + timedelta(days=7))
        queue(make_textable_stay())
    tick(app)
    frozen_clock.forward(minutes=2)
    found = figures(client.get("/metrics").text)
    assert found["shelter_ready"] == 1
    assert found["shelter_clockwork_silent_seconds"] == 120
    assert found["shelter_nightly_run_age_seconds"] == 120
    assert found['shelter_nightly_flags{counted="flags"}'] == 4
    assert found['shelter_job_last_good_age_seconds{job="expire-holds"}'] == 120
    assert found['shelter_job_in_trouble{job="expire-holds"}'] == 0
    assert found["shelter_messages_due"] == 1
    assert found['shelter_messages{state="queued"}'] == 1
    assert 120 <= found["shelter_oldest_message_due_seconds"] <= 180
    assert found['shelter_stays{state="open"}'] == 2
    assert found['shelter_stays{state="in_house"}'] == 1
    assert (found["shelter_holds"], found["shelter_holds_run_out"]) == (1, 1)
    assert found["shelter_backup_age_seconds"] == 120
    assert found["shelter_disk_free_bytes"] > 0
    (build,) = [name for name in found if name.startswith("shelter_build_info")]
    assert f'database="{app.config["SQLALCHEMY_DATABASE_URI"].partition("+")[0].partition(":")[0]}"' in build
    assert f'schema="{schema_wanted()}"' in build


def test_figures_of_a_system_that_never_ran(client: PageClient, frozen_clock: Clock) -> None:
    found = figures(client.get("/metrics").text)
    for name in ("clockwork_silent", "nightly_run_age", "oldest_message_due", "backup_age"):
        assert found[f"shelter_{name}_seconds"] == -1
    assert found["shelter_ready"] == 0


def test_no_figure_tells_of_a_site_or_a_person(app: Flask, client: PageClient, frozen_clock: Clock) -> None:
    with app.app_context():
        stay = make_stay(make_unit(site=make_site("Wisteria")), state=PlacementState.IN_HOUSE)
        household = db.session.get_one(Household, stay.household_id).reference
    client.get(f"/stays/{household}-1")
    client.get("/no/such/page/Wisteria")
    tick(app)
    text = client.get("/metrics").text + client.get("/readyz").text
    assert "Wisteria" not in text
    assert household not in text
    with app.app_context():
        assert str(db.session.get_one(Stay, stay.id).id) not in text
        assert db.session.get_one(Heartbeat, 1).process not in text, "a name of a host"


def test_requests_are_counted_by_endpoint_and_status(client: PageClient) -> None:
    before = figures(client.get("/metrics").text)
    for path in ("/healthz", "/healthz", "/login", "/no-such-page"):
        client.get(path)
    after = figures(client.get("/metrics").text)

    def counted(endpoint: str, status: int) -> float:
        name = f'shelter_request_seconds_count{{endpoint="{endpoint}",status="{status}"}}'
        return after.get(name, 0) - before.get(name, 0)

    assert counted("health.alive", 200) == 2
    assert counted("auth.sign_in", 200) == 1
    assert counted("none", 302) == 1
    assert counted("health.metrics", 200) == 1, "the one before this"
    bucket = 'shelter_request_seconds_bucket{endpoint="health.alive",status="200",le="+Inf"}'
    assert after[bucket] == after['shelter_request_seconds_count{endpoint="health.alive",status="200"}']


def test_the_number_of_statements_does_not_grow(app: Flask, client: PageClient, frozen_clock: Clock) -> None:
    tick(app)
    for path in ("/readyz", "/metrics"):
        with count_statements() as few:
            client.get(path)
        with app.app_context():
            for _ in range(3):
                make_stay()
                queue(make_textable_stay())
        with count_statements() as many:
            client.get(path)
        assert many.total == few.total <= 16


def test_all_workers_tell_the_same_numbers(fresh_database: Database) -> None:
    """Each worker is asked, one is killed: no number goes back, and none depends on who answers."""

    def count(server: Any) -> set[float]:
        found = set()
        for _ in range(12):
            with server.browser() as browser:
                assert browser.get("/metrics") == 200
                found.add(figures(browser.text)['shelter_request_seconds_count{endpoint="auth.sign_in",status="200"}'])
        return found

    with web(fresh_database, workers=2) as server:
        for _ in range(40):
            with server.browser() as browser:
                assert browser.get("/login") == 200
        assert count(server) == {40}
        server.kill_worker()
        eventually(server.is_ready)
        with server.browser() as browser:
            browser.get("/login")
        assert count(server) == {41}


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_figures_are_not_handed_on_by_a_proxy_beside_us(client: PageClient, name: str) -> None:
    assert client.get("/metrics", headers={name: "203.0.113.9"}).status_code == 404
