"""Today: the next act first, and nothing that is not this person's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask, g

from shelter import clock
from shelter.domain.permissions import Role
from shelter.domain.stays import ExtensionDecision, PlacementState
from shelter.domain.tasks import TaskKind
from shelter.extensions import db, keyring
from shelter.models.households import ContactNumber, Household, NumberKind, SafeContact
from shelter.models.sites import Site
from shelter.models.stays import Extension, Stay, Task
from tests.conftest import Clock
from tests.factories import make_household, make_site, make_stay, make_unit, make_user
from tests.support.pages import Page, PageClient, page_of, spoken
from tests.support.people import Account, sign_in
from tests.support.statements import count_statements

P = PlacementState
TODAY = date(2026, 3, 10)


@pytest.fixture
def site(context: Flask, frozen_clock: Clock) -> Site:
    frozen_clock.set("2026-03-10 23:30")
    return make_site("Magnolia")


@pytest.fixture
def coordinator(site: Site) -> Account:
    return make_user(sites=[site])


@pytest.fixture
def today(client: PageClient, coordinator: Account) -> Callable[..., Page]:
    def look(who: Account | None = None, path: str = "/") -> Page:
        sign_in(client, user=who or coordinator)
        fresh()
        return page_of(client.get(path))

    return look


def fresh() -> None:
    """There is one context around the whole test: the next request remembers nothing of the last one."""
    g.pop("_login_user", None)
    db.session.rollback()


def reference(stay: Stay) -> str:
    return f"{db.session.get_one(Household, stay.household_id).reference}-{stay.number}"


def expected(stay: Stay, hour: int, minute: int = 0, day: date = TODAY) -> Stay:
    placement = stay.placements[0]
    placement.expected_at = clock.instant(day, hour, minute)
    placement.confirmed_at = clock.now() - timedelta(hours=1)
    placement.received_at = clock.now()
    db.session.commit()
    return stay


def contact(stay: Stay, *, can_call: bool, can_text: bool = False, number: str = "+821012345678") -> None:
    now = clock.now()
    said = SafeContact(household_id=stay.household_id, can_call=can_call, can_text=can_text, updated_at=now)
    row = ContactNumber(
        household_id=stay.household_id, kind=NumberKind.ALLOWED, number_index=keyring.index("phone", number)
    )
    row.number = number
    db.session.add_all([said, row])
    db.session.commit()


def sections(page: Page) -> list[str]:
    return [spoken(h) for h in page.all("h2") if not h.get("id", "session").startswith("session")]


def test_late_arrivals_come_first_with_their_minutes(site: Site, today: Callable[..., Page]) -> None:
    late = expected(make_stay(make_unit(site=site)), 22, 45)
    last_night = expected(
        make_stay(make_unit(site=site), arrive_on=TODAY - timedelta(days=1)), 21, day=TODAY - timedelta(days=1)
    )
    make_stay(make_unit(site=site), state=P.HELD)
    page = today()
    assert sections(page)[0].startswith("Late arrivals 2")
    assert f"{reference(late)} 45 minutes late" in page.text
    assert f"{reference(last_night)} 1590 minutes late" in page.text
    assert page.text.index(reference(last_night)) < page.text.index(reference(late))
    assert f"/stays/{reference(late)}/check-in" in page.links().values()


def test_at_two_at_night_it_is_still_the_evening_before(
    site: Site, frozen_clock: Clock, today: Callable[..., Page]
) -> None:
    frozen_clock.set("2026-03-11 02:10")
    stay = expected(make_stay(make_unit(site=site), arrive_on=TODAY), 23, 50)
    page = today()
    assert "night of Tue 10 to Wed 11 Mar" in page.text
    assert f"{reference(stay)} 140 minutes late" in page.text
    assert "since last night" not in page.text


def test_nobody_is_proposed_to_be_called_who_forbade_it(site: Site, today: Callable[..., Page]) -> None:
    never, danger = (expected(make_stay(make_unit(site=site)), 22) for _ in range(2))
    contact(never, can_call=False)
    contact(danger, can_call=True, number="+821099998888")
    row = ContactNumber(
        household_id=make_household().id, kind=NumberKind.DANGER, number_index=keyring.index("phone", "+821099998888")
    )
    row.number = "+821099998888"
    db.session.add(row)
    db.session.commit()
    text = today().text
    assert text.count("Never call, never text: the agreed other way") == 2
    assert "May be called" not in text


def test_an_allowed_call_is_proposed(site: Site, today: Callable[..., Page]) -> None:
    contact(expected(make_stay(make_unit(site=site)), 22), can_call=True)
    assert "May be called" in today().text


def test_a_card_unread_for_ten_minutes_turns_red(site: Site, frozen_clock: Clock, today: Callable[..., Page]) -> None:
    stay = expected(make_stay(make_unit(site=site)), 23, 59)
    placement = stay.placements[0]
    placement.received_at, placement.confirmed_at = None, clock.now()
    db.session.commit()
    assert "has not received the arrival card" not in today().text
    frozen_clock.forward(minutes=10)
    assert f"{reference(stay)}: the site has not received the arrival card" in today().text


def test_who_should_have_left_stands_among_the_red(site: Site, today: Callable[..., Page]) -> None:
    stay = make_stay(make_unit(site=site), arrive_on=date(2026, 3, 1), leave_on=date(2026, 3, 8), state=P.IN_HOUSE)
    page = today()
    assert f"{reference(stay)} should have left" in page.text
    assert "2 days" in page.text


def test_a_departure_of_today_is_overdue_from_noon(site: Site, frozen_clock: Clock, today: Callable[..., Page]) -> None:
    make_stay(make_unit(site=site), arrive_on=date(2026, 3, 1), leave_on=TODAY, state=P.IN_HOUSE)
    frozen_clock.set("2026-03-10 11:59")
    assert "Departures today" in today().text
    frozen_clock.set("2026-03-10 12:00")
    assert "should have left" in today().text


def test_holds_say_how_long_they_last(site: Site, today: Callable[..., Page]) -> None:
    soon = make_stay(make_unit(site=site), state=P.HELD, held_until=clock.now() + timedelta(minutes=9))
    on_the_way = make_stay(make_unit(site=site), state=P.HELD, held_until=clock.now() - timedelta(minutes=1))
    on_the_way.placements[0].is_on_the_way = True
    db.session.commit()
    page = today()
    assert "9 minutes" in page.text
    assert "on the way" in page.text
    assert f"/stays/{reference(soon)}/hold" in page.links().values()


def test_limits_own_ones_first_and_the_tightest_threshold_alone(
    site: Site, coordinator: Account, today: Callable[..., Page]
) -> None:
    arrive = date(2025, 12, 1)
    other = make_stay(make_unit(site=site), arrive_on=arrive, leave_on=TODAY, state=P.IN_HOUSE, limit_on=TODAY)
    mine = make_stay(
        make_unit(site=site), arrive_on=arrive, leave_on=date(2026, 4, 1), state=P.IN_HOUSE, responsible=coordinator
    )
    mine.limit_on = TODAY + timedelta(days=25)
    far = make_stay(make_unit(site=site), arrive_on=arrive, leave_on=date(2026, 6, 1), state=P.IN_HOUSE)
    db.session.commit()
    text = today().text
    part = text[text.index("Limits near") :]
    assert part.index(reference(mine)) < part.index(reference(other))
    assert part.count("D-25") == 1
    assert reference(far) not in part
    assert "limit reached" in part


def test_a_plan_silences_the_wide_thresholds_until_its_day(
    site: Site, frozen_clock: Clock, today: Callable[..., Page]
) -> None:
    stay = make_stay(make_unit(site=site), arrive_on=date(2026, 1, 1), leave_on=date(2026, 4, 1), state=P.IN_HOUSE)
    stay.limit_on, stay.plan_on = TODAY + timedelta(days=25), TODAY + timedelta(days=5)
    db.session.commit()
    assert "Limits near" not in today().text
    frozen_clock.set("2026-03-16 12:00")
    assert "D-19" in today().text


def test_other_peoples_sites_are_not_shown(site: Site, coordinator: Account, today: Callable[..., Page]) -> None:
    elsewhere = expected(make_stay(make_unit()), 20)
    mine_elsewhere = expected(make_stay(make_unit(), responsible=coordinator), 20)
    at_my_site = expected(make_stay(make_unit(site=site)), 20)
    page = today()
    assert reference(elsewhere) not in page.text
    assert reference(mine_elsewhere) in page.text
    assert reference(at_my_site) in page.text
    mine = today(path="/mine")
    assert reference(mine_elsewhere) in mine.text
    assert reference(at_my_site) not in mine.text


def test_managers_see_what_they_decide_and_no_arrivals(site: Site, today: Callable[..., Page]) -> None:
    late = expected(make_stay(make_unit(site=site)), 20)
    reached = make_stay(
        make_unit(site=site), arrive_on=date(2025, 12, 1), leave_on=TODAY, state=P.IN_HOUSE, limit_on=TODAY
    )
    asked = make_stay(make_unit(site=site), arrive_on=date(2026, 1, 1), leave_on=date(2026, 6, 1), state=P.IN_HOUSE)
    db.session.add(Extension(stay_id=asked.id, decision=ExtensionDecision.REQUESTED, requested_at=clock.now()))
    db.session.commit()
    page = today(make_user(Role.MANAGER))
    assert reference(late) not in page.text
    assert f"/stays/{reference(reached)}/extension/decision" in page.links().values()
    assert f"/stays/{reference(asked)}/extension/decision" in page.links().values()
    assert "Free tonight" in page.text


def test_administrators_see_duplicate_numbers_and_the_state_of_the_system(
    site: Site, today: Callable[..., Page]
) -> None:
    household = make_household()
    now = clock.now()
    db.session.add(
        Task(kind=TaskKind.DUPLICATE_NUMBER, dedupe_key="d", household_id=household.id, created_at=now, due_at=now)
    )
    db.session.commit()
    page = today(make_user(Role.ADMINISTRATOR))
    assert "One number in two cases" in page.text
    assert "The clockwork has never run" in page.text
    assert "One number in two cases" not in today().text


def test_a_calm_night_says_so(today: Callable[..., Page]) -> None:
    assert "Nothing waits for you." in today().text


def test_figures_come_last(site: Site, today: Callable[..., Page]) -> None:
    make_unit(site=site, capacity=1)
    expected(make_stay(make_unit(site=site)), 20)
    assert sections(today())[-1].startswith("Free tonight")


def test_the_page_is_korean_for_those_who_read_korean(site: Site, today: Callable[..., Page]) -> None:
    expected(make_stay(make_unit(site=site)), 22, 45)
    page = today(make_user(sites=[site], locale="ko"))
    assert page.h1 == "오늘"
    assert "도착 지연" in page.text
    assert "45분" in page.text


def test_the_number_of_statements_does_not_grow(site: Site, coordinator: Account, client: PageClient) -> None:
    sign_in(client, user=coordinator)
    said = []
    for number in (3, 27):
        for _ in range(number):
            expected(make_stay(make_unit(site=site)), 20)
            make_stay(make_unit(site=site), state=P.HELD)
            make_stay(
                make_unit(site=site), arrive_on=date(2026, 1, 1), leave_on=TODAY, state=P.IN_HOUSE, limit_on=TODAY
            )
        fresh()
        with count_statements() as counted:
            client.get("/")
        said.append(counted.total)
    assert said[0] == said[1] <= 16
