"""A real server and a real browser: Debian's Chromium, told to speak to this machine only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import BrowserContext, ConsoleMessage, Page
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.browser.pages import Desk
from tests.support.chromium import ARGUMENTS, executable
from tests.support.databases import Database, application, dispose

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        pass


@dataclass(frozen=True)
class Running:
    """A served application: `url` for the browser, `app` and `database` for the test."""

    url: str
    app: Flask
    database: Database


@pytest.fixture
def server(database: Database) -> Iterator[Running]:
    """The application over HTTP on `database`, at a port of its own, as production has it."""
    listener = make_server("127.0.0.1", 0, lambda *_: [], threaded=True, request_handler=Quiet)
    url = f"http://localhost:{listener.port}"
    app = application(database.url, public_url=url)
    listener.app = app
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield Running(url, app, database)
    listener.shutdown()
    thread.join()
    listener.server_close()
    dispose(app)


@pytest.fixture(scope="session")
def base_url() -> None:
    """None for all: each test's server has its own (`browser_context_args`)."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return browser_type_launch_args | {"executable_path": executable(), "args": ARGUMENTS}


@pytest.fixture(params=["ko", "en"])
def locale(request: pytest.FixtureRequest) -> str:
    """The language of the browser: each journey is made in both."""
    return str(request.param)


@pytest.fixture
def browser_context_args(
    browser_context_args: dict[str, Any], locale: str, request: pytest.FixtureRequest
) -> dict[str, Any]:
    language = {"ko": "ko-KR", "en": "en-GB"}[locale]
    settings = browser_context_args | {"locale": language, "timezone_id": "Asia/Seoul"}
    if "server" in request.fixturenames:  # then `page.goto("/login")` is enough
        settings["base_url"] = request.getfixturevalue("server").url
    return settings


@pytest.fixture
def expected_messages() -> list[str]:
    """A test that makes the browser complain on purpose (a refused form is "422") adds a part of it here.

    Signing out tells the browser to forget all, and it says that it did.
    """
    return ["Clear-Site-Data header"]


@pytest.fixture
def context(new_context: Callable[..., BrowserContext], expected_messages: list[str]) -> Iterator[BrowserContext]:
    """Every page of it stays silent: the policy blocks nothing, no script fails, nothing is missing."""
    context = new_context()  # not pytest-playwright's `context`: ours of that name is flask's
    said = _listen(context)
    yield context
    assert [line for line in said if not any(part in line for part in expected_messages)] == []


@pytest.fixture
def desks(
    new_context: Callable[..., BrowserContext], axe: Callable[[Page], None], expected_messages: list[str]
) -> Iterator[Callable[..., Desk]]:
    """`desks(has_scripts=True)`: one more person at a browser of their own, as silent as `context`."""
    heard: list[list[str]] = []

    def sit_down(has_scripts: bool = True) -> Desk:
        context = new_context(java_script_enabled=has_scripts)
        heard.append(_listen(context))
        return Desk(context, axe, has_scripts)

    yield sit_down
    said = [line for lines in heard for line in lines]
    assert [line for line in said if not any(part in line for part in expected_messages)] == []


def _listen(context: BrowserContext) -> list[str]:
    """Whatever its pages complain of, from now on."""
    said: list[str] = []

    def listen(page: Page) -> None:
        page.on("console", lambda message: said.append(_told(message)))
        page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))

    context.on("page", listen)
    return said


def _told(message: ConsoleMessage) -> str:
    return f"{message.type}: {message.text} ({message.location.get('url')})"


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """`axe(page)`: no violation of WCAG 2.2 AA."""

    def run(page: Page) -> None:
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
        assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"

    return run
