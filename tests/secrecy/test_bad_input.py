"""Whatever is sent, by whomever, to whichever address: a sentence in the reader's language, never a crash."""

from __future__ import annotations

import random
import re
import secrets
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, got_request_exception
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from shelter.domain.permissions import Role
from shelter.extensions import db
from shelter.models.people import User
from tests.secrecy import world as worlds
from tests.support.pages import Page, page_of
from tests.support.people import Account, create_user, sign_in

QUICK, FULL = 400, 10_000
SEED = 20_260_310
RENEW_EVERY = 150  # what is sent changes the world: now and then a new one
TRACES = re.compile(r"Traceback \(most recent|sqlalchemy\.|psycopg\.|File \"/|werkzeug\.|\.py\", line")
LANG, MAIN = re.compile(r'<html[^>]* lang="(\w+)"'), re.compile(r"<main[^>]*>(.*?)</main>", re.DOTALL)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
HANGUL = re.compile(r"[가-힣]")
LEAVING = ("auth.sign_out", "auth.sign_out_everywhere", "auth.quick_exit")

BAD: tuple[str, ...] = (
    "",
    " ",
    "\0",
    "a\0b",
    "0",
    "-1",
    "-2147483649",
    "99999999999999999999999",
    "9" * 5_000,
    "1e9",
    "NaN",
    "²",
    "٣",
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "2026-02-30",
    "2026-13-40",
    "0001-01-01T00:00",
    "9999-12-31T23:59",
    "2026-03-10T25:61",
    "24:00",
    "00:00",
    "\u202e\u200fdrawkcab",
    "🏳️‍🌈👩‍👩‍👧‍👦" * 20,
    "e\u0301" * 300,
    "쉼터" * 500,
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    "' OR 1=1 --",
    "%s %(x)s %d",
    "../../etc/passwd",
    "//elsewhere.example/",
    "https://elsewhere.example/",
    "00000000-0000-0000-0000-000000000000",
    "not-a-uuid",
    "\r\nSet-Cookie: x=y",
    "\ud55c\ufeff\u2028",
    "+82-10-1234-5678",
    "1:2026-03-10:2026-03-17",
    "1:9999-12-31:0001-01-01 2:x:y",
    "on",
    "y",
    "ko",
    "now",
    "earlier",
    "granted",
    "K7M2PQ9-1",
    "x" * 70_000,
)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"HX-Request": "true"},
    {"Accept-Language": "xx-YY;q=9,*;q=-1,\u00e9"},
    {"Authorization": "Bearer \u00e9\u00e8"},
    {"X-Forwarded-For": "999.1.1.1, \u00ff", "X-Forwarded-Host": "elsewhere.example"},
    {"Content-Type": "application/json"},
    {"Content-Type": "multipart/form-data; boundary=nowhere"},
    {"Range": "bytes=9-1"},
    {"If-Modified-Since": "never"},
)


@pytest.fixture
def open_app(app: Flask) -> Iterator[Flask]:
    """Without form tokens, which would keep most of it out."""
    app.config["WTF_CSRF_ENABLED"] = False
    yield app
    app.config["WTF_CSRF_ENABLED"] = True


