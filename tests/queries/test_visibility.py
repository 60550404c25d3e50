"""Whose record a person may read, asked of one record and of a list: always the same answer."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from shelter.domain.permissions import SYSTEM, Principal, Role
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.queries.visibility import readable, readable_household, readable_in_a_list
from tests.conftest import Clock
from tests.factories import make_household, make_site, make_stay, make_unit, make_user
from tests.support.nights import day

P = PlacementState
# Today is 10 March 2026: 30 days back is 8 February.
LONG_AGO, RECENT, AHEAD = (
    (day("2026-01-02"), day("2026-02-07")),
    (day("2026-01-20"), day("2026-02-08")),
    (day("2026-03-20"), day("2026-04-20")),
)
GIVEN_UP_THEN, GIVEN_UP_LATELY = (
    (day("2026-02-07"), day("2026-08-07")),
    (day("2026-02-08"), day("2026-08-08")),
)


def both(by: Principal) -> list[str]:
    """References by either form of the condition, which never differ."""
    found = [
        sorted(db.session.scalars(select(Household.reference).where(condition(by))))
        for condition in (readable, readable_in_a_list)
    ]
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(
    ("state", "nights", "is_readable"),
    [
        (P.IN_HOUSE, LONG_AGO, True),  # overdue for a month: still there
        (P.IN_HOUSE, AHEAD, True),
        (P.ENDED, LONG_AGO, False),
        (P.ENDED, RECENT, True),
        (P.BOOKED, AHEAD, True),
        (P.BOOKED, LONG_AGO, False),
        (P.HELD, AHEAD, True),
        (P.NO_SHOW, RECENT, True),
        (P.CANCELLED, GIVEN_UP_THEN, False),
        (P.CANCELLED, GIVEN_UP_LATELY, True),
        (P.EXPIRED, GIVEN_UP_THEN, False),
        (P.EXPIRED, GIVEN_UP_LATELY, True),
        (P.CANCELLED, AHEAD, True),
    ],
)
def test_a_site_reads_whoever_is_or_lately_was_there(
    context: Flask, frozen_clock: Clock, state: PlacementState, nights: tuple[date, date], is_readable: bool
) -> None:
    here, elsewhere = make_site(), make_site()
    theirs, others = make_user(sites=[here.id]).principal, make_user(sites=[elsewhere.id]).principal
    household = make_household()
    make_stay(make_unit(site=here), household=household, arrive_on=nights[0], leave_on=nights[1], state=state)
    assert both(theirs) == ([household.reference] if is_readable else [])
    assert (readable_household(household.reference, theirs) is not None) == is_readable
    assert both(others) == []


@pytest.mark.parametrize(
    ("relation", "state", "is_readable"),
    [
        ("created_by_id", P.ENDED, True),
        ("responsible_id", P.IN_HOUSE, True),
        ("substitute_id", P.IN_HOUSE, True),
        ("responsible_id", P.ENDED, False),
        ("substitute_id", P.CANCELLED, False),
    ],
)
def test_wherever_it_is_its_maker_reads_it_and_whoever_answers_for_a_running_stay(
    context: Flask, frozen_clock: Clock, relation: str, state: PlacementState, is_readable: bool
) -> None:
    person, stranger = make_user(), make_user()
    household = make_household()
    first, last = RECENT if state is not P.IN_HOUSE else AHEAD
    stay = make_stay(make_unit(), household=household, arrive_on=first, leave_on=last, state=state)
    setattr(household if relation == "created_by_id" else stay, relation, person.id)
    db.session.commit()
    assert both(person.principal) == ([household.reference] if is_readable else [])
    assert both(stranger.principal) == []


def test_the_system_reads_all_and_whoever_may_read_no_record_none(context: Flask, frozen_clock: Clock) -> None:
    site = make_site()
    household = make_household()
    make_stay(make_unit(site=site), household=household)
    assert both(SYSTEM) == [household.reference]
    assert both(make_user(Role.MANAGER, sites=[site.id]).principal) == []
