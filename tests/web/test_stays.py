"""Pages of stays, as coordinators and managers see them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from shelter import clock
from shelter.domain.permissions import Role
from shelter.domain.stays import PlacementState, StayState
from shelter.extensions import db
from shelter.models.households import ContactNumber, NumberKind, SafeContact
from shelter.models.stays import Extension, Placement, Stay, StayEvent
from tests import factories
from tests.support.pages import Page, PageClient, page_of
from tests.support.people import Account, create_user, sign_in
from tests.support.statements import count_statements

pytestmark = pytest.mark.only("sqlite")


class House:
    """One site with three rooms, its coordinator, and stays made in it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with app.app_context():
            site = factories.make_site("Magnolia")
            self.site_id: UUID = site.id
            self.units = [factories.make_unit(factories.make_room(site, f"10{n}"), f"10{n}").id for n in range(3)]
        self.coordinator: Account = create_user(app, sites=[self.site_id], name="Ha-neul Jeong")

    def stay(self, unit: int = 0, **more: Any) -> str:
        """Tonight for a week, booked; its reference."""
        from shelter.models.sites import Unit

        with self.app.app_context():
            made = factories.make_stay(db.session.get_one(Unit, self.units[unit]), **more)
            return f"{made.household.reference}-{made.number}"

    def in_house(self, unit: int = 0, **more: Any) -> str:
        """Since yesterday, for a week."""
        more.setdefault("arrive_on", clock.shelter_day() - timedelta(days=1))
        return self.stay(unit, state=PlacementState.IN_HOUSE, **more)

    def now(self, reference: str) -> tuple[StayState, list[PlacementState]]:
        with self.app.app_context():
            stay = self._find(reference)
            return stay.state, [p.state for p in stay.placements]

    def _find(self, reference: str) -> Stay:
        from shelter.models.households import Household

        return db.session.scalars(
            select(Stay).join(Household, Household.id == Stay.household_id).where(Household.reference == reference[:7])
        ).one()


@pytest.fixture
def house(app: Flask) -> House:
    return House(app)


@pytest.fixture
def browser(client: PageClient, house: House) -> PageClient:
    sign_in(client, user=house.coordinator)
    return client


def fields(client: PageClient, address: str) -> dict[str, Any]:
    page = page_of(client.get(address))
    return page.fields(next(f for f in page.all("form") if f.get("action") == address))


def send(client: PageClient, address: str, **typed: Any) -> TestResponse:
    return client.post(address, data=fields(client, address) | typed)


def done(client: PageClient, address: str, **typed: Any) -> Page:
    """Sent and accepted: the page it leads to."""
    answer = send(client, address, **typed)
    assert answer.status_code == 303, page_of(answer).text
    return page_of(client.get(answer.location))


def wall(days: int = 0, hours: int = 0) -> str:
    moment = clock.local(clock.now()) + timedelta(days=days, hours=hours)
    return moment.strftime("%Y-%m-%dT%H:%M")


def day(days: int) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


# The page of a stay


def test_the_page_says_first_how_she_may_be_reached(browser: PageClient, house: House) -> None:
    reference = house.in_house()
    with house.app.app_context():
        stay = house._find(reference)
        contact = SafeContact(household_id=stay.household_id, can_call=False, can_text=False, updated_at=clock.now())
        contact.other_way = "through the hotline"
        db.session.add(contact)
        db.session.commit()
    text = page_of(browser.get(f"/stays/{reference}")).text
    assert text.index("Never call") < text.index("Magnolia")
    assert "through the hotline" in text


def test_a_danger_number_is_never_proposed(browser: PageClient, house: House) -> None:
    from shelter.extensions import keyring

    reference = house.in_house()
    with house.app.app_context():
        stay = house._find(reference)
        contact = SafeContact(household_id=stay.household_id, can_call=True, can_text=True, updated_at=clock.now())
        contact.consented_at = clock.now()
        number = "+821012345678"
        rows = [
            ContactNumber(
                household_id=stay.household_id, kind=NumberKind.ALLOWED, number_index=keyring.index("phone", number)
            ),
            ContactNumber(
                household_id=factories.make_household().id,
                kind=NumberKind.DANGER,
                number_index=keyring.index("phone", number),
            ),
        ]
        for row in rows:
            row.number = number
        db.session.add_all([contact, *rows])
        db.session.commit()
    assert "Never call" in page_of(browser.get(f"/stays/{reference}")).text