class Asker:
    """Makes up one request after the other, from forms as the pages offer them. The same seed, the same requests."""

    def __init__(self, app: Flask, seed: int) -> None:
        self.app, self.chance = app, random.Random(seed)
        self.rules = [
            (rule, method)
            for rule in sorted(app.url_map.iter_rules(), key=lambda r: r.rule)
            if rule.endpoint != "static"
            for method in sorted((rule.methods or set()) & {"GET", "POST"})
        ]
        self.forms: dict[str, list[dict[str, Any]]] = {}
        self.wrong: list[str] = []
        self.answers: dict[int, int] = {}

    def renew(self) -> None:
        self.world = worlds.build(self.app)
        self.everybody: list[tuple[str, Account | None]] = [("anonymous", None)]
        for language in ("ko", "en"):
            for role in Role:
                sites = [self.world.site_a] if role is Role.COORDINATOR else []
                account = create_user(self.app, roles={role}, sites=sites, locale=language)
                self.everybody.append((language, account))
        if not self.forms:
            self._learn_forms()

    def _learn_forms(self) -> None:
        """What a browser would send, by endpoint: read off every page there is."""
        for _language, account in self.everybody[1:]:
            if account is None or account.principal.locale == "ko":
                continue
            client = FlaskClient(self.app, self.app.response_class)
            sign_in(client, user=account)
            for rule, method in self.rules:
                if method == "POST" or rule.endpoint in LEAVING:
                    continue
                for address in self.world.addresses(rule):
                    response = client.get(address)
                    if response.status_code == 200 and response.mimetype == "text/html":
                        self._keep_forms(page_of(response))

    def _keep_forms(self, page: Page) -> None:
        for form in page.all("form"):
            action = form.get("action", "").split("?")[0]
            try:
                endpoint, _ = self.app.url_map.bind("").match(action, method=form.get("method", "get").upper())
            except HTTPException:
                continue
            fields = page.fields(form)
            names = {e.get("name") for e in form.iter() if e.get("name")}
            fields |= {name: "" for name in names - set(fields) if name}
            kept = self.forms.setdefault(endpoint, [])
            if all(set(fields) != set(other) for other in kept):
                kept.append(fields)

    def ask(self, number: int) -> None:
        pick = self.chance
        rule, method = self.rules[number % len(self.rules)]
        if pick.random() < 0.05:
            method = pick.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"))
        language, account = self._somebody(rule)
        client = FlaskClient(self.app, self.app.response_class)
        if account is not None:
            sign_in(client, user=account)
            language = self._language_of(account)
        else:
            language = "ko"
            client.set_cookie("shelter", pick.choice(("x", "é" * 50, "\u0000", "z" * 900)).encode("utf-8").hex())
        address = self._address(rule)
        how: dict[str, Any] = {"method": method, "headers": dict(pick.choice(HEADERS))}
        if pick.random() < 0.7:
            how["headers"] = {}
        if method in ("GET", "HEAD"):
            how["query_string"] = self._mutated(
                {"page": "1", "on": "2026-03-10", "from": "2026-03-10", "step": "month"}
            )
        else:
            how["data"] = self._body(rule)
        said = f"#{number} {account.login if account else 'anonymous'}: {method} {address} {how}"
        crashes: list[BaseException] = []

        def note(_app: Any, exception: BaseException, **_: Any) -> None:
            crashes.append(exception)

        with got_request_exception.connected_to(note, self.app):
            response = client.open(address, **how)
        if crashes:
            crash = crashes[0]
            where = " > ".join(f"{f.name}:{f.lineno}" for f in traceback.extract_tb(crash.__traceback__)[-5:])
            self.wrong.append(f"{said[:700]}\n    {type(crash).__name__} at {where}: {str(crash)[:300]}")
            return
        self.answers[response.status_code] = self.answers.get(response.status_code, 0) + 1
        if fault := _fault(response, language):
            self.wrong.append(f"{said[:700]}\n    {response.status}: {fault}")

    def _language_of(self, account: Account) -> str:
        """As it is by now: one of the requests may have changed it."""
        with self.app.app_context():
            return db.session.scalars(select(User.locale).where(User.id == account.id)).one()

    def _somebody(self, rule: Rule) -> tuple[str, Account | None]:
        """Mostly somebody who gets past the door."""
        permissions = getattr(self.app.view_functions[rule.endpoint].access, "any_of", frozenset())  # type: ignore[attr-defined]
        allowed = [one for one in self.everybody if one[1] and permissions & one[1].principal.permissions]
        return self.chance.choice(allowed if allowed and self.chance.random() < 0.85 else self.everybody)

    def _address(self, rule: Rule) -> str:
        if self.chance.random() < 0.15:
            strange = self.chance.choice(("%00", "..%2f", "%ff", "9" * 30, "²", "K7M2PQ9-999", "a" * 300, "-1"))
            return re.sub(r"<[^>]+>", lambda _: strange, rule.rule)
        addresses = list(self.world.addresses(rule, unknown=self.chance.random() < 0.1))
        return self.chance.choice(addresses) if addresses else rule.rule

    def _body(self, rule: Rule) -> Any:
        pick = self.chance
        if pick.random() < 0.03:
            return pick.choice((b"\xff\xfe" * 400, b"a=" + b"x" * 10_000_000, b"{}", b"&&&=&%zz=%", b"a" * 300_000))
        forms = self.forms.get(rule.endpoint) or [{"once": "", "x": ""}]
        fields = dict(pick.choice(forms))
        if "once" in fields or pick.random() < 0.5:
            fields["once"] = secrets.token_urlsafe(18)
        fields.pop("csrf_token", None)
        return self._mutated(fields)

    def _mutated(self, fields: dict[str, Any]) -> dict[str, Any]:
        """One to four things wrong with it."""
        pick, sent = self.chance, dict(fields)
        for _ in range(pick.randint(1, 4)):
            name = pick.choice(sorted(sent)) if sent else "x"
            match pick.randint(0, 9):
                case 0:
                    sent.pop(name, None)
                case 1:
                    sent[name] = [pick.choice(BAD), pick.choice(BAD)]
                case 2:
                    sent[re.sub(r"\d+", pick.choice(("²", "999999", "9" * 5_000, "-1", "")), name)] = "1"
                case 3 if len(sent) > 1:
                    other = pick.choice(sorted(sent))
                    sent[name], sent[other] = sent[other], sent[name]
                case 4:
                    sent[pick.choice(BAD)[:200] or "x"] = pick.choice(BAD)
                case _:
                    sent[name] = pick.choice(BAD)
        return sent


