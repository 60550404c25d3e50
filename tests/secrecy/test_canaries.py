"""What she tells is nowhere to be read: not in the database file or a dump, not in a log, an address or a list."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from shelter import clock
from shelter.domain.districts import DISTRICTS
from shelter.domain.matching import PetsAllowed
from shelter.domain.permissions import Role
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.stays import Task
from shelter.services import messages
from tests import factories
from tests.support.databases import Database
from tests.support.pages import PageClient, page_of
from tests.support.people import Account, create_user, sign_in

FIELDS = [
    "name",
    "child",
    "pet",
    "code_word",
    "who_answers",
    "other_way",
    "notes",
    "draft",
    "plan",
    "reason",
    "refused",
    "cancelled",
    "task_note",
    "directions",
    "located",
    "left",
    "sheet",
    "inbound",
    "login",
    "expired",
]
CANARY = {name: f"qz{name.replace('_', '')}카나리{n}xk" for n, name in enumerate(FIELDS)}
DISTRICT, HERS = DISTRICTS[3], DISTRICTS[7]
# As typed; what follows the leading zero is in every way to write a number.
NUMBERS = {
    "number": "010-9911-7701",
    "danger": "010-9911-7702",
    "staff": "010-9911-7703",
    "night_line": "02-9911-7704",
    "from": "010-9911-7705",
}


def secrets_told() -> dict[str, list[bytes]]:
    """Each secret in the ways it could be written down."""
    ways = {
        name: [text.encode(), text.encode("utf-16-le"), ascii(text)[1:-1].encode()] for name, text in CANARY.items()
    }
    for name, number in NUMBERS.items():
        digits = number.replace("-", "")
        ways[name] = [number.encode(), digits.encode(), b"+82" + digits[1:].encode(), number[1:].encode()]
    for name, district in (("district", DISTRICT), ("her district", HERS)):
        ways[name] = [district.ko.encode(), f'"{district.code}"'.encode(), f"'{district.code}'".encode()]
    return ways


def found_in(where: bytes) -> list[str]:
    return sorted(name for name, ways in secrets_told().items() if any(way in where for way in ways))


class Night:
    """One household's way through the house, told in canaries; keeps every page and address it meets."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.addresses: list[str] = []
        self.titles: list[str] = []

    def as_(self, account: Account) -> None:
        self.client: PageClient = self.app.test_client()  # type: ignore[assignment]
        sign_in(self.client, user=account)

    def get(self, path: str) -> str:
        self.addresses.append(path)
        response = self.client.get(path)
        assert response.status_code in (200, 302), f"{path}: {response.status}"
        if response.status_code == 302:
            return self.get(response.location)
        if response.mimetype == "text/html":
            page = page_of(response)
            self.titles.append(page.title)
            self.addresses += [e.get(a, "") for e in page.root.iter() for a in ("href", "action", "src", "formaction")]
        return response.text

    def post(self, path: str, changes: dict[str, Any] | None = None, page: str | None = None, status: int = 303) -> str:
        self.get(page or path)
        form = page_of(self.client.get(page or path))
        fields = next(form.fields(f) for f in form.all("form") if f.get("action", "").split("?")[0] == path)
        response = self.client.post(path, data=fields | (changes or {}))
        assert response.status_code == status, f"{path}: {response.status}\n{page_of(response).text[:1500]}"
        self.addresses.append(response.headers.get("Location", ""))
        return response.headers.get("Location", "")


@pytest.fixture
def night(app: Flask) -> Night:
    made = Night(app)
    live(made)
    return made


