"""`flask units import`: the same as on the page, for a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from shelter.extensions import db
from shelter.models.sites import Unit

pytestmark = pytest.mark.only("sqlite")

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "network-ko.xlsx"


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["units", "import", *words])


def units(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Unit)) or 0


def test_a_dry_run_says_what_would_happen_and_changes_nothing(app: Flask) -> None:
    said = run(app, str(EXAMPLE), "--dry-run", "--language", "en")
    assert said.exit_code == 0, said.output
    assert "Units: 60 new, 0 changed, 0 unchanged" in said.output
    assert "Dry run: nothing was changed." in said.output
    assert units(app) == 0


def test_a_list_comes_in_and_again_changes_nothing(app: Flask) -> None:
    said = run(app, str(EXAMPLE), "--language", "ko")
    assert said.exit_code == 0, said.output
    assert "방: 신규 60, 변경 0, 그대로 0" in said.output
    assert units(app) == 60
    said = run(app, str(EXAMPLE), "--language", "en")
    assert said.output.splitlines()[-1] == (
        "Sites: 0 new, 0 changed, 12 unchanged; Rooms: 0 new, 0 changed, 51 unchanged;"
        " Units: 0 new, 0 changed, 60 unchanged"
    )


def test_every_wrong_line_is_told_and_the_exit_code_says_no(app: Flask) -> None:
    said = run(app, str(ROOT / "tests" / "data" / "units-wrong.csv"), "--language", "en")
    assert said.exit_code == 1
    assert "line 5, Capacity: “두 명” is not a whole number from 1 to 20." in said.output
    assert "Nothing was brought in: 21 problems." in said.output
    assert units(app) == 0


def test_a_file_that_is_no_list_is_told_in_a_sentence(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "list.xlsx"
    file.write_bytes(b"PK no archive")
    said = run(app, str(file), "--language", "en")
    assert (said.exit_code, said.output.startswith("Error: This file cannot be read.")) == (1, True)


def test_a_file_that_is_not_there_is_a_wrong_call(app: Flask) -> None:
    assert run(app, "nowhere.csv").exit_code == 2


@pytest.mark.parametrize(("lang", "word"), [("ko_KR.UTF-8", "신규"), ("en_US.UTF-8", "new"), ("C", "new")])
def test_the_terminal_s_language_is_spoken(app: Flask, monkeypatch: pytest.MonkeyPatch, lang: str, word: str) -> None:
    monkeypatch.setenv("LC_ALL", lang)
    assert word in run(app, str(EXAMPLE), "--dry-run").output
