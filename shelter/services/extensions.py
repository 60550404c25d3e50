"""Prolonging a stay: asked for by a coordinator, decided by whom the policy names.

A granted extension never chains: the limit is worked out from the first check-in, base plus everything granted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from shelter import clock
from shelter.domain.errors import DomainError
from shelter.domain.nights import Nights
from shelter.domain.permissions import Permission, Principal, Role
from shelter.domain.stay_errors import (
    ExtensionAlreadyDecided,
    ExtensionNotOffered,
    ExtensionsUsedUp,
    NothingToDo,
    NotYoursToDecide,
)
from shelter.domain.stays import ExtensionDecision, StayState
from shelter.extensions import db
from shelter.models.sites import StayPolicyVersion
from shelter.models.stays import Extension, Stay
from shelter.queries import policies
from shelter.services import ledger
from shelter.services.arrivals import IN_HOUSE, granted_steps
from shelter.services.history import note
from shelter.services.stays import check_nights, need_reason, record, reference_of, take
from shelter.services.unit_of_work import Once, unit_of_work


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What came of it. After a replay only the reference is known."""

    reference: str
    limit_on: date | None = None
    is_longer: bool = False  # rooms planned until the old limit are now planned until the new one


def request_extension(*, stay_id: UUID, reason: str, by: Principal, once: Once | None = None) -> str:
    """Ask for one more step. Raises ExtensionNotOffered, ExtensionsUsedUp. The stay's reference."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        stay, said = take(work, stay_id), need_reason(reason)
        if stay.state is not StayState.IN_HOUSE or open_request(stay) is not None:
            raise NothingToDo()
        check_offered(stay)
        extension = Extension(stay_id=stay.id, requested_by_id=by.user_id, requested_at=clock.now())
        extension.reason = said
        db.session.add(extension)
        note(work, stay, "extension_requested", None, said)
        record(work, stay, "stay.extension_requested", said)
        work.result = reference_of(stay)
        return work.result


def decide_extension(
    *, stay_id: UUID, is_granted: bool, reason: str | None, by: Principal, once: Once | None = None
) -> Decided:
    """Grant or refuse the open request; a refusal says why.

    Rooms planned until the old limit are planned until the new one where their nights are free.
    Raises NotYoursToDecide, ExtensionAlreadyDecided.
    """
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return Decided(reference=str(work.result))
        is_coordinator = not by.can(Permission.LIMITS_DECIDE) and by.can(Permission.STAYS_PLACE)
        need = Permission.STAYS_PLACE if is_coordinator else Permission.LIMITS_DECIDE
        stay = take(work, stay_id, need=need, is_deciding=not is_coordinator)
        check_may_decide(stay.policy, by)
        extension = open_request(stay)
        if extension is None:
            raise ExtensionAlreadyDecided()
        said = (reason or "").strip() or None
        before, is_longer = stay.limit_on, False
        extension.decided_at, extension.decided_by_id = clock.now(), by.user_id
        if is_granted:
            check_offered(stay)
            extension.decision = ExtensionDecision.GRANTED
            recompute_limit(stay)
            is_longer = _follow_limit(stay, before)
        else:
            said = need_reason(reason)
            extension.decision = ExtensionDecision.REFUSED
        kind = "extension_granted" if is_granted else "extension_refused"
        note(work, stay, kind, None, said, before=before, limit_on=stay.limit_on)
        record(work, stay, f"stay.{kind}", said, before=before, after=stay.limit_on)
        work.result = reference_of(stay)
        return Decided(reference=work.result, limit_on=stay.limit_on, is_longer=is_longer)


def open_request(stay: Stay) -> Extension | None:
    return next((e for e in stay.extensions if e.decision is ExtensionDecision.REQUESTED), None)


def check_offered(stay: Stay) -> None:
    """May one more step be granted under the stay's policy?"""
    policy = stay.policy
    if not policy.max_extensions or not (policy.extension_months or policy.extension_days):
        raise ExtensionNotOffered()
    if granted_steps(stay) >= policy.max_extensions:
        raise ExtensionsUsedUp(policy.max_extensions)


def may_decide(policy: StayPolicyVersion, by: Principal) -> bool:
    return by.is_system or policy.decided_by in by.roles


def check_may_decide(policy: StayPolicyVersion, by: Principal) -> None:
    if not may_decide(policy, by):
        raise NotYoursToDecide(Role(policy.decided_by))


def recompute_limit(stay: Stay) -> None:
    """From the first check-in, under the stay's own policy, base plus all granted steps."""
    if stay.checked_in_at is None:
        raise NothingToDo()
    stay.limit_on = policies.limit_for(
        stay.policy,
        clock.day_of(stay.checked_in_at),
        household_id=stay.household_id,
        granted_steps=granted_steps(stay),
    )


def _follow_limit(stay: Stay, before: date) -> bool:
    """Rooms blocked until the old limit go with it, all or none: a person would have to choose among them."""
    rooms = [p for p in stay.placements if p.state in IN_HOUSE and p.leave_on == before]
    if not rooms or stay.limit_on <= before:
        return False
    nights, now = Nights(before, stay.limit_on), clock.now()
    try:
        wanted = [check_nights(placement, nights, now) for placement in rooms]
    except DomainError:
        return False
    for placement, free in zip(rooms, wanted, strict=True):
        ledger.claim_for(placement, free)
        placement.leave_on = stay.limit_on
    return True
