"""A person signs in and out in a real browser."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Running


def test_the_sign_in_page_is_silent_and_accessible(
    page: Page, server: Running, axe: Callable[[Page], None], locale: str
) -> None:
    page.goto("/login")
    expect(page.locator("html")).to_have_attribute("lang", locale)
    axe(page)