def test_the_days_left_say_how_they_were_counted(browser: PageClient, house: House) -> None:
    reference = house.in_house()
    text = page_of(browser.get(f"/stays/{reference}")).text
    assert "6 months" in text
    assert "Civil Code" in text
    assert "latest day to leave" in text


def test_the_next_act_stands_first(browser: PageClient, house: House) -> None:
    for reference, act in ((house.stay(0), "Check in"), (house.in_house(1), "Check out")):
        page = page_of(browser.get(f"/stays/{reference}"))
        first = next(a for a in page.all("a") if "govuk-button" in a.get("class", ""))
        assert "".join(first.itertext()).strip() == act


def test_opening_a_stay_is_written_down(browser: PageClient, house: House) -> None:
    from shelter.models.audit import AuditEntry

    reference = house.in_house()
    browser.get(f"/stays/{reference}")
    with house.app.app_context():
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "stay.opened")).one()
        assert entry.subject == f"stay:{reference}"


def test_stays_of_other_sites_are_nowhere(client: PageClient, house: House) -> None:
    reference = house.in_house()
    sign_in(client)
    assert reference not in client.get("/stays").text
    for page in ("", "/check-in", "/check-out", "/plan", "/transfer", "/extension"):
        assert client.get(f"/stays/{reference}{page}").status_code == 404


# The list


def test_the_list_has_the_fewest_days_first_and_twenty_a_page(browser: PageClient, house: House) -> None:
    with house.app.app_context():
        site = factories.make_site("Camellia")
        units = [factories.make_unit(site=site).id for _n in range(22)]
    sign_in(browser, user=create_user(house.app, sites=[house.site_id, site_id(house.app, "Camellia")]))
    house.units += units
    references = [house.in_house(n + 3, arrive_on=clock.shelter_day() - timedelta(days=n)) for n in range(22)]
    shown = [a for a in page_of(browser.get("/stays")).all("a") if "app-code" in a.get("class", "")]
    assert [a.text for a in shown] == references[::-1][:20]
    more = [a.text for a in page_of(browser.get("/stays?page=2")).all("a") if "app-code" in a.get("class", "")]
    assert more == references[::-1][20:]


def site_id(app: Flask, name: str) -> UUID:
    from shelter.models.sites import Site

    with app.app_context():
        return db.session.scalars(select(Site.id).where(Site.code_name == name)).one()


def test_the_statements_of_the_list_do_not_grow_with_it(browser: PageClient, house: House) -> None:
    counts = []
    for n in range(3):
        house.in_house(n)
        with count_statements() as statements:
            browser.get("/stays")
        counts.append(len(statements.said))
    assert counts[0] == counts[2]


@pytest.mark.parametrize("which", ["mine", "near-limit", "past"])
def test_other_lists_open(browser: PageClient, house: House, which: str) -> None:
    house.in_house()
    assert browser.get(f"/stays/list/{which}").status_code == 200


# Acts


def test_check_in_is_two_clicks(browser: PageClient, house: House) -> None:
    reference = house.stay()
    page = done(browser, f"/stays/{reference}/check-in")
    assert "They are checked in." in page.text
    assert house.now(reference) == (StayState.IN_HOUSE, [PlacementState.IN_HOUSE])


def test_a_late_entry_asks_for_the_reason_and_keeps_what_was_typed(browser: PageClient, house: House) -> None:
    reference = house.stay(arrive_on=clock.shelter_day() - timedelta(days=2))
    real = wall(days=-1)
    refused = send(browser, f"/stays/{reference}/check-in", when="earlier", happened_at=real)
    assert refused.status_code == 422
    assert "Say why" in page_of(refused).text
    assert real in [i.get("value") for i in page_of(refused).all("input") if i.get("name") == "happened_at"]
    page = done(browser, f"/stays/{reference}/check-in", when="earlier", happened_at=real, reason="power cut")
    assert "power cut" in page.text


