"""The occupancy page: figures with their definitions, nobody's name, a file that is harmless."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from flask import Flask, g
from openpyxl import load_workbook
from sqlalchemy import select

from shelter import clock
from shelter.domain.permissions import Role
from shelter.domain.stays import PlacementState, TurnawayReason
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.models.clockwork import Installation
from shelter.models.households import Household
from shelter.models.stays import Turnaway
from tests.conftest import Clock
from tests.factories import make_site, make_stay, make_unit, make_user
from tests.support.pages import Page, PageClient, page_of
from tests.support.people import sign_in
from tests.support.statements import count_statements

P = PlacementState
TODAY = date(2026, 3, 10)


@pytest.fixture
def manager(client: PageClient, context: Flask, frozen_clock: Clock) -> PageClient:
    db.session.get_one(Installation, 1).live_from = date(2026, 1, 15)
    db.session.commit()
    sign_in(client, user=make_user(Role.MANAGER))
    return client


def look(client: PageClient, query: str = "") -> Page:
    g.pop("_login_user", None)
    db.session.rollback()
    return page_of(client.get(f"/occupancy{query}"))


def test_this_month_of_all_sites_first(manager: PageClient) -> None:
    site = make_site("Magnolia")
    make_stay(make_unit(site=site), arrive_on=date(2026, 3, 1), leave_on=date(2026, 3, 21), state=P.IN_HOUSE)
    make_unit(site=site, capacity=1)
    page = look(manager)
    assert "Mar 2026" in page.text
    assert "as of 12:00" in page.text
    rows = {row[0]: row[1:] for row in page.rows()}
    assert rows["Magnolia"] == ["20", "0", "0", "0", "42", "32 %", "20", "10", "0"]
    # Slept so far: 10 of 20 nights.
    assert "50 %" in page.text


def test_every_figure_says_how_it_is_counted(manager: PageClient) -> None:
    make_stay()
    page = look(manager)
    figures = [e for e in page.all("div") if e.get("class") == "app-figure"]
    assert len(figures) >= 6
    assert all(any(inner.tag == "details" for inner in figure.iter()) for figure in figures)


def test_nobody_is_named_and_no_reference_stands_there(manager: PageClient) -> None:
    stay = make_stay(state=P.IN_HOUSE)
    reference = db.session.get_one(Household, stay.household_id).reference
    for query in ("", "?step=day", "?step=year"):
        assert reference not in look(manager, query).html


@pytest.mark.parametrize(("step", "title"), [("day", "night of Tue 10"), ("week", "Mon 9 Mar"), ("year", "2026")])
def test_other_periods_back_and_ahead(manager: PageClient, step: str, title: str) -> None:
    make_stay(state=P.IN_HOUSE)
    page = look(manager, f"?step={step}&on=2026-03-10")
    assert title in page.text
    for direction in ("Earlier nights", "Later nights"):
        assert look(manager, page.links()[direction].removeprefix("/occupancy")).h1 == "Occupancy"


def test_before_the_system_began_there_is_no_zero(manager: PageClient) -> None:
    make_stay()
    assert "There are no data for these nights." in look(manager, "?step=month&on=2025-12-01").text
    partly = look(manager, "?step=month&on=2026-01-01")
    assert "Those nights are left out" in partly.text
    assert ["Wed 14 Jan", "no data"] in partly.rows()


def test_turnaways_by_reason(manager: PageClient) -> None:
    row = Turnaway(night=TODAY, reason=TurnawayReason.NO_PET_UNIT, adults=1, minors=0, pets=1, recorded_at=clock.now())
    db.session.add(row)
    db.session.commit()
    assert any(row[-1] == "1" and len(row) == 2 for row in look(manager).rows())


def test_the_trend_is_drawn_without_style_or_script(manager: PageClient) -> None:
    make_stay(state=P.IN_HOUSE)
    page = look(manager)
    (drawing,) = page.all("{http://www.w3.org/2000/svg}svg")
    assert drawing.get("aria-label")
    assert len(page.all("{http://www.w3.org/2000/svg}rect")) == 7


NOBODYS_SITE = "?site=00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("query", ["?step=decade", "?on=2026-02-30", "?on=9999-01-01", "?site=x", NOBODYS_SITE])
def test_what_is_no_period_or_site_is_not_found(manager: PageClient, query: str) -> None:
    assert manager.get(f"/occupancy{query}").status_code == 404
    assert manager.get(f"/occupancy/export/csv{query}").status_code == 404


def test_a_file_of_the_same_figures_whose_names_are_no_formulas(manager: PageClient) -> None:
    make_stay(make_unit(site=make_site("=SUM(A1)")), arrive_on=TODAY, state=P.IN_HOUSE)
    answer = manager.get("/occupancy/export/csv?step=month&on=2026-03-10")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[1][2:6] == ["'=SUM(A1)", "Family room", "7", "0"]
    book = load_workbook(io.BytesIO(manager.get("/occupancy/export/xlsx?step=month&on=2026-03-10").data))
    assert [cell.value for cell in book.active[2]][2:6] == ["'=SUM(A1)", "Family room", 7, 0]
    db.session.rollback()
    actions = list(db.session.scalars(select(AuditEntry.action).where(AuditEntry.action == "occupancy.exported")))
    assert len(actions) == 2


def test_the_page_in_korean(client: PageClient, context: Flask) -> None:
    make_stay(state=P.IN_HOUSE)
    sign_in(client, user=make_user(Role.MANAGER, locale="ko"))
    page = look(client)
    assert page.h1 == "입소 현황"
    assert "입소율" in page.text


def test_the_number_of_statements_does_not_grow(manager: PageClient) -> None:
    said = []
    for number in (3, 27):
        for _ in range(number):
            make_stay(make_unit(site=make_site()), state=P.IN_HOUSE)
        with count_statements() as counted:
            look(manager)
        said.append(counted.total)
    assert said[0] == said[1] <= 14
