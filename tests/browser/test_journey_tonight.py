"""The main job in a real browser, from the network's own list to the manager's figures, with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from shelter import clock
from shelter.domain.permissions import Role
from tests.browser.conftest import Running
from tests.browser.pages import Desk, Night
from tests.support.people import create_user

NETWORK = Path(__file__).parents[2] / "examples" / "network-ko.xlsx"
HER_NUMBER = "010-1234-5678"
AS_THE_PHONE_SHOWS_IT = {
    "ko": re.compile(r"\[국제발신\]\s*\d+월 \d+일\(.\) 예약 확인되었습니다\. 문의는 알려드린 번호로 전화 주세요\."),
    "en": re.compile(r"\[국제발신\]\s*\d+월 \d+일\(.\) 예약 확인되었습니다\. 문의는 알려드린 번호로 전화 주세요\."),
}

Desks = Callable[..., Desk]


def run_job(server: Running, name: str) -> dict[str, int]:
    from shelter.jobs.schedule import run_by_hand

    with server.app.app_context():
        return dict(run_by_hand(name))


def bring_in_the_network(desk: Desk) -> None:
    """The administrator brings in the city's list: a look first, then for real."""
    desk.open("/sites/import")
    desk.page.set_input_files("[name=file]", NETWORK)
    desk.press("/import")
    desk.press("/preview")
    expect(desk.page.locator("main")).to_contain_text("목련")


def tonight(desk: Desk) -> dict[str, int]:
    """The manager's figures of tonight, over all kinds of rooms."""
    desk.open("/occupancy?step=day")
    row = [int(text) for text in desk.page.locator("tfoot").first.locator(".app-num").all_inner_texts()[:5]]
    return dict(zip(("occupied", "reserved", "held", "closed", "free"), row, strict=True))


def record_a_running_stay(desk: Desk) -> str:
    """She has been here for almost six months: the old sheet says since when."""
    desk.open("/stays/record")
    free = desk.page.locator("select[name=unit_id] option").nth(12).get_attribute("value")
    desk.page.locator("select[name=unit_id]").select_option(free)
    since = clock.shelter_day() - timedelta(days=170)
    desk.fill(check_in=since.isoformat(), women=1)
    desk.press("/record")
    found = re.search(r"[0-9A-Z]{7}-1", desk.page.url + desk.main.inner_text())
    assert found, desk.page.url
    return found.group()


@pytest.fixture
def people(server: Running, locale: str) -> dict[str, str]:
    """Login by role."""
    of = {Role.ADMINISTRATOR: "seo", Role.COORDINATOR: "jeong", Role.MANAGER: "oh"}
    for role, login in of.items():
        create_user(server.app, roles={role}, login=login, locale=locale, phone="+821055501000")
    return {role.value: login for role, login in of.items()}


def tell_the_whole_night(server: Running, desks: Desks, people: dict[str, str], locale: str, scripts: bool) -> None:
    admin, manager, coordinator = desks(scripts), desks(scripts), desks(scripts)
    admin.sign_in(people["administrator"])
    bring_in_the_network(admin)

    manager.sign_in(people["manager"])
    before = tonight(manager)
    assert before["occupied"] == 0
    assert before["free"] > 50

    coordinator.sign_in(people["coordinator"])
    night = Night(coordinator)
    night.find()
    night.hold()
    assert tonight(manager) == before | {"held": 1, "free": before["free"] - 1}

    night.take_in(HER_NUMBER)
    night.confirm(text="asked_now")
    night.card_received()
    assert tonight(manager) == before | {"reserved": 1, "free": before["free"] - 1}

    night.check_in()
    running = record_a_running_stay(coordinator)
    assert tonight(manager) == before | {"occupied": 2, "free": before["free"] - 2}

    assert run_job(server, "flag-stays-nearing-limit")
    coordinator.open("/")
    expect(coordinator.main).to_contain_text(running)
    expect(coordinator.main.locator(f"a[href='/stays/{running}']").first).to_be_visible()

    run_job(server, "send-limit-digests")
    run_job(server, "deliver-messages")
    coordinator.open("/messages")
    expect(coordinator.main).to_contain_text(AS_THE_PHONE_SHOWS_IT[locale])

    night.check_out()
    hers = int(clock.today() > clock.shelter_day())  # who leaves after midnight was there for the night
    assert tonight(manager) == before | {"occupied": 1 + hers, "free": before["free"] - 1 - hers}

    coordinator.sign_out()
    coordinator.page.go_back()
    expect(coordinator.page.locator("body")).not_to_contain_text(night.reference)


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_household_is_placed_tonight(
    server: Running, desks: Desks, people: dict[str, str], locale: str, scripts: bool
) -> None:
    tell_the_whole_night(server, desks, people, locale, scripts)


@pytest.mark.only("postgresql")
@pytest.mark.parametrize("locale", ["ko"], indirect=True)
def test_a_household_is_placed_tonight_on_postgresql(
    server: Running, desks: Desks, people: dict[str, str], locale: str
) -> None:
    tell_the_whole_night(server, desks, people, locale, True)
