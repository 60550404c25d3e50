"""One person at one browser. Every page it comes to is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Locator, Page, Response, expect

from tests.support.people import PASSWORD

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
PARTS_OF_A_KIND = re.compile(r"[0-9A-Z]{7}-\d+|[0-9a-f-]{36}|\d+")


class Desk:
    """Signs in, opens, fills in, presses. `look` holds each kind of page to account once.

    `has_scripts` is False in a browser that runs none; there it is only looked at whether the pages work.
    """

    def __init__(self, context: BrowserContext, look_for_barriers: Callable[[Page], None], has_scripts: bool) -> None:
        self.context, self.page, self.has_scripts = context, context.new_page(), has_scripts
        self._look_for_barriers = look_for_barriers
        self._seen: set[str] = set()
        context.set_default_timeout(10_000)

    def sign_in(self, login: str) -> None:
        self.page.goto("/login")
        self.look()
        self.enter(login)
        self.look()

    def enter(self, login: str) -> None:
        """On a sign-in page."""
        self.page.fill("#login", login)
        self.page.fill("#password", PASSWORD)
        self.send("main form")

    def sign_out(self) -> None:
        self.page.locator("form[action='/logout'] button").click()
        expect(self.page).to_have_url(re.compile("/login$"))

    def open(self, path: str) -> Response:
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        self.look()
        return answer

    def follow(self, ending: str) -> None:
        """The link on the page whose address ends so."""
        self.page.locator(f"main a[href$='{ending}']").first.click()
        self.page.wait_for_load_state()
        self.look()

    def send(self, form: str, button: str = "button[type=submit]") -> None:
        """Press the form's button and come to wherever it leads."""
        with self.page.expect_navigation():
            self.page.locator(f"{form} {button}").last.click()

    def press(self, action_ending: str, button: str = "button[type=submit]") -> None:
        """The button of the form that is sent there, and a look at the page it leads to."""
        self.send(f"main form[action$='{action_ending}']", button)
        self.look()

    def choose(self, name: str, value: str) -> None:
        self.page.locator(f"[name='{name}'][value='{value}']").check()

    def fill(self, **values: str | int) -> None:
        for name, value in values.items():
            self.page.locator(f"main [name='{name}']").fill(str(value))

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    @property
    def heading(self) -> str:
        return self.page.locator("h1").inner_text()

    def look(self) -> None:
        """Accessible, and not sideways on a telephone; each kind of page once. A refused page is another kind."""
        kind = PARTS_OF_A_KIND.sub("*", self.page.url)
        if self.page.locator(".govuk-error-summary").count():
            kind += " refused"
        if kind in self._seen:
            return
        self._seen.add(kind)
        assert not self.page.locator("h1", has_text=re.compile("^(404|500)")).count()
        if not self.has_scripts:
            return  # the checks are scripts themselves; the markup is the same
        self._look_for_barriers(self.page)
        self.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        wide = self.page.evaluate(WIDER_THAN_THE_WINDOW)
        self.page.set_viewport_size(DESK)  # type: ignore[arg-type]
        assert not wide, f"{self.page.url} scrolls sideways on a telephone: {wide}"


# What sticks out, so that a failure says what to mend.
WIDER_THAN_THE_WINDOW = """() => document.documentElement.scrollWidth <= innerWidth ? '' :
  [...document.body.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 5).map((e) => e.tagName + '.' + e.className).join(', ') || 'the page itself'"""
