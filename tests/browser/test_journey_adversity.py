"""The night goes wrong: two clicks, two windows, two coordinators, a session that ends, a look over the shoulder."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select, update

from shelter import clock
from shelter.domain.matching import PetsAllowed
from shelter.domain.permissions import Role
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.people import SignInSession
from shelter.models.stays import Placement
from tests.browser.conftest import Running
from tests.browser.pages import Desk, Night
from tests.factories import make_site, make_unit
from tests.support.people import create_user

pytestmark = pytest.mark.only("sqlite")
in_one_language = pytest.mark.parametrize("locale", ["ko"], indirect=True)
with_and_without = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])

Desks = Callable[..., Desk]


@pytest.fixture
def network(server: Running, locale: str) -> None:
    """One room that fits a family with a dog, one that does not."""
    with server.app.app_context():
        site = make_site("Magnolia", night_line="+827000001001")
        make_unit(site=site, label="101", capacity=4, pets_allowed=PetsAllowed.ANY)
        make_unit(site=site, label="102", capacity=1)
    for login in ("jeong", "kim"):
        create_user(server.app, roles={Role.COORDINATOR}, login=login, locale=locale)


def placements(server: Running, *states: PlacementState) -> int:
    with server.app.app_context():
        many = db.session.scalar(select(func.count()).select_from(Placement).where(Placement.state.in_(states)))
        return many or 0


def end_sessions(server: Running) -> None:
    """Nobody typed for an hour."""
    with server.app.app_context():
        ago = clock.now() - timedelta(hours=1)
        db.session.execute(update(SignInSession).values(last_active_at=ago, expires_at=ago))
        db.session.commit()


@pytest.mark.usefixtures("network")
@in_one_language
@with_and_without
def test_a_double_click_holds_and_books_once(server: Running, desks: Desks, scripts: bool) -> None:
    desk = desks(scripts)
    desk.sign_in("jeong")
    night = Night(desk)
    night.find()
    desk.page.locator(".app-offer__first-hold").dblclick()
    desk.page.wait_for_url("**/hold")
    night.note_reference()
    desk.open(f"{night.stay}/confirm")
    desk.page.locator("main form[action$='/confirm'] button[type=submit]").dblclick()
    desk.page.wait_for_url("**/arrival-card")
    assert placements(server, *PlacementState) == 1
    assert placements(server, PlacementState.BOOKED) == 1


@pytest.mark.usefixtures("network")
@with_and_without
def test_who_is_second_hears_that_it_was_just_taken_and_keeps_what_was_typed(
    server: Running, desks: Desks, scripts: bool, expected_messages: list[str]
) -> None:
    expected_messages.append("409")
    first, second = desks(scripts), desks(scripts)
    for desk, login in ((first, "jeong"), (second, "kim")):
        desk.sign_in(login)
        Night(desk).find()
    Night(first).hold()
    second.send("main form[action='/find/hold']", ".app-offer__first-hold")
    second.look()
    expect(second.page.locator("main [role=alert]").first).to_be_visible()
    expect(second.page.locator("[name=children]").last).to_have_value("2")
    expect(second.page.locator("[name=small_dogs]").last).to_have_value("1")
    assert placements(server, PlacementState.HELD) == 1


@pytest.mark.usefixtures("network")
@in_one_language
def test_two_windows_of_one_person_make_one_booking(
    server: Running, desks: Desks, expected_messages: list[str]
) -> None:
    expected_messages.append("409")
    desk = desks()
    desk.sign_in("jeong")
    night = Night(desk)
    night.find()
    other = desk.context.new_page()
    other.goto("/find")
    night.hold()
    other.locator(".app-offer__first-hold").click()
    expect(other.locator("main [role=alert]").first).to_be_visible()

    other.goto(f"{night.stay}/confirm")
    desk.open(f"{night.stay}/confirm")
    desk.press("/confirm")
    other.locator("main form[action$='/confirm'] button[type=submit]").click()
    expect(other).to_have_url(re.compile("/arrival-card$"))
    assert placements(server, PlacementState.BOOKED) == 1
    assert placements(server, *PlacementState) == 1


@pytest.mark.usefixtures("network")
@with_and_without
def test_a_session_that_ended_keeps_what_was_typed(
    server: Running, desks: Desks, scripts: bool, expected_messages: list[str]
) -> None:
    expected_messages.append("401")  # what is kept while typing finds the session over
    desk = desks(scripts)
    desk.sign_in("jeong")
    night = Night(desk)
    night.find()
    night.hold()
    desk.follow("/intake")
    desk.fill(code_word="초록 문", notes="땅콩 알레르기")
    desk.choose("can_call", "no")
    end_sessions(server)
    desk.press("/intake", "button[type=submit]:not([name])")
    expect(desk.page).to_have_url(re.compile("/login"))
    desk.enter("jeong")
    expect(desk.page).to_have_url(re.compile(f"{night.stay}/intake"))
    expect(desk.page.locator("[name=code_word]")).to_have_value("초록 문")
    expect(desk.page.locator("[name=notes]")).to_have_value("땅콩 알레르기")
    expect(desk.page.locator("[name=can_call][value=no]")).to_be_checked()
    desk.press("/intake", "button[type=submit]:not([name])")
    expect(desk.page).to_have_url(re.compile("/confirm$"))


@pytest.mark.usefixtures("network")
@in_one_language
@with_and_without
def test_after_signing_out_back_shows_nothing(server: Running, desks: Desks, scripts: bool) -> None:
    desk = desks(scripts)
    desk.sign_in("jeong")
    night = Night(desk)
    night.find()
    night.hold()
    desk.follow("/intake")
    desk.sign_out()
    for _ in range(2):
        desk.page.go_back()
        expect(desk.page).to_have_url(re.compile("/login"))
        expect(desk.page.locator("body")).not_to_contain_text(night.reference)


@pytest.mark.usefixtures("network")
@in_one_language
def test_what_is_typed_at_the_intake_survives_a_closed_window(server: Running, desks: Desks) -> None:
    desk = desks()
    desk.sign_in("jeong")
    night = Night(desk)
    night.find()
    night.hold()
    desk.follow("/intake")
    with desk.page.expect_response("**/intake/draft"):
        desk.fill(code_word="초록 문")
    again = desk.context.new_page()
    desk.page.close()
    again.goto(f"{night.stay}/intake")
    expect(again.locator("[name=code_word]")).to_have_value("초록 문")


@pytest.mark.usefixtures("network")
def test_nothing_fits_and_the_turnaway_is_one_click(server: Running, desks: Desks) -> None:
    desk = desks()
    desk.sign_in("jeong")
    night = Night(desk)
    night.find(women=1, children=9, small_dogs=0)
    expect(desk.page.locator(".app-offer__first-hold")).to_have_count(0)
    desk.press("/find/turnaways")
    expect(desk.page.locator("main [role=status]").first).to_be_visible()
