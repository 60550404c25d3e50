"""Whoever may not know of a thing learns nothing by asking for it: the answer is that for a thing nobody has."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule, UUIDConverter

from shelter import clock
from shelter.domain import references
from shelter.domain.permissions import Role
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.models.households import Household
from shelter.models.stays import Placement, Stay
from shelter.queries import stay_facts, visibility
from shelter.web.converters import HouseholdReference, StayReference
from tests import factories
from tests.secrecy import world as worlds
from tests.secrecy.world import World
from tests.support.databases import Database
from tests.support.people import Account, create_user, sign_in
from tests.support.statements import count_statements

# Somebody else's in every case; sites, rooms and people are open to whoever has the permission.
PRIVATE_IDS = {"task_id", "draft_id"}
LOOKS_AND_SESSIONS = {"audit_entry", "audit_head", "sign_in_session", "alembic_version"}
CHANGING = re.compile(
    r'(?:name="(?:csrf_token|once)" value|hx-headers|content)=(?:"[^"]*"|\'[^\']*\')|data-[a-z-]+="\d+"'
)
POSTED = {
    "decision": "granted",
    "reason": "because",
    "when": "now",
    "note": "x",
    "people-0-sex": "female",
    "people-0-age_band": "adult",
    "text": "by_voice",
    "expected_at": "2026-12-01T15:00",
    "leave_on": "2026-12-01",
    "plan": "x",
    "exit_reason": "other",
    "cancel_reason": "other",
}


@pytest.fixture
def world(app: Flask) -> Iterator[World]:
    app.config["WTF_CSRF_ENABLED"] = False
    yield worlds.build(app)
    app.config["WTF_CSRF_ENABLED"] = True


def private_routes(app: Flask) -> list[tuple[Rule, str]]:
    return [
        (rule, method)
        for rule in sorted(app.url_map.iter_rules(), key=lambda r: r.rule)
        if any(
            isinstance(converter, HouseholdReference | StayReference)
            or (isinstance(converter, UUIDConverter) and name in PRIVATE_IDS)
            for name, converter in rule._converters.items()
        )
        for method in sorted((rule.methods or set()) & {"GET", "POST"})
    ]


def asked(client: FlaskClient, method: str, address: str) -> tuple[int, str]:
    fields = POSTED | {"once": secrets.token_urlsafe(18)} if method == "POST" else None
    response = client.open(address, method=method, data=fields)
    said = response.text.replace(address, "@").replace(address.replace("/", "&#x2F;"), "@")
    return response.status_code, CHANGING.sub("", said)


def everything(database: Database) -> dict[str, list[Any]]:
    return {t: sorted(map(repr, database.rows(t))) for t in database.tables() if t not in LOOKS_AND_SESSIONS}


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("who", ["b", "manager", "auditor", "referrer", "administrator"])
def test_what_is_another_sites_is_not_there(app: Flask, database: Database, world: World, who: str) -> None:
    client = FlaskClient(app, app.response_class)
    sign_in(client, user=world.people[who])
    before, wrong = everything(database), []
    for rule, method in private_routes(app):
        (nowhere,) = world.addresses(rule, unknown=True)
        unknown = asked(client, method, nowhere)
        assert unknown[0] in (403, 404), f"{method} {nowhere} → {unknown[0]}"
        for address in world.addresses(rule):
            if rule.endpoint == "stays.decide" and who == "manager" and world.stays["asked"] in address:
                continue  # this one they decide
            if asked(client, method, address) != unknown:
                wrong.append(f"{method} {address}")
    assert not wrong
    after = everything(database)
    assert [table for table in before if before[table] != after[table]] == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_walk_through_references_leaves_a_trace(app: Flask, world: World, method: str) -> None:
    """Whose record it would have been, and one that nobody has alike."""
    client = FlaskClient(app, app.response_class)
    walker = world.people["b"]
    sign_in(client, user=walker)
    hers, nobodys = world.stays["here"], f"{references.new_reference()}-1"
    paths = ["/stays/{}/check-in", "/stays/{}", "/households/{}"][: 1 if method == "POST" else 3]
    for path in paths:
        for reference in (hers, nobodys):
            address = path.format(reference[:7] if "households" in path else reference)
            assert asked(client, method, address)[0] == 404
    with app.app_context():
        hidden = select(AuditEntry).where(AuditEntry.user_id == walker.id, AuditEntry.action == "access.hidden")
        found = [(entry.subject, entry.household_id) for entry in db.session.scalars(hidden.order_by(AuditEntry.seq))]
        household = db.session.scalars(select(Household.id).where(Household.reference == hers[:7])).one()
    pages = ["page:stays.check_in", "page:stays.show", "page:households.show_household"][: len(paths)]
    assert found == [(page, of) for page in pages for of in (household, None)]


@pytest.mark.only("sqlite")
def test_a_hidden_record_takes_as_many_statements_as_none(app: Flask, world: World) -> None:
    client = FlaskClient(app, app.response_class)
    sign_in(client, user=world.people["b"])
    counts = set()
    for reference in (world.stays["here"], f"{references.new_reference()}-1") * 2:
        with count_statements() as said:
            client.get(f"/stays/{reference}")
        counts.add(said.total)
    assert len(counts) == 1


@pytest.mark.only("sqlite")
def test_the_campaign_notices_an_open_door(app: Flask, world: World) -> None:
    """The control: their own coordinator is answered differently for each of these."""
    client = FlaskClient(app, app.response_class)
    sign_in(client, user=world.people["a"])
    rule = next(r for r, _ in private_routes(app) if r.endpoint == "stays.show")
    (nowhere,) = world.addresses(rule, unknown=True)
    unknown = asked(client, "GET", nowhere)
    assert all(asked(client, "GET", address) != unknown for address in world.addresses(rule))


@pytest.mark.only("sqlite")
def test_lists_hold_nothing_of_another_site(app: Flask, world: World) -> None:
    client = app.test_client()
    sign_in(client, user=world.people["b"])
    lists = ["/", "/mine", "/stays", "/stays/list/past", "/stays/list/near-limit", "/messages", "/tasks", "/find"]
    lists += [f"/board/{world.site_a}", "/stays/extensions", f"/sites/{world.site_a}"]
    for address in lists:
        page = client.get(address).text
        found = [name for name, reference in world.stays.items() if reference[:7] in page]
        assert not found, f"{address} names {found}"


@pytest.mark.only("sqlite")
def test_a_manager_opens_only_what_is_to_be_decided(app: Flask, world: World) -> None:
    client = app.test_client()
    sign_in(client, user=world.people["manager"])
    answers = {
        name: client.get(f"/stays/{reference}/extension/decision").status_code
        for name, reference in world.stays.items()
    }
    assert {name for name, status in answers.items() if status != 404} == {"asked"}
    with app.app_context():
        here = world.stays["here"]
        stay = db.session.scalars(select(Stay).join(Stay.household).where(Stay.household.has(reference=here[:7]))).one()
        stay.limit_on = clock.today()
        db.session.commit()
        assert stay_facts.decidable_facts(here, world.people["manager"].principal) is not None


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("state", [PlacementState.CANCELLED, PlacementState.EXPIRED])
def test_a_place_given_up_does_not_keep_the_record_open_for_months(app: Flask, state: PlacementState) -> None:
    with app.app_context():
        unit, today = factories.make_unit(), clock.shelter_day()
        household = factories.make_household()
        factories.make_stay(unit, household=household, state=state, leave_on=today + timedelta(days=184))
        neighbour = factories.make_user(sites=[unit.site_id]).principal
        assert visibility.readable_household(household.reference, neighbour)
        placement = db.session.scalars(select(Placement)).one()
        placement.arrive_on = today - timedelta(days=31)
        db.session.commit()
        assert visibility.readable_household(household.reference, neighbour) is None


# What safety withholds ------------------------------------------------------------------------------------------------


@pytest.fixture
def withheld(app: Flask) -> Iterator[tuple[str, Account]]:
    """A district with one unit in it, and somebody who may place."""
    from shelter.domain.districts import DISTRICTS

    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        district = DISTRICTS[0].code
        site = factories.make_site("Magnolia", district=district)
        factories.make_unit(factories.make_room(site, "Attic 77"), "Attic 77")
    yield district, create_user(app)
    app.config["WTF_CSRF_ENABLED"] = True


def search(district: str | None) -> dict[str, Any]:
    fields = {"arrive_on": clock.shelter_day().isoformat(), "until": "limit", "women": "1"}
    return fields | ({"districts": district} if district else {})


@pytest.mark.only("sqlite")
def test_withheld_places_are_a_count_and_nothing_more(app: Flask, withheld: tuple[str, Account]) -> None:
    district, coordinator = withheld
    client = app.test_client()
    sign_in(client, user=coordinator)
    client.post("/find", data=search(None))
    assert "Attic 77" in client.get("/find").text
    client.post("/find", data=search(district))
    assert "Attic 77" not in client.get("/find").text
    for reason in ("withheld_for_safety", "must_not_meet"):
        assert client.get(f"/find/not-fitting/{reason}").status_code == 404


@pytest.mark.only("sqlite")
def test_every_way_to_try_districts_leaves_a_trace(app: Flask, withheld: tuple[str, Account]) -> None:
    district, _ = withheld
    ways = {
        "/find": {},
        "/find/turnaways": {"reason": "no such reason"},
        "/find/hold": {"segments": "987654:2026-12-01:2026-12-02"},
    }
    for address, more in ways.items():
        client = app.test_client()
        somebody = create_user(app, roles={Role.COORDINATOR})
        sign_in(client, user=somebody)
        client.post(address, data=search(district) | more | {"once": secrets.token_urlsafe(18)})
        with app.app_context():
            traces = select(AuditEntry).where(
                AuditEntry.user_id == somebody.id, AuditEntry.action == "find.exclusions_changed"
            )
            assert db.session.scalars(traces).all(), address
