"""Accounts of staff: inviting, changing, closing. Nobody sets another one's password.

Every change is audited with what was before; roles and sites take effect with the person's next page.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, update

from shelter import clock
from shelter.domain import passwords as password_rules
from shelter.domain.errors import NotFound
from shelter.domain.people import (
    CurrentPasswordWrong,
    LastAdministrator,
    LinkNotUsable,
    LoginMalformed,
    LoginTaken,
    NameMissing,
    PhoneNotValid,
    RoleMissing,
)
from shelter.domain.permissions import Principal, Role
from shelter.domain.sites import PersonCannotCoordinate
from shelter.domain.stays import StayState
from shelter.extensions import db
from shelter.gateways import phones
from shelter.models.households import Household
from shelter.models.people import LinkPurpose, OneTimeLink, SiteMembership, User, UserRole
from shelter.models.sites import Site
from shelter.models.stays import Stay
from shelter.queries import people
from shelter.services import passwords
from shelter.services.sign_in import end_sessions_of, forget_failures, hash_token, take_try
from shelter.services.unit_of_work import Once, UnitOfWork, unit_of_work

LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,79}")
LASTS = {LinkPurpose.INVITATION: timedelta(hours=72), LinkPurpose.RESET: timedelta(hours=24)}


@dataclass(frozen=True)
class Link:
    """A one-time link, to be handed over in person. `token` is None in a replay: it was shown once."""

    user_id: UUID
    token: str | None
    expires_at: datetime


@dataclass(frozen=True)
class Handover:
    """Stays whose responsible person is gone, by reference: to the substitute, or to nobody yet."""

    to_substitute: tuple[str, ...] = ()
    to_nobody: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NewUser:
    login: str
    name: str
    roles: Collection[Role]
    locale: str = "ko"
    phone: str = ""
    sites: Iterable[UUID] = field(default=())  # coordinated from today on


def invite_user(person: NewUser, *, by: Principal, once: Once | None = None) -> Link:
    """A new account without a password, and the link under which its person chooses one."""
    login = person.login.strip().lower()
    if not LOGIN.fullmatch(login):
        raise LoginMalformed()
    if not person.roles:
        raise RoleMissing()
    sites = set(person.sites)
    if sites and Role.COORDINATOR not in person.roles:
        raise PersonCannotCoordinate()
    now = clock.now()
    with unit_of_work(by, once) as work:
        if work.is_replay:
            return Link(UUID(work.result), None, now)
        if db.session.scalar(select(User.id).where(User.login == login)):
            raise LoginTaken()
        user = User(login=login, name=_name(person.name), locale=person.locale, created_at=now)
        user.phone = _phone(person.phone)
        user.roles = [UserRole(role=role) for role in sorted(set(person.roles))]
        user.memberships = [SiteMembership(site_id=site, from_on=clock.today()) for site in sites]
        db.session.add(user)
        db.session.flush()
        link = _new_link(user, LinkPurpose.INVITATION, by)
        roles = sorted(person.roles)
        work.record("user.invited", subject=f"user:{user.id}", login=login, roles=roles, sites=sorted(sites))
        work.result = str(user.id)
    return link


def make_link(*, user_id: UUID, by: Principal, once: Once | None = None) -> Link:
    """A new link for somebody who has no password yet or forgot it; earlier links stop working."""
    with unit_of_work(by, once) as work:
        if work.is_replay:
            return Link(user_id, None, clock.now())
        user = _active_user(user_id)
        purpose = LinkPurpose.RESET if user.password_hash else LinkPurpose.INVITATION
        link = _new_link(user, purpose, by)
        work.record("user.link_made", subject=f"user:{user_id}", purpose=purpose.value)
        work.result = str(user_id)
    return link


def _new_link(user: User, purpose: LinkPurpose, by: Principal) -> Link:
    token, now = secrets.token_urlsafe(32), clock.now()
    db.session.execute(delete(OneTimeLink).where(OneTimeLink.user_id == user.id, OneTimeLink.used_at.is_(None)))
    row = OneTimeLink(
        token_hash=hash_token(token),
        user_id=user.id,
        purpose=purpose,
        created_by_id=by.user_id,
        created_at=now,
        expires_at=now + LASTS[purpose],
    )
    db.session.add(row)
    return Link(user.id, token, row.expires_at)


def use_link(*, token: str, password: str, address: str | None) -> None:
    """Choose the password behind a link. Works once: of parallel tries one gets through.

    Raises LinkNotUsable, or a refusal of the password, which leaves the link usable.
    """
    link = people.usable_link(hash_token(token), clock.now())
    if link is None:
        raise LinkNotUsable()
    password_rules.check(password, _guessable(link.login, link.name))
    db.session.rollback()
    hashed = passwords.hash_password(password)
    by = Principal(user_id=link.user_id, login=link.login, name=link.name, address=address)
    with unit_of_work(by) as work:
        now = clock.now()
        used = db.session.scalar(
            update(OneTimeLink)
            .where(
                OneTimeLink.token_hash == hash_token(token),
                OneTimeLink.used_at.is_(None),
                OneTimeLink.expires_at > now,
            )
            .values(used_at=now)
            .returning(OneTimeLink.user_id)
        )
        if used is None:
            raise LinkNotUsable()
        _active_user(used).password_hash = hashed
        end_sessions_of(used)
        forget_failures(link.login)
        work.record("user.password_chosen", subject=f"user:{used}", purpose=link.purpose)


def change_password(*, current: str, new: str, by: Principal) -> None:
    """The own password; all other sessions of the person end.

    Throttled like the door: whoever finds a session left open cannot try one password after the other.
    """
    user = _active_user(by.user_id)
    login, name, stored = user.login, user.name, user.password_hash
    guessable = _guessable(login, name)
    take_try(login, by.address)
    db.session.rollback()
    if not passwords.matches(stored, current):
        raise CurrentPasswordWrong()
    password_rules.check(new, guessable)
    hashed = passwords.hash_password(new)
    with unit_of_work(by) as work:
        changed = update(User).where(User.id == by.user_id, User.password_hash == stored)
        if db.session.scalar(changed.values(password_hash=hashed).returning(User.id)) is None:
            raise CurrentPasswordWrong()
        forget_failures(login)
        end_sessions_of(by.user_id, but=by.session_id)
        work.record("user.password_changed", subject=f"user:{by.user_id}")


def _guessable(login: str, name: str) -> list[str]:
    """What somebody who knows the person or the house would try."""
    sites = db.session.scalars(select(Site.code_name)).all()
    return [part for text in (login, name, *sites) for part in (text, *re.split(r"[\s._-]+", text)) if part]


def change_own_details(*, name: str, phone: str, locale: str, by: Principal) -> None:
    """The person's own name, the number for the morning digest, the language."""
    with unit_of_work(by) as work:
        _change(work, _active_user(by.user_id), name=_name(name), phone=_phone(phone), locale=locale)


