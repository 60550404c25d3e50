"""The night sheets as pages: found from Today and from the site, printed without JavaScript, written down."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from shelter.domain.permissions import Role
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from tests import factories
from tests.conftest import Clock
from tests.support.pages import Page, PageClient, page_of, spoken
from tests.support.people import Account, create_user, sign_in
from tests.support.statements import count_statements

P = PlacementState


@pytest.fixture
def site(app: Flask, frozen_clock: Clock) -> UUID:
    frozen_clock.set("2026-03-10 22:15")
    with app.app_context():
        made = factories.make_site("Magnolia", night_line="02-123-4567")
        household = factories.make_household(children=2)
        unit = factories.make_unit(factories.make_room(made, "101"), "101")
        factories.make_stay(unit, household=household, state=P.IN_HOUSE)
        factories.make_unit(factories.make_room(made, "102"), "102")
        return made.id


@pytest.fixture
def coordinator(app: Flask, site: UUID) -> Account:
    return create_user(app, sites=[site], phone="+821011112222")


@pytest.fixture
def look(client: PageClient) -> Callable[[Account, str], Page]:
    def open_page(who: Account, path: str) -> Page:
        sign_in(client, user=who)
        return page_of(client.get(path))

    return open_page


Look = Callable[[Account, str], Page]


def test_it_is_found_from_today_and_from_the_site(look: Look, coordinator: Account, site: UUID) -> None:
    assert look(coordinator, "/").links()["Print tonight's sheet"] == "/tonight"
    assert look(coordinator, "/").links()["Enter from paper"] == "/tonight/paper"
    assert look(coordinator, f"/sites/{site}").links()["Print tonight's sheet"] == f"/tonight/{site}"
    links = look(coordinator, "/tonight").links()
    assert links["Magnolia"] == f"/tonight/{site}"
    assert links["All sites"] == "/tonight/all"


def test_nobody_is_led_to_what_they_may_not_print(app: Flask, look: Look, site: UUID) -> None:
    for role in (Role.MANAGER, Role.ADMINISTRATOR):
        who = create_user(app, roles={role})
        for page in ("/", f"/sites/{site}"):
            assert "Print tonight's sheet" not in look(who, page).links()
    assert "Print tonight's sheet" not in look(create_user(app), f"/sites/{site}").links()


def test_the_sheet_says_what_a_tired_person_needs_first(look: Look, coordinator: Account, site: UUID) -> None:
    page = look(coordinator, f"/tonight/{site}")
    assert page.h1 == "Night sheet Magnolia"
    order = ["night of Tue 10 to Wed 11 Mar", "as of 22:15 · Tue 10 Mar", "Good until Wed 11 Mar, 08:00"]
    order += ["until 22:45", "In the house 3 people", "02-123-4567", "010-1111-2222", "In the house: roll-call"]
    order += ["1 woman · 2 children", "Free tonight", "102", "Intake on paper", "Safe to call?"]
    places = [page.text.index(said) for said in order]
    assert places == sorted(places)
    assert page.all("main")[0].find(".//form") is None, "it is printed by the browser, without a script"


def test_it_is_in_the_readers_language(app: Flask, look: Look, site: UUID) -> None:
    page = look(create_user(app, sites=[site], locale="ko"), f"/tonight/{site}")
    assert page.h1 == "비상 현황지 Magnolia"
    assert "입소 중 3명" in page.text


def test_opening_a_sheet_is_written_down_as_printed(app: Flask, look: Look, coordinator: Account, site: UUID) -> None:
    look(coordinator, f"/tonight/{site}")
    look(coordinator, "/tonight/all")
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "night_sheet.printed"))
        assert sorted((e.subject, e.user_id) for e in entries) == [
            (f"site:{site}", coordinator.id),
            ("sites:all", coordinator.id),
        ]
    auditor = create_user(app, roles={Role.AUDITOR})
    assert "Printed a night sheet" in look(auditor, "/audit").text


def test_the_overview_shows_what_is_free_where(app: Flask, look: Look, coordinator: Account) -> None:
    with app.app_context():
        paused = factories.make_site("Lilac", is_paused=True)
        factories.make_unit(factories.make_room(paused, "1"), "1")
    page = look(coordinator, "/tonight/all")
    rows = {spoken(cells[0]): spoken(row) for row in page.all("tr") if (cells := list(row))}
    assert "102 4 places" in rows["Magnolia"]
    assert "Paused: place nobody new here." in rows["Lilac"]


def test_statements_do_not_grow_with_the_people_on_the_list_of_entries(
    app: Flask, client: PageClient, coordinator: Account, site: UUID
) -> None:
    from shelter.models.sites import Site

    def counted() -> int:
        sign_in(client, user=coordinator)
        with count_statements() as statements:
            client.get("/tonight/paper")
        return statements.total

    def fill(number: int) -> None:
        with app.app_context():
            here = db.session.get_one(Site, site)
            for _ in range(number):
                for state in (P.IN_HOUSE, P.BOOKED, P.HELD):
                    factories.make_stay(factories.make_unit(site=here), state=state)

    fill(3)
    few = counted()
    fill(27)
    assert counted() == few
