"""What a browser writes to its profile outlives the tab: of what she tells, nothing may be in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Playwright

from shelter.domain.matching import PetsAllowed
from tests.browser.conftest import Running
from tests.browser.pages import Desk, Night
from tests.factories import make_site, make_unit
from tests.secrecy.canaries import CANARY, DISTRICT, HERS, NUMBERS, files_in, found_in
from tests.support.chromium import ARGUMENTS, executable
from tests.support.people import create_user

pytestmark = pytest.mark.only("sqlite")
TOLD = {
    "number": NUMBERS["number"],
    "danger_numbers": NUMBERS["danger"],
    "people-0-name": CANARY["name"],
    "people-1-name": CANARY["child"],
    "pets-0-name": CANARY["pet"],
    "code_word": CANARY["code_word"],
    "who_answers": CANARY["who_answers"],
    "other_way": CANARY["other_way"],
    "notes": CANARY["notes"],
}

FORGETFUL = '<form method="post" action="/x"><input type="checkbox" name="districts" value="11110"></form>'
# What is ticked or chosen has no words of its own: a browser keeps it by the name of the field, in their order.
CHOSEN = ("districts", "can_call", "can_text", "allergic_to", "is_allergic", "has_consented", "needs_cot")


@contextmanager
def browser_of(playwright: Playwright, profile: Path, server: Running) -> Iterator[BrowserContext]:
    """As on a desk of the shelter: with a profile that is there again tomorrow."""
    context = playwright.chromium.launch_persistent_context(
        profile, executable_path=executable(), args=ARGUMENTS, base_url=server.url, locale="ko-KR"
    )
    try:
        yield context
    finally:
        context.close()


def addresses(profile: Path) -> bytes:
    """Every address and title of the history, as text."""
    with closing(sqlite3.connect(profile / "Default" / "History")) as history:
        rows = history.execute("SELECT url, title FROM urls UNION ALL SELECT term, '' FROM keyword_search_terms")
        return "\n".join(f"{url} {title}" for url, title in rows).encode()


def kept(profile: Path) -> dict[str, list[str]]:
    """What can be read in the profile, by file."""
    found = {"addresses": found_in(addresses(profile), is_text=True)}
    for file in files_in(profile):
        content = file.read_bytes()
        found[str(file.relative_to(profile))] = found_in(content) + [
            f"the state of {name}" for name in CHOSEN if name.encode("utf-16-le") in content
        ]
    return {name: told for name, told in found.items() if told}


def sign_out(desk: Desk) -> None:
    desk.sign_out()


def leave_quickly(desk: Desk) -> None:
    desk.page.locator("[data-quick-exit]").click()
    desk.page.wait_for_url(lambda url: "localhost" not in url, wait_until="commit")


def close(_desk: Desk) -> None:
    """In the middle of the work: the lid goes down."""


@pytest.mark.parametrize("leave", [sign_out, leave_quickly, close])
def test_nothing_she_tells_stays_in_the_profile(
    server: Running, playwright: Playwright, tmp_path: Path, leave: Callable[[Desk], None]
) -> None:
    with server.app.app_context():
        site = make_site("Magnolia", district=DISTRICT.code, directions=CANARY["directions"])
        make_unit(site=site, label="101", capacity=4, pets_allowed=PetsAllowed.ANY)
        create_user(server.app, login="jeong", sites=[site.id], locale="ko")
    with browser_of(playwright, tmp_path, server) as context:
        desk = Desk(context, lambda _page: None, has_scripts=True)
        desk.sign_in("jeong")
        night = Night(desk)
        desk.open("/find?new=1")
        desk.page.locator("details", has=desk.page.locator("[name=districts]")).locator("summary").click()
        desk.page.locator(f"[name=districts][value='{HERS.code}']").check()
        desk.press("/find")
        night.hold()
        tell(desk)
        night.confirm()
        desk.open(night.stay)
        desk.page.go_back()
        leave(desk)
    assert night.stay.encode() in addresses(tmp_path), "no history was kept: nothing was proved"
    assert kept(tmp_path) == {}


def tell(desk: Desk) -> None:
    desk.follow("/intake")
    desk.choose("can_call", "no")
    desk.choose("can_text", "no")
    for name, told in TOLD.items():
        desk.page.locator(f"main [name='{name}']").fill(told)
    desk.page.locator("[name='districts-0-district']").select_option(HERS.code)
    desk.press("/intake", "button[type=submit]:not([name])")


def test_what_an_address_or_a_form_tells_is_found_in_the_profile(
    server: Running, playwright: Playwright, tmp_path: Path
) -> None:
    """The control: an address, and a form that does not say that it is to be forgotten."""
    with browser_of(playwright, tmp_path, server) as context:
        page = context.new_page()
        page.goto(f"/find?q={CANARY['name']}&district={HERS.code}")
        context.route("**/planted", lambda route: route.fulfill(body=FORGETFUL, content_type="text/html"))
        page.goto("/planted")
        page.check("[name=districts]")
        page.goto("/login")
    found = kept(tmp_path)
    assert found["addresses"] == ["her district", "name"]
    assert "name" in found["Default/History"]
    assert any("the state of districts" in told for told in found.values())
