"""Static files are kept for ever by browsers, because their address changes with their content."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from shelter.web import assets
from tests.support.pages import Page
from tests.web.gallery import gallery


@pytest.fixture(scope="module")
def app() -> Flask:
    return gallery()


def addresses(app: Flask) -> list[str]:
    page = Page(app.test_client().get("/").text)
    linked = [e.get("href", "") for e in page.all("link")] + [e.get("src", "") for e in page.all("script")]
    return [address for address in linked if address]


def test_every_file_a_page_names_is_there_and_kept_for_ever(app: Flask) -> None:
    named = addresses(app)
    assert len(named) >= 5
    for address in named:
        with app.test_client().get(address) as answer:
            assert (answer.status_code, answer.headers["Cache-Control"]) == (200, assets.FOR_EVER), address


def test_another_version_is_answered_with_this_one_but_not_kept(app: Flask) -> None:
    with app.test_client().get("/static/0123456789abcdef/css/app.css") as answer:
        assert answer.status_code == 200
        assert "immutable" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["css/nothing.css", "../pyproject.toml", "0123456789abcdef/../../app.py", ""])
def test_nothing_else_is_served(app: Flask, path: str) -> None:
    assert app.test_client().get(f"/static/{path}").status_code == 404


def test_the_address_changes_with_any_name_or_content(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a")
    first = assets.version_of(tmp_path)
    assert assets.version_of(tmp_path) == first
    (tmp_path / "a.css").write_text("b")
    second = assets.version_of(tmp_path)
    (tmp_path / "a.css").rename(tmp_path / "b.css")
    assert len({first, second, assets.version_of(tmp_path)}) == 3
