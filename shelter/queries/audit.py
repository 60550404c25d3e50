"""Reads of the access log: who did or looked at what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from shelter import clock
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.models.households import Household
from shelter.models.people import User
from shelter.models.sites import Site

PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """What to look for; nothing of it: everything."""

    user_id: UUID | None = None
    household: str | None = None  # reference
    from_on: date | None = None
    until_on: date | None = None  # this day included
    only_looks: bool = False  # records opened, directions revealed


@dataclass(frozen=True)
class Line:
    """One entry. `details` are as they were written: pages show their codes only."""

    id: UUID
    at: datetime
    by: str | None  # name of the person; None for the system and for somebody unknown
    address: str | None
    action: str
    subject: str | None
    household: str | None  # reference
    details: dict[str, Any]


@dataclass(frozen=True)
class Lines:
    """A page of entries, newest first."""

    rows: tuple[Line, ...]
    number: int
    size: int
    total: int


LOOKS = (
    "household.opened",
    "stay.opened",
    "arrival_card.opened",
    "extension.opened",
    "site.located",
    "message.opened",
    "task.opened",
)


def entries(criteria: Criteria, number: int = 1) -> Lines:
    where = _where(criteria)
    total = db.session.scalar(select(func.count()).select_from(AuditEntry).where(*where)) or 0
    number = max(1, min(number, -(-total // PAGE) or 1))
    found = db.session.execute(
        select(AuditEntry, User.name, Household.reference)
        .outerjoin(User, User.id == AuditEntry.user_id)
        .outerjoin(Household, Household.id == AuditEntry.household_id)
        .where(*where)
        .order_by(AuditEntry.at.desc(), AuditEntry.chain, AuditEntry.seq.desc())
        .limit(PAGE)
        .offset((number - 1) * PAGE)
    ).all()
    subjects = _names_of_subjects([entry.subject for entry, _, _ in found if entry.subject])
    rows = tuple(
        Line(
            id=entry.id,
            at=entry.at,
            by=name,
            address=entry.address,
            action=entry.action,
            subject=subjects.get(entry.subject or "", entry.subject),
            household=reference,
            details=entry.details or {},
        )
        for entry, name, reference in found
    )
    return Lines(rows, number, PAGE, total)


def household_id_of(criteria: Criteria) -> UUID | None:
    """Whose entries are looked for, if it is one household's."""
    if not criteria.household:
        return None
    return db.session.scalar(select(Household.id).where(Household.reference == criteria.household))


def _where(criteria: Criteria) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if criteria.user_id:
        where.append(AuditEntry.user_id == criteria.user_id)
    if criteria.household:
        of = select(Household.id).where(Household.reference == criteria.household)
        where.append(AuditEntry.household_id == of.scalar_subquery())
    if criteria.from_on:
        where.append(AuditEntry.at >= clock.instant(criteria.from_on))
    if criteria.until_on:
        where.append(AuditEntry.at < clock.instant(criteria.until_on + timedelta(days=1)))
    if criteria.only_looks:
        where.append(AuditEntry.action.in_(LOOKS))
    return where


def _names_of_subjects(subjects: list[str]) -> dict[str, str]:
    """`user:<id>` by login, `site:<id>` by code name; what is gone keeps its id."""
    ids: dict[str, dict[UUID, str]] = {"user": {}, "site": {}}
    for subject in subjects:
        kind, _, text = subject.partition(":")
        if kind in ids and len(text) == 36:
            ids[kind][UUID(text)] = subject
    users = select(User.id, User.login).where(User.id.in_(ids["user"]))
    sites = select(Site.id, Site.code_name).where(Site.id.in_(ids["site"]))
    named: dict[str, str] = {}
    for kind, rows in (("user", users), ("site", sites)):
        if ids[kind]:
            named |= {ids[kind][found]: name for found, name in db.session.execute(rows)}
    return named


def who_looked(household_id: UUID, limit: int = 20) -> list[Line]:
    """Who opened this household's record, newest first: for its own page."""
    found = db.session.execute(
        select(AuditEntry.id, AuditEntry.at, User.name, AuditEntry.action)
        .outerjoin(User, User.id == AuditEntry.user_id)
        .where(AuditEntry.household_id == household_id, AuditEntry.action.in_(LOOKS))
        .order_by(AuditEntry.at.desc())
        .limit(limit)
    )
    return [Line(found_id, at, name, None, action, None, None, {}) for found_id, at, name, action in found]
