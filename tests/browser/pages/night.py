"""The acts of a night, as a coordinator does them."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.pages.desk import Desk


class Night:
    """A mother, two children and a dog, from the call to the door. `reference` is known once a place is held."""

    reference = ""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.page = desk, desk.page

    def find(self, *, women: int = 1, children: int = 2, small_dogs: int = 1) -> None:
        self.desk.open("/find?new=1")
        for name, many in {"women": women, "children": children, "small_dogs": small_dogs}.items():
            self._count(name, many)
        self.desk.press("/find")

    def _count(self, name: str, many: int) -> None:
        field = self.page.locator(f"[name='{name}']")
        if self.desk.has_scripts:
            control = self.page.locator("[data-stepper]", has=field)
            while int(field.input_value() or 0) < many:
                control.locator("[data-step='1']").click()
            while int(field.input_value() or 0) > many:
                control.locator("[data-step='-1']").click()
        else:
            field.fill(str(many))

    @property
    def best(self) -> str:
        """Site and room of the best offer."""
        return self.page.locator(".app-offer__name").first.inner_text()

    def hold(self) -> None:
        """The best offer."""
        self.desk.press("/find/hold", ".app-offer__first-hold")
        self.note_reference()

    def note_reference(self) -> None:
        expect(self.page).to_have_url(re.compile(r"/stays/[0-9A-Z]+-\d+/hold$"))
        self.reference = self.page.url.split("/")[-2]

    @property
    def stay(self) -> str:
        return f"/stays/{self.reference}"

    def take_in(self, number: str) -> None:
        """Not to be called; to be texted, the date only; both agreements given."""
        desk = self.desk
        desk.follow("/intake")
        desk.choose("can_call", "no")
        desk.choose("can_text", "yes")
        agreement = self.page.locator("details", has=self.page.locator("[name=has_consented]"))
        if not agreement.evaluate("e => e.open"):
            agreement.locator("summary").click()
        desk.fill(number=number, code_word="파란 우산", other_way="매일 아침 전화")
        self.page.locator("[name=has_consented]").check()
        self.page.locator("[name=has_consented_abroad]").check()
        desk.choose("detail", "date_only")
        desk.press("/intake", "button[type=submit]:not([name])")

    def confirm(self, *, text: str = "by_voice") -> None:
        expect(self.page).to_have_url(re.compile("/confirm$"))
        self.desk.choose("text", text)
        self.desk.press("/confirm")
        expect(self.page).to_have_url(re.compile("/arrival-card$"))

    def card_received(self) -> None:
        self.desk.press("/arrival-card/received")

    def check_in(self) -> None:
        self.desk.open(self.stay)
        self.desk.follow("/check-in")
        self.desk.press("/check-in")
        expect(self.page).to_have_url(re.compile(f"{self.stay}$"))

    def check_out(self) -> None:
        self.desk.open(f"{self.stay}/check-out")
        self.page.locator("[name=exit_reason]").first.check()
        self.page.locator("[name=destination]").first.check()
        self.desk.press("/check-out")
        expect(self.page).to_have_url(re.compile(f"{self.stay}$"))
