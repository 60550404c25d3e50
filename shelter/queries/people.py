"""Reads about staff: who is asking, who there is, whose session it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select

from shelter import clock, config
from shelter.domain.permissions import Principal, Role
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.models.people import LinkPurpose, OneTimeLink, SignInSession, SiteMembership, User, UserRole
from shelter.models.sites import Site

_user, _session, _role, _of = (table.__table__.c for table in (User, SignInSession, UserRole, SiteMembership))
_WHO = (
    select(*(_user.id, _user.login, _user.name, _user.locale, _session.last_active_at, _role.role, _of.site_id))
    .select_from(
        User.__table__.join(SignInSession.__table__, _session.user_id == _user.id)
        .outerjoin(UserRole.__table__, _role.user_id == _user.id)
        .outerjoin(
            SiteMembership.__table__,
            and_(  # from the first calendar day until the operating night of the last one is over
                _of.user_id == _user.id,
                _of.from_on <= bindparam("today"),
                or_(_of.until_on.is_(None), _of.until_on > bindparam("tonight")),
            ),
        )
    )
    .where(
        _session.token_hash == bindparam("token_hash"),
        _session.ended_at.is_(None),
        _session.expires_at > bindparam("now"),
        _session.created_at > bindparam("shift_began"),
        _user.is_active,
    )
)


def principal_of(token_hash: str, now: datetime, address: str | None = None) -> Principal | None:
    """Whoever is signed in with this token, with roles and sites as they are today; one statement.

    None once the session is ended, idle for too long or older than a shift, or the account is closed.
    """
    asked = {
        "token_hash": token_hash,
        "now": now,
        "shift_began": now - timedelta(hours=config.active().session_hours),
        "today": clock.day_of(now),
        "tonight": clock.shelter_day(now),
    }
    rows = db.session.execute(_WHO, asked).all()
    if not rows:
        return None
    user_id, login, name, locale, active_at, *_ = rows[0]
    roles = frozenset(row[5] for row in rows if row[5])
    sites = frozenset(row[6] for row in rows if row[6])
    return Principal(
        user_id=user_id,
        login=login,
        name=name,
        locale=locale,
        roles=roles,
        site_ids=sites if Role.COORDINATOR in roles else frozenset(),
        session_id=token_hash,
        active_at=active_at,
        address=address,
    )


def owner_of_dead_session(token_hash: str, now: datetime) -> UUID | None:
    """Whose session it was that timed out within the last day; None if it was ended by a person."""
    return db.session.scalar(
        select(SignInSession.user_id)
        .join(User, User.id == SignInSession.user_id)
        .where(
            SignInSession.token_hash == token_hash,
            SignInSession.ended_at.is_(None),
            SignInSession.expires_at > now - timedelta(days=1),
            User.is_active,
        )
    )


def seconds_left(session_id: str, now: datetime) -> int:
    """How long the session lasts if nobody does anything; 0 when it is over."""
    until = db.session.scalar(
        select(SignInSession.expires_at).where(SignInSession.token_hash == session_id, SignInSession.ended_at.is_(None))
    )
    return max(0, int((until - now).total_seconds())) if until else 0


@dataclass(frozen=True)
class Membership:
    id: int
    site_id: UUID
    code_name: str
    from_on: date
    until_on: date | None


@dataclass(frozen=True)
class StaffMember:
    """One line of the staff list, and the head of the page of one person."""

    id: UUID
    login: str
    name: str
    locale: str
    roles: frozenset[Role]
    is_active: bool
    has_password: bool
    has_phone: bool
    last_signed_in_at: datetime | None
    memberships: tuple[Membership, ...]  # those that hold or are still to come

    @property
    def waits_for_link(self) -> bool:
        return self.is_active and not self.has_password


def staff(*, only_active: bool = False) -> list[StaffMember]:
    """Everybody with an account, active ones first, then by name."""
    people = select(User).order_by(User.is_active.desc(), User.name, User.login)
    if only_active:
        people = people.where(User.is_active)
    return _members(db.session.scalars(people).all())


def staff_member(user_id: UUID) -> StaffMember | None:
    found = _members([user] if (user := db.session.get(User, user_id)) else [])
    return found[0] if found else None


def _members(users: Sequence[User]) -> list[StaffMember]:
    by_user: dict[UUID, list[Membership]] = {}
    wanted = (
        select(SiteMembership, Site.code_name)
        .join(Site, Site.id == SiteMembership.site_id)
        .where(or_(SiteMembership.until_on.is_(None), SiteMembership.until_on > clock.shelter_day()))
        .order_by(Site.code_name, SiteMembership.from_on)
    )
    if len(users) == 1:
        wanted = wanted.where(SiteMembership.user_id == users[0].id)
    for membership, code_name in db.session.execute(wanted):
        by_user.setdefault(membership.user_id, []).append(
            Membership(membership.id, membership.site_id, code_name, membership.from_on, membership.until_on)
        )
    return [
        StaffMember(
            id=user.id,
            login=user.login,
            name=user.name,
            locale=user.locale,
            roles=frozenset(role.role for role in user.roles),
            is_active=user.is_active,
            has_password=user.password_hash is not None,
            has_phone=user.phone_sealed is not None,
            last_signed_in_at=user.last_signed_in_at,
            memberships=tuple(by_user.get(user.id, ())),
        )
        for user in users
    ]


def user_named(login: str) -> UUID | None:
    return db.session.scalar(select(User.id).where(User.login == login.strip().lower()))


def has_staff() -> bool:
    """Whether anybody has an account: a new installation has none."""
    return db.session.scalar(select(User.id).limit(1)) is not None


def phone_of(user_id: UUID) -> str | None:
    """The person's own number, for the page of the account and of an administrator. E.164."""
    user = db.session.get(User, user_id)
    return user.phone if user else None


@dataclass(frozen=True)
class AccountChange:
    """One line of an account's history: who let this person do what, and when."""

    at: datetime
    by: str | None
    action: str
    details: dict[str, Any]


def changes_of(user_id: UUID) -> list[AccountChange]:
    """What was changed of an account, newest first; signing in and out is no change."""
    entries = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.subject == f"user:{user_id}", AuditEntry.action.not_like("user.sign%"))
        .order_by(AuditEntry.at.desc(), AuditEntry.chain, AuditEntry.seq.desc())
        .limit(50)
    ).all()
    names = names_of({entry.user_id for entry in entries if entry.user_id})
    return [
        AccountChange(e.at, names.get(e.user_id) if e.user_id else None, e.action, e.details or {}) for e in entries
    ]


def names_of(user_ids: set[UUID]) -> dict[UUID, str]:
    """Names for lists that hold ids: history, responsible persons."""
    if not user_ids:
        return {}
    return dict(db.session.execute(select(User.id, User.name).where(User.id.in_(user_ids))).all())


@dataclass(frozen=True)
class LinkState:
    """What the page behind a one-time link needs to know before a password is chosen."""

    user_id: UUID
    login: str
    name: str
    locale: str
    purpose: LinkPurpose


def usable_link(token_hash: str, now: datetime) -> LinkState | None:
    row = db.session.execute(
        select(User.id, User.login, User.name, User.locale, OneTimeLink.purpose)
        .join(OneTimeLink, OneTimeLink.user_id == User.id)
        .where(
            OneTimeLink.token_hash == token_hash,
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > now,
            User.is_active,
        )
    ).one_or_none()
    return LinkState(*row) if row else None
