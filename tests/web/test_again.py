"""When the database is away, the page that says so holds what was typed, to be sent once more as the same act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError

from shelter.domain.errors import DatabaseBusy, DatabaseFull, DomainError, OutcomeUnknown
from shelter.domain.permissions import Role
from shelter.queries import people
from shelter.web.access import signed_in
from shelter.web.errors import sentence
from tests.support.pages import Page, PageClient, page_of
from tests.support.people import create_user, sign_in

pytestmark = pytest.mark.only("sqlite")
TYPED = {"once": "k" * 24, "notes": 'Two lines\r\n"and" <b>&', "pets": ["cat", "dog"]}
AWAY = "The system cannot answer at the moment"


class Probe:
    """Acts that the database refuses while `refusal` is set."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None
        self.done: list[dict[str, list[str]]] = []

    def act(self) -> ResponseReturnValue:
        if self.refusal:
            raise self.refusal
        self.done.append(request.form.to_dict(flat=False))
        return redirect("/", code=303)


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.fixture
def browser(make_app: Callable[..., Flask], probe: Probe) -> PageClient:
    """A signed-in coordinator who reads Korean, in a browser that prefers English."""
    bp = Blueprint("probe", __name__)
    bp.add_url_rule("/probe", "act", signed_in(lambda: probe.act()), methods=["GET", "POST"])
    app = make_app()
    app.test_client_class = PageClient
    app.register_blueprint(bp)
    client = app.test_client()
    assert isinstance(client, PageClient)
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def token(client: PageClient) -> str:
    page = page_of(client.get("/account"))
    return str(page.fields(form_to(page, "/logout"))["csrf_token"])


def form_to(page: Page, action: str) -> Any:
    return next(form for form in page.all("form") if form.get("action") == action)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The database is gone from now on, until the patch is taken back."""

    def down(*_: Any, **__: Any) -> None:
        raise OperationalError("SELECT", {}, Exception("connection refused"))

    return lambda: monkeypatch.setattr(people, "principal_of", down)


def test_what_was_typed_is_sent_once_more_as_the_same_act(
    browser: PageClient, probe: Probe, away: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(browser)
    sent = TYPED | {"csrf_token": token(browser)}
    away()
    refused = browser.post("/probe", data=sent)
    assert refused.status_code == 503
    page = page_of(refused)
    assert page.h1 == AWAY
    assert "What you typed is kept on this page" in page.text
    again = page.fields(form_to(page, "/probe"))
    assert {**again, "notes": again["notes"].replace("\n", "\r\n")} == sent, "as a browser sends line breaks"
    monkeypatch.undo()
    assert browser.post("/probe", data=again).status_code == 303, "without signing in again"
    assert [act["pets"] for act in probe.done] == [["cat", "dog"]]


def test_a_page_that_was_only_asked_for_is_offered_again(browser: PageClient, away: Callable[[], None]) -> None:
    sign_in(browser)
    away()
    page = page_of(browser.get("/probe?night=2026-03-10"))
    assert page.links()["Try again"] == "/probe?night=2026-03-10"


def test_it_speaks_the_language_of_the_person(browser: PageClient, away: Callable[[], None]) -> None:
    sign_in(browser, user=create_user(browser.application, roles={Role.COORDINATOR}, locale="ko"))
    browser.get("/account")
    away()
    page = page_of(browser.post("/probe", data=TYPED | {"csrf_token": "any"}))
    assert page.root.get("lang") == "ko"
    assert "다시 보내기" in page.text
    assert not any(english in page.text for english in ("Send", "Nothing", "again"))


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (DatabaseBusy(), "has changed nothing"),
        (DatabaseFull(), "Nothing was saved: the disk of the database is full"),
        (OutcomeUnknown(), "it may be done, or not. Send it again"),
        (OperationalError("INSERT", {}, type("Full", (Exception,), {"sqlstate": "53100"})()), "the disk of the data"),
    ],
    ids=["busy", "full", "unknown", "full outside a use case"],
)
def test_each_kind_of_outage_has_its_sentence_and_keeps_what_was_typed(
    browser: PageClient, probe: Probe, refusal: Exception, said: str
) -> None:
    sign_in(browser)
    probe.refusal = refusal
    answer = browser.post("/probe", data=TYPED | {"csrf_token": token(browser)})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert said in page_of(answer).text
    assert form_to(page_of(answer), "/probe") is not None


def test_in_a_part_of_a_page_only_the_sentence_is_shown(browser: PageClient, away: Callable[[], None]) -> None:
    """What was typed stands on the page around it."""
    sign_in(browser)
    away()
    answer = browser.post("/probe", data=TYPED, headers={"HX-Request": "true"})
    assert answer.status_code == 503
    assert "<html" not in answer.text
    assert "<form" not in answer.text


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/login", {"login": "minseo", "password": "seven quiet lanterns"}),
        ("/probe", {"new_password": "seven quiet lanterns"}),
        ("/probe", {}),
    ],
    ids=["sign-in", "new password", "nothing"],
)
def test_passwords_are_never_on_the_page(
    browser: PageClient, away: Callable[[], None], path: str, sent: dict[str, str]
) -> None:
    sign_in(browser)
    away()
    answer = browser.post(path, data=sent)
    assert answer.status_code == 503
    assert "lanterns" not in answer.text
    assert "<form" not in answer.text


def test_what_another_site_sent_is_not_offered(browser: PageClient, away: Callable[[], None]) -> None:
    sign_in(browser)
    away()
    answer = browser.post("/probe", data=TYPED, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 503
    assert "<form" not in answer.text


def test_the_operator_reads_what_is_wrong(
    browser: PageClient, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_in(browser)
    probe.refusal = DatabaseFull()
    browser.post("/probe", data=TYPED | {"csrf_token": token(browser)})
    assert "the disk of the database is full" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [DatabaseBusy, DatabaseFull, OutcomeUnknown])
def test_a_form_never_swallows_it(context: Flask, kind: type[DomainError]) -> None:
    """No correction of the form can mend it."""
    from flask_wtf import FlaskForm

    from shelter.web.errors import show

    with context.test_request_context("/"), pytest.raises(kind):
        show(kind(), FlaskForm())
    assert sentence(kind())
