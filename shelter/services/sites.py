"""Sites: what administrators keep of them, who coordinates there, and the one way to learn where one is.

District, directions and night line go in and stay sealed: audit entries say that they changed, never to what.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID

import phonenumbers
from sqlalchemy import select

from shelter import clock
from shelter.domain.errors import NotFound, NotPermitted
from shelter.domain.limits import StayPolicy
from shelter.domain.permissions import Permission, Principal, Role
from shelter.domain.sheets import tidy, tidy_lines
from shelter.domain.sites import (
    BEGINNING,
    FIRST_POLICY,
    CodeNameTaken,
    CoordinatorTwice,
    DaysNotInOrder,
    NightLineNotValid,
    PersonCannotCoordinate,
    PolicyTooEarly,
    check_code_name,
    check_district,
    check_policy,
    check_reason,
)
from shelter.domain.units_file import same_name
from shelter.extensions import db
from shelter.models.people import SiteMembership, User, UserRole
from shelter.models.sites import Site, StayPolicyVersion
from shelter.services.unit_of_work import Once, UnitOfWork, unit_of_work

HOME_REGION = "KR"


def create_site(
    *,
    code_name: str,
    district: str,
    directions: str | None = None,
    night_line: str | None = None,
    is_overflow: bool = False,
    by: Principal,
    once: Once | None = None,
) -> str:
    """The new site's id as text. Its first policy is the usual one, from the beginning."""
    permit(by)
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return work.result or ""
        site = add_site(
            work,
            code_name=code_name,
            district=district,
            directions=directions,
            night_line=night_line,
            is_overflow=is_overflow,
        )
        work.result = str(site.id)
    return work.result


def add_site(
    work: UnitOfWork,
    *,
    code_name: str,
    district: str,
    directions: str | None,
    night_line: str | None,
    is_overflow: bool,
) -> Site:
    """The same within a transaction that does more."""
    site = Site(code_name=_free_code_name(code_name), is_overflow=is_overflow, created_at=clock.now())
    check_district(district)
    site.district = district
    site.directions = tidy_lines(directions or "") or None
    site.night_line = night_line_of(night_line) if night_line else None
    db.session.add(site)
    db.session.flush()
    db.session.add(_version(site.id, BEGINNING, FIRST_POLICY))
    work.record("site.created", subject=f"site:{site.id}", code_name=site.code_name, is_overflow=is_overflow)
    return site


def change_site(
    *,
    site_id: UUID,
    code_name: str,
    is_overflow: bool,
    district: str | None = None,
    directions: str | None = None,
    night_line: str | None = None,
    by: Principal,
) -> None:
    """What is None of the sealed three stays as it is."""
    permit(by)
    with unit_of_work(by) as work:
        site = _lock(work, site_id)
        before = {"code_name": site.code_name, "is_overflow": site.is_overflow}
        site.code_name = _free_code_name(code_name, but=site.id)
        site.is_overflow = is_overflow
        sealed = change_sealed(site, district=district, directions=directions, night_line=night_line)
        after = {"code_name": site.code_name, "is_overflow": site.is_overflow}
        if sealed or before != after:
            work.record("site.changed", subject=f"site:{site.id}", before=before, after=after, sealed_changed=sealed)


def change_sealed(site: Site, *, district: str | None, directions: str | None, night_line: str | None) -> list[str]:
    """Seal anew what is said and differs; which of them did."""
    said = {
        "district": district,
        "directions": tidy_lines(directions or "") or None,
        "night_line": night_line_of(night_line) if night_line else None,
    }
    if district is not None:
        check_district(district)
    changed = [name for name, value in said.items() if value is not None and getattr(site, name) != value]
    for name in changed:
        setattr(site, name, said[name])
    return changed


def set_paused(*, site_id: UUID, is_paused: bool, by: Principal) -> None:
    """While paused, nobody new is placed there; who is there or booked stays."""
    permit(by)
    with unit_of_work(by) as work:
        site = _lock(work, site_id)
        if site.is_paused != is_paused:
            site.is_paused = is_paused
            work.record("site.paused" if is_paused else "site.resumed", subject=f"site:{site.id}")


def add_policy(*, site_id: UUID, effective_from: date, policy: StayPolicy, by: Principal) -> None:
    """How long a stay may last, for those who check in from that day on. A version still to come is replaced."""
    permit(by)
    check_policy(policy)
    with unit_of_work(by) as work:
        site = _lock(work, site_id)
        if effective_from < clock.today():
            raise PolicyTooEarly()
        version = _version(site.id, effective_from, policy)
        there = db.session.scalar(
            select(StayPolicyVersion).where(
                StayPolicyVersion.site_id == site.id, StayPolicyVersion.effective_from == effective_from
            )
        )
        if there is not None and effective_from == clock.today():
            raise PolicyTooEarly()
        if there is None:
            db.session.add(version)
        else:
            for name in _TERMS:
                setattr(there, name, getattr(version, name))
        work.record("site.policy_set", subject=f"site:{site.id}", effective_from=effective_from, policy=asdict(policy))


