"""The door in the browser: cookies, ways back, quick exit, languages, one-time links."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from shelter.domain.permissions import SYSTEM, Role
from shelter.services import users
from shelter.services.users import NewUser
from tests.conftest import Clock
from tests.support.pages import PageClient, page_of
from tests.support.people import PASSWORD, create_user
from tests.support.people import sign_in as open_session

pytestmark = pytest.mark.only("sqlite")
COOKIE = "shelter"


def send(client: PageClient, path: str, headers: dict[str, str] | None = None, **typed: Any) -> TestResponse:
    """Open the page, fill in what is given, send its form."""
    fields = page_of(client.get(path)).fields(_form(client, path)) | typed
    return client.post(path.split("?")[0], data=fields, headers=headers or {})


def _form(client: PageClient, path: str) -> Any:
    page = page_of(client.get(path))
    action = path.split("?")[0]
    return next(f for f in page.all("form") if f.get("action") == action and f.get("method") == "post")


def enter(client: PageClient, path: str = "/login", **typed: Any) -> TestResponse:
    return send(client, path, **({"login": "minseo", "password": PASSWORD} | typed))


@pytest.fixture(autouse=True)
def english(client: PageClient) -> None:
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"


@pytest.fixture
def minseo(app: Flask) -> Any:
    return create_user(app, login="minseo", roles={Role.COORDINATOR})


def test_signing_in_gives_a_closed_cookie_and_the_first_page(client: PageClient, minseo: Any) -> None:
    response = enter(client)
    assert response.status_code == 303
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site, cookie.max_age, cookie.path) == (True, "Strict", None, "/")
    assert len(cookie.value) >= 43


def test_behind_https_the_cookie_is_bound_to_the_host(make_app: Any, minseo: Any) -> None:
    app = make_app(public_url="https://bookings.example")
    client = app.test_client()
    page = page_of(client.get("/login", base_url="https://bookings.example"))
    form = next(f for f in page.all("form") if f.get("action") == "/login")
    fields = page.fields(form) | {"login": "minseo", "password": PASSWORD}
    response = client.post("/login", data=fields, base_url="https://bookings.example")
    ours = [c for c in response.headers.getlist("Set-Cookie") if c.startswith("__Host-shelter=")]
    assert ours
    assert all("Secure" in c and "HttpOnly" in c and "SameSite=Strict" in c for c in ours)


def test_a_session_is_a_new_one_after_signing_in(client: PageClient, minseo: Any) -> None:
    client.set_cookie(COOKIE, "chosen-by-somebody-else")
    enter(client)
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    assert cookie.value != "chosen-by-somebody-else"


def test_a_refusal_says_one_thing_and_keeps_the_name(client: PageClient, minseo: Any) -> None:
    known, unknown = enter(client, password="wrong"), enter(client, login="nobody", password="wrong")
    assert known.status_code == unknown.status_code == 422
    page = page_of(known)
    assert "not right" in page.text
    assert page.by_id("login").get("value") == "minseo"  # type: ignore[union-attr]
    assert "wrong" not in known.text.replace("not right", "")
    assert known.text.replace("minseo", "nobody") == unknown.text or len(known.text) == len(unknown.text)


def test_after_many_failures_the_wait_is_said(client: PageClient, minseo: Any, frozen_clock: Clock) -> None:
    for _ in range(5):
        enter(client, password="wrong")
    response = enter(client)
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "30"
    assert "30 seconds" in page_of(response).text


def test_the_way_back_stays_on_this_site(client: PageClient, minseo: Any) -> None:
    response = client.get("/account")
    assert response.status_code == 302
    assert response.location == "/login?next=/account"
    assert enter(client, response.location).location == "/account"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/x\r\ny", "\\evil"],
)
def test_no_way_back_leads_elsewhere(client: PageClient, minseo: Any, elsewhere: str) -> None:
    response = enter(client, next=elsewhere)
    assert response.status_code == 303
    assert "evil" not in response.location
    assert response.location.startswith("/")


def test_partial_pages_are_told_by_a_code(client: PageClient) -> None:
    response = client.get("/account", headers={"HX-Request": "true"})
    assert response.status_code == 401
    assert response.headers["HX-Redirect"].startswith("/login")


def test_signing_out_leaves_nothing_in_the_browser(client: PageClient, app: Flask, minseo: Any) -> None:
    open_session(client, user=minseo)
    page = page_of(client.get("/account"))
    form = next(f for f in page.all("form") if f.get("action") == "/logout")
    response = client.post("/logout", data=page.fields(form))
    assert response.headers["Clear-Site-Data"] == '"*"'
    assert client.get_cookie(COOKIE) is None
    assert client.get("/account").status_code == 302


def test_quick_exit_ends_the_session_without_a_script(client: PageClient, minseo: Any) -> None:
    open_session(client, user=minseo)
    token = client.get_cookie(COOKIE)
    assert token is not None
    response = client.get("/exit")
    assert response.status_code == 303
    assert response.location == "https://www.weather.go.kr/"
    assert response.headers["Clear-Site-Data"] == '"*"'
    client.set_cookie(COOKIE, token.value)
    assert client.get("/account").status_code == 302


def test_quick_exit_by_beacon_needs_no_token(client: PageClient, minseo: Any) -> None:
    open_session(client, user=minseo)
    assert client.post("/exit").status_code == 204
    assert client.get("/account").status_code == 302


def test_only_what_a_person_does_keeps_the_session(client: PageClient, minseo: Any, frozen_clock: Clock) -> None:
    enter(client)
    client.get("/account")
    for _ in range(3):
        frozen_clock.forward(minutes=4)
        client.get("/account", headers={"HX-Request": "true"})  # a timer's
    assert client.get("/account").status_code == 302


def test_typing_keeps_the_session(client: PageClient, minseo: Any, frozen_clock: Clock) -> None:
    enter(client)
    token = _token(client)
    for _ in range(3):
        frozen_clock.forward(minutes=8)
        response = client.post("/session/alive", headers={"HX-Request": "true", "X-CSRFToken": token})
        assert response.status_code == 204
    assert client.get("/account").status_code == 200
    frozen_clock.forward(minutes=11)
    response = client.post("/session/alive", headers={"HX-Request": "true", "X-CSRFToken": token})
    assert response.status_code == 401


def _token(client: PageClient) -> str:
    metas = page_of(client.get("/account")).all("meta")
    return next(m.get("content", "") for m in metas if m.get("name") == "csrf-token")


def test_signing_in_over_a_page_left_open_keeps_its_token(client: PageClient, minseo: Any, frozen_clock: Clock) -> None:
    enter(client)
    token = _token(client)
    frozen_clock.forward(minutes=11)
    typed = {"login": "minseo", "password": PASSWORD, "csrf_token": token}
    refused = client.post("/login", data=typed | {"password": "x"}, headers={"HX-Request": "true"})
    assert (refused.status_code, refused.mimetype) == (422, "text/plain")
    again = client.post("/login", data=typed, headers={"HX-Request": "true"})
    assert again.status_code == 204
    assert "HX-Redirect" not in again.headers
    assert client.post("/account", data={"csrf_token": token, "name": ""}).status_code == 422


def test_somebody_else_signing_in_over_the_page_gets_a_page_of_their_own(
    client: PageClient, app: Flask, minseo: Any, frozen_clock: Clock
) -> None:
    create_user(app, login="other", roles={Role.COORDINATOR})
    enter(client)
    token = _token(client)
    frozen_clock.forward(minutes=11)
    typed = {"login": "other", "password": PASSWORD, "csrf_token": token}
    response = client.post("/login", data=typed, headers={"HX-Request": "true"})
    assert response.headers["HX-Redirect"]
    assert _token(client) != token


def test_the_language_is_the_persons_own(client: PageClient, app: Flask, minseo: Any) -> None:
    page = page_of(client.get("/login", headers={"Accept-Language": "en"}))
    assert page.root.get("lang") == "en"
    form = next(f for f in page.all("form") if f.get("action") == "/language/ko")
    client.post("/language/ko", data=page.fields(form))
    assert page_of(client.get("/login")).root.get("lang") == "ko"
    open_session(client, user=minseo)
    assert page_of(client.get("/account")).root.get("lang") == "en"
    client.post("/language/ko", data={"csrf_token": _token(client), "next": "/account"})
    assert page_of(client.get("/account")).root.get("lang") == "ko"


def test_the_own_account_is_kept(client: PageClient, app: Flask, minseo: Any) -> None:
    open_session(client, user=minseo)
    refused = send(client, "/account", phone="12")
    assert refused.status_code == 422
    assert "telephone number" in page_of(refused).text
    assert send(client, "/account", name="Min Seo", phone="010-1234-5678").status_code == 303
    page = page_of(client.get("/account"))
    assert page.by_id("name").get("value") == "Min Seo"  # type: ignore[union-attr]


def test_the_password_is_changed_by_its_owner(client: PageClient, minseo: Any) -> None:
    enter(client)
    new = "eleven patient herons at noon"
    wrong = send(client, "/account/password", current_password="x", password=new, again=new)
    assert wrong.status_code == 422
    assert new not in wrong.text
    differing = send(client, "/account/password", current_password=PASSWORD, password=new, again="y")
    assert differing.status_code == 422
    right = send(client, "/account/password", current_password=PASSWORD, password=new, again=new)
    assert right.status_code == 303


def test_signing_out_everywhere(client: PageClient, app: Flask, minseo: Any) -> None:
    other = app.test_client()
    open_session(client, user=minseo)
    open_session(other, user=minseo)
    client.post("/account/sign-out-everywhere", data={"csrf_token": _token(client)})
    assert other.get("/account").status_code == 302


def test_the_link_is_used_once_and_says_no_more_after(client: PageClient, app: Flask) -> None:
    with app.app_context():
        link = users.invite_user(NewUser(login="jiwoo", name="Jiwoo", roles={Role.MANAGER}), by=SYSTEM)
    path, new = f"/link/{link.token}", "eleven patient herons at noon"
    assert send(client, path, password="short", again="short").status_code == 422
    assert send(client, path, password=new, again=new).status_code == 303
    assert client.get(path).status_code == 404
    assert enter(client, login="jiwoo", password=new).status_code == 303
    assert client.get(f"/link/{'x' * 43}").status_code == 404
