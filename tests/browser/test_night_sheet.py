"""The night sheet on paper: one page of A4 for a site of a dozen units, in both languages, as file and as page."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from shelter import clock
from shelter.domain.matching import PetSize, Species
from shelter.domain.permissions import Role
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.jobs.night_sheets import as_file
from shelter.models.sites import Site
from shelter.services import night_sheets
from tests import factories
from tests.support.people import create_user

P = PlacementState
pytestmark = pytest.mark.only("sqlite")


def pages_of(page: Page) -> int:
    """On A4, as the browser prints it."""
    pdf = page.pdf(format="A4", prefer_css_page_size=True, print_background=True)
    return len(re.findall(rb"/Type\s*/Page[^s]", pdf))


def fill(site: Site, *, here: int, free: int) -> None:
    """A full house with long lines: families with pets, two expected, one held for, one closed, some free."""
    tonight = clock.shelter_day()

    def unit(number: int) -> Any:
        return factories.make_unit(factories.make_room(site, f"{number}", floor="2"), f"{number}")

    pets = [(Species.DOG, PetSize.SMALL), (Species.CAT, PetSize.SMALL)]
    for n in range(here + 3):
        household = factories.make_household(children=2, infants=1, older_boys=1, pets=pets if n % 2 else ())
        state = P.IN_HOUSE if n < here else P.HELD if n == here else P.BOOKED
        factories.make_stay(unit(200 + n), household=household, state=state)
    for n in range(free):
        unit(300 + n)
    factories.make_closure(unit(401), from_on=tonight, until_on=tonight + timedelta(days=9))


@pytest.fixture
def site(app: Flask) -> UUID:
    """Twelve units."""
    with app.app_context():
        made = factories.make_site("Magnolia", night_line="02-123-4567")
        fill(made, here=6, free=2)
        site_id = made.id
    for n in range(3):
        create_user(app, sites=[site_id], phone=f"+8210111122{n}3")
    create_user(app, roles={Role.MANAGER}, phone="+821055556666")
    return site_id


@pytest.fixture
def sheets(app: Flask, site: UUID, tmp_path: Path) -> Path:
    with app.app_context():
        night_sheets.print_sheets(as_file, to=tmp_path)
    return tmp_path


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_site_of_twelve_units_is_one_page(browser: Browser, sheets: Path, language: str) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    file = sheets / f"tonight-magnolia.{language}.html"
    page.goto(file.as_uri())
    assert page.locator("tbody tr").count() == 11
    assert pages_of(page) == 1
    assert asked == [file.as_uri()], "it needs nothing else"
    page.goto((sheets / f"tonight-all-sites.{language}.html").as_uri())
    assert pages_of(page) == 1


def test_a_larger_site_goes_on_with_its_headings_and_nothing_is_cut(
    browser: Browser, app: Flask, site: UUID, tmp_path: Path
) -> None:
    """The control of the counting, too."""
    with app.app_context():
        made = factories.make_site("Lilac")
        fill(made, here=40, free=5)
        db.session.commit()
        night_sheets.print_sheets(as_file, to=tmp_path)
    page = browser.new_page()
    page.goto((tmp_path / "tonight-lilac.en.html").as_uri())
    assert pages_of(page) in (2, 3)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('thead')).display") == "table-header-group"
    assert page.evaluate("getComputedStyle(document.querySelector('.night-intake')).breakInside") == "avoid"


@pytest.mark.parametrize("width", [360, 794, 1200])
def test_a_file_can_be_read_on_any_screen(browser: Browser, sheets: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto((sheets / "tonight-magnolia.ko.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