def live(night: Night) -> None:
    app = night.app
    admin = create_user(app, roles={Role.ADMINISTRATOR})
    night.as_(admin)
    site = night.post(
        "/sites/new",
        {
            "code_name": "Magnolia",
            "district": DISTRICT.code,
            "directions": CANARY["directions"],
            "night_line": NUMBERS["night_line"],
        },
    ).rsplit("/", 1)[1]
    night.post(f"/sites/{site}/directions", {"reason": f"lost at night {CANARY['located']}"}, status=200)
    with app.app_context():
        from shelter.models.sites import Site

        room = factories.make_room(db.session.get_one(Site, UUID(site)), "101")
        kept = db.session.get_one(Site, UUID(site))
        units = [factories.make_unit(factories.make_room(kept), pets_allowed=PetsAllowed.ANY) for _ in range(2)]
        units.append(factories.make_unit(room, "101"))
        ids = [unit.id for unit in units]
    kim, manager = create_user(app, sites=[UUID(site)]), create_user(app, roles={Role.MANAGER})
    night.site, night.people = site, (admin, kim, manager)  # type: ignore[attr-defined]
    night.as_(kim)
    night.post("/account", {"phone": NUMBERS["staff"]})
    first = clock.shelter_day()
    held = [hold(night, unit, first) for unit in ids[:2]]
    stay, other = held
    intake(night, stay)
    keep_draft(night, other)
    night.post(f"/stays/{stay}/confirm", {"text": "asked_now"})
    night.get(f"/stays/{stay}/arrival-card")
    night.post(f"/stays/{stay}/arrival-card/received", page=f"/stays/{stay}/arrival-card")
    night.post(f"/stays/{stay}/check-in")
    night.post(f"/stays/{stay}/plan", {"plan": CANARY["plan"]})
    night.post(f"/stays/{stay}/extension", {"reason": CANARY["reason"]})
    task(night, stay)
    night.as_(manager)
    night.post(f"/stays/{stay}/extension/decision", {"decision": "refused", "reason": CANARY["refused"]})
    night.as_(kim)
    night.get(f"/stays/{stay}")
    night.get(f"/households/{stay[:7]}")
    night.post(f"/households/{stay[:7]}/edit")
    night.post(f"/stays/{other}/confirm")
    night.post(f"/stays/{other}/cancel", {"cancel_reason": "other", "note": CANARY["cancelled"]})
    leave(night, stay)
    sheet = {"case": CANARY["sheet"], "unit_id": str(ids[2]), "check_in": (first - timedelta(days=9)).isoformat()}
    night.post("/stays/record", sheet | {"women": "1"})
    expire(night, kim)
    with app.app_context():
        messages.store_inbound(
            provider_id="SM1", number="+82" + NUMBERS["from"].replace("-", "")[1:], body=CANARY["inbound"]
        )
    stranger: PageClient = app.test_client()  # type: ignore[assignment]
    form = page_of(stranger.get("/login")).fields()
    stranger.post("/login", data=form | {"login": CANARY["login"], "password": CANARY["login"]})


def token_of(night: Night) -> str:
    page = page_of(night.client.get("/find"))
    return str(page.fields(next(f for f in page.all("form") if f.get("method") == "post"))["csrf_token"])


def hold(night: Night, unit: int, first: Any) -> str:
    fields = {"arrive_on": first.isoformat(), "until": "limit", "women": "1", "children": "1", "districts": HERS.code}
    night.get("/find")
    token = token_of(night)
    night.client.post("/find", data=fields | {"csrf_token": token})
    night.get("/find")
    segments = f"{unit}:{first.isoformat()}:{(first + timedelta(days=30)).isoformat()}"
    once = secrets.token_urlsafe(18)
    answer = night.client.post("/find/hold", data=fields | {"csrf_token": token, "once": once, "segments": segments})
    assert answer.status_code == 303, page_of(answer).text[:1500]
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


def keep_draft(night: Night, stay: str) -> None:
    page = page_of(night.client.get(f"/stays/{stay}/intake"))
    fields = page.fields(next(f for f in page.all("form") if f.get("action") == f"/stays/{stay}/intake"))
    answer = night.client.post(f"/stays/{stay}/intake/draft", data=fields | {"notes": CANARY["draft"]})
    assert answer.status_code == 204


def task(night: Night, stay: str) -> None:
    with night.app.app_context():
        from tests.support.placing import stay_of

        kept, now = stay_of(stay), clock.now()
        made = Task(
            kind=TaskKind.CALL,
            dedupe_key="test",
            household_id=kept.household_id,
            stay_id=kept.id,
            created_at=now,
            due_at=now,
        )
        db.session.add(made)
        db.session.commit()
        task_id = made.id
    night.post(f"/tasks/{task_id}", {"note": CANARY["task_note"]})
    night.get(f"/tasks/{task_id}")


def leave(night: Night, stay: str) -> None:
    night.post(f"/stays/{stay}/check-out", {"exit_reason": "other", "destination": "other", "reason": CANARY["left"]})


