"""One household's way through the house, told in canaries through the pages: in this process, or over real HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from shelter import clock
from shelter.domain.matching import PetsAllowed
from shelter.domain.permissions import Role
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.people import SignInSession
from shelter.models.sites import Site
from shelter.models.stays import Task
from shelter.services import messages
from tests import factories
from tests.secrecy.canaries import CANARY, DISTRICT, HERS, NUMBERS, e164
from tests.support.browsers import Browser
from tests.support.pages import Page
from tests.support.people import Account, create_user, sign_in
from tests.support.placing import stay_of
from tests.support.servers import Web


class Answer(Protocol):
    status_code: int
    location: str | None
    mimetype: str
    text: str


class Client(Protocol):
    def get(self, path: str) -> Any: ...
    def post(self, path: str, *, data: dict[str, Any]) -> Any: ...


@dataclass
class Told:
    """An answer over real HTTP, as the test client has it."""

    status_code: int
    location: str
    mimetype: str
    text: str


class OverHttp:
    """A browser over real HTTP with the manners of the test client."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def get(self, path: str) -> Told:
        return self._told(self._browser.get(path))

    def post(self, path: str, *, data: dict[str, Any]) -> Told:
        return self._told(self._browser.post(path, data))

    def _told(self, status: int) -> Told:
        kind = self._browser.headers.get_content_type()
        return Told(status, self._browser.location, kind, self._browser.text)


Open = Callable[[Account | None], Client]


class Night:
    """Keeps every address and every title it meets."""

    def __init__(self, app: Flask, server: Web | None = None) -> None:
        self.app, self._server = app, server
        self.addresses: list[str] = []
        self.titles: list[str] = []
        self.client: Client = self._client(None)

    def _client(self, account: Account | None) -> Client:
        if self._server is not None:
            browser = self._server.browser()
            if account is not None:
                browser.enter(self.app, user=account)
            return OverHttp(browser)
        client = self.app.test_client()
        if account is not None:
            sign_in(client, user=account)
        return client

    def as_(self, account: Account | None) -> None:
        self.client = self._client(account)

    def get(self, path: str) -> str:
        return str(self._opened(path).text)

    def _opened(self, path: str) -> Any:
        self.addresses.append(path)
        answer = self.client.get(path)
        assert answer.status_code in (200, 302), f"{path}: {answer.status_code}"
        if answer.status_code == 302:
            return self._opened(answer.location)
        return answer

    def page(self, path: str) -> Page:
        page = Page(self._opened(path).text)
        self.titles.append(page.title)
        self.addresses += [e.get(a, "") for e in page.root.iter() for a in ("href", "action", "src", "formaction")]
        return page

    def post(self, path: str, changes: dict[str, Any] | None = None, page: str | None = None, status: int = 303) -> str:
        shown = self.page(page or path)
        fields = next(shown.fields(f) for f in shown.all("form") if f.get("action", "").split("?")[0] == path)
        answer = self.client.post(path, data=fields | (changes or {}))
        assert answer.status_code == status, f"{path}: {answer.status_code}\n{answer.text[-1500:]}"
        self.addresses.append(answer.location or "")
        return answer.location or ""

    # What is told --------------------------------------------------------------------------------------------

    def live(self) -> None:
        """From the site's making to the sign-in of somebody nobody knows."""
        self.site = self._make_site()
        units = self._make_units()
        admin, kim = create_user(self.app, roles={Role.ADMINISTRATOR}), create_user(self.app, sites=[UUID(self.site)])
        manager = create_user(self.app, roles={Role.MANAGER})
        self.people = (admin, kim, manager)
        self.as_(kim)
        self.post("/account", {"phone": NUMBERS["staff"]})
        first = clock.shelter_day()
        self.stay, other = (hold(self, unit, first) for unit in units[:2])
        intake(self, self.stay)
        self._keep_draft(other)
        self._stay_in_the_house(manager, kim)
        self.post(f"/stays/{other}/confirm")
        self.post(f"/stays/{other}/cancel", {"cancel_reason": "other", "note": CANARY["cancelled"]})
        left = {"exit_reason": "other", "destination": "other", "reason": CANARY["left"]}
        self.post(f"/stays/{self.stay}/check-out", left)
        check_in = (first - timedelta(days=9)).isoformat()
        sheet = {"case": CANARY["sheet"], "unit_id": str(units[2]), "check_in": check_in, "women": "1"}
        self.post("/stays/record", sheet)
        self._let_the_session_end(kim)
        with self.app.app_context():
            messages.store_inbound(provider_id="SM1", number=e164("from"), body=CANARY["inbound"])
        self.as_(None)
        form = self.page("/login").fields()
        self.client.post("/login", data=form | {"login": CANARY["login"], "password": CANARY["login"]})

    def _make_site(self) -> str:
        self.as_(create_user(self.app, roles={Role.ADMINISTRATOR}))
        told = {"district": DISTRICT.code, "directions": CANARY["directions"], "night_line": NUMBERS["night_line"]}
        site = self.post("/sites/new", {"code_name": "Magnolia"} | told).rsplit("/", 1)[1]
        self.post(f"/sites/{site}/directions", {"reason": f"lost at night {CANARY['located']}"}, status=200)
        return site

    def _make_units(self) -> list[int]:
        with self.app.app_context():
            site = db.session.get_one(Site, UUID(self.site))
            units = [factories.make_unit(factories.make_room(site), pets_allowed=PetsAllowed.ANY) for _ in range(2)]
            units.append(factories.make_unit(factories.make_room(site, "101"), "101"))
            return [unit.id for unit in units]

    def _keep_draft(self, stay: str) -> None:
        page = self.page(f"/stays/{stay}/intake")
        fields = page.fields(next(f for f in page.all("form") if f.get("action") == f"/stays/{stay}/intake"))
        answer = self.client.post(f"/stays/{stay}/intake/draft", data=fields | {"notes": CANARY["draft"]})
        assert answer.status_code == 204

    def _stay_in_the_house(self, manager: Account, kim: Account) -> None:
        stay = self.stay
        self.post(f"/stays/{stay}/confirm", {"text": "asked_now"})
        self.page(f"/stays/{stay}/arrival-card")
        self.post(f"/stays/{stay}/arrival-card/received", page=f"/stays/{stay}/arrival-card")
        self.post(f"/stays/{stay}/check-in")
        self.post(f"/stays/{stay}/plan", {"plan": CANARY["plan"]})
        self.post(f"/stays/{stay}/extension", {"reason": CANARY["reason"]})
        self._do_a_task()
        self.as_(manager)
        refused = {"decision": "refused", "reason": CANARY["refused"]}
        self.post(f"/stays/{stay}/extension/decision", refused)
        self.as_(kim)
        self.page(f"/stays/{stay}")
        self.page(f"/households/{stay[:7]}")
        self.post(f"/households/{stay[:7]}/edit")

    def _do_a_task(self) -> None:
        with self.app.app_context():
            kept, now = stay_of(self.stay), clock.now()
            task = Task(kind=TaskKind.CALL, dedupe_key="test", created_at=now, due_at=now)
            task.household_id, task.stay_id = kept.household_id, kept.id
            db.session.add(task)
            db.session.commit()
            path = f"/tasks/{task.id}"
        self.post(path, {"note": CANARY["task_note"]})
        self.page(path)

    def _let_the_session_end(self, kim: Account) -> None:
        """What is sent with a dead session is kept for its person."""
        token = token_of(self)
        with self.app.app_context():
            for row in db.session.scalars(select(SignInSession).where(SignInSession.user_id == kim.id)):
                row.expires_at = clock.now() - timedelta(minutes=1)
            db.session.commit()
        answer = self.client.post("/find", data={"csrf_token": token, "households": CANARY["expired"]})
        assert "draft=" in answer.location
        self.addresses.append(answer.location)


