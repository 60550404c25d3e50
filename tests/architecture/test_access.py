"""Who may open what: every endpoint, for every role. A change of rights is a change of this table."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import AnyConverter, IntegerConverter, Rule, UUIDConverter
from werkzeug.test import TestResponse

from shelter.domain import references
from shelter.domain.permissions import Role
from shelter.web.converters import HouseholdReference, StayReference, Token
from tests.support.people import create_user, sign_in

pytestmark = pytest.mark.only("sqlite")

C, M, A, U, R = Role.COORDINATOR, Role.MANAGER, Role.ADMINISTRATOR, Role.AUDITOR, Role.REFERRER
EVERYBODY = frozenset({"anonymous", *Role})
STAFF = frozenset(Role)
UNKNOWN = references.new_reference()

# endpoint: who gets past the door. Behind it, an unknown reference is a 404 and an empty form a 422.
ACCESS: dict[str, frozenset[str]] = {
    "audit.choose": frozenset({U}),
    "audit.index": frozenset({U}),
    "auth.account": STAFF,
    "auth.alive": STAFF,
    "auth.change_password": STAFF,
    "auth.quick_exit": EVERYBODY,
    "auth.resume": STAFF,
    "auth.set_language": EVERYBODY,
    "auth.sign_in": EVERYBODY,
    "auth.sign_out": STAFF,
    "auth.sign_out_everywhere": STAFF,
    "auth.use_link": EVERYBODY,  # the secret is the right
    "board.index": frozenset({C, M}),
    "board.show": frozenset({C, M}),
    "operations.show": frozenset({M, A, U}),
    "occupancy.download": frozenset({C, M, U}),
    "occupancy.show": frozenset({C, M, U}),
    "tasks.index": frozenset({C, M, A}),
    "tasks.reopen": frozenset({C, M, A}),
    "tasks.show": frozenset({C, M, A}),
    "today.mine": frozenset({C, M, A}),
    "today.show": frozenset({C, M, A}),
    "find.hold": frozenset({C}),
    "find.not_fitting": frozenset({C}),
    "find.record_turnaway": frozenset({C}),
    "find.search": frozenset({C}),
    "find.show": frozenset({C}),
    "health.alive": EVERYBODY,
    "health.metrics": EVERYBODY,
    "health.ready": EVERYBODY,
    "households.edit": frozenset({C}),
    "households.reconfirm_consent": frozenset({C}),
    "households.show_household": frozenset({C}),
    "households.withdraw_consent": frozenset({C}),
    "placements.card": frozenset({C}),
    "placements.confirm": frozenset({C}),
    "placements.drop_draft": frozenset({C}),
    "placements.held": frozenset({C}),
    "placements.keep_draft": frozenset({C}),
    "placements.on_the_way": frozenset({C}),
    "placements.received": frozenset({C}),
    "placements.release": frozenset({C}),
    "placements.renew": frozenset({C}),
    "placements.take_in": frozenset({C}),
    "messages.index": frozenset({C, M, A}),
    "messages.resume": frozenset({C, M, A}),
    "messages.some": frozenset({C, M, A}),
    "messages.stop": frozenset({C, M, A}),
    "sites.closures": frozenset({A}),
    "sites.coordinators": frozenset({A}),
    "sites.directions": frozenset({C, A}),
    "sites.edit": frozenset({A}),
    "sites.edit_room": frozenset({A}),
    "sites.edit_unit": frozenset({A}),
    "sites.end_closure": frozenset({A}),
    "sites.end_coordinator": frozenset({A}),
    "sites.import_list": frozenset({A}),
    "sites.index": frozenset({C, M, A}),
    "sites.new": frozenset({A}),
    "sites.new_closure": frozenset({A}),
    "sites.new_policy": frozenset({A}),
    "sites.new_room": frozenset({A}),
    "sites.new_unit": frozenset({A}),
    "sites.pause": frozenset({A}),
    "sites.preview_import": frozenset({A}),
    "sites.renew_closure": frozenset({A}),
    "sites.resume": frozenset({A}),
    "sites.retire_unit": frozenset({A}),
    "sites.show": frozenset({C, M, A}),
    "sites.template_text": frozenset({A}),
    "sites.template_workbook": frozenset({A}),
    "stays.cancel": frozenset({C}),
    "stays.check_in": frozenset({C}),
    "stays.check_out": frozenset({C}),
    "stays.correct_arrival": frozenset({C}),
    "stays.correct_departure": frozenset({C}),
    "stays.decide": frozenset({C, M}),
    "stays.expect_again": frozenset({C}),
    "stays.extension": frozenset({C}),
    "stays.import_list": frozenset({C}),
    "stays.index": frozenset({C}),
    "stays.leave_date": frozenset({C}),
    "stays.move_in": frozenset({C}),
    "stays.no_show": frozenset({C}),
    "stays.plan": frozenset({C}),
    "stays.preview_import": frozenset({C}),
    "stays.record": frozenset({C}),
    "stays.responsible": frozenset({C}),
    "stays.show": frozenset({C}),
    "stays.some": frozenset({C}),
    "stays.template_text": frozenset({C}),
    "stays.template_workbook": frozenset({C}),
    "stays.transfer": frozenset({C}),
    "stays.undo_check_in": frozenset({C}),
    "stays.undo_check_out": frozenset({C}),
    "stays.waiting": frozenset({C, M}),
    "tonight.arrival": frozenset({C}),
    "tonight.enter": frozenset({C}),
    "tonight.index": frozenset({C}),
    "tonight.overview": frozenset({C}),
    "tonight.sheet": frozenset({C}),
    "users.add_site": frozenset({A}),
    "users.deactivate": frozenset({A}),
    "users.end_site": frozenset({A}),
    "users.index": frozenset({A}),
    "users.invite": frozenset({A}),
    "users.make_link": frozenset({A}),
    "users.reactivate": frozenset({A}),
    "users.show_one": frozenset({A}),
    "webhooks.inbound": EVERYBODY,
    "webhooks.status": EVERYBODY,
}

# Open to everybody, and then asked for the provider's signature: nobody here has one.
SIGNED = {"webhooks.inbound", "webhooks.status"}
# Whoever is let in is led to the sign-in page all the same, having signed out.
LEAVING = {"auth.sign_out", "auth.sign_out_everywhere"}


def routes(app: Flask) -> list[tuple[Rule, str]]:
    """Each address with each method it is asked with."""
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        for method in sorted((rule.methods or set()) & {"GET", "POST"})
    ]


def test_every_endpoint_is_in_the_table(app: Flask) -> None:
    assert {rule.endpoint for rule, _ in routes(app)} - set(ACCESS) == set()


def test_the_table_names_no_endpoint_that_is_gone(app: Flask) -> None:
    assert set(ACCESS) - {rule.endpoint for rule, _ in routes(app)} == set()


def test_the_table_agrees_with_the_marks(app: Flask) -> None:
    """The same said twice, on purpose: here for people who review rights, there for the program."""
    from shelter.domain.permissions import ROLE_PERMISSIONS

    differing = {}
    for rule, _ in routes(app):
        mark = app.view_functions[rule.endpoint].access
        if mark.public_because:
            marked = EVERYBODY
        elif not mark.any_of:
            marked = STAFF
        else:
            marked = frozenset(role for role in Role if ROLE_PERMISSIONS[role] & mark.any_of)
        if marked != ACCESS.get(rule.endpoint):
            differing[rule.endpoint] = sorted(marked)
    assert not differing


def address(rule: Rule) -> str:
    """The address with well-formed parameters that name nothing there is."""
    values: dict[str, Any] = {}
    for name, converter in rule._converters.items():
        match converter:
            case IntegerConverter():
                values[name] = 999_999
            case UUIDConverter():
                values[name] = uuid.uuid4()
            case AnyConverter():
                values[name] = min(converter.items)
            case HouseholdReference():
                values[name] = UNKNOWN
            case StayReference():
                values[name] = f"{UNKNOWN}-1"
            case Token():
                values[name] = "x" * 43
            case _:
                values[name] = date(2026, 3, 10)
    built = rule.build(values)
    assert built is not None, rule.rule
    return built[1]


def got_in(response: TestResponse) -> bool:
    to_sign_in = response.status_code in (302, 303) and "/login" in response.location
    return not to_sign_in and response.status_code not in (401, 403)


@pytest.fixture
def open_app(app: Flask) -> Iterator[Flask]:
    """Without form tokens: they guard against other sites, this test is about people."""
    app.config["WTF_CSRF_ENABLED"] = False
    yield app
    app.config["WTF_CSRF_ENABLED"] = True


@pytest.mark.parametrize("who", sorted(EVERYBODY))
def test_who_gets_in(open_app: Flask, who: str) -> None:
    user = None if who == "anonymous" else create_user(open_app, roles={Role(who)})
    wrong = []
    for rule, method in routes(open_app):
        if rule.endpoint in LEAVING and user is not None:
            continue
        client = open_app.test_client()
        if user is not None:
            sign_in(client, user=user)
        response = client.open(address(rule), method=method)
        if rule.endpoint in SIGNED:
            assert response.status_code == 403
            continue
        if got_in(response) != (who in ACCESS.get(rule.endpoint, frozenset())):
            wrong.append(f"{method} {rule.rule} → {response.status}")
    assert not wrong


def test_what_is_not_there_is_told_to_nobody(app: Flask) -> None:
    client = app.test_client()
    response = client.get("/no-such-page")
    assert not got_in(response)
    partial = app.test_client().get("/no-such-page", headers={"HX-Request": "true"})
    assert partial.status_code == 401
