"""Sites, their rooms and units, and the one way to learn where a site is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from shelter.domain.errors import DomainError, NotFound, NotPermitted
from shelter.domain.limits import CountingRule, StayPolicy
from shelter.domain.permissions import SYSTEM, Role
from shelter.domain.sites import (
    CodeNameTaken,
    CodeNameTells,
    CoordinatorTwice,
    DaysNotInOrder,
    DistrictNotKnown,
    ExtensionStepMissing,
    NightLineNotValid,
    PersonCannotCoordinate,
    PolicyTooEarly,
    PolicyTooLong,
    ReasonTooShort,
    ThresholdsNotValid,
)
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.models.people import SiteMembership
from shelter.models.sites import Site, StayPolicyVersion
from shelter.queries import policies
from shelter.queries import sites as queries
from shelter.services import sites
from shelter.services.unit_of_work import Once
from tests import factories

pytestmark = pytest.mark.usefixtures("context", "frozen_clock")

TODAY = date(2026, 3, 10)
WHY = "A taxi must be sent there now"


def new_site(code_name: str = "Magnolia", **more: Any) -> Site:
    asked: dict[str, Any] = {"district": "11440", "by": SYSTEM} | more
    return db.session.get_one(Site, UUID(sites.create_site(code_name=code_name, **asked)))


def change(site: Site, **more: Any) -> None:
    asked: dict[str, Any] = {"code_name": site.code_name, "is_overflow": False, "by": SYSTEM} | more
    sites.change_site(site_id=site.id, **asked)


def entries(action: str) -> list[AuditEntry]:
    return list(db.session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


# Sites


def test_what_says_where_a_site_is_is_sealed() -> None:
    site = new_site(directions="two\nlines ", night_line="02-1234-5678")
    assert (site.district, site.directions, site.night_line) == ("11440", "two\nlines", "+82212345678")
    assert b"11440" not in (site.district_sealed or b"")


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"code_name": "Gangnam"}, CodeNameTells),
        ({"code_name": "강남 집"}, CodeNameTells),
        ({"code_name": "camellia "}, CodeNameTaken),
        ({"code_name": "CAMELLIA"}, CodeNameTaken),
        ({"district": "Mapo"}, DistrictNotKnown),
        ({"night_line": "call us"}, NightLineNotValid),
        ({"night_line": "12"}, NightLineNotValid),
    ],
)
def test_a_site_that_cannot_be_kept_is_refused(asked: dict[str, Any], refusal: type[DomainError]) -> None:
    new_site("Camellia")
    with pytest.raises(refusal):
        new_site(**asked)
    assert len(queries.sites()) == 1


def test_a_second_click_makes_one_site() -> None:
    by = factories.make_user(Role.ADMINISTRATOR).principal
    once = Once("s" * 20, "f" * 64)
    assert new_site(by=by, once=once).id == new_site(by=by, once=once).id


def test_what_is_not_typed_anew_is_kept() -> None:
    site = new_site(directions="behind the mill", night_line="1366")
    change(site, code_name="Lotus", is_overflow=True)
    assert (site.code_name, site.is_overflow, site.directions, site.night_line) == (
        "Lotus",
        True,
        "behind the mill",
        "1366",
    )
    change(site, directions="behind the well")
    assert (site.district, site.directions) == ("11440", "behind the well")


def test_a_change_is_audited_without_what_is_secret() -> None:
    site = new_site(directions="behind the mill")
    change(site, directions="behind the well", district="11110", night_line="1366")
    (entry,) = entries("site.changed")
    assert entry.details["sealed_changed"] == ["district", "directions", "night_line"]
    assert not [word for word in ("well", "mill", "11110", "1366") if word in repr(entry.details)]


def test_saving_what_was_there_is_no_change() -> None:
    site = new_site(directions="behind the mill")
    change(site, directions="behind the mill", district="11440")
    assert entries("site.changed") == []


def test_a_site_is_paused_and_opened_again() -> None:
    site = new_site()
    sites.set_paused(site_id=site.id, is_paused=True, by=SYSTEM)
    sites.set_paused(site_id=site.id, is_paused=True, by=SYSTEM)
    assert site.is_paused
    sites.set_paused(site_id=site.id, is_paused=False, by=SYSTEM)
    assert not site.is_paused
    assert (len(entries("site.paused")), len(entries("site.resumed"))) == (1, 1)


# Where it is


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.ADMINISTRATOR])
def test_directions_are_told_to_one_person_with_a_reason_and_the_entry_says_so(role: Role) -> None:
    site = new_site(directions="behind the mill", night_line="1366")
    by = factories.make_user(role).principal
    found = sites.reveal_directions(site_id=site.id, reason=WHY, by=by)
    assert (found.district, found.directions, found.night_line) == ("11440", "behind the mill", "1366")
    (entry,) = entries("site.located")
    assert (entry.user_id, entry.subject) == (by.user_id, f"site:{site.id}")
    assert entry.details == {"reason": WHY}
    assert "mill" not in repr(found)


@pytest.mark.parametrize("reason", ["", "please", "x" * 40, "   need it    ", "12345678901234"])
def test_without_a_reason_nothing_is_told_and_nothing_is_audited(reason: str) -> None:
    site = new_site(directions="behind the mill")
    with pytest.raises(ReasonTooShort):
        sites.reveal_directions(site_id=site.id, reason=reason, by=SYSTEM)
    assert entries("site.located") == []


@pytest.mark.parametrize("role", [Role.MANAGER, Role.AUDITOR, Role.REFERRER])
def test_nobody_else_is_told(role: Role) -> None:
    site = new_site()
    with pytest.raises(NotPermitted):
        sites.reveal_directions(site_id=site.id, reason=WHY, by=factories.make_user(role).principal)


def test_when_the_entry_cannot_be_written_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    site = new_site()

    def broken(*_: Any) -> None:
        raise RuntimeError("no entry")

    monkeypatch.setattr("shelter.services.unit_of_work.audit.write", broken)
    with pytest.raises(RuntimeError, match="no entry"):
        sites.reveal_directions(site_id=site.id, reason=WHY, by=SYSTEM)


def test_no_list_and_no_page_of_a_site_opens_what_is_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    site = new_site(directions="behind the mill")
    monkeypatch.setattr("shelter.keyring.Keyring.unseal", lambda *_, **__: pytest.fail("opened"))
    assert queries.sites()
    assert queries.site(site.id)
    assert queries.site_policies(site.id)


# How long a stay may last


def test_the_first_policy_holds_from_the_beginning() -> None:
    site = new_site()
    version = policies.in_force(site.id, date(2019, 1, 1))
    assert (version.months, version.counting_rule) == (6, CountingRule.CIVIL_CODE)
    assert version.thresholds == [60, 30, 14, 7, 1]


def test_a_policy_holds_from_its_day_on() -> None:
    site = new_site()
    start = TODAY + timedelta(days=30)
    sites.add_policy(site_id=site.id, effective_from=start, policy=StayPolicy(days=30, thresholds=(7, 14)), by=SYSTEM)
    assert policies.in_force(site.id, start - timedelta(days=1)).months == 6
    assert policies.in_force(site.id, start).days == 30
    assert policies.in_force(site.id, start).thresholds == [14, 7]


def test_a_policy_still_to_come_can_be_corrected_and_one_that_holds_cannot() -> None:
    site = new_site()
    tomorrow = TODAY + timedelta(days=1)
    for days in (30, 45):
        sites.add_policy(
            site_id=site.id, effective_from=tomorrow, policy=StayPolicy(days=days, thresholds=(7,)), by=SYSTEM
        )
    assert policies.in_force(site.id, tomorrow).days == 45
    sites.add_policy(site_id=site.id, effective_from=TODAY, policy=StayPolicy(months=3), by=SYSTEM)
    for effective_from in (TODAY, TODAY - timedelta(days=1)):
        with pytest.raises(PolicyTooEarly):
            sites.add_policy(site_id=site.id, effective_from=effective_from, policy=StayPolicy(months=9), by=SYSTEM)


@pytest.mark.parametrize(
    ("policy", "refusal"),
    [
        (StayPolicy(months=37), PolicyTooLong),
        (StayPolicy(days=1097), PolicyTooLong),
        (StayPolicy(months=6, max_extensions=1), ExtensionStepMissing),
        (StayPolicy(days=30), ThresholdsNotValid),
        (StayPolicy(months=6, thresholds=()), ThresholdsNotValid),
        (StayPolicy(months=6, thresholds=(0,)), ThresholdsNotValid),
        (StayPolicy(months=6, thresholds=tuple(range(1, 12))), ThresholdsNotValid),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(policy: StayPolicy, refusal: type[DomainError]) -> None:
    site = new_site()
    with pytest.raises(refusal):
        sites.add_policy(site_id=site.id, effective_from=TODAY, policy=policy, by=SYSTEM)
    assert len(db.session.scalars(select(StayPolicyVersion)).all()) == 1


# Who coordinates there


def test_a_coordinator_has_a_first_day_and_maybe_a_last() -> None:
    site, person = new_site(), factories.make_user(Role.COORDINATOR)
    sites.add_coordinator(site_id=site.id, user_id=person.id, from_on=TODAY, by=SYSTEM)
    (row,) = queries.site_coordinators(site.id)
    assert (row.user_id, row.from_on, row.until_on) == (person.id, TODAY, None)
    until = TODAY + timedelta(days=5)
    sites.end_coordinator(site_id=site.id, membership_id=row.membership_id, until_on=until, by=SYSTEM)
    assert queries.site_coordinators(site.id)[0].until_on == until
    sites.add_coordinator(site_id=site.id, user_id=person.id, from_on=until, by=SYSTEM)


def test_nobody_coordinates_a_site_twice_on_one_day() -> None:
    site, person = new_site(), factories.make_user(Role.COORDINATOR)
    sites.add_coordinator(
        site_id=site.id, user_id=person.id, from_on=TODAY, until_on=TODAY + timedelta(days=9), by=SYSTEM
    )
    for first in (TODAY, TODAY + timedelta(days=8), TODAY - timedelta(days=8)):
        with pytest.raises(CoordinatorTwice):
            sites.add_coordinator(site_id=site.id, user_id=person.id, from_on=first, by=SYSTEM)


def test_only_coordinators_coordinate() -> None:
    site = new_site()
    for user_id in (factories.make_user(Role.MANAGER).id, uuid4()):
        with pytest.raises(PersonCannotCoordinate):
            sites.add_coordinator(site_id=site.id, user_id=user_id, from_on=TODAY, by=SYSTEM)


def test_a_membership_ends_after_it_began_and_at_its_own_site() -> None:
    site, other, person = new_site(), new_site("Lotus"), factories.make_user(Role.COORDINATOR)
    with pytest.raises(DaysNotInOrder):
        sites.add_coordinator(site_id=site.id, user_id=person.id, from_on=TODAY, until_on=TODAY, by=SYSTEM)
    sites.add_coordinator(site_id=site.id, user_id=person.id, from_on=TODAY, by=SYSTEM)
    membership = db.session.scalars(select(SiteMembership)).one().id
    with pytest.raises(DaysNotInOrder):
        sites.end_coordinator(site_id=site.id, membership_id=membership, until_on=TODAY - timedelta(days=1), by=SYSTEM)
    with pytest.raises(NotFound):
        sites.end_coordinator(site_id=other.id, membership_id=membership, until_on=TODAY, by=SYSTEM)


def test_what_is_not_there_is_not_found() -> None:
    for act in (
        lambda: sites.set_paused(site_id=uuid4(), is_paused=True, by=SYSTEM),
        lambda: sites.reveal_directions(site_id=uuid4(), reason=WHY, by=SYSTEM),
    ):
        with pytest.raises(NotFound):
            act()


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.MANAGER, Role.AUDITOR, Role.REFERRER])
def test_only_administrators_keep_sites(role: Role) -> None:
    site, by = new_site(), factories.make_user(role).principal
    acts: tuple[Callable[[], Any], ...] = (
        lambda: new_site("Lotus", by=by),
        lambda: change(site, by=by),
        lambda: sites.set_paused(site_id=site.id, is_paused=True, by=by),
        lambda: sites.add_policy(site_id=site.id, effective_from=TODAY, policy=StayPolicy(months=1), by=by),
        lambda: sites.add_coordinator(site_id=site.id, user_id=uuid4(), from_on=TODAY, by=by),
        lambda: sites.end_coordinator(site_id=site.id, membership_id=1, until_on=TODAY, by=by),
    )
    for act in acts:
        with pytest.raises(NotPermitted):
            act()
