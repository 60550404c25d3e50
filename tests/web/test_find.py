"""Finding and holding a place, page by page."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from sqlalchemy import func, select

from shelter.domain.matching import PetsAllowed, Sharing
from shelter.domain.permissions import Role
from shelter.domain.stays import PlacementState, TurnawayReason
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.models.households import Household
from shelter.models.people import Draft
from shelter.models.stays import Placement, Stay, Turnaway
from tests import factories as make
from tests.conftest import Clock
from tests.support.pages import Page, PageClient, page_of
from tests.support.people import Account, sign_in

TONIGHT = date(2026, 3, 10)


@pytest.fixture(autouse=True)
def clock_stands_still(frozen_clock: Clock) -> Clock:
    return frozen_clock


@pytest.fixture
def kim(app: Flask, client: PageClient) -> Account:
    """A coordinator, signed in, reading English."""
    return sign_in(client, role=Role.COORDINATOR, locale="en")


@pytest.fixture
def network(app: Flask) -> None:
    """A room for four, a room for two with pets, a bed for a woman and one for a man."""
    with app.app_context():
        magnolia, juniper = make.make_site("Magnolia", district="11680"), make.make_site("Juniper", district="11110")
        make.make_unit(make.make_room(magnolia, "201"), "201", capacity=4)
        make.make_unit(make.make_room(juniper, "3"), "3", capacity=2, pets_allowed=PetsAllowed.SMALL)
        make.make_unit(make.make_room(juniper, "4", sharing=Sharing.WOMEN), "A", capacity=1)
        make.make_unit(make.make_room(juniper, "5", sharing=Sharing.MEN), "A", capacity=1)


def form_to(page: Page, path: str) -> ET.Element:
    return next(f for f in page.all("form") if f.get("action") == path)


def look(client: PageClient, **criteria: Any) -> Page:
    """Search as a browser would, and read what comes."""
    sent = page_of(client.get("/find?new=1")).fields(form_to(page_of(client.get("/find?new=1")), "/find"))
    answer = client.post("/find", data=sent | criteria)
    assert answer.status_code == 303, page_of(answer).text
    assert answer.location == "/find"
    return page_of(client.get("/find"))


def offers(page: Page) -> list[str]:
    """Names of what can be held, as the buttons say them."""
    return [
        "".join(b.itertext()).removeprefix("Hold").strip() for b in page.all("button") if b.get("name") == "segments"
    ]


def press_hold(client: PageClient, page: Page, number: int = 0, **changes: Any) -> Any:
    button = [b for b in page.all("button") if b.get("name") == "segments"][number]
    sent = page.fields(form_to(page, "/find/hold")) | {"segments": button.get("value")} | changes
    return client.post("/find/hold", data=sent)


def count(app: Flask, table: Any) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_nothing_is_asked_but_for_whom_and_tonight_is_said_in_full(client: PageClient, kim: Account) -> None:
    page = page_of(client.get("/find"))
    assert page.h1 == "Find a place"
    assert "Tonight: night of Tue 10 to Wed 11 Mar" in page.text
    sent = page.fields(form_to(page, "/find"))
    assert (sent["arrive_on"], sent["until"], sent["women"], sent["children"]) == ("2026-03-10", "limit", "1", "0")
    assert "districts" not in sent


def test_at_two_in_the_morning_the_first_night_is_the_one_that_began_yesterday(
    client: PageClient, frozen_clock: Clock
) -> None:
    frozen_clock.set("2026-03-11 02:10")
    sign_in(client, locale="en")
    page = page_of(client.get("/find"))
    assert page.fields(form_to(page, "/find"))["arrive_on"] == "2026-03-10"


def test_what_fits_is_shown_best_first_with_its_reasons(client: PageClient, kim: Account, network: None) -> None:
    page = look(client, women="1", children="1", small_dogs="1")
    assert offers(page)[0] == "Juniper · 3"
    assert "pets welcome" in page.text
    assert "exactly their size" in page.text
    assert "until Thu 10 Sep, the limit" in page.text


def test_the_others_are_counted_by_reason_and_listed_on_demand(client: PageClient, kim: Account, network: None) -> None:
    page = look(client, women="1", children="1", small_dogs="1")
    assert "2 too small" in page.text
    listed = page_of(client.get(page.links()["too small"]))
    assert [row[:2] for row in listed.rows()[1:]] == [["Juniper", "4-A"], ["Juniper", "5-A"]]


def test_places_withheld_for_safety_are_a_count_without_a_list(client: PageClient, kim: Account, network: None) -> None:
    page = look(client, women="1", districts=["11680"])
    assert "1 withheld for safety" in page.text
    assert "withheld for safety" not in page.links()
    assert client.get("/find/not-fitting/withheld_for_safety").status_code == 404
    assert "Magnolia" not in " ".join(offers(page))


def test_trying_districts_is_audited_and_counted(app: Flask, client: PageClient, kim: Account, network: None) -> None:
    look(client, women="1")
    for code in ("11680", "11110"):
        look(client, women="1", districts=[code])
    look(client, women="2", districts=["11110"])  # only the heads changed
    with app.app_context():
        entries = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "find.exclusions_changed").order_by(AuditEntry.seq)
        ).all()
        assert [(e.details["districts"], e.details["count"]) for e in entries] == [(["11680"], 1), (["11110"], 2)]
        assert all(b"11680" not in e.details_sealed for e in entries)


def test_the_criteria_are_sealed_and_in_no_address(app: Flask, client: PageClient, kim: Account, network: None) -> None:
    page = look(client, women="2", districts=["11110"])
    with app.app_context():
        (draft,) = db.session.scalars(select(Draft)).all()
        assert b"women" not in draft.body_sealed
        assert b"11110" not in draft.body_sealed
    assert not [href for href in page.links().values() if "women" in href or "11110" in href]


def test_another_caller_starts_from_nothing(client: PageClient, kim: Account, network: None) -> None:
    page = look(client, women="2", children="1")
    again = page_of(client.get(page.links()["New search"]))
    assert again.fields(form_to(again, "/find"))["women"] == "1"


def test_the_search_is_kept_until_the_next_day(
    client: PageClient, kim: Account, network: None, frozen_clock: Clock
) -> None:
    look(client, women="2")
    assert "2 woman" in page_of(client.get("/find")).text or "2 women" in page_of(client.get("/find")).text
    frozen_clock.set("2026-03-11 09:00")
    sign_in(client, user=kim)
    page = page_of(client.get("/find"))
    assert page.fields(form_to(page, "/find"))["arrive_on"] == "2026-03-11"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"women": "0"}, "at least one person"),
        ({"women": "-1"}, "Women"),
        ({"women": "21"}, "Women"),
        ({"children": "many"}, "Other children"),
        ({"arrive_on": "2026-03-09"}, "is over"),
        ({"arrive_on": "2099-12-31"}, "Choose a night until"),
        ({"arrive_on": "9999-12-31"}, "between 2000 and 2100"),
        ({"arrive_on": "soon"}, "First night"),
        ({"until": "day", "leave_on": "2026-03-10"}, "must come after"),
        ({"until": "never"}, "Until when"),
        ({"until": "nights", "nights": ""}, "choose another answer"),
        ({"until": "day", "leave_on": ""}, "choose another answer"),
        ({"districts": ["99999"]}, "Districts"),
        ({"sites": ["x"]}, "Sites"),
        ({"allergic_to": ["horse"]}, "allergic"),
        ({"households": "ABC"}, "not a case reference"),
        ({"households": "0000000"}, ""),
    ],
)
def test_what_cannot_be_searched_for_is_said_beside_what_was_typed(
    client: PageClient, kim: Account, typed: dict[str, Any], said: str
) -> None:
    page = page_of(client.get("/find"))
    answer = client.post("/find", data=page.fields(form_to(page, "/find")) | {"cats": "2", **typed})
    assert answer.status_code == 422
    again = page_of(answer)
    assert said in again.text
    assert again.fields(form_to(again, "/find"))["cats"] == "2"


def test_one_click_holds_the_best_and_leads_to_it(app: Flask, client: PageClient, kim: Account, network: None) -> None:
    page = look(client, women="1", children="2")
    answer = press_hold(client, page)
    assert answer.status_code == 303
    with app.app_context():
        stay, placement = db.session.scalars(select(Stay)).one(), db.session.scalars(select(Placement)).one()
        reference = f"{stay.household.reference}-1"
        assert (placement.state, placement.people) == (PlacementState.HELD, 3)
        assert (placement.arrive_on, placement.leave_on) == (TONIGHT, date(2026, 9, 10))
    assert answer.location == f"/stays/{reference}/hold"


def test_a_double_click_is_one_hold(app: Flask, client: PageClient, kim: Account, network: None) -> None:
    page = look(client, women="1")
    first, second = press_hold(client, page), press_hold(client, page)
    assert (first.status_code, first.location) == (second.status_code, second.location)
    assert count(app, Stay) == 1
    assert press_hold(client, page, number=1).status_code == 409


def test_two_windows_hold_what_each_of_them_showed(app: Flask, client: PageClient, kim: Account, network: None) -> None:
    one = look(client, women="1", children="2")
    look(client, women="1")
    assert press_hold(client, one).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Placement)).one().people == 3


def test_losing_the_race_shows_what_is_still_free_and_keeps_everything_typed(
    app: Flask, client: PageClient, kim: Account, network: None
) -> None:
    page = look(client, women="1")
    best = offers(page)[0]
    assert best == "Juniper · 4-A"
    other = app.test_client()
    assert isinstance(other, PageClient)
    sign_in(other, locale="en")
    assert press_hold(other, look(other, women="1")).status_code == 303
    answer = press_hold(client, page)
    assert answer.status_code == 409
    again = page_of(answer)
    assert "That room was just taken" in again.text
    assert offers(again) == ["Juniper · 3", "Magnolia · 201"]
    assert again.fields(form_to(again, "/find"))["women"] == "1"
    assert press_hold(client, again).status_code == 303


@pytest.mark.parametrize("segments", ["", "x", "1", "1:2026-03-10", "1:2026-03-12:2026-03-10", "1:x:y", "9" * 30])
def test_a_hold_of_nothing_known_is_refused(client: PageClient, kim: Account, network: None, segments: str) -> None:
    page = look(client, women="1")
    assert press_hold(client, page, segments=segments).status_code == 422


def test_two_rooms_together_are_one_hold(app: Flask, client: PageClient, kim: Account) -> None:
    with app.app_context():
        site = make.make_site("Magnolia")
        for label in ("1", "2"):
            make.make_unit(make.make_room(site, label), label, capacity=3)
    page = look(client, women="2", children="3")
    assert offers(page) == ["both Magnolia · 1 + Magnolia · 2"]
    assert press_hold(client, page).status_code == 303
    with app.app_context():
        placed = db.session.scalars(select(Placement).order_by(Placement.id)).all()
        assert sorted(p.people for p in placed) == [2, 3]
        assert len({p.stay_id for p in placed}) == 1


def test_a_move_can_bridge_a_gap(app: Flask, client: PageClient, kim: Account) -> None:
    with app.app_context():
        site = make.make_site("Magnolia")
        first, then = (make.make_unit(make.make_room(site, label), label) for label in ("1", "2"))
        move_on = TONIGHT + timedelta(days=5)
        make.make_stay(first, arrive_on=move_on, leave_on=move_on + timedelta(days=30))
        make.make_stay(then, arrive_on=TONIGHT, leave_on=move_on)
    page = look(client, women="1", until="nights", nights="10")
    assert "both Magnolia · 1 + Magnolia · 2" in offers(page)
    assert "until Sun 15 Mar" in page.text
    assert press_hold(client, page).status_code == 303


def test_the_first_later_night_is_offered(app: Flask, client: PageClient, kim: Account) -> None:
    with app.app_context():
        unit = make.make_unit(make.make_room(make.make_site("Magnolia"), "1"), "1")
        make.make_stay(unit, leave_on=TONIGHT + timedelta(days=3))
    page = look(client, women="1", until="nights", nights="2")
    assert "night of Fri 13 to Sat 14 Mar: Magnolia · 1" in page.text
    assert press_hold(client, page).status_code == 303
    assert count(app, Stay) == 2


def test_without_the_dog_it_might_fit(app: Flask, client: PageClient, kim: Account) -> None:
    with app.app_context():
        make.make_unit(make.make_room(make.make_site("Magnolia"), "1"), "1")
    page = look(client, women="1", large_dogs="1")
    assert "If the pets are boarded elsewhere" in page.text
    assert press_hold(client, page).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Household)).one().pets == []


def test_a_turnaway_is_one_click_with_the_likely_reason(app: Flask, client: PageClient, kim: Account) -> None:
    with app.app_context():
        make.make_unit(capacity=4)
    page = look(client, women="1", children="1", small_dogs="1")
    form = form_to(page, "/find/turnaways")
    assert page.fields(form)["reason"] == "no_pet_unit"
    answer = client.post("/find/turnaways", data=page.fields(form))
    assert answer.status_code == 303
    assert "recorded" in page_of(client.get("/find")).text
    with app.app_context():
        turnaway = db.session.scalars(select(Turnaway)).one()
        assert (turnaway.night, turnaway.reason) == (TONIGHT, TurnawayReason.NO_PET_UNIT)
        assert (turnaway.adults, turnaway.minors, turnaway.pets) == (1, 1, 1)
        assert count(app, Household) == 0
        assert count(app, Draft) == 0


def test_an_offer_that_is_declined_is_a_turnaway_of_its_own(
    app: Flask, client: PageClient, kim: Account, network: None
) -> None:
    page = look(client, women="1")
    form = form_to(page, "/find/turnaways")
    assert page.fields(form)["reason"] == "declined_offer"
    client.post("/find/turnaways", data=page.fields(form))
    assert client.post("/find/turnaways", data=page.fields(form)).status_code == 303
    assert count(app, Turnaway) == 1


def test_a_turnaway_without_a_known_reason_is_refused(client: PageClient, kim: Account, network: None) -> None:
    page = look(client, women="1")
    sent = page.fields(form_to(page, "/find/turnaways"))
    assert client.post("/find/turnaways", data=sent | {"reason": "because"}).status_code == 422


def test_twenty_a_page_with_the_total(app: Flask, client: PageClient, kim: Account) -> None:
    with app.app_context():
        site = make.make_site("Magnolia")
        for n in range(23):
            make.make_unit(make.make_room(site, f"{n:02}"), f"{n:02}", capacity=1)
    page = look(client, women="1")
    assert "23 rooms fit" in page.text
    assert len(offers(page)) == 20
    second = page_of(client.get("/find?page=2"))
    assert len(offers(second)) == 3
    assert not set(offers(page)) & set(offers(second))


def test_korean_is_said_too(app: Flask, client: PageClient, network: None) -> None:
    sign_in(client, locale="ko")
    page = look(client, women="1", children="2")
    assert page.h1 == "방 찾기"
    assert "가배정" in page.text


def test_a_case_that_was_here_before_is_placed_as_its_record_says(
    app: Flask, client: PageClient, kim: Account, network: None
) -> None:
    with app.app_context():
        household = make.make_household(children=1, by=kim, not_in=["11110"])
        make.make_stay(make.make_unit(capacity=1), household=household, state=PlacementState.ENDED)
        reference = household.reference
    record = page_of(client.get(f"/households/{reference}"))
    blank = page_of(client.get(record.links()["Find a place for this case"]))
    sent = blank.fields(form_to(blank, "/find"))
    assert sent["case"] == reference
    assert "women" not in sent
    assert client.post("/find", data=sent).status_code == 303
    page = page_of(client.get("/find"))
    assert offers(page) == ["Magnolia · 201"]
    answer = press_hold(client, page)
    assert answer.location == f"/stays/{reference}-2/hold"
    with app.app_context():
        assert db.session.scalars(select(Placement).order_by(Placement.id.desc())).first().people == 2
    assert "Find a place for this case" not in page_of(client.get(f"/households/{reference}")).links()


def test_a_case_of_somebody_else_is_not_there(app: Flask, client: PageClient, kim: Account, network: None) -> None:
    with app.app_context():
        reference = make.make_household().reference
    assert client.get(f"/find?case={reference}").status_code == 404
    page = look(client, women="1")
    sent = page.fields(form_to(page, "/find/hold"))
    assert client.post("/find", data=sent | {"case": reference}).status_code == 404
    assert (
        client.post("/find/hold", data=sent | {"case": reference, "segments": "1:2026-03-10:2026-03-12"}).status_code
        == 404
    )


@pytest.mark.only("sqlite")
def test_statements_do_not_grow_with_the_units(app: Flask, client: PageClient, kim: Account) -> None:
    from tests.support.statements import count_statements

    def asked() -> int:
        with count_statements() as counted:
            client.get("/find")
        return counted.total

    with app.app_context():
        make.make_stay(make.make_beds(None, 3)[0])
    look(client, women="1")
    few = asked()
    with app.app_context():
        for _ in range(10):
            make.make_stay(make.make_beds(None, 3)[0])
    assert asked() <= few
