"""A list from a file, on pages: chosen, looked at, brought in."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from shelter.domain.permissions import SYSTEM, Role
from shelter.domain.units_columns import COLUMNS
from shelter.extensions import db
from shelter.models.people import Draft
from shelter.models.sites import Site, Unit
from shelter.services import sheet_files
from shelter.services.sheet_files import read_sheets
from shelter.services.units_import import import_units
from tests.support.pages import Page, PageClient, page_of
from tests.support.people import sign_in

pytestmark = pytest.mark.only("sqlite")

ROOT = Path(__file__).parents[2]
CHOOSE, PREVIEW = "/sites/import", "/sites/import/preview"


@pytest.fixture
def boss(client: PageClient) -> PageClient:
    sign_in(client, role=Role.ADMINISTRATOR)
    return client


def fields(client: PageClient, address: str) -> dict[str, Any]:
    page = page_of(client.get(address))
    return page.fields(next(f for f in page.all("form") if f.get("action") == address))


def choose(client: PageClient, content: bytes, name: str = "list.csv") -> TestResponse:
    return client.post(CHOOSE, data=fields(client, CHOOSE) | {"file": (io.BytesIO(content), name)})


def example(name: str) -> bytes:
    return (ROOT / "examples" / name).read_bytes()


def counts(page: Page) -> list[list[str]]:
    return [row[1:] for row in page.rows()[1:4]]


def count(app: Flask, table: type) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("name", ["network-ko.xlsx", "network-ko-cp949.csv", "network-en.csv"])
def test_a_list_is_looked_at_then_brought_in_and_again_changes_nothing(app: Flask, boss: PageClient, name: str) -> None:
    response = choose(boss, example(name), name)
    assert (response.status_code, response.location) == (303, PREVIEW)
    assert counts(page_of(boss.get(PREVIEW))) == [["12", "0", "0"], ["51", "0", "0"], ["60", "0", "0"]]
    assert (count(app, Site), count(app, Unit)) == (0, 0)
    response = boss.post(PREVIEW, data=fields(boss, PREVIEW))
    assert (response.status_code, response.location) == (303, "/sites")
    assert "Units: 60 new" in page_of(boss.get("/sites")).text
    assert (count(app, Site), count(app, Unit)) == (12, 60)
    choose(boss, example(name), name)
    page = page_of(boss.get(PREVIEW))
    assert "There is nothing to bring in." in page.text
    assert counts(page) == [["0", "0", "12"], ["0", "0", "51"], ["0", "0", "60"]]


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_every_wrong_line_is_listed_with_what_to_do(app: Flask, client: PageClient, locale: str) -> None:
    sign_in(client, role=Role.ADMINISTRATOR, locale=locale)
    response = choose(client, (ROOT / "tests/data/units-wrong.csv").read_bytes())
    assert response.status_code == 422
    page = page_of(response)
    rows = [row for row in page.rows() if len(row) == 3 and row[0].isdigit()]
    assert len(rows) == 21
    assert [row[0] for row in rows][:4] == ["5", "5", "6", "7"]
    assert all(len(row[2]) > 5 for row in rows)
    capacity = ["5", "정원", "‘두 명’: 1에서 20 사이의 정수가 아닙니다."]
    assert rows[0] == (capacity if locale == "ko" else ["5", "Capacity", "“두 명” is not a whole number from 1 to 20."])
    assert not [word for word in ("북극구", "송파구", "없는 번호") if word in page.text]
    assert (count(app, Site), count(app, Draft)) == (0, 0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 99, "old Excel file"),
        (b"PK\x03\x04", "cannot be read"),
        (b"just,some,text", "No line with headings was found"),
        (b"Site,Room,Capacity", "nothing under the headings"),
        (b'Site,Room,Capacity\n"x', "from line 2 on"),
        (b"a\n" * 5_001, "Up to 5000 lines"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_words(boss: PageClient, content: bytes, sentence: str) -> None:
    response = choose(boss, content)
    assert response.status_code == 422
    assert sentence in page_of(response).text


def test_a_file_that_is_too_large_is_refused_in_words(boss: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_files, "MAX_BYTES", 1000)
    assert "The file is too large." in page_of(choose(boss, b"a" * 1001)).text


def test_without_a_file_nothing_happens(boss: PageClient) -> None:
    response = boss.post(CHOOSE, data=fields(boss, CHOOSE))
    assert response.status_code == 422
    assert "Choose a file." in page_of(response).text


def test_what_waits_is_sealed_and_nobody_else_sees_it(app: Flask, boss: PageClient) -> None:
    choose(boss, example("network-en.csv"))
    with app.app_context():
        body = db.session.scalars(select(Draft)).one().body_sealed
    assert b"Magnolia" not in body
    other = app.test_client()
    sign_in(other, role=Role.ADMINISTRATOR)
    assert other.get(PREVIEW).location == CHOOSE


def test_a_second_click_brings_in_once(app: Flask, boss: PageClient) -> None:
    choose(boss, example("network-en.csv"))
    typed = fields(boss, PREVIEW)
    first, again = boss.post(PREVIEW, data=typed), boss.post(PREVIEW, data=typed)
    assert first.status_code == again.status_code == 303
    assert (count(app, Site), count(app, Draft)) == (12, 0)


def test_what_is_confirmed_is_what_was_shown(app: Flask, boss: PageClient) -> None:
    choose(boss, example("network-en.csv"))
    typed = fields(boss, PREVIEW)
    choose(boss, example("network-ko.xlsx"))
    response = boss.post(PREVIEW, data=typed)
    assert response.location == PREVIEW
    assert "Another list was chosen meanwhile" in page_of(boss.get(PREVIEW)).text
    assert count(app, Site) == 0


def test_a_list_that_became_wrong_meanwhile_is_refused_whole(app: Flask, boss: PageClient) -> None:
    head = "Site,District,Room,Bed,Capacity\n"
    choose(boss, (head + "Magnolia,Mapo-gu,1,A,1\nLotus,Mapo-gu,1,,1\n").encode())
    typed = fields(boss, PREVIEW)
    with app.app_context():
        whole = (head + "Magnolia,Mapo-gu,1,,1\n").encode()
        import_units(sheets=read_sheets(whole), by=SYSTEM)
    response = boss.post(PREVIEW, data=typed)
    assert response.status_code == 422
    assert "is here already" in page_of(response).text
    assert count(app, Site) == 1


def test_columns_and_sheets_that_are_not_read_are_named(boss: PageClient) -> None:
    choose(boss, b"Site,District,Room,Capacity,Colour\nMagnolia,Mapo-gu,1,1,blue\n")
    assert "Columns that are not read: Colour" in page_of(boss.get(PREVIEW)).text


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_the_templates_have_every_column_and_can_be_brought_in(app: Flask, client: PageClient, locale: str) -> None:
    sign_in(client, role=Role.ADMINISTRATOR, locale=locale)
    book = client.get("/sites/import/template.xlsx")
    text = client.get("/sites/import/template.csv")
    headings = [column.ko if locale == "ko" else column.en for column in COLUMNS]
    sheet = load_workbook(io.BytesIO(book.data)).worksheets[0]
    assert [cell.value for cell in sheet[1]] == headings
    assert text.data.decode("utf-8-sig").strip() == ",".join(headings)
    for response in (book, text):
        assert "attachment" in response.headers["Content-Disposition"]
        assert "no-store" in response.headers["Cache-Control"]
        (problem,) = [row for row in page_of(choose(client, response.data)).rows() if row[0] == "–"][:1]
        assert problem  # nothing under the headings, and nothing else wrong
