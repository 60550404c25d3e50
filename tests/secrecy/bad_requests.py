"""Bad requests, one after the other, and what is wrong with the answers."""

from __future__ import annotations

import random
import re
import secrets
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Flask, got_request_exception
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from shelter.domain.permissions import Role
from shelter.extensions import db
from shelter.models.people import User
from tests.secrecy import bad_values
from tests.secrecy import world as worlds
from tests.support.pages import Page
from tests.support.people import Account, create_user, sign_in

HUGE_EVERY = 400
RENEW_EVERY = 200  # what is sent changes the world: now and then a new one
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "BREW")
TRACES = re.compile(r"Traceback \(most recent|sqlalchemy\.|psycopg\.|File \"/|werkzeug\.|gunicorn|\.py\", line")
LANG, MAIN = re.compile(r'<html[^>]* lang="(\w+)"'), re.compile(r"<main[^>]*>(.*?)</main>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)
ACTION, NAME = re.compile(r'action="([^"?]*)'), re.compile(r'name="([^"]+)"')
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
HANGUL, LATIN = re.compile(r"[가-힣]"), re.compile(r"[A-Za-z]{2}")
READINESS = "/readyz"  # says by 503 that no clockwork runs here
MACHINES = {"webhooks", "health"}  # nobody reads what these answer
LEAVING = ("auth.sign_out", "auth.sign_out_everywhere", "auth.quick_exit")
ASKED = {"page": "1", "on": "2026-03-10", "from": "2026-03-10", "step": "month"}

_forms: dict[str, list[dict[str, Any]]] = {}  # learned once by each worker: the pages are the same for all


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
        self.wrong: list[str] = []
        self.answers: Counter[int] = Counter()
        self.kinds: Counter[str] = Counter()
        self.asked = 0

    def ask_many(self, number: int) -> None:
        """Each address with each of its methods in turn, from somewhere in the middle, so that shards begin apart."""
        first = self.chance.randrange(len(self.rules))
        for n in range(number):
            rule, method = self.rules[(first + n) % len(self.rules)]
            self.ask(rule, method, partial(self._somebody, rule))
            if self.chance.random() < 0.05:
                self.ask(rule, self.chance.choice(METHODS), partial(self._somebody, rule))

    def sweep(self, rules: list[Rule]) -> None:
        """Each of these addresses with every method there is, by one of each role and by nobody."""
        for rule in rules:
            for method in METHODS:
                for role in (None, *Role):
                    self.ask(rule, method, partial(self._one_of, role))

    def renew(self) -> None:
        self.world = worlds.build(self.app)
        self.everybody: list[Account | None] = [None]
        for language in ("ko", "en"):
            for role in Role:
                sites = [self.world.site_a] if role is Role.COORDINATOR else []
                self.everybody.append(create_user(self.app, roles={role}, sites=sites, locale=language))
        if not _forms:
            self._learn_forms()
        ids = [str(each) for some in self.world.ids.values() for each in some]
        self.foreign = {str(self.world.site_b), *map(str, self.world.ids["draft_id"] + self.world.ids["user_id"])}
        self.values = (*bad_values.VALUES, *ids, *self.world.stays.values(), str(self.world.site_b))

    # What a browser would send --------------------------------------------------------------------------------

    def _learn_forms(self) -> None:
        """By endpoint, read off every page there is, as those see it who may."""
        known: set[tuple[str, frozenset[str]]] = set()
        for rule, method in self.rules:
            if method == "POST" or rule.endpoint in LEAVING:
                continue
            for account in self._allowed(rule, "en")[:2]:
                client = FlaskClient(self.app, self.app.response_class)
                sign_in(client, user=account)
                for address in self.world.addresses(rule):
                    response = client.get(address)
                    if response.status_code == 200 and response.mimetype == "text/html":
                        self._keep_forms(response.text, known)

    def _keep_forms(self, text: str, known: set[tuple[str, frozenset[str]]]) -> None:
        for form in FORM.findall(text):
            endpoint = self._endpoint(form)
            kind = (endpoint, frozenset(NAME.findall(form)))
            if endpoint and kind not in known:
                known.add(kind)
                page = Page(form, is_fragment=True)
                [element] = page.all("form")
                fields = page.fields(element)
                names = {e.get("name") for e in element.iter() if e.get("name")}
                fields |= {name: "" for name in names - set(fields) if name}
                _forms.setdefault(endpoint, []).append(fields)

    def _endpoint(self, form: str) -> str:
        method = "POST" if 'method="post"' in form else "GET"
        try:
            action = ACTION.search(form)
            return str(self.app.url_map.bind("").match(action[1] if action else "", method=method)[0])
        except HTTPException:
            return ""

    # What is sent ---------------------------------------------------------------------------------------------

    def ask(self, rule: Rule, method: str, who: Callable[[], Account | None]) -> None:
        if self.asked % RENEW_EVERY == 0:
            self.renew()
        self.asked += 1
        pick, account = self.chance, who()
        client = FlaskClient(self.app, self.app.response_class)
        if account is not None:
            sign_in(client, user=account)
        else:
            client.set_cookie("shelter", pick.choice(("x", "é" * 50, "\u0000", "z" * 900)).encode().hex())
        headers = pick.choice(bad_values.HEADERS) if pick.random() < 0.3 else {}
        how: dict[str, Any] = {"method": method, "headers": headers}
        if method in ("GET", "HEAD"):
            how["query_string"] = bad_values.encoded(self._mutated(ASKED)).decode()
        else:
            how["data"], how["content_type"] = self._body(rule)
        address = self._address(rule)
        is_for_people = method not in ("HEAD", "OPTIONS") and rule.endpoint.split(".")[0] not in MACHINES
        self._send(client, account, address, how, is_for_people)

    def _send(
        self, client: FlaskClient, account: Account | None, address: str, how: dict[str, Any], is_for_people: bool
    ) -> None:
        crashes: list[BaseException] = []

        def note(_app: Any, exception: BaseException, **_: Any) -> None:
            crashes.append(exception)

        with got_request_exception.connected_to(note, self.app):
            response = client.open(address, **how)
        said = f"#{self.asked} {account.login if account else 'anonymous'}: {how['method']} {address} {how}"[:700]
        if crashes:
            crash = crashes[0]
            where = " > ".join(f"{f.name}:{f.lineno}" for f in traceback.extract_tb(crash.__traceback__)[-5:])
            self.wrong.append(f"{said}\n    {type(crash).__name__} at {where}: {str(crash)[:300]}")
            return
        self.answers[response.status_code] += 1
        fault = fault_of(response, account.principal.locale if account else "ko", is_for_people)
        if fault and account:  # one of the requests may have changed the language
            fault = fault_of(response, self._language_of(account), is_for_people)
        if fault:
            self.wrong.append(f"{said}\n    {response.status}: {fault}")

    def _language_of(self, account: Account) -> str:
        with self.app.app_context():
            return db.session.scalars(select(User.locale).where(User.id == account.id)).one()

    def _allowed(self, rule: Rule, *languages: str) -> list[Account]:
        permissions = getattr(self.app.view_functions[rule.endpoint].access, "any_of", frozenset())  # type: ignore[attr-defined]
        people = [one for one in self.everybody if one and one.principal.locale in languages]
        return [one for one in people if permissions & one.principal.permissions] or (people if not permissions else [])

    def _one_of(self, role: Role | None) -> Account | None:
        if role is None:
            return None
        return self.chance.choice([one for one in self.everybody if one and role in one.principal.roles])

    def _somebody(self, rule: Rule) -> Account | None:
        """Mostly somebody who gets past the door."""
        allowed = self._allowed(rule, "ko", "en")
        return self.chance.choice(allowed if allowed and self.chance.random() < 0.85 else self.everybody)

    def _address(self, rule: Rule) -> str:
        if self.chance.random() < 0.15:
            strange = self.chance.choice(bad_values.IN_ADDRESSES)
            return re.sub(r"<[^>]+>", lambda _: strange, rule.rule)
        addresses = list(self.world.addresses(rule, unknown=self.chance.random() < 0.1))
        return self.chance.choice(addresses) if addresses else rule.rule

    def _body(self, rule: Rule) -> tuple[bytes, str]:
        pick = self.chance
        dice = pick.random()
        if self.kinds[bad_values.HUGE] * HUGE_EVERY < self.asked:
            self.kinds[bad_values.HUGE] += 1
            return bad_values.TEN_MEGABYTES
        if dice < 0.08:
            return pick.choice(bad_values.BROKEN)
        fields = dict(pick.choice(_forms.get(rule.endpoint) or [{"once": "", "x": ""}]))
        if "once" in fields or pick.random() < 0.5:
            fields["once"] = secrets.token_urlsafe(18)
        fields.pop("csrf_token", None)
        sent = self._mutated(fields)
        if dice < 0.16:
            return bad_values.multipart(sent, pick), bad_values.MULTIPART
        return bad_values.encoded(sent), bad_values.FORM

    def _mutated(self, fields: dict[str, Any]) -> dict[str, Any]:
        """One to four things wrong with it."""
        pick, sent, values = self.chance, dict(fields), self.values
        for _ in range(pick.randint(1, 4)):
            name = pick.choice(sorted(sent)) if sent else "x"
            match pick.randint(0, 11):
                case 0:
                    sent.pop(name, None)
                case 1:
                    sent[name] = [pick.choice(values), pick.choice(values)]
                case 2:
                    sent[re.sub(r"\d+", pick.choice(("²", "999999", "9" * 5_000, "-1", "")), name)] = "1"
                case 3 if len(sent) > 1:
                    other = pick.choice(sorted(sent))
                    sent[name], sent[other] = sent[other], sent[name]
                case 4:
                    sent[pick.choice(values)[:200] or "x"] = pick.choice(values)
                case 5:
                    self._swap_dates(sent)
                case 6:
                    ids = [known for known in sorted(sent) if known.endswith("_id") or known in ("sites", "segments")]
                    sent[pick.choice(ids or [name])] = pick.choice(sorted(self.foreign))
                case _:
                    sent[name] = pick.choice(values)
        heads = [known for known in bad_values.HEADS if known in sent]
        if heads and pick.random() < 0.4:  # few forms ask for people
            sent[pick.choice(heads)] = pick.choice(("-1", "-20", "-2147483649"))
        self.kinds.update(bad_values.kinds_of(sent, self.foreign))
        return sent

    def _swap_dates(self, sent: dict[str, Any]) -> None:
        """The later one before the earlier one; two are made up where the form has none."""
        dates = [name for name, value in sorted(sent.items()) if bad_values.A_DATE.match(str(value))]
        first, last = self.chance.sample(dates, 2) if len(dates) > 1 else (*dates, "arrive_on", "leave_on")[:2]
        early, late = sorted((str(sent.get(first) or "2026-03-10"), str(sent.get(last) or "2026-03-17")))
        if early < late:
            sent[first], sent[last] = late, early
            self.kinds[bad_values.SWAPPED] += 1


def fault_of(response: TestResponse, language: str, is_for_people: bool = True) -> str | None:
    """What no answer may be: a server error, a refusal without a word, a page that says how it is made or speaks
    another language.
    """
    if response.status_code >= 500 and response.request.path != READINESS:
        return "a server error"
    if response.mimetype == "text/plain" and is_for_people and response.status_code >= 400:
        # The dialog over a page left open shows one sentence.
        return None if _speaks(language, response.text) else "nothing in the language of the reader"
    if response.mimetype != "text/html" or not response.data:
        is_told = response.status_code < 400 or "HX-Redirect" in response.headers
        return None if is_told or not is_for_people else "a refusal without a sentence"
    return fault_of_page(response.text, language, is_refused=response.status_code >= 400)


def fault_of_page(text: str, language: str, *, is_refused: bool) -> str | None:
    if TRACES.search(text):
        return "says how it is made"
    if not is_refused:
        return None
    if CONTROL.search(text):
        return "a control character in the page"
    if "<html" not in text[:200]:
        return None if _speaks(language, TAG.sub(" ", text)) else f"nothing in the language of the reader: {text[:200]}"
    said, main = LANG.search(text), MAIN.search(text)
    if said is None or said[1] != language:
        return f"a page in {said and said[1]} for a reader of {language}"
    if main is None or not _speaks(language, main[1]):
        return f"nothing in the language of the reader: {main and main[1][:200]}"
    return None


def _speaks(language: str, text: str) -> bool:
    return bool((HANGUL if language == "ko" else LATIN).search(TAG.sub(" ", text)))
