"""The test client's own control: each planted fault is found, a good page passes."""

from __future__ import annotations

import socket

import pytest
from flask import Flask

from tests.support.network import LeftTheMachine
from tests.support.pages import Page, PageClient, PageError, check

GOOD = """<!doctype html>
<html lang="ko"><head><title>방 찾기 · 오늘 밤</title></head><body>
<h1>방 찾기</h1>
<form method="post" action="/find" autocomplete="off"><input type="hidden" name="csrf_token" value="x">
<label for="heads">인원</label><input id="heads" name="heads" value="3">
<button type="submit">찾기</button></form>
</body></html>"""


def test_a_good_page_passes() -> None:
    check(Page(GOOD))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("</form>", "", "not valid HTML"),
        (' autocomplete="off"', "", "is kept in the browser's profile"),
        ("</h1>", "</h1><h1>방 찾기</h1>", "2 h1"),
        ("<title>방", "<title>집", "does not begin with the h1"),
        ('<label for="heads">인원</label>', "", "has no label"),
        ('<label for="heads">', '<label for="nothing">', "names an id that is not there"),
        ("<h1>", '<h1 id="heads">', "is on 2 elements"),
        ("<h1>", '<h1 style="color:red">', "is inline"),
        ("<h1>", '<h1 onclick="go()">', "is inline"),
        ("<h1>", "<script>go()</script><h1>", "an inline <script>"),
        ('action="/find"', "", "has no action"),
        ('method="post"', "", "does not say its method"),
        ('name="csrf_token"', 'name="other"', "has no CSRF token"),
        ('method="post"', 'method="get"', "into the address"),
        ('type="submit"', "", "does not say its type"),
        ("<h1>", '<img src="/x.png"><h1>', "has no alt"),
        ("<h1>", '<a href="javascript:go()">x</a><h1>', "javascript:"),
        ('lang="ko"', "", "does not say its language"),
    ],
)
def test_a_planted_fault_is_found(old: str, new: str, said: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(PageError, match=said):
        check(Page(GOOD.replace(old, new)))


@pytest.fixture
def bare_client() -> PageClient:
    """A client of an application that has none of our headers."""
    app = Flask("bare")
    app.test_client_class = PageClient
    app.add_url_rule("/page", "page", lambda: GOOD)
    app.add_url_rule("/crash", "crash", lambda: 1 / 0)
    client = app.test_client()
    assert isinstance(client, PageClient)
    return client


def test_a_page_without_our_headers_is_found(bare_client: PageClient) -> None:
    with pytest.raises(PageError, match="Content-Security-Policy does not start from nothing"):
        bare_client.get("/page")


def test_a_crash_is_shown_with_its_cause(bare_client: PageClient) -> None:
    with pytest.raises(PageError, match="GET /crash") as crash:
        bare_client.get("/crash")
    assert isinstance(crash.value.__cause__, ZeroDivisionError)


def test_fields_are_what_a_browser_would_send() -> None:
    assert Page(GOOD).fields() == {"csrf_token": "x", "heads": "3"}


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80, 0, 0)])
def test_no_test_connects_beyond_this_machine(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as out, pytest.raises(LeftTheMachine):
        out.connect(address)


def test_no_test_asks_for_another_machine_by_name() -> None:
    with pytest.raises(LeftTheMachine):
        socket.create_connection(("shelter.example", 80))