_TERMS = (
    "months",
    "days",
    "counting_rule",
    "extension_months",
    "extension_days",
    "max_extensions",
    "decided_by",
    "thresholds",
    "readmission_rule",
)


def _version(site_id: UUID, effective_from: date, policy: StayPolicy) -> StayPolicyVersion:
    terms = {name: getattr(policy, name) for name in _TERMS}
    terms["thresholds"] = sorted(set(policy.thresholds), reverse=True)
    return StayPolicyVersion(site_id=site_id, effective_from=effective_from, **terms)


def add_coordinator(
    *, site_id: UUID, user_id: UUID, from_on: date, until_on: date | None = None, by: Principal
) -> None:
    """From the first day until the day before the last one; without an end until somebody ends it."""
    permit(by)
    if until_on is not None and until_on <= from_on:
        raise DaysNotInOrder()
    with unit_of_work(by) as work:
        site = _lock(work, site_id)
        _check_coordinator(user_id)
        theirs = select(SiteMembership).where(SiteMembership.site_id == site.id, SiteMembership.user_id == user_id)
        for other in db.session.scalars(theirs):
            is_before = other.until_on is not None and other.until_on <= from_on
            is_after = until_on is not None and until_on <= other.from_on
            if not (is_before or is_after):
                raise CoordinatorTwice()
        db.session.add(SiteMembership(site_id=site.id, user_id=user_id, from_on=from_on, until_on=until_on))
        work.record(
            "site.coordinator_added",
            subject=f"site:{site.id}",
            user=user_id,
            from_on=from_on,
            until_on=until_on,
        )


def end_coordinator(*, site_id: UUID, membership_id: int, until_on: date, by: Principal) -> None:
    """`until_on` is the first day the person no longer coordinates there."""
    permit(by)
    with unit_of_work(by) as work:
        site = _lock(work, site_id)
        membership = db.session.get(SiteMembership, membership_id)
        if membership is None or membership.site_id != site.id:
            raise NotFound()
        if until_on < membership.from_on:
            raise DaysNotInOrder()
        membership.until_on = until_on
        work.record(
            "site.coordinator_ended",
            subject=f"site:{site.id}",
            user=membership.user_id,
            until_on=until_on,
        )


def _check_coordinator(user_id: UUID) -> None:
    found = select(User.id).join(UserRole, UserRole.user_id == User.id)
    if not db.session.scalar(found.where(User.id == user_id, User.is_active, UserRole.role == Role.COORDINATOR)):
        raise PersonCannotCoordinate()


@dataclass(frozen=True, repr=False)
class Whereabouts:
    """Where a site is: for one answer to one person, never kept."""

    code_name: str
    district: str | None  # its code
    directions: str | None
    night_line: str | None


def reveal_directions(*, site_id: UUID, reason: str, by: Principal) -> Whereabouts:
    """What is read and the entry that says who read it and why are one transaction. Raises ReasonTooShort."""
    permit(by, Permission.SITES_LOCATE)
    why = check_reason(reason)
    with unit_of_work(by) as work:
        site = db.session.get(Site, site_id)
        if site is None:
            raise NotFound()
        found = Whereabouts(site.code_name, site.district, site.directions, site.night_line)
        work.record("site.located", subject=f"site:{site.id}", reason=why)
    return found


def night_line_of(text: str) -> str:
    """As it is kept: E.164, or a short number such as 1366. Raises NightLineNotValid."""
    said = tidy(text)
    if said.isascii() and said.isdigit() and 3 <= len(said) <= 5:
        return said
    try:
        number = phonenumbers.parse(said, HOME_REGION)
    except phonenumbers.NumberParseException as wrong:
        raise NightLineNotValid() from wrong
    if not phonenumbers.is_possible_number(number):
        raise NightLineNotValid()
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def permit(by: Principal, permission: Permission = Permission.SITES_MANAGE) -> None:
    """Raises NotPermitted."""
    if not by.can(permission):
        raise NotPermitted()


def _lock(work: UnitOfWork, site_id: UUID) -> Site:
    work.lock(sites=[site_id])
    site = db.session.get(Site, site_id, populate_existing=True)
    if site is None:
        raise NotFound()
    return site


def _free_code_name(code_name: str, but: UUID | None = None) -> str:
    name = tidy(code_name)
    check_code_name(name)
    others = db.session.execute(select(Site.id, Site.code_name)).all()
    if any(same_name(other) == same_name(name) and site_id != but for site_id, other in others):
        raise CodeNameTaken()
    return name
