"""Signing in and out, and the sessions between.

The browser holds a random token, the table its hash. `expires_at` is when the session dies if nobody does
anything more: the idle limit from the last human act, never later than the shift.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, delete, or_, select, update

from shelter import clock, config
from shelter.database import INSERT
from shelter.domain.errors import DatabaseBusy, DatabaseFull
from shelter.domain.people import (
    FORGET_AFTER,
    TRIES_PER_ACCOUNT,
    TRIES_PER_ADDRESS,
    SignInRefused,
    TooManyTries,
    wait_after,
)
from shelter.domain.permissions import SYSTEM, Principal
from shelter.extensions import db, keyring
from shelter.models.people import IdempotentAct, OneTimeLink, SignInSession, Throttle, User
from shelter.services import audit_trail, passwords
from shelter.services.unit_of_work import unit_of_work

NOTE_EVERY = timedelta(seconds=60)
KEEP_DEAD = timedelta(days=30)


def hash_token(token: str) -> str:
    """What a table keeps of a random token."""
    return hashlib.sha256(token.encode()).hexdigest()


def sign_in(*, login: str, password: str, address: str | None) -> str:
    """A new session's raw token.

    Raises TooManyTries without looking at the password, SignInRefused for everything else that does not fit.
    An unknown login costs the same time and gives the same answer as a wrong password.
    """
    login = login.strip().lower()
    take_try(login, address)
    db.session.rollback()
    user = db.session.scalar(select(User).where(User.login == login))
    user_id, stored = (user.id, user.password_hash) if user and user.is_active else (None, None)
    db.session.rollback()  # nothing stays open while the hash is computed
    if not passwords.matches(stored, password) or user_id is None:
        audit_trail.record_failed_sign_in(login=login, address=address)
        raise SignInRefused()
    rehashed = passwords.hash_password(password) if stored and passwords.is_outdated(stored) else None
    return _begin_session(user_id, login, address, rehashed)


def _begin_session(user_id: UUID, login: str, address: str | None, rehashed: str | None) -> str:
    token, now = secrets.token_urlsafe(32), clock.now()
    by = Principal(user_id=user_id, login=login, name=login, address=address)
    with unit_of_work(by) as work:
        user = db.session.get_one(User, user_id)
        if not user.is_active:
            raise SignInRefused()
        user.last_signed_in_at = now
        if rehashed:
            user.password_hash = rehashed
        session = SignInSession(
            token_hash=hash_token(token),
            user_id=user_id,
            created_at=now,
            last_active_at=now,
            expires_at=_deadline(now, now, is_long_form=False),
            address=address,
        )
        db.session.add(session)
        _give_back_try(login, address)
        work.record("user.signed_in", subject=f"user:{user_id}")
    return token


def sign_out(*, session_id: str, by: Principal) -> None:
    """End this session; of no effect on one that is over."""
    with unit_of_work(by) as work:
        if end_sessions(SignInSession.token_hash == session_id):
            work.record("user.signed_out", subject=f"user:{by.user_id}")


def sign_out_everywhere(*, by: Principal) -> None:
    """End all sessions of the person, this one included."""
    with unit_of_work(by) as work:
        count = end_sessions_of(by.user_id)
        work.record("user.signed_out_everywhere", subject=f"user:{by.user_id}", sessions=count)


def end_sessions_of(user_id: UUID | None, *, but: str | None = None) -> int:
    """Inside the caller's transaction: the person is signed out everywhere, `but` one session; how many."""
    where = [SignInSession.user_id == user_id]
    if but:
        where.append(SignInSession.token_hash != but)
    return end_sessions(*where)


def end_sessions(*where: ColumnElement[bool]) -> int:
    ended = update(SignInSession).where(*where, SignInSession.ended_at.is_(None))
    return _rows(ended.values(ended_at=clock.now()))