def change_language(*, locale: str, by: Principal) -> None:
    """Korean or English for this person's pages from now on."""
    with unit_of_work(by) as work:
        _change(work, _active_user(by.user_id), locale=locale)


def change_user(*, user_id: UUID, name: str, phone: str, locale: str, roles: Collection[Role], by: Principal) -> None:
    """What an administrator keeps of a person."""
    if not roles:
        raise RoleMissing()
    with unit_of_work(by) as work:
        administrators = _lock_administrators()
        user = _user(user_id)
        if Role.ADMINISTRATOR not in roles:
            _refuse_last(user_id, administrators)
        _change(work, user, name=_name(name), phone=_phone(phone), locale=locale)
        before = sorted(role.role for role in user.roles)
        if set(before) != set(roles):
            user.roles = [r for r in user.roles if r.role in roles]
            user.roles += [UserRole(role=role) for role in sorted(set(roles) - set(before))]
            work.record("user.roles_changed", subject=f"user:{user_id}", before=before, after=sorted(roles))


def _change(work: UnitOfWork, user: User, **values: Any) -> None:
    """Set and audit what really differs; the number itself is sealed in the entry."""
    before = {name: getattr(user, name) for name in values}
    differing = {name: value for name, value in values.items() if before[name] != value}
    for name, value in differing.items():
        setattr(user, name, value)
    if differing:
        old = {name: before[name] for name in differing}
        work.record("user.changed", subject=f"user:{user.id}", before=old, after=differing)


