"""What people do on the pages, in the words of people: tests of journeys read like the night they tell."""

from __future__ import annotations

from tests.browser.pages.desk import Desk
from tests.browser.pages.night import Night

__all__ = ["Desk", "Night"]
