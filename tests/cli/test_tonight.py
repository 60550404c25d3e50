"""`flask tonight print`: where the sheets are; or, when the database is down, where the last ones are."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from tests.conftest import Clock
from tests.factories import make_site
from tests.support.databases import application, dispose

Print = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tonight"


@pytest.fixture
def prints(make_app: Callable[..., Flask], folder: Path, frozen_clock: Clock) -> Print:
    app = make_app(night_sheets_dir=folder)
    with app.app_context():
        make_site("Magnolia")

    def run(*args: str) -> Result:
        return app.test_cli_runner().invoke(args=["tonight", "print", *args])

    return run


@pytest.fixture
def prints_without_database(prints: Print, folder: Path, tmp_path: Path, dialect: str) -> Print:
    """The same, but nobody answers."""
    gone = tmp_path / "gone"
    url = f"sqlite:///{gone}/shelter.sqlite3" if dialect == "sqlite" else f"postgresql+psycopg://x@/x?host={gone}"

    def run(*args: str) -> Result:
        app = application(url, night_sheets_dir=folder)
        try:
            return app.test_cli_runner().invoke(args=["tonight", "print", *args])
        finally:
            dispose(app)

    return run


def test_it_says_where_it_put_them(prints: Print, folder: Path) -> None:
    said = prints()
    assert said.exit_code == 0, said.output
    written = said.stdout.split()
    assert {Path(name).name for name in written} == {
        f"tonight-{name}.{language}.html" for name in ("all-sites", "magnolia") for language in ("en", "ko")
    }
    assert all(Path(name).parent == folder and Path(name).exists() for name in written)


def test_one_site_one_language_somewhere_else(prints: Print, tmp_path: Path) -> None:
    said = prints("--site", "magnolia", "--language", "ko", "--to", str(tmp_path / "stick"))
    assert said.stdout == f"{tmp_path / 'stick'}/tonight-magnolia.ko.html\n"


def test_a_site_there_is_not_is_refused(prints: Print) -> None:
    said = prints("--site", "Lilac")
    assert said.exit_code == 1
    assert "Lilac" in said.output


def test_a_directory_that_cannot_be_written_is_said(prints: Print, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = prints("--to", str(tmp_path / "file" / "inside"))
    assert said.exit_code == 1
    assert "Nothing could be written" in said.output


def test_on_a_full_disk_the_last_sheets_are_named_and_another_disk_is_proposed(
    prints: Print, folder: Path, frozen_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    prints()
    before = sorted(folder.iterdir())
    frozen_clock.forward(minutes=20)

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")  # as `write` says it: without a name

    monkeypatch.setattr(os, "fsync", full)
    said = prints("--site", "Magnolia")
    assert said.exit_code == 1
    assert f"Nothing could be written to {folder}: No space left on device. With --to" in said.stderr
    assert "tonight-magnolia.ko.html  as of 2026-03-10 12:00, 20 min old" in said.stdout
    assert sorted(folder.iterdir()) == before, "nothing half-written is left"
    there = folder.parent / "stick"
    said = prints("--to", str(there))
    assert (said.exit_code, said.stdout) == (1, "")
    assert f"Nothing could be written to {there}: No space left on device" in said.stderr


def test_without_a_database_the_last_sheets_are_named_with_their_age(
    prints: Print, prints_without_database: Print, frozen_clock: Clock
) -> None:
    prints()
    frozen_clock.forward(minutes=47)
    said = prints_without_database("--language", "en")
    assert said.exit_code == 1
    assert "The database does not answer" in said.output
    assert "tonight-magnolia.en.html  as of 2026-03-10 12:00, 47 min old" in said.output
    assert ".ko.html" not in said.output
    frozen_clock.forward(hours=5)
    assert "5 h old" in prints_without_database("--site", "Magnolia").output


def test_without_a_database_and_without_sheets_that_is_said(prints_without_database: Print, folder: Path) -> None:
    said = prints_without_database()
    assert said.exit_code == 1
    assert f"There are none in {folder}" in said.output
