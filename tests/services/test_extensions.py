"""Prolonging a stay: never chained, decided by whom the policy names, by people who see no name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from shelter.domain.errors import ConstraintRefused, NotFound, NotPermitted
from shelter.domain.permissions import Role
from shelter.domain.stay_errors import (
    ExtensionAlreadyDecided,
    ExtensionNotOffered,
    ExtensionsUsedUp,
    NothingToDo,
    NotYoursToDecide,
    ReasonMissing,
)
from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.sites import StayPolicyVersion, Unit
from shelter.models.stays import Extension, Stay
from shelter.queries import stay_facts
from shelter.services import extensions, stay_records
from tests.conftest import Clock
from tests.factories import make_household, make_site, make_stay, make_unit, make_user
from tests.support.nights import day, nights, run
from tests.support.people import Account


@pytest.fixture(autouse=True)
def _noon(context: Flask, frozen_clock: Clock) -> Iterator[None]:
    """Noon of 10 March 2026; an application context around the test."""
    yield
    db.session.rollback()


@pytest.fixture
def unit() -> Unit:
    return make_unit(site=make_site())


@pytest.fixture
def coordinator(unit: Unit) -> Account:
    return make_user(sites=[unit.site_id])


@pytest.fixture
def manager() -> Account:
    return make_user(Role.MANAGER)


def in_house(unit: Unit, first: str = "2026-03-01", until: str = "2026-03-20", **more) -> Stay:
    return make_stay(unit, arrive_on=day(first), leave_on=day(until), state=PlacementState.IN_HOUSE, **more)


def ask(stay: Stay, by: Account) -> str:
    return extensions.request_extension(stay_id=stay.id, reason="the new flat is late", by=by.principal)


def decide(stay: Stay, by: Account, *, is_granted: bool = True, reason: str | None = None) -> extensions.Decided:
    return extensions.decide_extension(stay_id=stay.id, is_granted=is_granted, reason=reason, by=by.principal)


def test_a_granted_extension_counts_from_the_first_check_in(
    unit: Unit, coordinator: Account, manager: Account, frozen_clock: Clock
) -> None:
    """Chained from 28 February the second one would lose days."""
    frozen_clock.set("2026-08-31 12:00")
    stay = in_house(unit, "2026-08-31", "2026-09-05")
    assert stay.limit_on == day("2027-02-28")
    for limit in ("2027-05-31", "2027-08-31"):
        ask(stay, coordinator)
        assert decide(stay, manager).limit_on == day(limit)
    with pytest.raises(ExtensionsUsedUp):
        ask(stay, coordinator)


def test_rooms_planned_to_the_old_limit_follow_the_new_one(unit: Unit, coordinator: Account, manager: Account) -> None:
    stay = in_house(unit, "2026-03-01", "2026-09-01")
    ask(stay, coordinator)
    assert decide(stay, manager).is_longer
    assert nights(stay.placements[0]) == run("2026-03-01", "2026-12-01")


def test_rooms_that_are_promised_to_others_stay_as_they_are(unit: Unit, coordinator: Account, manager: Account) -> None:
    stay = in_house(unit, "2026-03-01", "2026-09-01")
    make_stay(unit, arrive_on=day("2026-10-01"), leave_on=day("2026-10-02"))
    ask(stay, coordinator)
    done = decide(stay, manager)
    assert (done.is_longer, done.limit_on) == (False, day("2026-12-01"))
    assert nights(stay.placements[0]) == run("2026-03-01", "2026-09-01")


def test_a_refusal_says_why_and_changes_no_limit(unit: Unit, coordinator: Account, manager: Account) -> None:
    stay = in_house(unit)
    limit = stay.limit_on
    ask(stay, coordinator)
    with pytest.raises(ReasonMissing):
        decide(stay, manager, is_granted=False)
    decide(stay, manager, is_granted=False, reason="a place elsewhere is ready")
    assert stay.limit_on == limit
    ask(stay, coordinator)  # asking again is allowed


def test_one_request_waits_at_a_time(unit: Unit, coordinator: Account) -> None:
    stay = in_house(unit)
    ask(stay, coordinator)
    with pytest.raises((NothingToDo, ConstraintRefused)):
        ask(stay, coordinator)
    assert db.session.query(Extension).count() == 1


def test_two_managers_decide_once(unit: Unit, coordinator: Account, manager: Account) -> None:
    stay = in_house(unit)
    ask(stay, coordinator)
    decide(stay, manager)
    with pytest.raises(ExtensionAlreadyDecided):
        decide(stay, make_user(Role.MANAGER))


def test_the_policy_says_who_decides(unit: Unit, coordinator: Account, manager: Account) -> None:
    stay = in_house(unit)
    ask(stay, coordinator)
    with pytest.raises(NotYoursToDecide):
        decide(stay, coordinator)
    with pytest.raises(NotPermitted):
        decide(stay, make_user(Role.AUDITOR))
    db.session.query(StayPolicyVersion).filter_by(site_id=unit.site_id).update({"decided_by": Role.COORDINATOR})
    db.session.commit()
    with pytest.raises(NotYoursToDecide):
        decide(stay, manager)
    with pytest.raises(NotFound):
        decide(stay, make_user())  # not a coordinator who may read the stay
    decide(stay, coordinator)


def test_a_policy_without_extensions_offers_none(coordinator: Account) -> None:
    unit = make_unit(site=make_site(max_extensions=0))
    by = make_user(sites=[unit.site_id])
    stay = in_house(unit)
    with pytest.raises(ExtensionNotOffered):
        ask(stay, by)


def test_who_decides_sees_reference_dates_composition_and_plan(
    unit: Unit, coordinator: Account, manager: Account
) -> None:
    household = make_household(women=1, children=2)
    household.people[0].name = "정하늘"
    db.session.commit()
    stay = in_house(unit, household=household)
    reference = ask(stay, coordinator)
    assert [w.reference for w in stay_facts.waiting_requests(manager.principal)] == [reference]
    record = stay_records.open_decision(reference=reference, by=manager.principal)
    assert len(record.heads.people) == 3
    assert record.request is not None
    assert record.request.reason == "the new flat is late"
    assert "정하늘" not in repr(record)
    with pytest.raises(NotFound):
        stay_records.open_stay(reference=reference, by=manager.principal)
