"""Pages of places, as an administrator and a coordinator see them."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from shelter import clock
from shelter.domain.matching import Sharing
from shelter.domain.permissions import Role
from shelter.extensions import db
from shelter.models.sites import Closure, Site, StayPolicyVersion, Unit
from tests import factories
from tests.support.pages import Page, PageClient, page_of
from tests.support.people import create_user, sign_in
from tests.support.statements import count_statements

pytestmark = pytest.mark.only("sqlite")

WHY = "A taxi must be sent there now"
SECRETS = ("Mapo", "마포", "11440", "behind the mill", "02-1234-5678", "+82212345678")


@pytest.fixture
def boss(client: PageClient) -> PageClient:
    sign_in(client, role=Role.ADMINISTRATOR)
    return client


@pytest.fixture
def place(app: Flask) -> str:
    """A site with a room, a shared room of two beds, and its secrets; its address."""
    with app.app_context():
        site = factories.make_site(
            "Magnolia", district="11440", directions="behind the mill", night_line="+82212345678"
        )
        factories.make_unit(factories.make_room(site, "101"), "101", capacity=2)
        shared = factories.make_room(site, "201", sharing=Sharing.WOMEN)
        factories.make_unit(shared, "A", capacity=1)
        factories.make_unit(shared, "B", capacity=1)
        return f"/sites/{site.id}"


def form_of(client: PageClient, address: str) -> dict[str, Any]:
    page = page_of(client.get(address))
    return page.fields(next(f for f in page.all("form") if f.get("action") == address))


def send(client: PageClient, address: str, **typed: Any) -> TestResponse:
    """The form at the address as a person fills it in."""
    return client.post(address, data=form_of(client, address) | typed)


def sent(client: PageClient, address: str, **typed: Any) -> Page:
    """The same, accepted; the page it leads to."""
    response = send(client, address, **typed)
    assert response.status_code == 303, page_of(response).text
    return page_of(client.get(response.location))


def refused(client: PageClient, address: str, **typed: Any) -> Page:
    """The same, refused; the page again."""
    response = send(client, address, **typed)
    assert response.status_code == 422
    return page_of(response)


def pages_of(client: PageClient, place: str) -> list[str]:
    """Every page an administrator can reach from the page of a site."""
    links = page_of(client.get(place)).links().values()
    return ["/sites", place, *(link for link in links if link.startswith("/sites/"))]


def test_without_sites_the_list_says_what_to_do(boss: PageClient) -> None:
    page = page_of(boss.get("/sites"))
    assert "There are no sites yet." in page.text
    assert "/sites/import" in page.links().values()


def test_the_list_shows_code_names_and_counts(boss: PageClient, place: str) -> None:
    (row,) = page_of(boss.get("/sites")).rows()[1:]
    assert row[:3] == ["Magnolia", "2", "3"]


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_no_page_says_where_a_site_is(app: Flask, place: str, locale: str, caplog: pytest.LogCaptureFixture) -> None:
    client = app.test_client()
    sign_in(client, role=Role.ADMINISTRATOR, locale=locale)
    assert isinstance(client, PageClient)
    caplog.set_level(logging.DEBUG)
    addresses = pages_of(client, place)
    assert len(set(addresses)) > 12
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 200
        page = page_of(response)
        # The list to choose from names every district alike and marks none of them.
        shown = (
            page.text if "edit" not in address else "".join(e.get("value", "") for e in page.all("input", "textarea"))
        )
        assert not [secret for secret in SECRETS if secret in shown], address
        assert not [o for o in page.all("option") if o.get("selected") is not None and o.get("value")]
    assert not [secret for secret in SECRETS if secret in caplog.text]


def test_a_coordinator_sees_code_names_rooms_and_units_only(app: Flask, client: PageClient, place: str) -> None:
    sign_in(client, role=Role.COORDINATOR)
    page = page_of(client.get(place))
    assert "201" in page.text
    assert not [word for word in ("Length of stay", "Who coordinates here", "Kept sealed", "Edit") if word in page.text]
    reachable = {link for link in page.links().values() if link.startswith("/sites/")}
    assert reachable == {f"{place}/directions"}


# Where it is


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.ADMINISTRATOR])
def test_directions_are_shown_once_as_the_answer_to_a_reason(
    app: Flask, client: PageClient, place: str, role: Role
) -> None:
    sign_in(client, role=role)
    address = f"{place}/directions"
    assert "behind the mill" not in client.get(address).text
    answer = send(client, address, reason=WHY)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    page = page_of(answer)
    assert [word for word in ("Mapo-gu", "behind the mill", "02-1234-5678") if word in page.text] == [
        "Mapo-gu",
        "behind the mill",
        "02-1234-5678",
    ]
    assert "Mapo" not in page.title + page.h1
    assert "behind the mill" not in client.get(address).text


def test_without_a_reason_nothing_is_shown_and_what_was_typed_is_kept(boss: PageClient, place: str) -> None:
    page = refused(boss, f"{place}/directions", reason="please")
    assert "behind the mill" not in page.text
    assert "at least 15 characters" in page.text
    assert page.fields(next(f for f in page.all("form") if "directions" in f.get("action", "")))["reason"] == "please"


# Keeping sites


def test_a_site_is_added_with_its_rooms_and_units(app: Flask, boss: PageClient) -> None:
    page = sent(boss, "/sites/new", code_name="Lotus", district="11680", directions="x", night_line="1366")
    assert page.h1 == "Lotus"
    page = sent(boss, page.links()["Add a room"], label="101", floor="1")
    assert page.h1 == "What can be booked"
    form = next(f for f in page.all("form") if "units" in f.get("action", ""))
    page = sent(boss, form.get("action", ""), capacity="3", pets_allowed="small", max_pets="1", has_cot="y")
    assert page.rows()[1][:3] == ["101 floor 1", "whole room", "3"]
    with app.app_context():
        unit = db.session.scalars(select(Unit)).one()
        assert (unit.label, unit.capacity, unit.max_pets, unit.has_cot) == ("101", 3, 1, True)
        assert unit.in_service_from == clock.shelter_day()


def test_a_refused_site_keeps_what_was_typed(boss: PageClient) -> None:
    page = refused(boss, "/sites/new", code_name="Gangnam", district="11680", directions="a door")
    assert "must not say where the site is" in page.text
    typed = page.fields(next(f for f in page.all("form") if f.get("action") == "/sites/new"))
    assert (typed["code_name"], typed["district"], typed["directions"]) == ("Gangnam", "11680", "a door")


def test_editing_without_typing_keeps_what_is_sealed(app: Flask, boss: PageClient, place: str) -> None:
    assert sent(boss, f"{place}/edit", code_name="Lotus").h1.startswith("Lotus")
    with app.app_context():
        site = db.session.scalars(select(Site)).one()
        assert (site.district, site.directions, site.night_line) == ("11440", "behind the mill", "+82212345678")


def test_a_site_is_paused_and_opened_in_one_click(boss: PageClient, place: str) -> None:
    def press(act: str) -> str:
        page = page_of(boss.get(place))
        form = next(f for f in page.all("form") if f.get("action") == f"{place}/{act}")
        boss.post(f"{place}/{act}", data=page.fields(form))
        return page_of(boss.get(place)).text

    assert "Nobody new is placed here." in press("pause")
    assert "Paused" in page_of(boss.get("/sites")).text
    assert "Nobody new is placed here." not in press("resume")


def test_a_policy_is_changed_from_a_day_on(app: Flask, boss: PageClient, place: str) -> None:
    typed = {"length": "30", "unit": "days", "extension_length": "15", "thresholds": "14, 7 1"}
    assert "30 days" in sent(boss, f"{place}/policies/new", **typed).text
    page = refused(boss, f"{place}/policies/new", **typed | {"thresholds": "soon"})
    assert "Write days like 60, 30, 14, 7, 1" in page.text
    with app.app_context():
        versions = db.session.scalars(select(StayPolicyVersion).order_by(StayPolicyVersion.effective_from)).all()
        assert [(v.months, v.days, v.thresholds) for v in versions][1] == (None, 30, [14, 7, 1])
        assert versions[1].effective_from == clock.today() + timedelta(days=1)


def test_a_coordinator_is_added_and_ended(app: Flask, boss: PageClient, place: str) -> None:
    person = create_user(app, roles={Role.COORDINATOR}, name="Hana Kim")
    page = sent(boss, f"{place}/coordinators", user=str(person.id))
    assert page.rows()[1][0] == "Hana Kim"
    assert "already" in refused(boss, f"{place}/coordinators", user=str(person.id)).text
    page = sent(boss, page.links()["End Hana Kim"], until_on=clock.today().isoformat())
    assert "Nobody yet." in page.text


# Units and closures


def units_of(app: Flask) -> dict[str, int]:
    with app.app_context():
        return {unit.label: unit.id for unit in db.session.scalars(select(Unit))}


def book(app: Flask, unit_id: int, first: int = 0, nights: int = 5) -> str:
    with app.app_context():
        arrive_on = clock.shelter_day() + timedelta(days=first)
        unit = db.session.get_one(Unit, unit_id)
        stay = factories.make_stay(unit, arrive_on=arrive_on, leave_on=arrive_on + timedelta(days=nights))
        return f"{stay.household.reference}-{stay.number}"


def test_a_unit_with_nights_booked_is_not_retired_and_the_stay_is_named(
    app: Flask, boss: PageClient, place: str
) -> None:
    unit_id = units_of(app)["101"]
    reference = book(app, unit_id)
    page = refused(boss, f"/sites/units/{unit_id}/retire")
    assert reference in page.text
    later = clock.shelter_day() + timedelta(days=5)
    assert "until" in sent(boss, f"/sites/units/{unit_id}/retire", until_on=later.isoformat()).text


def test_a_bed_is_edited_in_place(app: Flask, boss: PageClient, place: str) -> None:
    unit_id = units_of(app)["A"]
    page = sent(boss, f"/sites/units/{unit_id}/edit", label="A2", is_step_free="y")
    assert [row for row in page.rows() if "A2" in row and "Step-free" in row]
    page = refused(boss, f"/sites/units/{unit_id}/edit", pets_allowed="any", max_pets="0")
    assert "say how many" in page.text


def test_units_are_closed_and_opened_again(app: Flask, boss: PageClient, place: str) -> None:
    ids = units_of(app)
    page = sent(boss, f"{place}/closures/new", units=[str(ids["A"]), str(ids["B"])], reason="repair")
    assert "2 units closed." in page.text
    assert page.text.count("until further notice") == 2
    assert page_of(boss.get("/sites")).rows()[1][:4] == ["Magnolia", "2", "3", "2"]
    page = sent(boss, page.links()["End 201-A"])
    assert page.text.count("until further notice") == 1
    page = sent(boss, page.links()["Renew 201-B"])
    assert "Closed for another 180 days." in page.text
    assert len(page_of(boss.get(f"{place}/closures")).rows()) == 2


def test_a_closure_over_booked_nights_closes_nothing_and_keeps_what_was_typed(
    app: Flask, boss: PageClient, place: str
) -> None:
    ids = units_of(app)
    reference = book(app, ids["101"], first=2)
    chosen = sorted([str(ids["101"]), str(ids["A"])])
    page = refused(boss, f"{place}/closures/new", units=chosen, reason="pests", note="from the cellar")
    assert reference in page.text
    typed = page.fields(next(f for f in page.all("form") if "closures" in f.get("action", "")))
    assert (sorted(typed["units"]), typed["reason"], typed["note"]) == (chosen, "pests", "from the cellar")
    with app.app_context():
        assert not db.session.scalars(select(Closure)).all()


def test_a_second_click_closes_once(app: Flask, boss: PageClient, place: str) -> None:
    address = f"{place}/closures/new"
    typed = form_of(boss, address) | {"units": str(units_of(app)["A"]), "reason": "repair"}
    first, again = boss.post(address, data=typed), boss.post(address, data=typed)
    assert first.status_code == again.status_code == 303
    with app.app_context():
        assert len(db.session.scalars(select(Closure)).all()) == 1


def test_a_site_without_units_has_nothing_to_close(app: Flask, boss: PageClient) -> None:
    with app.app_context():
        address = f"/sites/{factories.make_site('Lotus').id}"
    assert "There are no rooms here yet." in page_of(boss.get(address)).text
    assert "nothing here that could be closed" in page_of(boss.get(f"{address}/closures/new")).text
    assert "Nothing was ever closed here." in page_of(boss.get(f"{address}/closures")).text


def test_what_is_not_there_is_a_404(boss: PageClient) -> None:
    nowhere = "/sites/01890000-0000-7000-8000-000000000000"
    for address in (
        nowhere,
        f"{nowhere}/edit",
        f"{nowhere}/directions",
        f"{nowhere}/closures",
        "/sites/units/999/edit",
    ):
        assert boss.get(address).status_code == 404


def test_the_list_costs_the_same_for_many_sites(app: Flask, boss: PageClient, place: str) -> None:
    with count_statements() as few:
        boss.get("/sites")
    with app.app_context():
        for n in range(12):
            factories.make_unit(site=factories.make_site(f"Flower {n}"), in_service_from=date(2024, 1, 1))
    with count_statements() as many:
        boss.get("/sites")
    assert many.total == few.total
