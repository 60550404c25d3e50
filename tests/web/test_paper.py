"""A night on paper, entered in the morning: every act with its real time, by hand, on the product's own pages."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from shelter import clock
from shelter.domain.matching import Audience
from shelter.domain.stays import PlacementState, StayState
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.sites import Unit
from shelter.models.stays import Stay, StayEvent
from shelter.queries.ledger_check import Checked, differences
from shelter.services import placements
from tests import factories
from tests.conftest import Clock
from tests.support.nights import at, nights, run
from tests.support.pages import Page, PageClient, page_of
from tests.support.people import Account, create_user, sign_in
from tests.support.placing import stay_of

P, S = PlacementState, StayState
TENTH, DAY = date(2026, 3, 10), timedelta(days=1)
EVENING, MORNING = "2026-03-10 21:00", "2026-03-11 09:40"  # the outage lies between; the night of the 10th is over


class House:
    def __init__(self, app: Flask) -> None:
        self.app = app
        self.references: dict[str, str] = {}
        with app.app_context():
            db.session.get_one(Installation, 1).live_from = TENTH - 30 * DAY
            site = factories.make_site("Magnolia")
            rooms = [(f"10{n}", Audience.ANY) for n in range(9)] + [("109", Audience.MEN)]
            self.units = {
                label: factories.make_unit(factories.make_room(site, label), label, audience=audience).id
                for label, audience in rooms
            }
            self.site_id: UUID = site.id
        self.coordinator: Account = create_user(app, sites=[self.site_id], name="Ha-neul Jeong")
        self.other: Account = create_user(app, sites=[self.site_id], name="Min-ji Park")

    def stay(self, who: str, room: str, **more: Any) -> None:
        with self.app.app_context():
            made = factories.make_stay(db.session.get_one(Unit, self.units[room]), **more)
            self.references[who] = f"{made.household.reference}-{made.number}"

    def now(self, who: str) -> tuple[StayState, list[PlacementState]]:
        with self.app.app_context():
            stay = stay_of(self.references[who])
            return stay.state, [p.state for p in stay.placements]

    def slept(self, who: str) -> dict[str, list[date]]:
        """The nights the ledger has for each room of the stay."""
        with self.app.app_context():
            stay = stay_of(self.references[who])
            return {db.session.get_one(Unit, p.unit_id).label: nights(p) for p in stay.placements}

    def happened(self, who: str, kind: str) -> tuple[Any, Any]:
        """When it was, and when it was entered."""
        with self.app.app_context():
            stay = stay_of(self.references[who])
            event = db.session.scalars(
                select(StayEvent).where(StayEvent.stay_id == stay.id, StayEvent.kind == kind)
            ).one()
            return event.happened_at, event.at


@pytest.fixture
def house(app: Flask, frozen_clock: Clock) -> House:
    frozen_clock.set(EVENING)
    return House(app)


@pytest.fixture
def browser(client: PageClient) -> PageClient:
    """Nobody is signed in before the morning."""
    return client


def morning(frozen_clock: Clock, client: PageClient, who: Account) -> None:
    frozen_clock.set(MORNING)
    sign_in(client, user=who)


def form_at(client: PageClient, address: str) -> tuple[str, dict[str, Any]]:
    """The form of a page, and where it is sent to."""
    page = page_of(client.get(address))
    inside = page.all("main")[0]
    form = next(f for f in inside.iter("form") if f.get("action") == address.partition("?")[0])
    return str(form.get("action")), page.fields(form)


def send(client: PageClient, address: str, **typed: Any) -> TestResponse:
    action, fields = form_at(client, address)
    return client.post(action, data=fields | typed)


def done(client: PageClient, address: str, **typed: Any) -> Page:
    """Sent, accepted, and back on the list of what a night on paper may have changed."""
    answer = send(client, address, **typed)
    assert answer.status_code == 303, page_of(answer).text
    assert answer.location == "/tonight/paper"
    return page_of(client.get(answer.location))


def links_of(client: PageClient, house: House, who: str) -> dict[str, str]:
    """What the list offers for one household, by the words of the button."""
    reference = house.references[who]
    links = page_of(client.get("/tonight/paper")).links()
    return {words.removesuffix(reference).strip(): to for words, to in links.items() if words.endswith(reference)}


def shows_both_times(client: PageClient, house: House, who: str, real: str) -> bool:
    text = page_of(client.get(f"/stays/{house.references[who]}")).text
    return real in text and "late entry, recorded Wed 11 Mar, 09:40" in text


def test_a_night_on_paper_is_entered_in_the_morning(browser: PageClient, house: House, frozen_clock: Clock) -> None:
    week = {"arrive_on": TENTH, "leave_on": TENTH + 7 * DAY}
    house.stay("came", "100", **week)
    house.stay("came for one night", "101", arrive_on=TENTH, leave_on=TENTH + DAY)
    house.stay("never came", "102", **week)
    house.stay("cancelled", "103", **week)
    house.stay("left", "104", state=P.IN_HOUSE, arrive_on=TENTH - DAY, leave_on=TENTH + 5 * DAY)
    house.stay("moved", "105", state=P.IN_HOUSE, arrive_on=TENTH - DAY, leave_on=TENTH + 5 * DAY)
    held = {"state": P.HELD, "held_until": clock.now() + timedelta(minutes=40)}
    house.stay("held", "106", **week, **held)
    morning(frozen_clock, browser, house.coordinator)
    with house.app.app_context():
        assert placements.expire_holds() == 1

    # (a) arrivals, the second of them gone again
    done(browser, links_of(browser, house, "came")["Came"], happened_at="2026-03-10T23:05")
    done(browser, links_of(browser, house, "came for one night")["Came"], happened_at="2026-03-10T23:50")
    way = {"exit_reason": "planned", "destination": "family"}
    gone = links_of(browser, house, "came for one night")["Left"]
    done(browser, gone, happened_at="2026-03-11T08:10", **way)
    assert house.now("came") == (S.IN_HOUSE, [P.IN_HOUSE])
    assert house.slept("came") == {"100": run("2026-03-10", "2026-03-17")}
    assert house.now("came for one night") == (S.ENDED, [P.ENDED])
    assert house.slept("came for one night") == {"101": [TENTH]}
    assert house.happened("came", "checked_in") == (at("2026-03-10 23:05"), at(MORNING))
    assert shows_both_times(browser, house, "came", "Tue 10 Mar, 23:05")

    # a hold that ran out meanwhile, and they came all the same
    answer = send(browser, links_of(browser, house, "held")["Confirm"], expected_at="2026-03-11T00:20")
    assert answer.location.startswith(f"/stays/{house.references['held']}/check-in")
    done(browser, answer.location, happened_at="2026-03-11T00:20")
    assert house.now("held") == (S.IN_HOUSE, [P.IN_HOUSE])
    assert house.slept("held") == {"106": run("2026-03-10", "2026-03-17")}

    # (c) departures
    done(browser, links_of(browser, house, "left")["Left"], happened_at="2026-03-11T07:15", **way)
    assert house.slept("left") == {"104": run("2026-03-09", "2026-03-11")}
    assert house.happened("left", "checked_out") == (at("2026-03-11 07:15"), at(MORNING))

    # (d) a move after midnight, a cancellation, somebody who did not come
    done(
        browser,
        links_of(browser, house, "moved")["Moved"],
        to_unit_id=str(house.units["107"]),
        from_night="2026-03-10",
        moved_time="22:45",
    )
    assert house.now("moved") == (S.IN_HOUSE, [P.MOVED, P.IN_HOUSE])
    assert house.slept("moved") == {"105": [TENTH - DAY], "107": run("2026-03-10", "2026-03-15")}
    assert house.happened("moved", "transferred") == (at("2026-03-10 22:45"), at(MORNING))
    done(
        browser,
        links_of(browser, house, "cancelled")["Cancelled"],
        cancel_reason="found_other",
        happened_at="2026-03-10T23:30",
    )
    assert house.now("cancelled") == (S.CANCELLED, [P.CANCELLED])
    assert house.happened("cancelled", "cancelled") == (at("2026-03-10 23:30"), at(MORNING))
    done(browser, links_of(browser, house, "never came")["Did not arrive"], happened_at="2026-03-11T01:00")
    assert house.now("never came") == (S.OPEN, [P.NO_SHOW])
    assert house.happened("never came", "not_arrived") == (at("2026-03-11 01:00"), at(MORNING))
    for who, real in (("left", "07:15"), ("moved", "22:45"), ("cancelled", "23:30"), ("never came", "01:00")):
        assert shows_both_times(browser, house, who, real), who

    # (b) a household that came without a booking, then its intake
    answer = walk_in(browser, house, "108")
    assert answer.status_code == 303, page_of(answer).text
    house.references["walked in"] = answer.location.split("/")[2]
    assert answer.location.endswith("/intake")
    assert browser.get(answer.location).status_code == 200
    assert house.now("walked in") == (S.IN_HOUSE, [P.IN_HOUSE])
    assert house.slept("walked in") == {"108": run("2026-03-10", "2026-03-14")}
    assert house.happened("walked in", "checked_in") == (at("2026-03-11 02:40"), at(MORNING))
    assert "Came without a booking" in page_of(browser.get(f"/stays/{house.references['walked in']}")).text
    assert shows_both_times(browser, house, "walked in", "Wed 11 Mar, 02:40")
    with house.app.app_context():
        stay = stay_of(house.references["walked in"])
        assert (stay.checked_in_at, stay.limit_on) == (at("2026-03-11 02:40"), date(2026, 9, 11))
        assert [p.people for p in stay.placements] == [3]
        assert not stay.is_imported
        assert list(differences(Checked())) == []

    found = page_of(browser.get("/tonight/paper"))
    waiting = {line for line, reference in house.references.items() if reference in found.text}
    assert waiting == {"came", "held", "moved", "never came", "walked in"}


def walk_in(client: PageClient, house: House, room: str, **more: Any) -> TestResponse:
    typed = {"unit_id": str(house.units[room]), "arrived_at": "2026-03-11T02:40", "leave_on": "2026-03-14"}
    return send(client, "/tonight/paper/arrival", **(typed | {"women": "1", "girls": "1", "infants": "1"} | more))


def test_a_room_given_away_in_the_system_meanwhile_is_told_with_a_sentence(
    browser: PageClient, house: House, frozen_clock: Clock
) -> None:
    morning(frozen_clock, browser, house.coordinator)
    house.stay("booked meanwhile", "108", arrive_on=TENTH + DAY, leave_on=TENTH + 3 * DAY)
    refused = walk_in(browser, house, "108")
    assert refused.status_code == 422
    assert "The room is not free on 2 of these nights, the first on Wed 11 Mar." in page_of(refused).text
    house.stay("checked in meanwhile", "107", state=P.IN_HOUSE, arrive_on=TENTH)
    refused = walk_in(browser, house, "107")
    assert "Somebody is still checked in to this room." in page_of(refused).text
    with house.app.app_context():
        assert len(db.session.scalars(select(Stay)).all()) == 2


def test_what_does_not_fit_is_recorded_once_a_person_says_it_is_so(
    browser: PageClient, house: House, frozen_clock: Clock
) -> None:
    morning(frozen_clock, browser, house.coordinator)
    refused = walk_in(browser, house, "109")
    assert refused.status_code == 422
    assert any(field.get("name") == "accepts_misfit" for field in page_of(refused).all("input"))
    assert walk_in(browser, house, "109", accepts_misfit="y").status_code == 303


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"arrived_at": "2026-03-11T10:30"}, "This lies in the future"),
        ({"women": "0", "girls": "0", "infants": "0"}, ""),
        ({"leave_on": "2026-03-10"}, "The day of leaving must come after the first night"),
        ({"leave_on": "2026-12-24"}, "lies beyond it"),
        ({"reason": " "}, ""),
        ({"unit_id": ""}, "Choose one."),
        ({"arrived_at": "never"}, ""),
        ({"case": "KKKKKKK"}, ""),
    ],
    ids=["future", "nobody", "leaves-before", "beyond-limit", "no-reason", "no-room", "no-time", "no-case"],
)
def test_what_cannot_be_is_refused_and_stays_typed(
    browser: PageClient, house: House, frozen_clock: Clock, typed: dict[str, str], said: str
) -> None:
    morning(frozen_clock, browser, house.coordinator)
    refused = walk_in(browser, house, "108", **typed)
    assert refused.status_code == 422
    assert "There is a problem" in page_of(refused).text
    assert said in page_of(refused).text
    with house.app.app_context():
        assert not db.session.scalars(select(Stay)).all()


def test_somebody_who_was_here_before_keeps_their_case(browser: PageClient, house: House, frozen_clock: Clock) -> None:
    house.stay("once", "100", state=P.ENDED, arrive_on=TENTH - 9 * DAY, leave_on=TENTH - DAY)
    morning(frozen_clock, browser, house.coordinator)
    reference = house.references["once"]
    answer = walk_in(browser, house, "108", case=reference.lower())
    assert answer.location == f"/stays/{reference[:-1]}2/intake"
    again = walk_in(browser, house, "107", case=reference)
    assert again.status_code == 422
    assert f"{reference[:-1]}2" in page_of(again).text, "they have a running stay: it is named"


def test_a_case_of_other_sites_is_none(client: PageClient, house: House, frozen_clock: Clock) -> None:
    house.stay("once", "100", state=P.ENDED, arrive_on=TENTH - 9 * DAY, leave_on=TENTH - DAY)
    with house.app.app_context():
        elsewhere = create_user(house.app, sites=[factories.make_site().id])
    morning(frozen_clock, client, elsewhere)
    refused = walk_in(client, house, "108", case=house.references["once"])
    assert "There is no such case, or you may not see it." in page_of(refused).text


def test_the_same_arrival_sent_twice_is_one(browser: PageClient, house: House, frozen_clock: Clock) -> None:
    morning(frozen_clock, browser, house.coordinator)
    action, fields = form_at(browser, "/tonight/paper/arrival")
    typed = fields | {"unit_id": str(house.units["108"]), "arrived_at": "2026-03-11T02:40", "women": "1"}
    answers = [browser.post(action, data=typed) for _ in range(2)]
    assert [a.status_code for a in answers] == [303, 303]
    assert answers[0].location == answers[1].location


def test_the_list_is_of_ones_own_sites_alone(client: PageClient, house: House) -> None:
    house.stay("here", "100", state=P.IN_HOUSE, arrive_on=TENTH - DAY)
    with house.app.app_context():
        elsewhere = create_user(house.app, sites=[factories.make_site().id])
    sign_in(client, user=elsewhere)
    assert house.references["here"] not in client.get("/tonight/paper").text


def test_two_coordinators_who_enter_the_same_arrival_are_told(
    browser: PageClient, house: House, frozen_clock: Clock
) -> None:
    house.stay("came", "100", arrive_on=TENTH, leave_on=TENTH + 7 * DAY)
    morning(frozen_clock, browser, house.coordinator)
    address = links_of(browser, house, "came")["Came"]
    action, fields = form_at(browser, address)
    other = house.app.test_client()
    sign_in(other, user=house.other)
    theirs_action, theirs = form_at(other, address)  # type: ignore[arg-type]
    typed = {"happened_at": "2026-03-10T23:05"}
    assert browser.post(action, data=fields | typed).status_code == 303
    refused = other.post(theirs_action, data=theirs | typed)
    assert refused.status_code == 422
    assert "This was done already" in page_of(refused).text
