"""Staff for tests: an account in one call, a signed-in browser in another."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from shelter import clock
from shelter.config import active
from shelter.domain.permissions import Principal, Role
from shelter.extensions import db
from shelter.models.people import SignInSession, SiteMembership, User, UserRole
from shelter.services.passwords import hash_password
from shelter.services.sign_in import hash_token

PASSWORD = "seven quiet lanterns by the river"
FOR_EVER = date(2000, 1, 1)
_number = count(1)


@cache
def _password_hash() -> str:
    return hash_password(PASSWORD)


@dataclass(frozen=True)
class Account:
    """A member of staff; `PASSWORD` opens the account. `principal` is how use cases know the person."""

    id: UUID
    login: str
    principal: Principal


def create_user(
    app: Flask,
    *,
    roles: Collection[Role] = (Role.COORDINATOR,),
    sites: Iterable[UUID] = (),
    locale: str = "en",
    phone: str | None = None,
    login: str | None = None,
    name: str | None = None,
) -> Account:
    """An active account, coordinating `sites` (their ids) since long ago. Committed."""
    login = login or f"{sorted(roles)[0]}{next(_number)}"
    name, site_ids = name or login.title(), frozenset(sites)
    with app.app_context():
        user = User(login=login, name=name, locale=locale, created_at=clock.now(), password_hash=_password_hash())
        user.phone = phone
        user.roles = [UserRole(role=role) for role in sorted(roles)]
        user.memberships = [SiteMembership(site_id=site, from_on=FOR_EVER) for site in site_ids]
        db.session.add(user)
        db.session.commit()
        user_id = user.id
    who = Principal(user_id=user_id, login=login, name=name, locale=locale, roles=frozenset(roles), site_ids=site_ids)
    return Account(user_id, login, who)


def sign_in(client: FlaskClient, **who: Any) -> Account:
    """Give the browser a session, as `open_session` takes it; no form is sent."""
    cookie, token, user = open_session(client.application, **who)
    client.set_cookie(cookie, token)
    return user


def open_session(
    app: Flask,
    *,
    user: Account | None = None,
    role: Role = Role.COORDINATOR,
    sites: Iterable[UUID] = (),
    locale: str = "en",
) -> tuple[str, str, Account]:
    """A session of `user`, or of a new account with the role: the cookie's name, its value, and whose it is."""
    user = user or create_user(app, roles={role}, sites=sites, locale=locale)
    token, now = secrets.token_urlsafe(32), clock.now()
    with app.app_context():
        until = now + timedelta(hours=active().session_hours)
        times = {"created_at": now, "last_active_at": now, "expires_at": until}
        db.session.add(SignInSession(token_hash=hash_token(token), user_id=user.id, address="127.0.0.1", **times))
        db.session.commit()
    return active().cookie_name, token, user
