"""Every code says something, in both languages, with its own parameters, also without a request or a database."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Any, get_type_hints

import pytest
from flask import Blueprint, Flask

import shelter
from shelter import clock
from shelter.domain.errors import (
    ConstraintRefused,
    DatabaseBusy,
    DomainError,
    KeyReused,
    NotFound,
    NotPermitted,
    UnitJustTaken,
)
from shelter.domain.people import LoginTaken, TooManyTries
from shelter.paths import PACKAGE
from shelter.web.access import public
from shelter.web.errors import CONSTRAINTS, LABELS, REASONS, SENTENCES, label, say, sentence, show
from shelter.web.language import in_language
from shelter.web.sentences.audit import ACTIONS
from tests.support.pages import PageClient, page_of

pytestmark = pytest.mark.only("sqlite")
PARAMETER = re.compile(r"%\((\w+)\)s")
HANGUL = re.compile("[가-힣]")


def refusals() -> list[type[DomainError]]:
    for module in pkgutil.walk_packages(shelter.__path__, "shelter."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return sorted(_below(DomainError), key=lambda c: (c.__module__, c.__qualname__))


def _below(kind: type[DomainError]) -> set[type[DomainError]]:
    direct = {c for c in kind.__subclasses__() if c.__module__.startswith("shelter.")}
    return direct | {c for child in direct for c in _below(child)}


def sentences() -> Iterator[tuple[str, Any]]:
    for kind, words in (("sentence", SENTENCES), ("reason", REASONS), ("constraint", CONSTRAINTS), ("action", ACTIONS)):
        for code, said in words.items():
            yield f"{kind} {code}", said
    for codes, words in LABELS.items():
        for member, said in words.items():
            yield f"{codes.__name__}.{member}", said


def test_every_refusal_has_a_sentence() -> None:
    assert {c.code for c in refusals()} - set(SENTENCES) == set()


def test_no_code_means_two_things() -> None:
    """Two refusals may share a code only if they say the same with the same parameters."""
    fields: dict[str, set[frozenset[str]]] = {}
    for refusal in refusals():
        names = frozenset(f.name for f in dataclasses.fields(refusal))  # type: ignore[arg-type]
        fields.setdefault(refusal.code, set()).add(names)
    assert not {code for code, shapes in fields.items() if len(shapes) > 1}


def test_a_sentence_asks_for_no_parameter_its_refusal_does_not_have() -> None:
    wrong = []
    for refusal in refusals():
        if asked := set(PARAMETER.findall(str(SENTENCES[refusal.code]))) - set(_made(refusal).params):
            wrong.append((refusal.__name__, asked))
    assert not wrong


def _made(refusal: type[DomainError]) -> DomainError:
    hints = get_type_hints(refusal)
    return refusal(*(_example(hints[f.name]) for f in dataclasses.fields(refusal)))  # type: ignore[arg-type]


def test_every_refusal_can_be_said_in_both_languages(context: Flask) -> None:
    for refusal in refusals():
        for language in ("ko", "en"):
            said = say(_made(refusal), language)
            assert said, refusal
            assert "%(" not in said, refusal


def _example(hint: Any) -> Any:
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return next(iter(hint))
    simple = {int: 3, str: "K7M2Q9X", date: date(2026, 3, 10), bool: True, datetime: clock.instant(date(2026, 3, 10))}
    return simple.get(hint, ("K7M2Q9X",))


def test_everything_is_said_in_korean(context: Flask) -> None:
    with in_language("ko"):
        silent = [name for name, said in sentences() if not HANGUL.search(str(said))]
    assert not silent


def test_every_label_names_a_code_and_every_code_of_its_kind_has_one() -> None:
    for codes, words in LABELS.items():
        assert set(words) == set(codes), codes


def test_every_action_of_the_access_log_has_words() -> None:
    """Whatever is passed to `record(…)` and looks like an action."""
    said = set()
    for file in (PACKAGE / "services").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
                "record",
                "_record",
            ):
                said |= {a.value for a in ast.walk(node) if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    actions = {text for text in said if re.fullmatch(r"[a-z_]+\.[a-z_]+", text)}
    assert actions
    assert actions - set(ACTIONS) == set()


def test_dates_and_codes_are_said_as_people_read_them(context: Flask) -> None:
    from shelter.domain.matching import Reason
    from shelter.domain.placing import NightHasPassed, UnitFitsNoMore

    assert "3월 10일" in say(NightHasPassed(date(2026, 3, 10)), "ko")
    assert "too small" in say(UnitFitsNoMore(Reason.TOO_SMALL), "en")


def test_a_constraint_has_its_own_sentence_and_an_unknown_one_the_general(context: Flask) -> None:
    assert say(ConstraintRefused("uq_user_login"), "en") == say(LoginTaken(), "en")
    assert "ck_something" in say(ConstraintRefused("ck_something"), "en")


def test_no_label_is_a_dash(context: Flask) -> None:
    assert label(None) == "–"


class _Field:
    def __init__(self) -> None:
        self.errors: tuple[str, ...] = ()


def test_a_refusal_stands_beside_its_field(context: Flask) -> None:
    class Form(dict):  # type: ignore[type-arg]
        form_errors: list[str] = []

    form = Form(login=_Field())
    show(LoginTaken(), form)
    show(UnitJustTaken(), form)
    assert form["login"].errors == [sentence(LoginTaken())]
    assert form.form_errors == [sentence(UnitJustTaken())]
    with pytest.raises(KeyReused):
        show(KeyReused(), form)


@pytest.fixture
def probe(make_app: Callable[..., Flask]) -> PageClient:
    """Pages that go wrong in every way."""
    bp = Blueprint("probe", __name__)
    raised: dict[str, Exception] = {
        "not-permitted": NotPermitted(),
        "not-found": NotFound(),
        "reused": KeyReused(),
        "taken": UnitJustTaken(),
        "busy": DatabaseBusy(),
        "slow": TooManyTries(30),
        "bug": ZeroDivisionError("with Kim Yuna in it"),
    }

    @bp.get("/probe/<any({}):what>".format(", ".join(f'"{w}"' for w in raised)))
    @public(because="a test")
    def fail(what: str) -> str:
        raise raised[what]

    app = make_app()
    app.testing = False
    app.test_client_class = PageClient
    app.register_blueprint(bp)
    client = app.test_client()
    assert isinstance(client, PageClient)
    return client


ENGLISH = {"Accept-Language": "en"}


@pytest.mark.parametrize(
    ("what", "status"),
    [("not-permitted", 403), ("not-found", 404), ("reused", 409), ("taken", 422), ("slow", 429), ("busy", 503)],
)
def test_a_refusal_out_of_a_view_has_its_status_and_both_languages(probe: PageClient, what: str, status: int) -> None:
    for language in ("ko", "en"):
        response = probe.get(f"/probe/{what}", headers={"Accept-Language": language})
        assert response.status_code == status
        page = page_of(response)
        assert page.root.get("lang") == language
        assert bool(HANGUL.search(page.h1)) is (language == "ko")


def test_waits_are_told_to_machines_too(probe: PageClient) -> None:
    assert probe.get("/probe/slow").headers["Retry-After"] == "30"
    assert probe.get("/probe/busy").headers["Retry-After"] == "5"


def test_a_bug_is_a_plain_page_without_what_went_wrong(probe: PageClient, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError, match="500"):  # the test client never lets a crash pass
        probe.get("/probe/bug", headers=ENGLISH)
    response = super(PageClient, probe).open("/probe/bug", headers=ENGLISH)
    assert response.status_code == 500
    assert page_of(response).h1 == "Something went wrong here"
    logged = capsys.readouterr().err
    assert "Yuna" not in response.text + logged
    assert "ZeroDivisionError" in logged


def test_in_a_part_of_a_page_only_the_sentence_is_shown(probe: PageClient) -> None:
    response = probe.get("/probe/taken", headers=ENGLISH | {"HX-Request": "true"})
    assert response.status_code == 422
    assert "<html" not in response.text
    assert "just taken" in response.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/login/x", 302), ("GET", "/logout", 302)])
def test_what_is_not_there_is_told_to_nobody(probe: PageClient, method: str, path: str, status: int) -> None:
    assert probe.open(path, method=method).status_code == status


def test_a_wrong_method_says_which_are_right(client: PageClient) -> None:
    from tests.support.people import sign_in

    sign_in(client)
    response = client.get("/logout")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


def test_too_much_at_once_is_said(client: PageClient) -> None:
    response = client.post("/login", data={"login": "x" * 7_000_000}, headers=ENGLISH)
    assert response.status_code == 413
    assert "too large" in page_of(response).text


def test_a_form_that_is_not_ours_is_refused(client: PageClient) -> None:
    response = client.post("/language/ko", data={}, headers=ENGLISH)
    assert response.status_code == 400
    assert page_of(response).h1 == "This could not be read"


def test_without_the_database_every_page_answers_503(
    app: Flask, client: PageClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    from shelter.queries import people
    from tests.support.people import sign_in

    sign_in(client)

    def down(*_: Any, **__: Any) -> None:
        raise OperationalError("SELECT", {}, Exception("connection refused"))

    monkeypatch.setattr(people, "principal_of", down)
    response = client.get("/account", headers=ENGLISH)
    assert response.status_code == 503
    assert page_of(response).h1 == "The system cannot answer at the moment"
    assert response.headers["Retry-After"] == "5"
