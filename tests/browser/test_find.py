"""Finding a place in a real browser: readable for everybody, silent, and the next act in sight."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from shelter import clock
from shelter.config import active
from shelter.domain.matching import PetsAllowed
from tests import factories as make
from tests.browser.conftest import Running
from tests.support.people import create_user, sign_in

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture
def coordinator(server: Running, page: Page, locale: str) -> Page:
    """Signed in, in front of a small network."""
    with server.app.app_context():
        site = make.make_site("Magnolia", district="11680")
        for number in range(1, 5):
            label = f"20{number}"
            make.make_unit(make.make_room(site, label, floor="2"), label, capacity=number, pets_allowed=PetsAllowed.ANY)
        taken = make.make_unit(make.make_room(site, "301"), "301", capacity=6)
        make.make_stay(taken, leave_on=clock.shelter_day() + timedelta(days=3))
    browser = server.app.test_client()
    sign_in(browser, user=create_user(server.app, locale=locale))
    cookie = browser.get_cookie(active().cookie_name)
    assert cookie is not None
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": server.url}])
    return page


def find(page: Page, **heads: int) -> None:
    page.goto("/find?new=1")
    for name, number in heads.items():
        page.fill(f"#{name}", str(number))
    page.locator("form.app-criteria > button").click()


def is_in_sight(locator: Locator) -> bool:
    """Without scrolling."""
    box, view = locator.bounding_box(), locator.page.viewport_size
    return bool(box and view and box["y"] + box["height"] <= view["height"])


@pytest.mark.parametrize("width", [1280, 390])
def test_the_hold_of_the_best_is_in_sight_at_once(coordinator: Page, axe: Callable[[Page], None], width: int) -> None:
    coordinator.set_viewport_size({"width": width, "height": 800})
    coordinator.goto("/find")
    axe(coordinator)
    find(coordinator, children=1, small_dogs=1)
    best = coordinator.locator("button[name=segments]").first
    expect(best).to_be_visible()
    assert is_in_sight(best)
    assert coordinator.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    axe(coordinator)
    best.click()
    expect(coordinator).to_have_url(re.compile(r"/stays/\w+-1/hold$"))


def test_near_fits_reasons_and_what_is_folded_away_are_accessible(
    coordinator: Page, axe: Callable[[Page], None], locale: str
) -> None:
    find(coordinator, women=3, children=3)
    expect(coordinator.locator(".app-near")).to_be_visible()
    assert is_in_sight(coordinator.locator("button[name=segments]").first)
    axe(coordinator)
    coordinator.locator(".app-counts a").first.click()
    expect(coordinator.locator("h1")).to_contain_text({"ko": "맞지 않는 방", "en": "do not fit"}[locale])
    axe(coordinator)
    coordinator.goto("/find?change=1")
    coordinator.locator("summary").click()
    coordinator.locator("input[name=districts]").first.check()
    axe(coordinator)
    coordinator.locator("form.app-criteria > button").click()
    expect(coordinator.locator(".app-criteria__more .app-badge")).to_be_visible()


def test_everything_can_be_done_from_the_keyboard(coordinator: Page) -> None:
    coordinator.goto("/find?new=1")
    coordinator.locator("#children").focus()
    coordinator.keyboard.press("ArrowUp")
    coordinator.keyboard.press("Enter")
    expect(coordinator.locator("button[name=segments]").first).to_be_visible()
    coordinator.locator("button[name=segments]").first.focus()
    coordinator.keyboard.press("Enter")
    expect(coordinator).to_have_url(re.compile(r"/stays/\w+-1/hold$"))
