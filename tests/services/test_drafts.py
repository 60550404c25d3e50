"""Drafts: sealed, for one person, the latest wins."""

from __future__ import annotations

import threading

import pytest
from flask import Flask
from sqlalchemy import func, select

from shelter.domain.errors import DatabaseBusy, NotFound
from shelter.domain.people import DraftTooLarge
from shelter.domain.permissions import SYSTEM, Principal
from shelter.extensions import db
from shelter.keyring import Unreadable
from shelter.models.people import Draft
from shelter.services import drafts
from shelter.services.drafts import drop_draft, read_draft, save_draft
from tests.conftest import Clock
from tests.support.people import create_user


@pytest.fixture
def minseo(app: Flask) -> Principal:
    return create_user(app, login="minseo").principal


@pytest.fixture
def other(app: Flask) -> Principal:
    return create_user(app, login="other").principal


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(Draft)) or 0


def test_the_latest_wins(context: Flask, minseo: Principal) -> None:
    first = save_draft(purpose="intake:7", body={"heads": 2}, by=minseo)
    assert save_draft(purpose="intake:7", body={"heads": 3}, by=minseo) == first
    kept = read_draft(purpose="intake:7", by=minseo)
    assert kept is not None
    assert kept.body == {"heads": 3}
    assert count() == 1


def test_a_draft_is_its_persons_alone(context: Flask, minseo: Principal, other: Principal) -> None:
    draft_id = save_draft(purpose="find", body={"heads": 2}, by=minseo)
    assert read_draft(purpose="find", by=other) is None
    assert read_draft(draft_id=draft_id, by=other) is None
    drop_draft(draft_id=draft_id, by=other)
    assert read_draft(draft_id=draft_id, by=minseo) is not None
    save_draft(purpose="find", body={"heads": 5}, by=other)
    kept = read_draft(purpose="find", by=minseo)
    assert kept is not None
    assert kept.body == {"heads": 2}


def test_the_system_has_no_drafts(context: Flask) -> None:
    with pytest.raises(NotFound):
        read_draft(purpose="find", by=SYSTEM)


def test_what_was_typed_is_sealed_for_its_row(context: Flask, minseo: Principal, other: Principal) -> None:
    save_draft(purpose="find", body={"note": "할머니 댁"}, by=minseo)
    save_draft(purpose="find", body={"note": "x"}, by=other)
    mine, theirs = (db.session.scalars(select(Draft).where(Draft.user_id == p.user_id)).one() for p in (minseo, other))
    assert "할머니".encode() not in mine.body_sealed
    theirs.body_sealed = mine.body_sealed
    with pytest.raises(Unreadable):
        assert theirs.body
    db.session.rollback()


def test_too_much_is_refused(context: Flask, minseo: Principal) -> None:
    with pytest.raises(DraftTooLarge):
        save_draft(purpose="find", body={"note": "가" * drafts.LARGEST}, by=minseo)
    assert count() == 0


def test_dropping_twice_is_harmless(context: Flask, minseo: Principal) -> None:
    save_draft(purpose="find", body={}, by=minseo)
    drop_draft(purpose="find", by=minseo)
    drop_draft(purpose="find", by=minseo)
    assert read_draft(purpose="find", by=minseo) is None


def test_one_person_cannot_fill_the_table(context: Flask, minseo: Principal, frozen_clock: Clock) -> None:
    for number in range(drafts.MOST + 5):
        frozen_clock.forward(seconds=1)
        save_draft(purpose=f"post:{number}", body={}, by=minseo)
    assert count() == drafts.MOST
    assert read_draft(purpose="post:0", by=minseo) is None
    assert read_draft(purpose=f"post:{drafts.MOST + 4}", by=minseo) is not None


def test_old_drafts_go(context: Flask, minseo: Principal, frozen_clock: Clock) -> None:
    save_draft(purpose="find", body={}, by=minseo)
    assert drafts.forget_old_drafts() == 0
    frozen_clock.forward(seconds=drafts.KEEP.total_seconds() + 1)
    assert drafts.forget_old_drafts() == 1


def test_saving_from_two_windows_at_once_keeps_one_draft(app: Flask, minseo: Principal) -> None:
    barrier, failed = threading.Barrier(4), []

    def save(number: int) -> None:
        with app.app_context():
            barrier.wait()
            try:
                save_draft(purpose="intake:7", body={"window": number}, by=minseo)
            except Exception as error:
                failed.append(error)
            db.session.remove()

    threads = [threading.Thread(target=save, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    with app.app_context():
        assert count() == 1


def test_what_was_sent_is_forgotten_or_not_but_never_refused(
    context: Flask, minseo: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The act is done: an answer that it is not would be wrong."""
    save_draft(purpose="intake:7", body={"heads": 2}, by=minseo)

    def busy(**_: object) -> None:
        raise DatabaseBusy()

    monkeypatch.setattr(drafts, "drop_draft", busy)
    drafts.forget_sent(purpose="intake:7", by=minseo)
    monkeypatch.undo()
    assert count() == 1
    drafts.forget_sent(purpose="intake:7", by=minseo)
    assert count() == 0
