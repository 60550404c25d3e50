"""No page asks the database more often because it has more to show: every GET route, with 3 and 30 of everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask, redirect
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug import Response
from werkzeug.routing import AnyConverter, Rule

from shelter.domain.permissions import ROLE_PERMISSIONS, Role
from shelter.extensions import db
from shelter.models.stays import Stay
from shelter.web.access import signed_in
from shelter.web.converters import HouseholdReference, StayReference
from tests.conftest import Clock
from tests.support.crowd import Crowd
from tests.support.people import sign_in
from tests.support.statements import count_statements

pytestmark = pytest.mark.only("sqlite")  # the statements are the same on both

FEW, MANY = 3, 30
# Different for every role; other pages are looked at by the first role that may.
FOR_EVERYBODY = {"today", "board", "occupancy", "tasks", "messages", "sites", "stays.waiting", "stays.decide"}
SIGNS_OUT = "auth.quick_exit"
# These lead elsewhere, need a file first, or say that no clockwork runs; the task is for coordinators alone.
NEVER_SHOWN = {
    "auth.sign_in": {Role.COORDINATOR},
    "board.index": {Role.COORDINATOR, Role.MANAGER},
    "health.ready": {Role.COORDINATOR},
    "sites.preview_import": {Role.ADMINISTRATOR},
    "stays.preview_import": {Role.COORDINATOR},
    "tasks.show": {Role.MANAGER, Role.ADMINISTRATOR},
}
QUERIES = {
    "board.show": ("?nights=28",),
    "occupancy.show": ("", "?step=year", "?step=week", "?step=day", "?site={site_id}"),
    "occupancy.download": ("?step=month",),
    "stays.index": ("", "?page=2"),
    "find.show": ("", "?new=1", "?change=1", "?page=2"),
}
# Pages that list: with thirty they must be longer than with three, or nothing was measured.
LISTS = {
    "audit.index",
    "board.show",
    "find.show",
    "households.show_household",
    "messages.some",
    "occupancy.show",
    "sites.closures",
    "sites.coordinators",
    "sites.index",
    "sites.show",
    "stays.index",
    "stays.show",
    "stays.some",
    "stays.waiting",
    "tasks.index",
    "today.mine",
    "today.show",
    "tonight.overview",
    "tonight.sheet",
    "users.index",
    "users.show_one",
}
TONIGHT = {"arrive_on": "2026-03-10", "until": "nights", "nights": "7"}
SEARCHES = {
    "a woman": {"women": "1"},
    "as long as she may": {"women": "1", "until": "limit"},
    "more than any room holds": {"women": "2", "children": "5"},
    "with a dog": {"women": "1", "small_dogs": "1"},
}


@dataclass(frozen=True)
class Look:
    """One page as one role sees it; `search` is what was asked of Find before."""

    endpoint: str
    role: Role
    address: str
    search: str | None = None

    def __str__(self) -> str:
        return f"{self.role}: GET {self.address}" + (f" after looking for {self.search}" if self.search else "")


@dataclass(frozen=True)
class Seen:
    status: int
    statements: int
    length: int
    said: str


@pytest.fixture
def crowd(app: Flask, frozen_clock: Clock) -> Crowd:
    frozen_clock.set("2026-03-10 21:00")
    return Crowd(app)


def looks(crowd: Crowd, rules: Iterable[Rule]) -> Iterator[Look]:
    """Every address of every page, and who looks at it."""
    for rule in rules:
        if "GET" not in (rule.methods or ()) or rule.endpoint in ("static", SIGNS_OUT):
            continue
        access: Any = crowd.app.view_functions[rule.endpoint].access
        roles = [role for role in crowd.people if not access.any_of or access.any_of & ROLE_PERMISSIONS[role]]
        if not FOR_EVERYBODY & {rule.endpoint, rule.endpoint.split(".")[0]}:
            roles = roles[:1]
        for address in addresses(crowd, rule):
            for query in QUERIES.get(rule.endpoint, ("",)):
                for role in roles:
                    for search in searches(rule.endpoint):
                        yield Look(rule.endpoint, role, address + query.format(**crowd.ids), search)


def searches(endpoint: str) -> Iterable[str | None]:
    """After which a page of Find is looked at; the pages of reasons differ by the reason."""
    match endpoint:
        case "find.show":
            return SEARCHES
        case "find.not_fitting":
            return ["with a dog"]
    return [None]


def addresses(crowd: Crowd, rule: Rule) -> Iterator[str]:
    """Of what stays the same while all around it grows."""
    names = rule._converters
    is_about_a_stay = any(isinstance(converter, StayReference) for converter in names.values())
    for stay in crowd.stays.values() if is_about_a_stay else [""]:
        values: dict[str, Any] = {}
        for name, converter in names.items():
            match converter:
                case StayReference():
                    values[name] = stay
                case HouseholdReference():
                    values[name] = next(iter(crowd.stays.values())).rpartition("-")[0]
                case AnyConverter():
                    values[name] = None
                case _:
                    values[name] = crowd.ids.get(name)
        choices = [c for c in names.values() if isinstance(c, AnyConverter)]
        for item in sorted(choices[0].items) if choices else [None]:
            filled = {name: item if value is None else value for name, value in values.items()}
            if None not in filled.values():
                built = rule.build(filled)
                assert built is not None, rule.rule
                yield built[1]


def look_at(crowd: Crowd, wanted: Iterable[Look]) -> dict[Look, Seen]:
    clients: dict[Role, FlaskClient] = {}
    for role, account in crowd.people.items():
        clients[role] = FlaskClient(crowd.app, crowd.app.response_class)
        sign_in(clients[role], user=account)
    searched, seen = None, {}
    for look in sorted(wanted, key=lambda look: look.search or ""):
        client = clients[look.role]
        if look.search and look.search != searched:
            assert client.post("/find", data=TONIGHT | SEARCHES[look.search]).status_code == 303
            searched = look.search
        with count_statements() as said:
            answer = client.get(look.address)
        seen[look] = Seen(answer.status_code, said.total, len(answer.data), str(said))
    return seen


def growing(
    crowd: Crowd, rules: Iterable[Rule], few: int = FEW, many: int = MANY
) -> tuple[dict[Look, tuple[Seen, Seen]], set[str], dict[str, set[Role]]]:
    """Pages that say more to the database about more, the endpoints that showed more, and who was shown nothing."""
    wanted = list(looks(crowd, rules))
    crowd.grow(few)
    look_at(crowd, {look.endpoint: look for look in wanted}.values())  # what is remembered from the first time on
    before = look_at(crowd, wanted)
    crowd.grow(many)
    after = look_at(crowd, wanted)
    assert {look: seen.status for look, seen in before.items()} == {look: seen.status for look, seen in after.items()}
    shown = {(look.endpoint, look.role) for look in wanted if after[look].status == 200}
    unshown: dict[str, set[Role]] = {}
    for look in wanted:
        if (look.endpoint, look.role) not in shown:
            unshown.setdefault(look.endpoint, set()).add(look.role)
    longer = {look.endpoint for look in wanted if after[look].length > before[look].length}
    found = {look: (before[look], after[look]) for look in wanted if before[look].statements < after[look].statements}
    return found, longer, unshown


@pytest.fixture
def open_app(app: Flask) -> Iterator[Flask]:
    """Without form tokens: the searches are sent as they are."""
    app.config["WTF_CSRF_ENABLED"] = False
    yield app
    app.config["WTF_CSRF_ENABLED"] = True


def test_no_page_asks_more_often_about_more(open_app: Flask, crowd: Crowd) -> None:
    found, longer, unshown = growing(crowd, open_app.url_map.iter_rules())
    assert unshown == NEVER_SHOWN, "a page that leads elsewhere or is not there was not measured"
    assert not LISTS - longer, "these showed no more with thirty than with three: they were not measured"
    assert not {str(look): (few.statements, many.statements) for look, (few, many) in found.items()}


def test_a_page_that_asks_for_every_row_is_found(make_app: Callable[..., Flask], crowd: Crowd) -> None:
    """The control: a list of stays that opens each household by itself, and a page nobody is shown."""
    planted = make_app()

    @planted.get("/planted")
    @signed_in
    def each_by_itself() -> str:
        stays = db.session.scalars(select(Stay).execution_options(populate_existing=True)).all()
        return " ".join(stay.household.reference for stay in stays)

    @planted.get("/planted/elsewhere")
    @signed_in
    def elsewhere() -> Response:
        return redirect("/")

    crowd.app = planted
    rules = [rule for rule in planted.url_map.iter_rules() if rule.rule.startswith("/planted")]
    found, longer, unshown = growing(crowd, rules, few=1, many=3)
    ((before, after),) = found.values()
    assert after.statements > before.statements + 2
    assert longer == {"each_by_itself"}
    assert unshown == {"elsewhere": {Role.COORDINATOR}}
