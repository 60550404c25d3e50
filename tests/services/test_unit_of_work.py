"""One transaction, locks in one order, an act done once, nothing half-written."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import func, select

from shelter import clock
from shelter.domain.errors import ConstraintRefused, KeyReused, NotFound
from shelter.domain.permissions import Principal
from shelter.extensions import db
from shelter.models.audit import AuditEntry, AuditHead
from shelter.models.people import IdempotentAct, User
from shelter.services.audit import GENESIS, link_mac
from shelter.services.unit_of_work import Once, unit_of_work

pytestmark = pytest.mark.usefixtures("context")


def add_user(login: str) -> User:
    user = User(login=login, name="Kim", created_at=clock.now())
    db.session.add(user)
    return user


def logins() -> list[str]:
    db.session.rollback()
    return sorted(db.session.scalars(select(User.login)))


def somebody() -> Principal:
    with unit_of_work(by=SYSTEM_ACTOR):
        user = add_user("somebody")
    return Principal(user_id=user.id, login="somebody", name="Kim")


SYSTEM_ACTOR = Principal(user_id=None, login="system", name="system")


def test_what_is_done_in_a_unit_of_work_is_committed_with_its_audit_entry() -> None:
    with unit_of_work(by=SYSTEM_ACTOR) as work:
        add_user("a")
        work.record("user.invited", subject="user:a", before=None, after="a")
    assert logins() == ["a"]
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.subject, entry.details) == (
        "user.invited",
        "user:a",
        {"before": None, "after": "a"},
    )
    assert b"after" not in entry.details_sealed


def test_nothing_half_written_survives_a_refusal() -> None:
    with pytest.raises(NotFound), unit_of_work(by=SYSTEM_ACTOR) as work:
        add_user("a")
        db.session.flush()
        work.record("user.invited")
        raise NotFound()
    assert logins() == []
    assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == 0


def test_a_refused_constraint_is_named_alike_on_both_databases() -> None:
    with unit_of_work(by=SYSTEM_ACTOR):
        add_user("a")
    with pytest.raises(ConstraintRefused) as refused, unit_of_work(by=SYSTEM_ACTOR):
        add_user("a")
    assert refused.value.name == "uq_user_login"
    with pytest.raises(ConstraintRefused) as refused, unit_of_work(by=SYSTEM_ACTOR):
        add_user("NOT LOWER")
    assert refused.value.name == "ck_user_login_lower"


def test_a_replay_returns_the_stored_result_and_changes_nothing() -> None:
    by, once = somebody(), Once(key="k" * 32, fingerprint="f" * 64)
    for expected_replay in (False, True, True):
        with unit_of_work(by=by, once=once) as work:
            assert work.is_replay is expected_replay
            if not work.is_replay:
                add_user("made")
                work.result = "REF-1"
        assert work.result == "REF-1"
    assert logins() == ["made", "somebody"]


def test_the_same_key_with_another_body_is_refused() -> None:
    by = somebody()
    with unit_of_work(by=by, once=Once("k" * 32, "f" * 64)) as work:
        work.result = "REF-1"
    with pytest.raises(KeyReused), unit_of_work(by=by, once=Once("k" * 32, "g" * 64)):
        pytest.fail("the body of a reused key must not run")


def test_a_refused_act_may_be_tried_again_under_its_key() -> None:
    by, once = somebody(), Once("k" * 32, "f" * 64)
    with pytest.raises(NotFound), unit_of_work(by=by, once=once):
        raise NotFound()
    with unit_of_work(by=by, once=once) as work:
        assert not work.is_replay
    assert db.session.scalar(select(func.count()).select_from(IdempotentAct)) == 1


def test_locks_out_of_order_are_a_programming_error() -> None:
    with pytest.raises(RuntimeError), unit_of_work(by=SYSTEM_ACTOR) as work:
        work.lock(sites=[uuid4()])
        work.lock(household=uuid4())


def test_units_of_work_do_not_nest() -> None:
    with pytest.raises(RuntimeError), unit_of_work(by=SYSTEM_ACTOR):
        add_user("a")
        with unit_of_work(by=SYSTEM_ACTOR):
            pass
    assert logins() == []


def test_each_entry_is_chained_to_the_one_before() -> None:
    for login in ("a", "b"):
        with unit_of_work(by=SYSTEM_ACTOR) as work:
            add_user(login)
            work.record("user.invited", subject=f"user:{login}")
            work.record("user.noticed", subject=f"user:{login}")
    db.session.rollback()
    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()
    assert [entry.seq for entry in entries] == [1, 2, 3, 4]
    mac = GENESIS
    for entry in entries:
        row = {column.name: getattr(entry, column.name) for column in AuditEntry.__table__.columns}
        mac = link_mac(mac, row)
        assert entry.mac == mac
    head = db.session.get_one(AuditHead, entries[0].chain)
    assert (head.seq, head.mac) == (4, mac)
