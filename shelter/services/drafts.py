"""What was typed and not yet sent: sealed, for its own person alone; the latest wins."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, select

from shelter import clock
from shelter.database import INSERT
from shelter.domain.errors import DatabaseBusy, NotFound
from shelter.domain.people import DraftTooLarge
from shelter.domain.permissions import SYSTEM, Principal
from shelter.extensions import db
from shelter.models.people import Draft
from shelter.models.sealed import seal, unseal
from shelter.services.unit_of_work import unit_of_work
from shelter.tables import uuid7

LARGEST = 256 * 1024
KEEP = timedelta(days=3)
_d = Draft.__table__.c
_MINE = select(_d.id, _d.purpose, _d.body_sealed, _d.saved_at).where(_d.user_id == bindparam("user"))
_BY_ID, _BY_PURPOSE = _MINE.where(_d.id == bindparam("which")), _MINE.where(_d.purpose == bindparam("which"))
MOST = 40  # drafts of one person; the oldest go


@dataclass(frozen=True)
class SavedDraft:
    id: UUID
    purpose: str
    body: dict[str, Any]
    saved_at: datetime


def save_draft(*, purpose: str, body: dict[str, Any], by: Principal) -> UUID:
    """Keep `body` (JSON values) under `purpose`, in the place of what was there. Raises DraftTooLarge."""
    if len(json.dumps(body, ensure_ascii=False).encode()) > LARGEST:
        raise DraftTooLarge()
    now, draft_id = clock.now(), uuid7()
    insert = INSERT[db.engine.dialect.name]
    with unit_of_work(by):
        first = {
            "id": draft_id,
            "user_id": by.user_id,
            "purpose": purpose,
            "body_sealed": seal(body, Draft.__tablename__, "body_sealed", draft_id),
            "saved_at": now,
        }
        if db.session.scalar(insert(Draft).values(first).on_conflict_do_nothing().returning(Draft.id)):
            _drop_oldest(by)
            return draft_id
        kept = db.session.scalars(select(Draft).where(*_one(by, purpose=purpose)).with_for_update()).one()
        kept.body, kept.saved_at = body, now
        return kept.id


def _drop_oldest(by: Principal) -> None:
    ids = select(Draft.id).where(Draft.user_id == by.user_id).order_by(Draft.saved_at.desc(), Draft.id.desc())
    if old := db.session.scalars(ids.offset(MOST)).all():
        db.session.execute(delete(Draft).where(Draft.id.in_(old)))


def read_draft(
    *, by: Principal, purpose: str | None = None, draft_id: UUID | None = None
) -> SavedDraft | None:
    """The person's own draft by purpose or id; None when there is none, or it is somebody else's."""
    which = _check_one(by, purpose=purpose, draft_id=draft_id)
    asked = _BY_PURPOSE if draft_id is None else _BY_ID
    draft = db.session.execute(asked, {"user": by.user_id, "which": which}).one_or_none()
    if draft is None:
        return None
    body = unseal(draft.body_sealed, Draft.__tablename__, "body_sealed", draft.id) if draft.body_sealed else {}
    return SavedDraft(draft.id, draft.purpose, body, draft.saved_at)


def drop_draft(*, by: Principal, purpose: str | None = None, draft_id: UUID | None = None) -> None:
    """It is not needed any more; of no effect when it is gone."""
    with unit_of_work(by):
        db.session.execute(
            delete(Draft)
            .where(*_one(by, purpose=purpose, draft_id=draft_id))
            .execution_options(synchronize_session=False)
        )


def forget_sent(*, by: Principal, purpose: str | None = None, draft_id: UUID | None = None) -> None:
    """What it was kept for is done; the answer must not say otherwise because the draft cannot be dropped now."""
    with suppress(DatabaseBusy):
        drop_draft(by=by, purpose=purpose, draft_id=draft_id)


def forget_old_drafts(*, by: Principal = SYSTEM) -> int:
    """Delete what nobody came back for; how many."""
    with unit_of_work(by):
        old = delete(Draft).where(Draft.saved_at < clock.now() - KEEP).returning(Draft.id)
        return len(db.session.scalars(old.execution_options(synchronize_session=False)).all())


def _one(by: Principal, *, purpose: str | None = None, draft_id: UUID | None = None) -> list:
    _check_one(by, purpose=purpose, draft_id=draft_id)
    return [Draft.user_id == by.user_id, Draft.id == draft_id if draft_id else Draft.purpose == purpose]


def _check_one(by: Principal, *, purpose: str | None, draft_id: UUID | None) -> str | UUID:
    """By one of both, of somebody who is signed in."""
    which = draft_id or purpose
    if by.user_id is None or (purpose is None) == (draft_id is None) or which is None:
        raise NotFound()
    return which
