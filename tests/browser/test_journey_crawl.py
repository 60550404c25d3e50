"""Every page of the demonstration, as each role finds it: there, silent, accessible, and whole on a telephone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import select
from werkzeug.routing import AnyConverter, IntegerConverter, Rule, UUIDConverter
from werkzeug.serving import make_server

from shelter import clock
from shelter.domain.matching import SAFETY_REASONS
from shelter.domain.permissions import ROLE_PERMISSIONS, Role
from shelter.domain.references import stay_reference
from shelter.domain.stays import StayState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.people import SiteMembership, User
from shelter.models.sites import Closure, Room, Site, Unit
from shelter.models.stays import Extension, Placement, Stay, Task
from shelter.services import demo
from shelter.web.converters import HouseholdReference, StayReference
from tests.browser.conftest import Quiet, Running, _listen
from tests.browser.pages.desk import DESK, PARTS_OF_A_KIND, PHONE, WIDER_THAN_THE_WINDOW
from tests.support.databases import Databases, application, dispose

pytestmark = pytest.mark.only("sqlite")

LOGINS = {
    Role.COORDINATOR: "coordinator",
    Role.MANAGER: "manager",
    Role.ADMINISTRATOR: "admin",
    Role.AUDITOR: "auditor",
}
# Not pages: files, figures for machines, and the way out.
NO_PAGES = {
    "auth.quick_exit",
    "health.alive",
    "health.metrics",
    "health.ready",
    "occupancy.download",
    "sites.template_text",
    "sites.template_workbook",
    "stays.template_text",
    "stays.template_workbook",
    "static",
}
# A secret or a draft of one's own is needed; tests of their own area open them.
OPENED_ELSEWHERE = {"auth.resume", "auth.use_link", "sites.preview_import", "stays.preview_import"}
# Reasons whose lists only people with a right of their own may read.
WITHHELD = {reason.value for reason in SAFETY_REASONS}


@pytest.fixture(scope="module")
def demonstration(all_databases: Databases) -> Iterator[Running]:
    """What `make run` shows, with a text on its way and the limits flagged."""
    database = all_databases.fresh("sqlite")
    listener = make_server("127.0.0.1", 0, lambda *_: [], threaded=True, request_handler=Quiet)
    url = f"http://localhost:{listener.port}"
    app = application(database.url, public_url=url)
    with app.app_context():
        demo.load()
        from shelter.jobs.schedule import run_by_hand

        run_by_hand("flag-stays-nearing-limit")
        run_by_hand("deliver-messages")
    listener.app = app
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield Running(url, app, database)
    listener.shutdown()
    thread.join()
    listener.server_close()
    dispose(app)
    all_databases.drop(database)


@pytest.fixture
def server(demonstration: Running) -> Running:
    return demonstration


def pages_of(app: Flask, role: Role) -> Iterator[tuple[Rule, dict[str, type]]]:
    for rule in app.url_map.iter_rules():
        endpoint = rule.endpoint
        if "GET" not in (rule.methods or ()) or endpoint in NO_PAGES | OPENED_ELSEWHERE:
            continue
        mark = app.view_functions[endpoint].access
        if mark.public_because or not mark.any_of or ROLE_PERMISSIONS[role] & mark.any_of:
            yield rule, rule._converters


def known_values(app: Flask, role: Role) -> dict[str, list[Any]]:
    """Things of the demonstration by the name of the parameter; of a stay one in every state."""
    with app.app_context():
        user = db.session.scalars(select(User).where(User.login == LOGINS[role])).one()
        mine = select(SiteMembership.site_id).where(SiteMembership.user_id == user.id)
        recently = clock.shelter_day() - timedelta(days=30)  # an older one is readable to nobody at the site
        stays: list[str] = []
        booked: list[str] = []
        for state in StayState:
            of_mine = (
                select(Household.reference, Stay.number)
                .join(Stay, Stay.household_id == Household.id)
                .join(Placement, Placement.stay_id == Stay.id)
                .join(Unit, Unit.id == Placement.unit_id)
                .join(Room, Room.id == Unit.room_id)
                .where(Stay.state == state, Room.site_id.in_(mine), Placement.leave_on > recently)
                .order_by(Placement.leave_on, Stay.id)
            )
            if found := db.session.execute(of_mine).first():
                stays.append(stay_reference(*found))
                booked += stays[-1:] if state in (StayState.OPEN, StayState.IN_HOUSE) else []
        if role is Role.MANAGER:  # opens those that wait for a decision
            waiting = select(Household.reference, Stay.number).join(Stay).join(Extension)
            asked = db.session.execute(waiting.where(Extension.decided_at.is_(None))).all()
            stays = [stay_reference(*one) for one in asked[:1]]
        seen = db.session.scalars(select(Task.id).where(Task.site_id.in_(mine))).first()
        site = db.session.scalars(select(Site.id).order_by(Site.code_name)).first()
        of_site = select(SiteMembership.id).where(SiteMembership.site_id == site)
        return {
            "reference": stays,
            "booked": booked,
            "household": [reference.split("-")[0] for reference in stays],
            "site_id": [site],
            "room_id": [db.session.scalars(select(Room.id).where(Room.site_id == site)).first()],
            "unit_id": [db.session.scalars(select(Unit.id).join(Room).where(Room.site_id == site)).first()],
            "closure_id": [db.session.scalars(select(Closure.id)).first()],
            "task_id": [seen],
            "user_id": [user.id],
            "membership_id": [db.session.scalars(of_site).first()],
        }


def addresses(app: Flask, role: Role) -> list[str]:
    known = known_values(app, role)
    found = []
    for rule, converters in pages_of(app, role):
        several: list[dict[str, Any]] = [{}]
        for name, converter in converters.items():
            match converter:
                case AnyConverter():
                    values: list[Any] = sorted(set(converter.items) - WITHHELD)
                case StayReference():
                    values = known["booked" if rule.endpoint.startswith("placements.") else "reference"]
                case HouseholdReference():
                    values = known["household"]
                case IntegerConverter() | UUIDConverter():
                    values = [value for value in known.get(name, []) if value is not None]
                case _ if "date" in type(converter).__name__.lower() or name in ("night", "on", "day", "from_on"):
                    values = [clock.shelter_day()]
                case _:
                    values = known.get(name, [])
            several = [one | {name: value} for one in several for value in values]
        for values_of_one in several:
            built = rule.build(values_of_one)
            assert built is not None, rule.rule
            found.append(built[1])
    return sorted(set(found))


@pytest.mark.parametrize("role", LOGINS, ids=str)
def test_every_page_is_there_silent_accessible_and_fits(
    server: Running,
    new_context: Callable[..., BrowserContext],
    axe: Callable[[Page], None],
    role: Role,
    locale: str,
) -> None:
    context = new_context()
    said = _listen(context)
    page = context.new_page()
    page.goto("/login")
    page.fill("#login", LOGINS[role])
    page.fill("#password", demo.PASSWORD)
    with page.expect_navigation():
        page.locator("main form button[type=submit]").click()
    if page.locator("html").get_attribute("lang") != locale:
        with page.expect_navigation():
            page.locator("form[action^='/language/'] button").click()
    wrong = []
    with server.app.app_context():
        paths = addresses(server.app, role)
    looked_at: set[str] = set()
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        if answer.status != 200:
            wrong.append(f"{path}: {answer.status}")
            continue
        kind = PARTS_OF_A_KIND.sub("*", path)
        if locale == "ko" or kind not in looked_at:  # in the other language each kind of page once
            looked_at.add(kind)
            try:
                axe(page)
            except AssertionError as barrier:
                wrong.append(str(barrier))
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        if wide := page.evaluate(WIDER_THAN_THE_WINDOW):
            wrong.append(f"{path} scrolls sideways on a telephone: {wide}")
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
    assert len(paths) > 3
    assert not wrong, "\n".join(wrong)
    assert said == []
