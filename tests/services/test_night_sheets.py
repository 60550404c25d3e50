"""Night sheets: who may print which, and files that need nothing else."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from shelter import clock
from shelter.domain.errors import DatabaseFull, NotFound, NotPermitted
from shelter.domain.permissions import Role
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.jobs.night_sheets import as_file
from shelter.jobs.schedule import run_by_hand
from shelter.models.households import Household
from shelter.models.sites import Site
from shelter.queries.tonight import SiteSheet, Tonight
from shelter.services import night_sheets
from tests.conftest import Clock
from tests.factories import make_household, make_room, make_site, make_stay, make_unit, make_user
from tests.support.pages import Page
from tests.support.placing import actions


@pytest.fixture
def folder(make_app: Callable[..., Flask], context: Flask, tmp_path: Path, frozen_clock: Clock) -> Path:
    """The directory of the settings."""
    make_app(night_sheets_dir=tmp_path / "sheets" / "tonight")
    return tmp_path / "sheets" / "tonight"


@pytest.fixture
def site(folder: Path) -> Site:
    return make_site("Magnolia", night_line="02-123-4567")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_job_writes_every_site_and_the_overview_in_both_languages(site: Site, folder: Path) -> None:
    make_site("목련")
    assert run_by_hand("print-night-sheets") == {"files": 6}
    sheets, languages = ("all-sites", "magnolia", "목련"), ("en", "ko")
    assert files(folder) == sorted(f"tonight-{name}.{language}.html" for name in sheets for language in languages)


def test_the_files_are_for_their_owner_alone(site: Site, folder: Path) -> None:
    folder.mkdir(mode=0o755, parents=True)
    run_by_hand("print-night-sheets")
    assert mode(folder) == 0o700
    assert {mode(path) for path in folder.iterdir()} == {0o600}


def test_another_directory_is_left_as_it_is(site: Site, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir(mode=0o755)
    night_sheets.print_sheets(as_file, to=stick)
    assert mode(stick) == 0o755
    assert mode(stick / "tonight-magnolia.ko.html") == 0o600


def test_a_file_needs_no_other_file_and_says_its_language(site: Site, folder: Path) -> None:
    household = make_household(children=2)
    make_stay(make_unit(make_room(site, "101"), "101"), household=household, state=PlacementState.IN_HOUSE)
    run_by_hand("print-night-sheets")
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\b(?:href|src|action)\s*=|@import|url\(|<script|https?:", text), path.name
        page = Page(text)
        assert page.root.get("lang") == path.name.split(".")[-2]
    korean = Page((folder / "tonight-magnolia.ko.html").read_text(encoding="utf-8"))
    english = Page((folder / "tonight-magnolia.en.html").read_text(encoding="utf-8"))
    assert korean.h1 == "비상 현황지 Magnolia"
    assert "12:00 기준 · 3월 10일(화)" in korean.text
    assert "3월 11일(수) 08:00까지 유효" in korean.text
    assert "as of 12:00 · Tue 10 Mar" in english.text
    assert "1 woman · 2 children" in english.text
    assert f"{household.reference}-1" in english.text


def test_what_is_no_site_any_more_goes_and_what_is_not_ours_stays(site: Site, folder: Path) -> None:
    run_by_hand("print-night-sheets")
    (folder / "notes.html").write_text("somebody's")
    site.code_name = "Lilac"
    db.session.commit()
    run_by_hand("print-night-sheets")
    assert [name for name in files(folder) if "en" in name] == ["tonight-all-sites.en.html", "tonight-lilac.en.html"]
    assert "notes.html" in files(folder)


def test_one_language_by_hand_leaves_the_other_where_it_is(site: Site, folder: Path) -> None:
    run_by_hand("print-night-sheets")
    night_sheets.print_sheets(as_file, languages=["en"])
    assert len(files(folder)) == 4


def test_code_names_that_make_one_file_name_make_two_files(site: Site, folder: Path) -> None:
    make_site("magnolia!")
    make_site("all sites")
    make_site("..")
    assert run_by_hand("print-night-sheets") == {"files": 10}
    assert len(files(folder)) == 10
    assert {path.parent for path in folder.iterdir()} == {folder}


def test_a_sheet_that_cannot_be_made_leaves_the_last_ones_whole(site: Site, folder: Path) -> None:
    run_by_hand("print-night-sheets")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def breaks(found: Tonight, sheet: SiteSheet | None, language: str) -> str:
        if language == "en":
            raise RuntimeError
        return "half"

    with pytest.raises(RuntimeError):
        night_sheets.refresh_sheets(breaks)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_file_is_replaced_whole_or_not_at_all(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_by_hand("print-night-sheets")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(_file: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        night_sheets.refresh_sheets(as_file)
    monkeypatch.undo()
    assert {name: (folder / name).read_bytes() for name in before} == before
    night_sheets.refresh_sheets(as_file)
    assert sorted(before) == files(folder), "what was left half-written is gone"


def test_the_last_sheets_say_their_age_without_a_database(site: Site, folder: Path) -> None:
    assert night_sheets.last_sheets(folder) == []
    at = clock.now()
    run_by_hand("print-night-sheets")
    db.session.remove()
    found = night_sheets.last_sheets(folder, "magnolia")
    assert [(sheet.language, sheet.as_of) for sheet in found] == [("en", at), ("ko", at)]
    assert len(night_sheets.last_sheets(folder)) == 4


def test_by_default_they_are_beside_the_database(app: Flask) -> None:
    folder = night_sheets.directory()
    assert folder.name == "tonight"
    if app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
        assert folder.parent.parent == Path(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///")).parent
    else:
        assert folder.parents[1] == Path.cwd() / "instance"


# Who may print what


def test_a_coordinator_prints_the_sheet_of_their_site_and_it_is_written_down(site: Site) -> None:
    mine = make_user(sites=[site])
    found = night_sheets.open_sheet(site_id=site.id, by=mine.principal)
    assert [sheet.code_name for sheet in found.sites] == ["Magnolia"]
    assert actions() == ["night_sheet.printed"]


def test_the_sheet_of_another_site_is_not_there(site: Site) -> None:
    other = make_user(sites=[make_site()])
    with pytest.raises(NotFound):
        night_sheets.open_sheet(site_id=site.id, by=other.principal)
    assert actions() == []


@pytest.mark.parametrize("role", [Role.MANAGER, Role.ADMINISTRATOR, Role.AUDITOR])
def test_nobody_else_prints_any(site: Site, role: Role) -> None:
    who = make_user(role, sites=[site]).principal
    with pytest.raises(NotPermitted):
        night_sheets.open_sheet(site_id=site.id, by=who)
    with pytest.raises(NotPermitted):
        night_sheets.open_overview(by=who)


def test_the_overview_names_no_household(site: Site, folder: Path) -> None:
    stay = make_stay(make_unit(make_room(site, "101"), "101"), state=PlacementState.IN_HOUSE)
    make_stay(make_unit(make_room(site, "102"), "102"), arrive_on=clock.shelter_day() + timedelta(days=2))
    reference = db.session.get_one(Household, stay.household_id).reference
    found = night_sheets.open_overview(by=make_user().principal)
    text = Page(as_file(found, None, "en")).text
    assert reference not in text
    assert "Magnolia" in text
    assert "102" in text
    assert actions() == ["night_sheet.printed"]


def test_the_job_is_the_systems_and_by_hand_it_is_written_down(site: Site) -> None:
    run_by_hand("print-night-sheets")
    assert actions() == []
    night_sheets.print_sheets(as_file, code_name="MAGNOLIA", languages=["ko"])
    assert actions() == ["night_sheet.printed"]


def test_a_site_there_is_not_is_said(site: Site) -> None:
    with pytest.raises(NotFound):
        night_sheets.print_sheets(as_file, code_name="Lilac")


def test_sheets_are_printed_while_the_database_can_only_be_read(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise DatabaseFull()

    monkeypatch.setattr(night_sheets, "unit_of_work", full)
    assert len(night_sheets.print_sheets(as_file)) == 4