def expire(night: Night, kim: Account) -> None:
    """What is sent with a dead session is kept for its person."""
    token = token_of(night)
    with night.app.app_context():
        from shelter.models.people import SignInSession

        for row in db.session.scalars(select(SignInSession).where(SignInSession.user_id == kim.id)):
            row.expires_at = clock.now() - timedelta(minutes=1)
        db.session.commit()
    answer = night.client.post("/find", data={"csrf_token": token, "households": CANARY["expired"]})
    assert "draft=" in answer.location
    night.addresses.append(answer.location)


def dump(database: Database) -> bytes:
    """Everything a thief of the database has."""
    rows = [value for table in database.tables() for row in database.rows(table) for value in row]
    whole = b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in rows)
    if database.dialect == "sqlite":
        file = Path(database.conninfo)
        whole += b"".join(part.read_bytes() for part in file.parent.glob(file.name + "*"))
    return whole


def test_nothing_told_can_be_read_in_the_database(night: Night, database: Database) -> None:
    assert found_in(dump(database)) == []
    # And it was all there to be found, but sealed; a sign-in name nobody has is not kept at all.
    with night.app.app_context():
        kept = found_in(unsealed(database))
    assert set(secrets_told()) - set(kept) == {"login"}


def unsealed(database: Database) -> bytes:
    """What somebody with the keys can read."""
    from shelter.extensions import keyring
    from shelter.keyring import place_of
    from shelter.models.data_map import DATA_MAP, Level

    plain = []
    for table, levels in DATA_MAP.items():
        for column in levels.get(Level.SEALED, "").split():
            rows = database._own.execute(f'SELECT id, {column} FROM "{table}" WHERE {column} IS NOT NULL').fetchall()
            for row_id, envelope in rows:
                place = place_of(table, column, row_id if isinstance(row_id, UUID) else UUID(row_id))
                plain.append(keyring.unseal(bytes(envelope), place=place))
    return b"\n".join(plain)


def test_the_search_finds_what_lies_open(night: Night, database: Database) -> None:
    """The control: a note on a closure is not sealed, and says so beside its field."""
    with night.app.app_context():
        unit = factories.make_unit()
        day = clock.shelter_day()
        factories.make_closure(unit, from_on=day, until_on=day + timedelta(days=2), note=CANARY["name"])
    assert found_in(dump(database)) == ["name"]


def test_nothing_told_is_logged_or_in_an_address_or_a_title(
    app: Flask, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    night = Night(app)
    live(night)
    said = capsys.readouterr()
    assert "audit" in said.err, "nothing was logged at all"
    assert found_in((said.err + said.out + caplog.text).encode()) == []
    assert found_in("\n".join(night.addresses).encode()) == []
    assert found_in("\n".join(night.titles).encode()) == []


def listed(night: Night) -> Iterator[tuple[Account, str]]:
    admin, kim, manager = night.people  # type: ignore[attr-defined]
    site = night.site  # type: ignore[attr-defined]
    auditor = create_user(night.app, roles={Role.AUDITOR})
    lists = ["/", "/mine", "/stays", "/stays/list/mine", "/stays/list/past", "/stays/list/near-limit", "/tasks"]
    yield from ((kim, path) for path in [*lists, f"/board/{site}", "/messages", "/sites", f"/sites/{site}"])
    yield from ((manager, path) for path in ("/", f"/board/{site}", "/occupancy", "/messages", "/tasks"))
    yield from ((admin, path) for path in ("/users", f"/sites/{site}", f"/sites/{site}/edit", "/messages", "/tasks"))
    yield from ((auditor, path) for path in ("/audit", "/occupancy", "/occupancy/export/csv"))


def test_lists_and_exports_hold_references_only(night: Night) -> None:
    shown = {"inbound"}  # the body of a text that came in, on the page of texts alone
    district_choices = {"district", "her district"}  # every district is offered in the form of a site
    open_ = []
    for account, path in listed(night):
        night.as_(account)
        found = set(found_in(night.get(path).encode()))
        found -= shown if path == "/messages" else set()
        found -= district_choices if path.endswith("/edit") else set()
        found -= {"located"} if path == "/audit" else set()  # why somebody asked where a site is: for the auditor
        if found:
            open_.append((path, account.login, sorted(found)))
    assert not open_