def test_the_same_form_sent_twice_is_one_check_in(browser: PageClient, house: House) -> None:
    reference = house.stay()
    form = fields(browser, f"/stays/{reference}/check-in")
    answers = [browser.post(f"/stays/{reference}/check-in", data=form) for _n in range(2)]
    assert [a.status_code for a in answers] == [303, 303]
    with house.app.app_context():
        assert len(db.session.scalars(select(StayEvent).where(StayEvent.kind == "checked_in")).all()) == 1


def test_check_out_asks_why_and_where_to(browser: PageClient, house: House) -> None:
    reference = house.in_house()
    assert send(browser, f"/stays/{reference}/check-out").status_code == 422
    page = done(browser, f"/stays/{reference}/check-out", exit_reason="planned", destination="new_home")
    assert "A new home" in page.text
    assert house.now(reference) == (StayState.ENDED, [PlacementState.ENDED])
    page = done(browser, f"/stays/{reference}/check-out/undo", reason="the other family", leave_on=day(5))
    assert house.now(reference) == (StayState.IN_HOUSE, [PlacementState.IN_HOUSE])


def test_one_of_two_rooms_can_be_left(browser: PageClient, house: House) -> None:
    from shelter.models.sites import Unit

    reference = house.in_house()
    with house.app.app_context():
        stay, unit = house._find(reference), db.session.get_one(Unit, house.units[1])
        second = factories.make_placement(
            stay,
            unit,
            arrive_on=clock.shelter_day() - timedelta(days=1),
            leave_on=clock.shelter_day() + timedelta(days=6),
            state=PlacementState.IN_HOUSE,
        ).id
    way = {"exit_reason": "own_wish", "destination": "family"}
    done(browser, f"/stays/{reference}/check-out", rooms=[str(second)], **way)
    assert house.now(reference) == (StayState.IN_HOUSE, [PlacementState.IN_HOUSE, PlacementState.ENDED])


def test_another_day_of_leaving(browser: PageClient, house: House) -> None:
    reference = house.in_house()
    done(browser, f"/stays/{reference}/leave-date", leave_on=day(20))
    refused = send(browser, f"/stays/{reference}/leave-date", leave_on=day(400))
    assert refused.status_code == 422
    assert "ask for an extension" in page_of(refused).text


def test_cancelling_asks_why(browser: PageClient, house: House) -> None:
    reference = house.stay()
    assert send(browser, f"/stays/{reference}/cancel").status_code == 422
    page = done(browser, f"/stays/{reference}/cancel", cancel_reason="found_other", note="a friend's place")
    assert "Found another safe place" in page.text
    assert house.now(reference)[0] is StayState.CANCELLED


def test_a_no_show_is_kept_and_then_decided(browser: PageClient, house: House) -> None:
    reference = house.stay()
    page = done(browser, f"/stays/{reference}/no-show")
    assert "The room is kept" in page.text
    done(browser, f"/stays/{reference}/expect-again")
    assert house.now(reference) == (StayState.OPEN, [PlacementState.BOOKED])


def test_a_plan_and_who_answers(browser: PageClient, house: House) -> None:
    reference = house.in_house()
    page = done(browser, f"/stays/{reference}/plan", plan="Housing applied for", plan_on=day(30))
    assert "Housing applied for" in page.text
    page = done(browser, f"/stays/{reference}/responsible", responsible_id=str(house.coordinator.id))
    assert "Ha-neul Jeong" in page.text


def test_a_transfer_offers_only_rooms_that_fit(browser: PageClient, house: House) -> None:
    reference = house.in_house()
    house.stay(1)
    page = page_of(browser.get(f"/stays/{reference}/transfer"))
    offered = [o.get("value") for o in page.all("option")]
    assert str(house.units[2]) in offered
    assert str(house.units[1]) not in offered
    done(browser, f"/stays/{reference}/transfer", to_unit_id=str(house.units[2]))
    assert house.now(reference) == (StayState.IN_HOUSE, [PlacementState.MOVED, PlacementState.IN_HOUSE])


def test_a_planned_move_is_completed(browser: PageClient, house: House) -> None:
    reference = house.in_house()
    later = (clock.shelter_day() + timedelta(days=2)).isoformat()
    page = done(browser, f"/stays/{reference}/transfer", to_unit_id=str(house.units[2]), from_night=later)
    assert {"They have moved", "Check in"} & set(page.links()) == {"They have moved"}
    assert house.now(reference)[1] == [PlacementState.IN_HOUSE, PlacementState.BOOKED]
    done(browser, f"/stays/{reference}/move")
    assert house.now(reference)[1] == [PlacementState.MOVED, PlacementState.IN_HOUSE]


