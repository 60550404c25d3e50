"""The base page and every macro in Chromium: silent under the policy, accessible, and what the scripts promise."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from tests.browser.conftest import Quiet
from tests.web.gallery import gallery

pytestmark = pytest.mark.usefixtures("server")

PATHS = ["/", "/components", "/signed-out"]
WIDTHS = [1280, 390]
in_one_language = pytest.mark.parametrize("locale", ["ko"], indirect=True)


@pytest.fixture(scope="module")
def served() -> Iterator[SimpleNamespace]:
    received: list[tuple[str, str]] = []
    app = gallery()

    @app.before_request
    def remember() -> None:
        from flask import request

        if not request.path.startswith("/static"):
            received.append((request.method, request.path))

    listener = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield SimpleNamespace(url=f"http://localhost:{listener.port}", received=received)
    listener.shutdown()
    thread.join()
    listener.server_close()


@pytest.fixture
def server(served: SimpleNamespace) -> SimpleNamespace:
    """The gallery in the place of the application: no database is needed."""
    served.received.clear()
    return served


def until(page: Page, is_so: Callable[[], bool]) -> None:
    """A beacon arrives when the browser likes, but it arrives."""
    for _ in range(200):
        if is_so():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not happen within 10 s")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", PATHS)
def test_every_macro_is_accessible_and_fits(page: Page, axe: Callable[[Page], None], path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path)
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"


def test_a_refused_form_is_accessible_and_says_where_to_look(page: Page, axe: Callable[[Page], None]) -> None:
    page.goto("/")
    page.locator("main form button[type=submit]").first.click()
    summary = page.locator(".govuk-error-summary")
    expect(summary).to_be_focused()
    axe(page)
    summary.locator("a", has_text="Name").click()
    expect(page.locator("#name")).to_be_focused()


@in_one_language
def test_a_number_is_clicked_up_and_down(page: Page) -> None:
    page.goto("/")
    control = page.locator("[data-stepper]").first
    control.locator("[data-step='1']").click()
    expect(page.locator("#adults")).to_have_value("2")
    for _ in range(4):
        control.locator("[data-step='-1']").click()
    expect(page.locator("#adults")).to_have_value("0")


@in_one_language
def test_a_part_that_is_swapped_in_works_like_the_page(page: Page) -> None:
    page.goto("/components")
    page.locator("[hx-get]").click()
    page.locator("#part [data-step='1']").click()
    expect(page.locator("#part #adults")).to_have_value("2")


@in_one_language
def test_a_further_question_is_shown_with_its_choice(page: Page) -> None:
    page.goto("/")
    question = page.locator("#number")
    expect(question).to_be_hidden()
    page.locator("#may_call").check()
    expect(question).to_be_visible()
    page.locator("#may_call-2").check()
    expect(question).to_be_hidden()


@in_one_language
def test_what_is_typed_is_kept_and_said(page: Page, server: Any) -> None:
    page.goto("/")
    with page.expect_response("**/drafts/x") as answer:
        page.locator("#note").fill("a dog")
    assert answer.value.ok
    expect(page.locator("[data-autosave-status]")).not_to_be_empty()


@in_one_language
def test_a_second_click_sends_nothing(page: Page, server: Any) -> None:
    page.goto("/")
    page.evaluate(
        "() => { const b = document.querySelector('main form button[type=submit]'); b.click(); b.click(); b.click(); }"
    )
    page.wait_for_selector(".govuk-error-summary")
    assert server.received.count(("POST", "/")) == 1


@in_one_language
def test_quick_exit_leaves_signs_out_and_does_not_come_back(page: Page, server: Any) -> None:
    page.goto("/components")
    page.goto("/")
    page.locator("[data-quick-exit]").click()
    page.wait_for_url("**/elsewhere")
    until(page, lambda: ("POST", "/exit") in server.received)
    page.go_back()
    expect(page).to_have_url(f"{server.url}/components")


@in_one_language
def test_three_lone_presses_of_shift_leave(page: Page, server: Any) -> None:
    page.goto("/")
    page.locator("#note").focus()
    for _ in range(4):  # capitals are typed, nobody leaves
        page.keyboard.press("Shift+A")
    page.keyboard.press("Shift")
    page.keyboard.press("Shift")
    page.keyboard.press("b")
    page.keyboard.press("Shift")
    expect(page).to_have_url(f"{server.url}/")
    for _ in range(3):
        page.keyboard.press("Shift")
    page.wait_for_url("**/elsewhere")
    until(page, lambda: ("POST", "/exit") in server.received)


def test_quick_exit_is_a_plain_link_without_scripts(browser: Any, server: Any) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=server.url)
    page = context.new_page()
    page.goto("/")
    assert page.locator("[data-quick-exit]").get_attribute("href") == "/exit"
    assert page.locator("#number").is_visible(), "a further question is simply there"
    assert page.locator("[data-step]").first.is_hidden()
    context.close()


@in_one_language
class TestTheSession:
    def test_the_end_is_announced_and_can_be_put_off(self, page: Page, server: Any) -> None:
        page.clock.install()
        page.goto("/")
        warning = page.locator("[data-session-warning]")
        page.clock.run_for(7 * 60_000)
        expect(warning).to_be_hidden()
        page.clock.run_for(70_000)
        expect(warning).to_be_visible()
        with page.expect_response("**/session/alive"):
            page.locator("[data-session-stay]").click()
        expect(warning).to_be_hidden()

    def test_typing_keeps_it_alive(self, page: Page, server: Any) -> None:
        page.clock.install()
        page.goto("/")
        page.clock.run_for(7 * 60_000)
        with page.expect_response("**/session/alive"):
            page.locator("#note").press("a")
        page.clock.run_for(7 * 60_000)
        expect(page.locator("[data-session-warning]")).to_be_hidden()

    def test_when_it_is_over_the_page_is_covered_and_goes_on_after_signing_in_again(
        self, page: Page, axe: Callable[[Page], None], expected_messages: list[str]
    ) -> None:
        expected_messages.append("422")
        page.clock.install()
        page.goto("/")
        page.locator("#note").fill("a dog")
        page.clock.run_for(11 * 60_000)
        over = page.locator("[data-session-over]")
        expect(over).to_be_visible()
        page.keyboard.press("Escape")
        expect(over).to_be_visible()
        axe(page)
        page.locator("#again-login").fill("jeong")
        page.locator("#again-password").fill("wrong")
        page.keyboard.press("Enter")
        expect(over.locator("[data-refused]")).to_have_text("No.")
        page.locator("#again-password").fill("right")
        page.keyboard.press("Enter")
        expect(over).to_be_hidden()
        expect(page.locator("#note")).to_have_value("a dog")
