"""The access log as auditors read it: who looked at what, details as codes only."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from shelter.domain.permissions import SYSTEM, Role
from shelter.queries.audit import Line
from shelter.services.unit_of_work import unit_of_work
from shelter.web.audit.codes import as_codes, details_of
from tests.support.pages import PageClient, page_of
from tests.support.people import create_user
from tests.support.people import sign_in as open_session

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture
def log(client: PageClient, app: Flask) -> PageClient:
    minseo = create_user(app, login="minseo", name="Min Seo").principal
    with app.app_context():
        for by, subject in ((minseo, "stay:K7M2Q9X-1"), (SYSTEM, "job:expire-holds")):
            with unit_of_work(by) as work:
                work.record(
                    "stay.checked_in",
                    subject=subject,
                    before={"state": "open", "person_name": "Kim Yuna"},
                    after={"state": "in_house", "phone": "+821012345678", "note": "scared"},
                )
    open_session(client, user=create_user(app, roles={Role.AUDITOR}, login="ara", name="Ara"))
    return client


def choose(client: PageClient, **typed: Any) -> Any:
    page = page_of(client.get("/audit"))
    form = next(f for f in page.all("form") if f.get("action") == "/audit")
    response = client.post("/audit", data=page.fields(form) | typed)
    return page_of(client.get("/audit")) if response.status_code == 303 else page_of(response)


def test_who_did_what_is_listed(log: PageClient) -> None:
    page = page_of(log.get("/audit"))
    assert "Min Seo" in page.text
    assert "Checked a household in" in page.text
    assert "state: in_house" in page.text


def test_nothing_a_person_told_is_shown(log: PageClient) -> None:
    text = log.get("/audit").text
    for told in ("Yuna", "12345678", "scared"):
        assert told not in text


def test_the_list_is_narrowed_by_person_and_stays_so(log: PageClient) -> None:
    page = page_of(log.get("/audit"))
    options = {o.get("value"): "".join(o.itertext()) for o in page.all("option")}
    minseo = next(value for value, text in options.items() if "minseo" in text)
    narrowed = choose(log, user=minseo)
    assert "K7M2Q9X-1" in narrowed.text
    assert "expire-holds" not in narrowed.text
    assert "expire-holds" in choose(log, user="").text


def test_a_wrong_reference_is_said(log: PageClient) -> None:
    assert "not a reference" in choose(log, household="xx").text
    assert "No entry fits" in choose(log, household="", from_on="2020-01-01", until_on="2020-01-02").text


def test_reading_is_logged(log: PageClient) -> None:
    log.get("/audit")
    assert "Read the access log" in page_of(log.get("/audit")).text


@pytest.mark.parametrize(
    ("details", "shown"),
    [
        ({}, ""),
        (
            {"state": "open", "on": "2026-03-10", "heads": 3, "is_late": True},
            "heads: 3; is_late: True; on: 2026-03-10; state: open",
        ),
        ({"reason": "I want to see"}, "reason"),
        ({"roles": ["coordinator", "Kim Yuna"]}, "roles: coordinator"),
        ({"name": "yuna", "login": "minseo", "district": "outside", "number": "x"}, "district; login; name; number"),
        ({"before": {"name": "yuna"}, "after": {"name": "yun"}}, "after: name; before: name"),
        ({"x": None, "y": 1.5, "z": "+821012345678"}, "x; y; z"),
    ],
)
def test_details_are_codes(details: dict[str, Any], shown: str) -> None:
    assert as_codes(details) == shown


def test_why_directions_were_revealed_is_shown(app: Flask) -> None:
    from uuid import uuid4

    from shelter import clock

    line = Line(uuid4(), clock.now(), None, None, "site.located", None, None, {"reason": "The fire brigade asks"})
    assert details_of(line) == "The fire brigade asks"