def token_of(night: Night) -> str:
    page = night.page("/find")
    return str(page.fields(next(f for f in page.all("form") if f.get("method") == "post"))["csrf_token"])


def hold(night: Night, unit: int, first: date) -> str:
    """A room for a woman and a child until a month from now; the stay's reference."""
    fields = {"arrive_on": first.isoformat(), "until": "limit", "women": "1", "children": "1", "districts": HERS.code}
    fields["csrf_token"] = token_of(night)
    night.client.post("/find", data=fields)
    night.page("/find")
    segments = f"{unit}:{first.isoformat()}:{(first + timedelta(days=30)).isoformat()}"
    answer = night.client.post("/find/hold", data=fields | {"once": secrets.token_urlsafe(18), "segments": segments})
    assert answer.status_code == 303, answer.text[-1500:]
    night.addresses.append(answer.location)
    return str(answer.location).split("/")[2]


def intake(night: Night, stay: str) -> None:
    night.post(
        f"/stays/{stay}/intake",
        {
            "can_call": "no",
            "can_text": "yes",
            "number": NUMBERS["number"],
            "danger_numbers": NUMBERS["danger"],
            "has_consented": "y",
            "has_consented_abroad": "y",
            "detail": "date_only",
            "people-0-name": CANARY["name"],
            "people-1-name": CANARY["child"],
            "pets-0-species": "cat",
            "pets-0-size": "small",
            "pets-0-name": CANARY["pet"],
            "districts-0-district": HERS.code,
            "code_word": CANARY["code_word"],
            "who_answers": CANARY["who_answers"],
            "other_way": CANARY["other_way"],
            "notes": CANARY["notes"],
        },
    )
