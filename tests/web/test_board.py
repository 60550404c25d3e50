"""The board: true, readable on paper and by ear, and silent about people one may not know of."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from flask import Flask, g

from shelter.domain.permissions import Role
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.sites import Site
from shelter.models.stays import Stay
from tests.conftest import Clock
from tests.factories import make_closure, make_site, make_stay, make_unit, make_user
from tests.support.pages import Page, PageClient, page_of
from tests.support.people import sign_in
from tests.support.statements import count_statements

P = PlacementState
TODAY = date(2026, 3, 10)


@pytest.fixture
def site(context: Flask, frozen_clock: Clock) -> Site:
    return make_site("Magnolia")


def look(client: PageClient, site: Site, query: str = "") -> Page:
    g.pop("_login_user", None)
    db.session.rollback()
    return page_of(client.get(f"/board/{site.id}{query}"))


def reference(stay: Stay) -> str:
    return f"{db.session.get_one(Household, stay.household_id).reference}-{stay.number}"


def test_it_opens_at_ones_own_site_on_the_day_before_tonight(client: PageClient, site: Site) -> None:
    make_site("Aster")
    make_unit(site=site)
    sign_in(client, user=make_user(sites=[site]))
    g.pop("_login_user", None)
    page = page_of(client.get("/board", follow_redirects=True))
    assert page.h1 == "Board: Magnolia"
    assert len(page.rows()[0]) == 1 + 14
    current = [th for th in page.all("th") if th.get("aria-current") == "date"]
    assert ["".join(th.itertext()).split() for th in current] == [["Tue", "10"]]


def test_a_stay_is_one_cell_over_its_nights_and_a_link_for_who_may_read_it(client: PageClient, site: Site) -> None:
    stay = make_stay(make_unit(site=site), arrive_on=TODAY, leave_on=TODAY + timedelta(days=5))
    sign_in(client, user=make_user(sites=[site]))
    page = look(client, site)
    assert page.links()[reference(stay)] == f"/stays/{reference(stay)}"
    spans = [cell.get("colspan") for cell in page.all("td") if reference(stay) in "".join(cell.itertext())]
    assert spans == ["5"]


def test_others_see_that_it_is_occupied_and_nothing_more(client: PageClient, site: Site) -> None:
    stay = make_stay(make_unit(site=site), state=P.IN_HOUSE)
    sign_in(client, user=make_user(Role.MANAGER))
    page = look(client, site)
    assert "Occupied" in page.text
    assert reference(stay) not in page.html


def test_free_units_are_counted_below(client: PageClient, site: Site) -> None:
    make_stay(make_unit(site=site), arrive_on=TODAY, leave_on=TODAY + timedelta(days=1))
    make_closure(make_unit(site=site), from_on=TODAY, until_on=TODAY + timedelta(days=2))
    make_unit(site=site, in_service_from=TODAY + timedelta(days=2))
    sign_in(client, user=make_user(sites=[site]))
    assert look(client, site).rows()[-1][:6] == ["Free", "2", "0", "1", "3", "3"]


def test_who_has_not_left_stands_in_red_up_to_tonight(client: PageClient, site: Site) -> None:
    make_stay(make_unit(site=site), arrive_on=date(2026, 3, 1), leave_on=date(2026, 3, 8), state=P.IN_HOUSE)
    sign_in(client, user=make_user(sites=[site]))
    page = look(client, site)
    assert "past the plan" in page.text
    assert page.rows()[-1][:4] == ["Free", "0", "0", "1"]


def test_a_hold_that_ran_out_is_free(client: PageClient, site: Site, frozen_clock: Clock) -> None:
    make_stay(make_unit(site=site), state=P.HELD)
    sign_in(client, user=make_user(sites=[site]))
    assert "On hold" in look(client, site).rows()[1][2]
    frozen_clock.forward(minutes=91)
    sign_in(client, user=make_user(sites=[site]))
    assert "Free" in look(client, site).rows()[1]


@pytest.mark.parametrize("query", ["?from=2026-13-40", "?nights=99999", "?nights=15", "?from=9999-12-31", "?from=x"])
def test_what_is_no_day_is_not_found(client: PageClient, site: Site, query: str) -> None:
    sign_in(client, user=make_user(sites=[site]))
    assert client.get(f"/board/{site.id}{query}").status_code == 404


def test_a_site_that_is_not_there_is_not_found(client: PageClient, site: Site) -> None:
    sign_in(client, user=make_user(sites=[site]))
    assert client.get(f"/board/{uuid4()}").status_code == 404


def test_of_many_sites_one_is_chosen_from_a_list(client: PageClient, site: Site) -> None:
    for _ in range(20):
        make_site()
    sign_in(client, user=make_user(sites=[site]))
    fields = look(client, site, "?nights=28").fields(
        next(f for f in look(client, site, "?nights=28").all("form") if f.get("method") == "get")
    )
    g.pop("_login_user", None)
    answer = client.get("/board", query_string=fields)
    assert answer.location == f"/board/{site.id}?nights=28&from=2026-03-09"
    assert client.get("/board?site=x").status_code == 404


def test_without_sites_it_says_so(client: PageClient, context: Flask) -> None:
    sign_in(client, user=make_user())
    assert "There are no sites yet." in page_of(client.get("/board")).text


def test_the_number_of_statements_does_not_grow(client: PageClient, site: Site) -> None:
    sign_in(client, user=make_user(sites=[site]))
    said = []
    for number in (3, 27):
        for _ in range(number):
            make_stay(make_unit(site=site), state=P.IN_HOUSE)
            make_closure(make_unit(site=site), from_on=TODAY, until_on=TODAY + timedelta(days=2))
        with count_statements() as counted:
            look(client, site, "?nights=28")
        said.append(counted.total)
    assert said[0] == said[1] <= 8
