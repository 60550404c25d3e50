"""The page of the check-in when who else is there is not as it was, and the work this makes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask, g

from shelter import clock
from shelter.domain.limits import ReadmissionRule
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.sites import Site
from shelter.services import overstays
from tests.conftest import Clock
from tests.factories import make_beds, make_household, make_site, make_stay, make_unit, make_user
from tests.support.pages import Page, PageClient, page_of
from tests.support.people import Account, sign_in

DAY = timedelta(days=1)
BOX = "I know that this room is not right in everything"


@pytest.fixture
def site(context: Flask, frozen_clock: Clock) -> Site:
    return make_site("Magnolia")


@pytest.fixture
def kim(site: Site) -> Account:
    return make_user(sites=[site], locale="en")


@pytest.fixture
def browser(client: PageClient, kim: Account) -> PageClient:
    sign_in(client, user=kim)
    return client


def look(browser: PageClient, path: str) -> Page:
    g.pop("_login_user", None)
    db.session.rollback()
    return page_of(browser.get(path))


def refused(browser: PageClient, path: str, **more: str) -> Page:
    answer = browser.post(path, data=look(browser, path).fields() | more)
    assert answer.status_code == 422
    return page_of(answer)


def test_a_room_not_right_for_others_is_asked_about_once_it_was_refused(
    browser: PageClient, site: Site, kim: Account
) -> None:
    household = make_household(older_boys=1, by=kim)
    make_stay(make_beds(site)[0], household=household)
    path = f"/stays/{household.reference}-1/check-in"
    assert BOX not in look(browser, path).text
    again = refused(browser, path)
    assert BOX in again.text
    assert again.links()["Look for another room"] == f"/stays/{household.reference}-1/transfer"
    done = browser.post(path, data=look(browser, path).fields() | {"accepts_misfit": "y"})
    assert done.status_code == 303
    assert "known not to be the right room in everything" in look(browser, f"/stays/{household.reference}-1").text


def test_whom_they_must_not_meet_is_not_said_and_cannot_be_accepted(
    browser: PageClient, site: Site, kim: Account
) -> None:
    other, tonight = make_household(by=make_user()), clock.shelter_day()
    she = make_household(by=kim, not_near=[other])
    first, until = tonight - 5 * DAY, tonight - DAY
    make_stay(
        make_unit(site=site), household=other, arrive_on=first, leave_on=until, state=PlacementState.IN_HOUSE
    )
    make_stay(make_unit(site=site), household=she)
    overstays.roll_overstays()
    path = f"/stays/{she.reference}-1/check-in"
    for more in ({}, {"accepts_misfit": "y"}):
        page = refused(browser, path, **more)
        assert "That room was just taken." in page.text
        assert other.reference not in page.text
    links = {link.get("href", "") for link in look(browser, "/").all("a")}
    (href,) = {href for href in links if "/tasks/" in href}
    task = look(browser, href)
    assert "must not meet" in task.text
    assert she.reference not in task.text
    assert f"/stays/{other.reference}-1" in {link.get("href") for link in task.all("a")}


def test_the_correction_of_an_earlier_stay_tells_of_the_limit_it_moves(browser: PageClient, kim: Account) -> None:
    site = make_site(days=30, readmission_rule=ReadmissionRule.CUMULATIVE)
    household, tonight = make_household(by=kim), clock.shelter_day()
    first, until = tonight - 30 * DAY, tonight - 26 * DAY
    make_stay(
        make_unit(site=site), household=household, arrive_on=first, leave_on=until, state=PlacementState.ENDED
    )
    limit = tonight + 26 * DAY
    make_stay(
        make_unit(site=site), household=household, number=2, state=PlacementState.IN_HOUSE, leave_on=limit,
        limit_on=limit,
    )  # fmt: skip
    path = f"/stays/{household.reference}-1/check-out/correct"
    left = {"happened_at": "2026-02-15T10:00", "exit_reason": "planned", "destination": "new_home", "reason": "wrong"}
    done = browser.post(path, data=look(browser, path).fields() | left)
    assert done.status_code == 303
    page = look(browser, done.headers["Location"])
    assert f"The limit of the running stay {household.reference}-2 is" in page.text
    assert "3 planned nights lay past the limit" in page.text
    assert "an earlier stay was corrected" in look(browser, f"/stays/{household.reference}-2").text
