"""The pictures of the README: the demonstration's own pages in the system's Chromium.

`make pictures` makes those the README names; `python -m tools.pictures DIR` all there are, to look at.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from shelter.services import demo
from tests.browser.conftest import Quiet
from tests.support.chromium import ARGUMENTS, executable
from tests.support.databases import application, databases, dispose

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
DESK, PHONE = (1200, 800), (390, 780)
LANGUAGES = {"ko": "ko-KR", "en": "en-GB"}
LARGEST = 150_000

# login → page → address; a search fills in the family first.
PAGES = {
    "coordinator": {"today": "/", "find": "/find", "board": "/board", "stays": "/stays", "messages": "/messages"},
    "manager": {"occupancy": "/occupancy"},
}


@contextmanager
def served() -> Iterator[str]:
    """The demonstration, made anew."""
    with databases() as made:
        database = made.fresh("sqlite")
        listener = make_server("127.0.0.1", 0, lambda *_: [], threaded=True, request_handler=Quiet)
        url = f"http://localhost:{listener.port}"
        app = application(database.url, public_url=url)
        with app.app_context():
            from shelter.jobs.schedule import run_by_hand

            demo.load()
            run_by_hand("roll-overstays")
            run_by_hand("flag-stays-nearing-limit")
            run_by_hand("deliver-messages")
        listener.app = app
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield url
        listener.shutdown()
        dispose(app)


def sign_in(browser: Browser, url: str, language: str, login: str) -> Page:
    page = browser.new_page(base_url=url, locale=LANGUAGES[language], timezone_id="Asia/Seoul")
    page.goto("/login")
    page.fill("#login", login)
    page.fill("#password", demo.PASSWORD)
    with page.expect_navigation():
        page.locator("main form button[type=submit]").click()
    if page.locator("html").get_attribute("lang") != language:
        with page.expect_navigation():
            page.locator("form[action^='/language/'] button").click()
    return page


def look_for_a_family(page: Page) -> None:
    page.goto("/find?new=1")
    page.fill("[name=children]", "2")
    page.fill("[name=small_dogs]", "1")
    with page.expect_navigation():
        page.locator("main form[action='/find'] button[type=submit]").click()


def shoot(page: Page, name: str, folder: Path, wanted: str | None) -> None:
    """At a desk and on a telephone; where `wanted` is given, only files it names."""
    for ending, (width, height) in (("", DESK), ("-phone", PHONE)):
        file = folder / f"{name}{ending}.png"
        if wanted is not None and file.name not in wanted:
            continue
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function("document.fonts.ready.then(() => true)")
        page.screenshot(path=file, full_page=wanted is None, scale="css", animations="disabled", caret="hide")
        if wanted is not None and file.stat().st_size > LARGEST:
            raise SystemExit(f"{file.name} has {file.stat().st_size} bytes; at most {LARGEST} are wanted")


def main() -> None:
    everything = Path(sys.argv[1]) if sys.argv[1:] else None
    folder, wanted = everything or PICTURES, None if everything else (ROOT / "README.md").read_text("utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    with served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        for language in LANGUAGES:
            for login, pages in PAGES.items():
                page = sign_in(browser, url, language, login)
                for name, path in pages.items():
                    look_for_a_family(page) if name == "find" else page.goto(path)
                    shoot(page, f"{name}-{language}", folder, wanted)
                if login == "coordinator":
                    page.goto("/stays/list/near-limit")
                    page.locator("main a[href^='/stays/']", has_text="-1").first.click()
                    page.wait_for_load_state()
                    shoot(page, f"stay-{language}", folder, wanted)
                page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
