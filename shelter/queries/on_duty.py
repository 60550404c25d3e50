"""The numbers staff answer at night, by what they are for. Numbers only, no names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import or_, select

from shelter import clock
from shelter.domain.permissions import Role
from shelter.extensions import db
from shelter.keyring import Unreadable
from shelter.models.people import SiteMembership, User, UserRole
from shelter.models.sealed import unseal

log = structlog.get_logger("on_duty")
_ANSWERS = (User.is_active, User.phone_sealed.is_not(None))


def coordinators(site_ids: Collection[UUID]) -> dict[UUID, tuple[str, ...]]:
    """Of those who coordinate the sites today, by site."""
    today = clock.today()
    rows = (
        select(User.id, User.phone_sealed, SiteMembership.site_id)
        .join(SiteMembership, SiteMembership.user_id == User.id)
        .where(
            *_ANSWERS,
            SiteMembership.site_id.in_(list(site_ids)),
            SiteMembership.from_on <= today,
            or_(SiteMembership.until_on.is_(None), SiteMembership.until_on > today),
        )
        .order_by(User.name, User.id)
    )
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in db.session.execute(rows):
        found[row.site_id].append(row)
    return {site_id: _phones(of_site) for site_id, of_site in found.items()}


def managers() -> tuple[str, ...]:
    rows = (
        select(User.id, User.phone_sealed)
        .join(UserRole, UserRole.user_id == User.id)
        .where(*_ANSWERS, UserRole.role == Role.MANAGER)
        .order_by(User.name, User.id)
    )
    return _phones(db.session.execute(rows))


def _phones(rows: Iterable[Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}  # in their order, each once
    for row in rows:
        try:
            found[unseal(row.phone_sealed, User.__tablename__, "phone_sealed", row.id)] = None
        except Unreadable as broken:  # as if there were none: the sheets must be printed all the same
            log.error("a number of a colleague cannot be read", exc_info=broken)
    return tuple(found)
