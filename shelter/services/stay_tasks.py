"""Work the life of a stay makes for a person: one task for one cause, done when the cause is gone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from shelter import clock
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.stays import Placement, Task
from shelter.services.unit_of_work import UnitOfWork

_CLOSED = "closed_with_check_out"


def raise_task(
    work: UnitOfWork,
    kind: TaskKind,
    dedupe_key: str,
    *,
    stay_id: UUID | None,
    site_id: UUID | None = None,
    household_id: UUID | None = None,
    placement_id: int | None = None,
    due_at: datetime | None = None,
    **data: Any,
) -> bool:
    """One for one cause; False when it was raised before. The caller holds the lock of the stay or of the site."""
    if db.session.scalar(select(Task.id).where(Task.dedupe_key == dedupe_key)) is not None:
        return False
    now = clock.now()
    db.session.add(
        Task(
            kind=kind,
            dedupe_key=dedupe_key,
            stay_id=stay_id,
            site_id=site_id,
            household_id=household_id,
            placement_id=placement_id,
            data={name: _plain(value) for name, value in data.items() if value is not None},
            created_at=now,
            due_at=due_at or now,
        )
    )
    db.session.flush()
    return True


def close_tasks(
    work: UnitOfWork,
    stay_id: UUID,
    kinds: Collection[TaskKind],
    placement_ids: Collection[int] | None = None,
    *,
    with_check_out: bool = False,
) -> int:
    """The cause is gone: mark the stay's open tasks of these kinds as done; how many.

    `with_check_out`: they come back if it is taken back.
    """
    open_ones = select(Task).where(_about(stay_id), Task.kind.in_(kinds), Task.done_at.is_(None))
    if placement_ids is not None:
        open_ones = open_ones.where(Task.placement_id.in_(list(placement_ids)))
    found = list(db.session.scalars(open_ones))
    for task in found:
        task.done_at, task.done_by_id = clock.now(), work.by.user_id
        if with_check_out:
            task.data = {**task.data, _CLOSED: True}
    return len(found)


def reopen_tasks(stay_id: UUID, kinds: Collection[TaskKind], placement_ids: Collection[int]) -> int:
    """They are still in these rooms: what their check-out had closed is to be done again; how many tasks."""
    closed = select(Task).where(
        _about(stay_id),
        Task.kind.in_(kinds),
        Task.done_at.is_not(None),
        Task.placement_id.is_(None) | Task.placement_id.in_(list(placement_ids)),
    )
    found = [task for task in db.session.scalars(closed) if _CLOSED in task.data]
    for task in found:
        task.done_at = task.done_by_id = None
        task.data = {name: value for name, value in task.data.items() if name != _CLOSED}
    return len(found)


def _about(stay_id: UUID) -> ColumnElement[bool]:
    """A task for those of the site alone names a room of the stay, not the stay."""
    return (Task.stay_id == stay_id) | Task.placement_id.in_(select(Placement.id).where(Placement.stay_id == stay_id))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, datetime)) else value
