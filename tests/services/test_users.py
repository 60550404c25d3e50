"""Accounts of staff: invited with a link that works once, changed with a history, closed at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from shelter import clock
from shelter.domain.errors import DomainError, NotFound
from shelter.domain.passwords import PasswordTooCommon, PasswordTooShort
from shelter.domain.people import (
    CurrentPasswordWrong,
    LastAdministrator,
    LinkNotUsable,
    LoginMalformed,
    LoginTaken,
    NameMissing,
    PhoneNotValid,
    RoleMissing,
    SignInRefused,
)
from shelter.domain.permissions import SYSTEM, Principal, Role
from shelter.domain.sites import PersonCannotCoordinate
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.models.people import OneTimeLink, User
from shelter.models.sites import Site
from shelter.queries import people
from shelter.services import sign_in, users
from shelter.services.unit_of_work import Once
from shelter.services.users import NewUser
from tests.conftest import Clock
from tests.support.people import PASSWORD, create_user

NEW = "eleven patient herons at noon"


@pytest.fixture
def boss(app: Flask) -> Principal:
    return create_user(app, roles={Role.ADMINISTRATOR}, login="boss").principal


def invite(by: Principal = SYSTEM, once: Once | None = None, **changes: Any) -> users.Link:
    asked: dict[str, Any] = {"login": "jiwoo", "name": "Jiwoo Han", "roles": {Role.COORDINATOR}} | changes
    return users.invite_user(NewUser(**asked), by=by, once=once)


def token_of(link: users.Link) -> str:
    assert link.token is not None
    return link.token


def enter(login: str, password: str) -> str:
    return sign_in.sign_in(login=login, password=password, address=None)


def use(token: str, password: str = NEW) -> None:
    users.use_link(token=token, password=password, address=None)


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.chain, AuditEntry.seq)))


def make_site(name: str = "Magnolia") -> Any:
    site = Site(code_name=name, created_at=clock.now())
    db.session.add(site)
    db.session.commit()
    return site.id


def test_an_invited_person_chooses_the_password_and_gets_in(context: Flask, boss: Principal) -> None:
    link = invite(boss, login=" JiWoo ")
    with pytest.raises(SignInRefused):
        enter("jiwoo", "")
    use(token_of(link))
    assert enter("jiwoo", NEW)
    assert actions()[0] == "user.invited"
    assert "user.password_chosen" in actions()


def test_only_a_hash_of_the_link_is_kept(context: Flask) -> None:
    link = invite()
    assert db.session.scalar(select(OneTimeLink.token_hash)) == sign_in.hash_token(token_of(link))


def test_a_link_works_once(context: Flask) -> None:
    link = invite()
    use(token_of(link))
    with pytest.raises(LinkNotUsable):
        use(token_of(link), "another good sentence here")
    assert enter("jiwoo", NEW)


def test_of_parallel_uses_of_a_link_one_gets_through(app: Flask) -> None:
    with app.app_context():
        token = token_of(invite())
    barrier, outcomes = threading.Barrier(6), []

    def try_it(number: int) -> None:
        with app.app_context():
            barrier.wait()
            try:
                use(token, f"parallel sentence number {number} here")
                outcomes.append("through")
            except LinkNotUsable:
                outcomes.append("refused")
            db.session.remove()

    threads = [threading.Thread(target=try_it, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 5 + ["through"]


def test_a_link_ends_in_time(context: Flask, frozen_clock: Clock) -> None:
    link = invite()
    frozen_clock.set(link.expires_at)
    with pytest.raises(LinkNotUsable):
        use(token_of(link))


def test_a_new_link_ends_the_one_before(context: Flask, boss: Principal) -> None:
    first = invite(boss)
    second = users.make_link(user_id=first.user_id, by=boss)
    with pytest.raises(LinkNotUsable):
        use(token_of(first))
    use(token_of(second))


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("fourteen chars", PasswordTooShort),
        ("password1234567", PasswordTooCommon),
        ("jiwoo-han-jiwoo-han", PasswordTooCommon),
        ("magnolia-magnolia-1", PasswordTooCommon),
        ("비밀번호쉼터비밀번호쉼터1234", PasswordTooCommon),
    ],
)
def test_a_guessable_password_is_refused_and_the_link_stays(
    context: Flask, password: str, refusal: type[DomainError]
) -> None:
    make_site()
    link = invite()
    with pytest.raises(refusal):
        use(token_of(link), password)
    use(token_of(link))


def test_a_forgotten_password_is_replaced_and_old_sessions_end(context: Flask, app: Flask, boss: Principal) -> None:
    account = create_user(app, login="minseo")
    token = enter("minseo", PASSWORD)
    link = users.make_link(user_id=account.id, by=boss)
    assert people.principal_of(sign_in.hash_token(token), clock.now())
    use(token_of(link))
    assert people.principal_of(sign_in.hash_token(token), clock.now()) is None
    with pytest.raises(SignInRefused):
        enter("minseo", PASSWORD)
    assert enter("minseo", NEW)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"login": "ji woo"}, LoginMalformed),
        ({"login": "j"}, LoginMalformed),
        ({"login": "지우"}, LoginMalformed),
        ({"name": "  "}, NameMissing),
        ({"name": "n" * 81}, NameMissing),
        ({"roles": ()}, RoleMissing),
        ({"phone": "12"}, PhoneNotValid),
        ({"phone": "hello"}, PhoneNotValid),
        ({"login": "boss"}, LoginTaken),
        ({"login": "BOSS"}, LoginTaken),
    ],
)
def test_an_account_that_cannot_be_is_refused(
    context: Flask, boss: Principal, changes: dict[str, Any], refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal):
        invite(boss, **changes)
    assert db.session.scalar(select(func.count()).select_from(User)) == 1


def test_inviting_twice_with_one_key_is_one_account(context: Flask, boss: Principal) -> None:
    once = Once("k" * 20, "f")
    first, second = invite(boss, once), invite(boss, once)
    assert first.user_id == second.user_id
    assert second.token is None


def test_the_number_is_kept_sealed_and_as_telephones_know_it(context: Flask) -> None:
    link = invite(phone="010-1234-5678")
    assert people.phone_of(link.user_id) == "+821012345678"
    sealed = db.session.scalar(select(User.phone_sealed))
    assert sealed is not None
    assert b"1234" not in sealed


def test_a_change_keeps_what_was_before(context: Flask, boss: Principal) -> None:
    link = invite(boss)
    users.change_user(
        user_id=link.user_id,
        name="Jiwoo Kim",
        phone="",
        locale="en",
        roles={Role.COORDINATOR, Role.MANAGER},
        by=boss,
    )
    entries = {e.action: e.details for e in db.session.scalars(select(AuditEntry))}
    assert entries["user.changed"] == {
        "before": {"name": "Jiwoo Han", "locale": "ko"},
        "after": {"name": "Jiwoo Kim", "locale": "en"},
    }
    assert entries["user.roles_changed"] == {"before": ["coordinator"], "after": ["coordinator", "manager"]}


def test_new_roles_count_from_the_next_page(context: Flask, app: Flask, boss: Principal) -> None:
    account = create_user(app, login="minseo")
    token = sign_in.hash_token(enter("minseo", PASSWORD))
    users.change_user(user_id=account.id, name="Minseo", phone="", locale="ko", roles={Role.AUDITOR}, by=boss)
    principal = people.principal_of(token, clock.now())
    assert principal is not None
    assert principal.roles == {Role.AUDITOR}


def test_the_last_administrator_stays(context: Flask, app: Flask, boss: Principal) -> None:
    invite(boss, login="second", roles={Role.ADMINISTRATOR})  # without a password yet: of no help
    with pytest.raises(LastAdministrator):
        users.deactivate_user(user_id=boss.user_id, by=boss)
    with pytest.raises(LastAdministrator):
        users.change_user(user_id=boss.user_id, name="Boss", phone="", locale="en", roles={Role.MANAGER}, by=boss)
    create_user(app, roles={Role.ADMINISTRATOR}, login="third")
    users.deactivate_user(user_id=boss.user_id, by=boss)


def test_two_administrators_cannot_close_each_other_at_once(app: Flask, boss: Principal) -> None:
    other = create_user(app, roles={Role.ADMINISTRATOR}, login="other").principal
    barrier, refused = threading.Barrier(2), []

    def close(user: Principal, by: Principal) -> None:
        with app.app_context():
            barrier.wait()
            try:
                users.deactivate_user(user_id=user.user_id, by=by)
            except LastAdministrator:
                refused.append(user.login)
            db.session.remove()

    threads = [threading.Thread(target=close, args=pair) for pair in ((boss, other), (other, boss))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    with app.app_context():
        assert len(db.session.scalars(select(User).where(User.is_active)).all()) == 1


def test_a_closed_account_is_out_at_once(context: Flask, app: Flask, boss: Principal) -> None:
    account = create_user(app, login="minseo")
    token = enter("minseo", PASSWORD)
    link = users.make_link(user_id=account.id, by=boss)
    users.deactivate_user(user_id=account.id, by=boss)
    assert people.principal_of(sign_in.hash_token(token), clock.now()) is None
    with pytest.raises(LinkNotUsable):
        use(token_of(link))
    with pytest.raises(NotFound):
        users.make_link(user_id=account.id, by=boss)


def test_a_reopened_account_needs_a_new_password(context: Flask, app: Flask, boss: Principal) -> None:
    account = create_user(app, login="minseo")
    users.deactivate_user(user_id=account.id, by=boss)
    link = users.reactivate_user(user_id=account.id, by=boss)
    with pytest.raises(SignInRefused):
        enter("minseo", PASSWORD)
    use(token_of(link))
    assert enter("minseo", NEW)


def test_changing_the_own_password_ends_the_other_sessions(context: Flask, app: Flask) -> None:
    create_user(app, login="minseo")
    here, there = (sign_in.hash_token(enter("minseo", PASSWORD)) for _ in range(2))
    me = people.principal_of(here, clock.now())
    assert me is not None
    with pytest.raises(CurrentPasswordWrong):
        users.change_password(current="wrong", new=NEW, by=me)
    with pytest.raises(PasswordTooShort):
        users.change_password(current=PASSWORD, new="short", by=me)
    users.change_password(current=PASSWORD, new=NEW, by=me)
    assert people.principal_of(here, clock.now())
    assert people.principal_of(there, clock.now()) is None
    assert enter("minseo", NEW)


def test_only_a_coordinator_is_given_sites(context: Flask, boss: Principal) -> None:
    with pytest.raises(PersonCannotCoordinate):
        invite(boss, roles={Role.MANAGER}, sites=[make_site()])


def test_the_history_of_an_account_names_who_changed_it(context: Flask, boss: Principal) -> None:
    link = invite(boss)
    users.deactivate_user(user_id=link.user_id, by=boss)
    assert [(c.action, c.by) for c in people.changes_of(link.user_id)] == [
        ("user.deactivated", "Boss"),
        ("user.invited", "Boss"),
    ]


def test_the_staff_list_shows_who_waits_for_a_link(context: Flask, boss: Principal) -> None:
    site = make_site()
    invite(boss, sites=[site])
    found = {member.login: member for member in people.staff()}
    assert found["jiwoo"].waits_for_link
    assert [m.code_name for m in found["jiwoo"].memberships] == ["Magnolia"]
    assert not found["boss"].waits_for_link
    assert people.staff_member(found["boss"].id) == found["boss"]