def deactivate_user(*, user_id: UUID, by: Principal) -> Handover:
    """Close the account: sessions and links die at once, stays go to the substitutes.

    Raises LastAdministrator. Stays without a usable substitute have nobody responsible then and are named.
    """
    with unit_of_work(by) as work:
        administrators = _lock_administrators()
        user = _user(user_id)
        if not user.is_active:
            return Handover()
        _refuse_last(user_id, administrators)
        user.is_active = False
        end_sessions_of(user_id)
        db.session.execute(delete(OneTimeLink).where(OneTimeLink.user_id == user_id, OneTimeLink.used_at.is_(None)))
        handover = _hand_over_stays(work, user_id)
        work.record("user.deactivated", subject=f"user:{user_id}")
    return handover


def _hand_over_stays(work: UnitOfWork, user_id: UUID) -> Handover:
    rows = db.session.execute(
        select(Stay, Household.reference, User.is_active)
        .join(Household, Household.id == Stay.household_id)
        .outerjoin(User, User.id == Stay.substitute_id)
        .where(
            or_(Stay.responsible_id == user_id, Stay.substitute_id == user_id),
            Stay.state.in_((StayState.OPEN, StayState.IN_HOUSE)),
        )
        .order_by(Stay.id)
        .with_for_update(of=Stay, key_share=True)
    ).all()
    taken: list[str] = []
    left: list[str] = []
    for stay, reference, is_substitute_active in rows:
        name = f"{reference}-{stay.number}"
        before = {"responsible": stay.responsible_id, "substitute": stay.substitute_id}
        if stay.responsible_id == user_id:
            has_substitute = bool(is_substitute_active) and stay.substitute_id != user_id
            stay.responsible_id = stay.substitute_id if has_substitute else None
            (taken if has_substitute else left).append(name)
        stay.substitute_id = None
        after = {"responsible": stay.responsible_id, "substitute": None}
        work.record("stay.reassigned", subject=f"stay:{name}", household=stay.household_id, before=before, after=after)
    return Handover(tuple(taken), tuple(left))


def reactivate_user(*, user_id: UUID, by: Principal, once: Once | None = None) -> Link:
    """Open the account again. The old password is gone: the person chooses a new one under a new link."""
    with unit_of_work(by, once) as work:
        if work.is_replay:
            return Link(user_id, None, clock.now())
        _lock(user_id)
        user = _user(user_id)
        user.is_active, user.password_hash = True, None
        link = _new_link(user, LinkPurpose.INVITATION, by)
        work.record("user.reactivated", subject=f"user:{user_id}")
        work.result = str(user_id)
    return link


def _phone(text: str) -> str | None:
    """The number as telephones know it; None for none. Raises PhoneNotValid."""
    if not text.strip():
        return None
    try:
        return phones.parse(text).e164
    except phones.NumberNotValid as none:
        raise PhoneNotValid() from none


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 1 <= len(name) <= 80:
        raise NameMissing()
    return name


def _user(user_id: UUID | None) -> User:
    user = db.session.get(User, user_id, populate_existing=True) if user_id else None
    if user is None:
        raise NotFound()
    return user


def _active_user(user_id: UUID | None) -> User:
    user = _user(user_id)
    if not user.is_active:
        raise NotFound()
    return user


def _lock(user_id: UUID) -> None:
    """One change of a person at a time."""
    if db.session.scalar(select(User.id).where(User.id == user_id).with_for_update(key_share=True)) is None:
        raise NotFound()


def _lock_administrators() -> set[UUID]:
    """Who could let people in; two administrators cannot close each other's account at once."""
    rows = (
        select(User.id)
        .join(UserRole, UserRole.user_id == User.id)
        .where(UserRole.role == Role.ADMINISTRATOR)
        .order_by(User.id)
        .with_for_update(of=User, key_share=True)
    )
    db.session.execute(rows).all()
    usable = rows.where(User.is_active, User.password_hash.is_not(None))
    return set(db.session.scalars(usable))


def _refuse_last(user_id: UUID, administrators: set[UUID]) -> None:
    if administrators == {user_id}:
        raise LastAdministrator()