def _fault(response: TestResponse, language: str) -> str | None:
    if response.status_code >= 500:
        return "a server error"
    if response.mimetype != "text/html" or not response.data:
        return None
    text = response.text
    if TRACES.search(text):
        return "says how it is made"
    if response.status_code < 400 or "<html" not in text[:200]:
        return None
    said, main = LANG.search(text), MAIN.search(text)
    if said is None or said[1] != language:
        return f"a page in {said and said[1]} for a reader of {language}"
    if main is None or (language == "ko" and not HANGUL.search(main[1])):
        return f"nothing in the language of the reader: {main and main[1][:200]}"
    if CONTROL.search(text):
        return "a control character in the page"
    return None


def test_bad_requests_are_answered_with_a_sentence(open_app: Flask, is_proof: bool) -> None:
    asker = Asker(open_app, SEED)
    total = FULL if is_proof else QUICK
    for number in range(total):
        if number % RENEW_EVERY == 0:
            asker.renew()
        asker.ask(number)
    print(f"{total} requests over {len(asker.rules)} addresses and methods:", dict(sorted(asker.answers.items())))
    assert not asker.wrong, f"{len(asker.wrong)} of {total}:\n" + "\n".join(asker.wrong[:40])
    assert {200, 303, 404, 422} <= set(asker.answers), "the requests did not get far enough to prove anything"


def test_the_campaign_notices_a_crash(open_app: Flask) -> None:
    """The control: one view that breaks is found."""
    asker = Asker(open_app, SEED)
    asker.renew()
    kept = open_app.view_functions["stays.index"]

    def broken() -> str:
        raise ZeroDivisionError

    broken.access = kept.access  # type: ignore[attr-defined]
    open_app.view_functions["stays.index"] = broken
    try:
        asker.rules = [pair for pair in asker.rules if pair[0].endpoint == "stays.index"]
        for number in range(20):
            asker.ask(number)
    finally:
        open_app.view_functions["stays.index"] = kept
    assert asker.wrong
