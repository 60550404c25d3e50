"""Signing in: who gets a session, how long it lasts, and how slow guessing is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from shelter import clock
from shelter.domain.errors import DatabaseBusy, DatabaseFull, DomainError
from shelter.domain.people import TRIES_PER_ACCOUNT, TRIES_PER_ADDRESS, SignInRefused, TooManyTries
from shelter.domain.permissions import Principal, Role
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.models.people import SignInSession, SiteMembership, Throttle, User
from shelter.models.sites import Site
from shelter.queries import people
from shelter.services import passwords, sign_in
from tests.conftest import Clock
from tests.support.people import PASSWORD, Account, create_user
from tests.support.people import sign_in as sign_in_browser
from tests.support.statements import count_statements

ADDRESS = "192.0.2.7"


@pytest.fixture
def account(app: Flask) -> Account:
    return create_user(app, roles={Role.COORDINATOR}, login="minseo")


def enter(login: str = "minseo", password: str = PASSWORD, address: str = ADDRESS) -> str:
    return sign_in.sign_in(login=login, password=password, address=address)


def who(token: str) -> str | None:
    principal = people.principal_of(sign_in.hash_token(token), clock.now())
    db.session.rollback()
    return principal.login if principal else None


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.at, AuditEntry.seq)))


def test_the_right_password_gives_a_session_whose_token_is_not_kept(context: Flask, account: Account) -> None:
    token = enter(login="  MinSeo ")
    assert who(token) == "minseo"
    row = db.session.scalars(select(SignInSession)).one()
    assert token not in (row.token_hash, row.address)
    assert row.token_hash == sign_in.hash_token(token)
    assert actions() == ["user.signed_in"]


def test_two_sign_ins_are_two_sessions(context: Flask, account: Account) -> None:
    assert enter() != enter()


@pytest.mark.parametrize(("login", "password"), [("minseo", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_unknown_and_wrong_are_told_alike(context: Flask, account: Account, login: str, password: str) -> None:
    with pytest.raises(SignInRefused) as refused:
        enter(login, password)
    assert refused.value.params == {}
    assert actions() == ["user.sign_in_failed"]
    assert db.session.scalar(select(func.count()).select_from(SignInSession)) == 0


def test_an_unknown_login_costs_a_password_check_too(
    context: Flask, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []
    real = passwords.matches
    monkeypatch.setattr(passwords, "matches", lambda stored, given: seen.append(stored) or real(stored, given))
    for login in ("minseo", "nobody"):
        with pytest.raises(SignInRefused):
            enter(login, "wrong")
    assert len(seen) == 2
    assert seen[1] is None


def test_what_was_typed_as_login_is_not_kept(context: Flask, account: Account) -> None:
    with pytest.raises(SignInRefused):
        enter("my-password-by-mistake", "wrong")
    entry = db.session.scalars(select(AuditEntry)).one()
    assert "mistake" not in f"{entry.subject} {entry.details}"


def test_a_closed_account_is_refused_and_its_sessions_are_dead(context: Flask, account: Account) -> None:
    token = enter()
    db.session.execute(update(User).values(is_active=False))
    db.session.commit()
    assert who(token) is None
    with pytest.raises(SignInRefused):
        enter()


def test_the_password_may_be_composed_otherwise(context: Flask, account: Account) -> None:
    db.session.execute(update(User).values(password_hash=passwords.hash_password("한글로 적은 긴 문장입니다 참")))
    db.session.commit()
    assert enter(password="한글로 적은 긴 문장입니다 참")


def test_an_old_hash_is_renewed_at_sign_in(context: Flask, account: Account) -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    db.session.execute(update(User).values(password_hash=weak))
    db.session.commit()
    enter()
    kept = db.session.scalar(select(User.password_hash))
    assert kept is not None
    assert "m=19456,t=2,p=1" in kept
    assert passwords.matches(kept, PASSWORD)


def test_asking_who_it_is_takes_two_statements_at_most(context: Flask, account: Account) -> None:
    token = enter()
    db.session.remove()
    with count_statements() as counted:
        assert who(token)
    assert counted.total <= 2


def test_a_session_ends_after_ten_idle_minutes(context: Flask, account: Account, frozen_clock: Clock) -> None:
    token = enter()
    frozen_clock.forward(minutes=9, seconds=59)
    assert who(token)
    frozen_clock.forward(seconds=1)
    assert who(token) is None


def test_human_activity_keeps_it_alive_until_the_end_of_the_shift(
    context: Flask, account: Account, frozen_clock: Clock
) -> None:
    token = enter()
    for _ in range(10 * 60 // 9):
        frozen_clock.forward(minutes=9)
        act(token)
        assert who(token)
    frozen_clock.forward(minutes=9)
    assert who(token) is None


def act(token: str, *, is_long_form: bool | None = False) -> None:
    principal = people.principal_of(sign_in.hash_token(token), clock.now())
    assert principal is not None
    assert principal.session_id is not None
    sign_in.touch(session_id=principal.session_id, by=principal, is_long_form=is_long_form)


def test_an_intake_is_given_half_an_hour(context: Flask, account: Account, frozen_clock: Clock) -> None:
    token = enter()
    act(token, is_long_form=True)
    frozen_clock.forward(minutes=29)
    act(token, is_long_form=None)  # saved as typed: still the intake
    frozen_clock.forward(minutes=29)
    act(token, is_long_form=False)  # another page
    frozen_clock.forward(minutes=11)
    assert who(token) is None


def test_activity_is_written_once_a_minute_at_most(context: Flask, account: Account, frozen_clock: Clock) -> None:
    token = enter()
    frozen_clock.forward(seconds=59)
    with count_statements() as counted:
        act(token)
    assert "UPDATE" not in str(counted)
    frozen_clock.forward(seconds=2)
    with count_statements() as counted:
        act(token)
    assert str(counted).count("UPDATE") == 1


@pytest.mark.parametrize("refused", [DatabaseBusy, DatabaseFull])
def test_activity_that_cannot_be_written_is_no_reason_to_show_no_page(
    context: Flask,
    account: Account,
    frozen_clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    refused: type[DomainError],
) -> None:
    token = enter()
    frozen_clock.forward(minutes=2)

    @contextmanager
    def refuse(by: Principal) -> Iterator[None]:
        yield
        raise refused()

    monkeypatch.setattr(sign_in, "unit_of_work", refuse)
    act(token)


def test_a_dead_session_cannot_be_brought_back_by_activity(
    context: Flask, account: Account, frozen_clock: Clock
) -> None:
    token = enter()
    principal = people.principal_of(sign_in.hash_token(token), clock.now())
    assert principal is not None
    frozen_clock.forward(minutes=11)
    sign_in.touch(session_id=sign_in.hash_token(token), by=principal)
    assert who(token) is None


def test_signing_out_ends_this_session_only(context: Flask, account: Account) -> None:
    first, second = enter(), enter()
    sign_in.sign_out(session_id=sign_in.hash_token(first), by=account.principal)
    assert (who(first), who(second)) == (None, "minseo")
    sign_in.sign_out_everywhere(by=account.principal)
    assert who(second) is None


def test_only_a_session_that_timed_out_still_tells_whose_it_was(
    context: Flask, account: Account, frozen_clock: Clock
) -> None:
    timed_out, ended = sign_in.hash_token(enter()), sign_in.hash_token(enter())
    sign_in.sign_out(session_id=ended, by=account.principal)
    frozen_clock.forward(hours=2)
    assert people.owner_of_dead_session(timed_out, clock.now()) == account.id
    assert people.owner_of_dead_session(ended, clock.now()) is None
    frozen_clock.forward(days=2)
    assert people.owner_of_dead_session(timed_out, clock.now()) is None


def test_guessing_one_account_is_slowed_down_and_never_locked(
    context: Flask, account: Account, frozen_clock: Clock
) -> None:
    for _ in range(TRIES_PER_ACCOUNT):
        with pytest.raises(SignInRefused):
            enter(password="wrong")
    with pytest.raises(TooManyTries) as slowed:
        enter()
    assert 0 < slowed.value.wait_seconds <= 30
    frozen_clock.forward(seconds=slowed.value.wait_seconds + 1)
    assert enter()
    for _ in range(TRIES_PER_ACCOUNT - 1):  # the account starts afresh after a success
        with pytest.raises(SignInRefused):
            enter(password="wrong")
    assert enter()


def test_the_wait_grows_but_not_beyond_five_minutes(context: Flask, account: Account, frozen_clock: Clock) -> None:
    waits = []
    for _ in range(TRIES_PER_ACCOUNT + 6):
        with pytest.raises((SignInRefused, TooManyTries)):
            enter(password="wrong")
        with pytest.raises((SignInRefused, TooManyTries)) as refused:
            enter(password="wrong")
        if isinstance(refused.value, TooManyTries):
            waits.append(refused.value.wait_seconds)
            frozen_clock.forward(seconds=refused.value.wait_seconds + 1)
    assert waits[:5] == [30, 60, 120, 240, 300]
    assert max(waits) == 300


def test_an_unknown_login_is_slowed_down_alike(context: Flask, account: Account) -> None:
    for _ in range(TRIES_PER_ACCOUNT):
        with pytest.raises(SignInRefused):
            enter("nobody", "wrong")
    with pytest.raises(TooManyTries):
        enter("nobody", "wrong")


def test_guessing_many_accounts_from_one_address_is_slowed_down(context: Flask, account: Account) -> None:
    for number in range(TRIES_PER_ADDRESS):
        sign_in.take_try(f"somebody{number}", ADDRESS)
    with pytest.raises(TooManyTries):
        sign_in.take_try("somebody-else", ADDRESS)
    sign_in.take_try("somebody-else", "192.0.2.8")


def test_old_failures_are_forgotten(context: Flask, account: Account, frozen_clock: Clock) -> None:
    for _ in range(TRIES_PER_ACCOUNT - 1):
        sign_in.take_try("minseo", ADDRESS)
    frozen_clock.forward(minutes=16)
    for _ in range(TRIES_PER_ACCOUNT):
        sign_in.take_try("minseo", ADDRESS)
    with pytest.raises(TooManyTries):
        sign_in.take_try("minseo", ADDRESS)


def test_neither_login_nor_address_is_kept_in_the_throttle(context: Flask, account: Account) -> None:
    with pytest.raises(SignInRefused):
        enter(password="wrong")
    kept = " ".join(db.session.scalars(select(Throttle.subject)))
    assert "minseo" not in kept
    assert ADDRESS not in kept


def test_parallel_guesses_do_not_slip_past_the_throttle(app: Flask, account: Account) -> None:
    barrier, outcomes = threading.Barrier(8), []

    def guess() -> None:
        with app.app_context():
            barrier.wait()
            for _ in range(2):
                try:
                    sign_in.take_try("minseo", None)
                    outcomes.append("taken")
                except TooManyTries:
                    outcomes.append("refused")
            db.session.remove()

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 16
    assert outcomes.count("taken") == TRIES_PER_ACCOUNT


def test_what_is_dead_is_deleted_in_time(context: Flask, account: Account, frozen_clock: Clock) -> None:
    enter()
    with pytest.raises(SignInRefused):
        enter(password="wrong")
    assert sign_in.forget_dead() == 0
    frozen_clock.forward(days=31)
    assert sign_in.forget_dead() >= 2
    assert db.session.scalar(select(func.count()).select_from(SignInSession)) == 0


def test_a_membership_lasts_until_the_operating_night_of_its_end(app: Flask, frozen_clock: Clock) -> None:
    with app.app_context():
        site = Site(code_name="Magnolia", created_at=clock.now())
        db.session.add(site)
        db.session.commit()
        site_id = site.id
    account = create_user(app, sites=[site_id])
    with app.app_context():
        db.session.execute(update(SiteMembership).values(from_on=date(2026, 3, 7), until_on=date(2026, 3, 11)))
        db.session.commit()
    client = app.test_client()
    for wall, holds in (("2026-03-10 23:00", True), ("2026-03-11 02:00", True), ("2026-03-11 08:30", False)):
        frozen_clock.set(wall)
        sign_in_browser(client, user=account)
        cookie = client.get_cookie("shelter")
        assert cookie is not None
        with app.app_context():
            principal = people.principal_of(sign_in.hash_token(cookie.value), clock.now())
        assert principal is not None
        assert principal.site_ids == (frozenset([site_id]) if holds else frozenset()), wall
