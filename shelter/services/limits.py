"""Who nears the limit: flagged at night, told to the coordinators in the morning, each flag and each text once.

Both jobs look at what is due and not yet done, never at what is due today: a night missed is caught up, and a run that
was killed, repeated or made twice at once adds nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import or_, select, update

from shelter import clock
from shelter.database import INSERT, rows_changed
from shelter.domain.limits import crossed_thresholds, is_silenced_by_plan, tightest
from shelter.domain.messages import Template
from shelter.domain.permissions import SYSTEM, Role
from shelter.domain.stays import StayState
from shelter.extensions import db, keyring
from shelter.keyring import Unreadable
from shelter.models.people import SiteMembership, User, UserRole
from shelter.models.sites import StayPolicyVersion
from shelter.models.stays import Stay, StayFlag
from shelter.queries.channels import is_danger
from shelter.queries.policies import rules
from shelter.services.message_tasks import raise_unreachable, sites_of
from shelter.services.messages import PHONE, queue_staff_message, staff_number
from shelter.services.unit_of_work import UnitOfWork, unit_of_work

AT_ONCE = 300  # stays in one transaction: the others can write in between
DIGEST_LASTS = timedelta(hours=24)
log = structlog.get_logger("limits")


def flag_stays_nearing_limit(today: date) -> dict[str, int]:
    """Record every threshold crossed by the stays in the house, once for stay, limit and threshold."""
    missing = _missing_flags(today)
    stays = sorted(missing)
    flags = 0
    for start in range(0, len(stays), AT_ONCE):
        with unit_of_work(SYSTEM):
            flags += _insert([flag for stay in stays[start : start + AT_ONCE] for flag in missing[stay]])
    return {"stays": len(stays), "flags": flags}


def _missing_flags(today: date) -> dict[UUID, list[dict[str, Any]]]:
    """By stay the rows to insert: three statements, however many stays."""
    try:
        policies = {version.id: rules(version) for version in db.session.scalars(select(StayPolicyVersion))}
        widest = max((max(policy.thresholds, default=0) for policy in policies.values()), default=0)
        near = (Stay.state == StayState.IN_HOUSE, Stay.limit_on <= today + timedelta(days=widest))
        stays = db.session.execute(select(Stay.id, Stay.limit_on, Stay.policy_id).where(*near)).all()
        flagged = select(StayFlag.stay_id, StayFlag.limit_on, StayFlag.threshold).join(
            Stay, Stay.id == StayFlag.stay_id
        )
        known = {tuple(row) for row in db.session.execute(flagged.where(*near))}
    finally:
        db.session.rollback()
    missing: dict[UUID, list[dict[str, Any]]] = {}
    for stay_id, limit_on, policy_id in stays:
        crossed = crossed_thresholds(policies[policy_id], limit_on, today)
        new = [n for n in crossed if (stay_id, limit_on, n) not in known]
        if new:
            missing[stay_id] = [
                {
                    "stay_id": stay_id,
                    "limit_on": limit_on,
                    "threshold": n,
                    "raised_on": today,
                    "is_tightest": n == tightest(crossed),
                }
                for n in new
            ]
    return missing


def _insert(flags: Sequence[dict[str, Any]]) -> int:
    """Those another run was faster with are left alone. How many were new."""
    insert = INSERT[db.engine.dialect.name]
    written = insert(StayFlag).on_conflict_do_nothing().returning(StayFlag.id)
    return len(db.session.scalars(written, list(flags)).all())


def send_limit_digests(today: date) -> dict[str, int]:
    """One text for each coordinator about all stays whose flags nobody was told of, in one transaction.

    To the responsible coordinator; the substitute, else everybody who coordinates the site, where that one cannot be
    texted; else to the managers, with a task for them. A flag nobody could be texted about stays due.
    """
    with unit_of_work(SYSTEM) as work:
        near = _untold(today)
        addressees = _Addressees(near, today)
        told: dict[UUID, list[Near]] = defaultdict(list)
        unreachable: set[UUID] = set()
        for stay in near:
            for user in addressees.of(stay):
                told[user.id].append(stay)
            if not addressees.is_anybody_there(stay):
                unreachable |= set(addressees.sites[stay.id])
        texts = sum(_send(work, addressees.users[user_id], stays, today) for user_id, stays in told.items())
        tasks = raise_unreachable(work, unreachable)
    return {"stays": len(near), "texts": texts, "tasks": tasks}


@dataclass(frozen=True)
class Near:
    """A stay with flags nobody was told of yet; `threshold` is the tightest it has crossed."""

    id: UUID
    flag_ids: tuple[int, ...]
    threshold: int
    responsible_id: UUID | None
    substitute_id: UUID | None


def _untold(today: date) -> list[Near]:
    """Locked until the end of the transaction, so that a second run finds them told."""
    rows = db.session.execute(
        select(StayFlag.id, StayFlag.stay_id, StayFlag.threshold, Stay.plan_on, Stay.responsible_id, Stay.substitute_id)
        .join(Stay, Stay.id == StayFlag.stay_id)
        .where(
            StayFlag.message_id.is_(None),
            Stay.state == StayState.IN_HOUSE,
            Stay.limit_on == StayFlag.limit_on,
        )
        .order_by(StayFlag.id)
        .with_for_update(of=StayFlag)
    ).all()
    by_stay: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        by_stay[row.stay_id].append(row)
    found = []
    for stay_id, flags in by_stay.items():
        threshold = min(flag.threshold for flag in flags)
        if not is_silenced_by_plan(threshold, flags[0].plan_on, today):
            ids = tuple(flag.id for flag in flags)
            found.append(Near(stay_id, ids, threshold, flags[0].responsible_id, flags[0].substitute_id))
    return found


class _Addressees:
    """Who is told of which stay; read in a few statements for all of them."""

    def __init__(self, near: list[Near], today: date) -> None:
        self.sites = sites_of([stay.id for stay in near])
        self._members = _members({site for sites in self.sites.values() for site in sites}, today)
        managers = set(db.session.scalars(select(UserRole.user_id).where(UserRole.role == Role.MANAGER)))
        named = {who for stay in near for who in (stay.responsible_id, stay.substitute_id) if who}
        self.users = _reachable(named | managers | {user for users in self._members.values() for user in users})
        self._managers = [self.users[m] for m in sorted(managers, key=lambda u: u.hex) if m in self.users]

    def of(self, stay: Near) -> list[User]:
        return self._on_site(stay) or self._managers

    def is_anybody_there(self, stay: Near) -> bool:
        return bool(self._on_site(stay))

    def _on_site(self, stay: Near) -> list[User]:
        for who in (stay.responsible_id, stay.substitute_id):
            if who in self.users:
                return [self.users[who]]
        members = {user for site in self.sites.get(stay.id, ()) for user in self._members.get(site, ())}
        return [self.users[user] for user in sorted(members, key=lambda u: u.hex) if user in self.users]


def _members(site_ids: set[UUID], today: date) -> dict[UUID, list[UUID]]:
    """By site the coordinators of today."""
    rows = db.session.execute(
        select(SiteMembership.site_id, SiteMembership.user_id)
        .join(UserRole, UserRole.user_id == SiteMembership.user_id)
        .where(
            UserRole.role == Role.COORDINATOR,
            SiteMembership.site_id.in_(site_ids),
            SiteMembership.from_on <= today,
            or_(SiteMembership.until_on.is_(None), SiteMembership.until_on > today),
        )
    )
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for site_id, user_id in rows:
        found[site_id].append(user_id)
    return found


def _reachable(user_ids: Iterable[UUID]) -> dict[UUID, User]:
    """Colleagues who can be texted: the account is open, the number a mobile one and nobody's danger number."""
    users = db.session.scalars(select(User).where(User.id.in_(list(user_ids)), User.is_active))
    found = {}
    for user in users:
        try:
            number = staff_number(user)
        except Unreadable as broken:  # as if there were none: the others must be told all the same
            log.error("a number of a colleague cannot be read", exc_info=broken)
            continue
        if number is not None and not is_danger(keyring.index(PHONE, number.e164)):
            found[user.id] = user
    return found


def _send(work: UnitOfWork, user: User, stays: list[Near], today: date) -> int:
    """Queue one digest and note it at its flags, in the same transaction."""
    first = min(flag for stay in stays for flag in stay.flag_ids)
    message = queue_staff_message(
        work,
        user=user,
        template=Template.DIGEST,
        cause=f"{today}:{first}",
        expires_at=clock.now() + DIGEST_LASTS,
        n=sum(stay.threshold > 0 for stay in stays),
        m=sum(stay.threshold == 0 for stay in stays),
    )
    if message is None:
        return 0
    flag_ids = [flag for stay in stays for flag in stay.flag_ids]
    # Where several colleagues are told of one stay, its flags name the first of their texts.
    unclaimed = update(StayFlag).where(StayFlag.id.in_(flag_ids), StayFlag.message_id.is_(None))
    rows_changed(db.session.execute(unclaimed.values(message_id=message.id)))
    return 1
