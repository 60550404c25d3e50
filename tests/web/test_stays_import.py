"""Going live on pages and on the command line."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select

from shelter import clock
from shelter.domain.stays_columns import COLUMNS
from shelter.extensions import db
from shelter.models.sites import Unit
from shelter.models.stays import Stay
from tests import factories
from tests.support.pages import Page, PageClient, page_of
from tests.support.people import create_user, sign_in

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture
def unit_ids(app: Flask) -> list[int]:
    """Magnolia 101 and 102."""
    with app.app_context():
        site = factories.make_site("Magnolia")
        return [factories.make_unit(factories.make_room(site, name), name).id for name in ("101", "102")]


@pytest.fixture
def browser(app: Flask, client: PageClient, unit_ids: list[int]) -> PageClient:
    with app.app_context():
        site_id = db.session.get_one(Unit, unit_ids[0]).site_id
    sign_in(client, user=create_user(app, sites=[site_id], name="Ha-neul Jeong"))
    return client


def day(days: int) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


def form_of(page: Page, address: str) -> dict[str, Any]:
    return page.fields(next(f for f in page.all("form") if f.get("action") == address))


def upload(client: PageClient, text: str) -> Any:
    fields = form_of(page_of(client.get("/stays/import")), "/stays/import")
    file = (io.BytesIO(text.encode()), "stays.csv")
    return client.post("/stays/import", data=fields | {"file": file}, content_type="multipart/form-data")


LIST = "Case,Site,Room,Check-in,Women,Limit\n7,Magnolia,101,{day},1,{limit}\n"


def test_a_list_is_looked_at_and_then_brought_in(app: Flask, browser: PageClient) -> None:
    answer = upload(browser, LIST.format(day=day(-40), limit=day(10)))
    assert answer.status_code == 303
    page = page_of(browser.get("/stays/import/preview"))
    assert "Magnolia 101" in page.text
    assert "The old list says" in page.text
    with app.app_context():
        assert db.session.scalars(select(Stay)).all() == []
    confirm = form_of(page, "/stays/import/preview")
    done = browser.post("/stays/import/preview", data=confirm)
    assert done.status_code == 303
    assert "Brought in 1 stays" in page_of(browser.get(done.location)).text
    with app.app_context():
        assert db.session.scalars(select(Stay)).one().is_imported
    again = browser.post("/stays/import/preview", data=confirm)
    assert again.status_code == 303


def test_wrong_lines_are_shown_with_what_to_do(browser: PageClient) -> None:
    answer = upload(browser, "Site,Room,Check-in,Women\nRose,1,2026-01-01,1\nMagnolia,101,soon,1\n")
    assert answer.status_code == 422
    text = page_of(answer).text
    assert "2 problems in the file" in text
    assert "There is no site of this name" in text
    assert "is not a day" in text


def test_the_template_has_every_column(browser: PageClient) -> None:
    book = load_workbook(io.BytesIO(browser.get("/stays/import/template.xlsx").data))
    assert [cell.value for cell in book.worksheets[0][1]] == [column.en for column in COLUMNS]
    assert browser.get("/stays/import/template.csv").data.startswith(b"\xef\xbb\xbf")


def record(client: PageClient, **typed: Any) -> Any:
    return client.post("/stays/record", data=form_of(page_of(client.get("/stays/record")), "/stays/record") | typed)


def test_a_running_stay_is_recorded_by_hand(app: Flask, browser: PageClient, unit_ids: list[int]) -> None:
    earlier = {"earlier-0-unit_id": str(unit_ids[1]), "earlier-0-since": day(-40), "earlier-0-until": day(-10)}
    answer = record(
        browser, unit_id=str(unit_ids[0]), check_in=day(-40), room_from=day(-10), women="1", infants="1", **earlier
    )
    assert answer.status_code == 303, page_of(answer).text
    text = page_of(browser.get(answer.location)).text
    assert "Brought in from the old list" in text
    assert "Magnolia 102 Moved on" in text
    with app.app_context():
        assert [p.people for p in db.session.scalars(select(Stay)).one().placements] == [2, 2]


def test_what_is_missing_stands_beside_its_field(browser: PageClient, unit_ids: list[int]) -> None:
    answer = record(browser, unit_id=str(unit_ids[0]), check_in=day(-40))
    assert answer.status_code == 422
    assert "Who is in this room now?" in page_of(answer).text
    assert form_of(page_of(answer), "/stays/record")["check_in"] == day(-40)


def test_the_command_brings_in_and_tells(app: Flask, unit_ids: list[int], tmp_path: Path) -> None:
    file = tmp_path / "stays.csv"
    file.write_text(LIST.format(day=day(-400), limit=""), encoding="utf-8")
    run = app.test_cli_runner().invoke
    dry = run(args=["stays", "import", str(file), "--dry-run", "--language", "en"])
    assert dry.exit_code == 0, dry.output
    assert "Would bring in 1 stays" in dry.output
    assert "The limit is reached" in dry.output
    real = run(args=["stays", "import", str(file), "--language", "ko"])
    assert "입소 건 1건을 가져왔습니다" in real.output
    again = run(args=["stays", "import", str(file), "--language", "en"])
    assert "Brought in 0 stays; 1 were here already." in again.output


def test_the_command_refuses_with_every_wrong_line(app: Flask, unit_ids: list[int], tmp_path: Path) -> None:
    file = tmp_path / "stays.csv"
    file.write_text("Site,Room,Check-in,Women\nRose,1,2026-01-01,1\n", encoding="utf-8")
    refused = app.test_cli_runner().invoke(args=["stays", "import", str(file), "--language", "en"])
    assert refused.exit_code == 1
    assert "line 2, Site: There is no site of this name" in refused.output