def test_corrections_stand_on_the_page(browser: PageClient, house: House) -> None:
    reference = house.in_house(arrive_on=clock.shelter_day() - timedelta(days=3))
    page = done(browser, f"/stays/{reference}/check-in/correct", happened_at=wall(days=-4), reason="came a day earlier")
    assert "Check-in corrected" in page.text
    page = done(browser, f"/stays/{reference}/check-in/undo", reason="wrong family")
    assert house.now(reference)[0] is StayState.OPEN


def test_an_extension_is_asked_for_and_decided_by_a_manager(app: Flask, browser: PageClient, house: House) -> None:
    reference = house.in_house()
    with app.app_context():
        stay = house._find(reference)
        stay.household.people[0].name = "정하늘"
        db.session.commit()
    done(browser, f"/stays/{reference}/extension", reason="the flat is late")
    manager = app.test_client()
    sign_in(manager, role=Role.MANAGER)
    assert reference in manager.get("/stays/extensions").text
    page = page_of(manager.get(f"/stays/{reference}/extension/decision"))
    assert "the flat is late" in page.text
    assert "정하늘" not in page.text
    assert manager.get(f"/stays/{reference}").status_code == 403
    done(manager, f"/stays/{reference}/extension/decision", decision="granted")
    with app.app_context():
        assert db.session.scalars(select(Extension.decision)).one() == "granted"


def test_every_page_speaks_korean(client: PageClient, house: House) -> None:
    sign_in(client, user=create_user(house.app, sites=[house.site_id], locale="ko"))
    booked, here = house.stay(0), house.in_house(1)
    pages = ["", "/check-in", "/no-show", "/cancel", "/leave-date", "/transfer"]
    addresses = [f"/stays/{booked}{page}" for page in pages]
    pages = ["", "/check-out", "/plan", "/responsible", "/extension", "/check-in/correct", "/check-in/undo"]
    addresses += [f"/stays/{here}{page}" for page in pages] + ["/stays", "/stays/record", "/stays/import"]
    for address in addresses:
        page = page_of(client.get(address))
        assert "담당자" in page.text or "입소" in page.text, address


def test_the_history_reads_as_sentences(browser: PageClient, house: House) -> None:
    reference = house.stay()
    done(browser, f"/stays/{reference}/check-in")
    done(browser, f"/stays/{reference}/leave-date", leave_on=day(20))
    text = page_of(browser.get(f"/stays/{reference}")).text
    assert "Checked in · limit" in text
    assert "Day of leaving" in text
    assert date.today().isoformat() not in text  # noqa: DTZ011 - days are said as people say them


def test_a_room_somebody_is_still_in_refuses_in_words(browser: PageClient, house: House) -> None:
    tonight = clock.shelter_day()
    house.in_house(0, arrive_on=tonight - timedelta(days=5), leave_on=tonight)
    reference = house.stay(0, arrive_on=tonight)
    refused = send(browser, f"/stays/{reference}/check-in")
    assert refused.status_code == 422
    assert "still checked in" in page_of(refused).text
    with house.app.app_context():
        assert len(db.session.scalars(select(Placement)).all()) == 2


def test_where_few_rooms_fit_others_need_a_word(browser: PageClient, house: House) -> None:
    from shelter.models.households import Pet

    reference = house.in_house()
    with house.app.app_context():
        stay = house._find(reference)
        db.session.add(Pet(household_id=stay.household_id, position=1, species="dog", size="small"))
        db.session.commit()
    address = f"/stays/{reference}/transfer"
    page = page_of(browser.get(address))
    assert [g.get("label") for g in page.all("optgroup")] == ["no pets"]
    refused = send(browser, address, to_unit_id=str(house.units[2]))
    assert refused.status_code == 422
    done(browser, address, to_unit_id=str(house.units[2]), accepts_misfit="y")
    assert house.now(reference) == (StayState.IN_HOUSE, [PlacementState.MOVED, PlacementState.IN_HOUSE])