def touch(*, session_id: str, by: Principal, is_long_form: bool | None = None) -> None:
    """Note that a person did something: the idle limit starts again. Written at most once a minute.

    A long form (an intake) is given the longer limit; None leaves it as it was. A database too busy or too full for
    this is no reason to fail.
    """
    now = clock.now()
    if by.active_at and now - by.active_at < NOTE_EVERY and not is_long_form:
        return
    try:
        with unit_of_work(by):
            row = db.session.get(SignInSession, session_id)
            if row is None or row.ended_at or row.expires_at <= now:
                return
            if is_long_form is None:
                is_long_form = row.expires_at - row.last_active_at > _idle(is_long_form=False)
            until = _deadline(row.created_at, now, is_long_form=is_long_form)
            if abs(until - row.expires_at) < NOTE_EVERY and now - row.last_active_at < NOTE_EVERY:
                return
            _rows(
                update(SignInSession)
                .where(SignInSession.token_hash == session_id, SignInSession.ended_at.is_(None))
                .values(last_active_at=now, expires_at=until)
            )
    except (DatabaseBusy, DatabaseFull):
        return


def _idle(*, is_long_form: bool) -> timedelta:
    settings = config.active()
    return timedelta(
        minutes=settings.session_intake_idle_minutes if is_long_form else settings.session_idle_minutes
    )


def _deadline(created_at: datetime, now: datetime, *, is_long_form: bool) -> datetime:
    return min(
        now + _idle(is_long_form=is_long_form), created_at + timedelta(hours=config.active().session_hours)
    )


# Throttling. A try is taken before the password is looked at, by conditional writes: parallel tries count.


def take_try(login: str, address: str | None) -> None:
    """One more try for the account and from the address. Raises TooManyTries with the wait."""
    waits = []
    with unit_of_work(SYSTEM):
        for subject, free in _subjects(login, address):
            waits.append(_take(subject, free))
    if any(waits):
        raise TooManyTries(wait_seconds=max(waits))


def _subjects(login: str, address: str | None) -> list[tuple[str, int]]:
    """Always account before address: one order of locks."""
    subjects = [(keyring.index("sign-in account", login), TRIES_PER_ACCOUNT)]
    if address:
        subjects.append((keyring.index("sign-in address", address), TRIES_PER_ADDRESS))
    return subjects


def _take(subject: str, free: int) -> int:
    """Seconds to wait; 0 when the try was taken."""
    now = clock.now()
    is_free = or_(Throttle.blocked_until.is_(None), Throttle.blocked_until <= now)
    _rows(
        delete(Throttle).where(Throttle.subject == subject, Throttle.first_at <= now - FORGET_AFTER, is_free)
    )
    insert = INSERT[db.engine.dialect.name]
    first = insert(Throttle).values(subject=subject, failures=0, first_at=now)
    db.session.execute(first.on_conflict_do_nothing())
    taken = (
        update(Throttle).where(Throttle.subject == subject, is_free).values(failures=Throttle.failures + 1)
    )
    failures = db.session.scalar(taken.returning(Throttle.failures))
    if failures is None:
        until = db.session.scalar(select(Throttle.blocked_until).where(Throttle.subject == subject))
        return max(1, int((until - now).total_seconds())) if until else 1
    if wait := wait_after(failures, free):
        _rows(update(Throttle).where(Throttle.subject == subject).values(blocked_until=now + wait))
    return 0


def forget_failures(login: str) -> None:
    """Inside the caller's transaction: the account's tries start afresh."""
    account = keyring.index("sign-in account", login)
    _rows(delete(Throttle).where(Throttle.subject == account))


def _give_back_try(login: str, address: str | None) -> None:
    """After a success: the account starts afresh, the address is given back this one try."""
    forget_failures(login)
    for subject, _free in _subjects(login, address)[1:]:
        _rows(
            update(Throttle)
            .where(Throttle.subject == subject, Throttle.failures > 0)
            .values(failures=Throttle.failures - 1)
        )


def forget_dead(*, by: Principal = SYSTEM) -> int:
    """Delete what is over: old sessions, links, throttles, keys of acts; how many rows."""
    now = clock.now()
    old = now - KEEP_DEAD
    with unit_of_work(by):
        return sum(
            _rows(statement)
            for statement in (
                delete(SignInSession).where(SignInSession.expires_at < old),
                delete(OneTimeLink).where(OneTimeLink.expires_at < old),
                delete(Throttle).where(
                    Throttle.first_at < now - FORGET_AFTER,
                    or_(Throttle.blocked_until.is_(None), Throttle.blocked_until < now),
                ),
                delete(IdempotentAct).where(IdempotentAct.created_at < old),
            )
        )


def _rows(statement: Any) -> int:
    """Executed without loading or refreshing anything; how many rows it met."""
    result = db.session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount
