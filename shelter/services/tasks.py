"""Doing a task, and taking that back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import select

from shelter import clock
from shelter.domain.errors import DomainError, NotFound, NotPermitted
from shelter.domain.permissions import Permission, Principal
from shelter.domain.stay_errors import NothingToDo
from shelter.domain.tasks import Check, checklist
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.stays import Stay, Task
from shelter.queries import tasks as queries
from shelter.queries.tasks import TaskRow
from shelter.services.history import note as history_note
from shelter.services.unit_of_work import Once, UnitOfWork, unit_of_work

LONGEST_NOTE = 1000


@dataclass
class ChecksMissing(DomainError):
    """Somebody did not arrive: every point must have been thought of."""

    code: ClassVar[str] = "checks_missing"
    field: ClassVar[str | None] = "checks"


@dataclass(frozen=True)
class TaskRecord:
    """A task opened by one person: with the note, which is sealed."""

    row: TaskRow
    note: str | None
    checked: tuple[Check, ...]
    cases: tuple[tuple[str, str | None], ...]  # the two cases with one number, and who opened each


def open_task(*, task_id: UUID, by: Principal) -> TaskRecord:
    """The task as it is now; a look at its note is audited. NotFound where it is not this person's."""
    with unit_of_work(by) as work:
        row = _visible(task_id, by)
        task = db.session.get_one(Task, task_id)
        if task.note_sealed is not None:
            _record(work, "task.opened", task)
        return TaskRecord(row, task.note, tuple(Check(c) for c in task.data.get("checked", ())), _cases(task))


def complete_task(
    *,
    task_id: UUID,
    note: str | None = None,
    checks: Collection[Check] = (),
    by: Principal,
    once: Once | None = None,
) -> None:
    """Done, with what came of it. Raises NothingToDo when somebody was faster, ChecksMissing, NotFound."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return
        task = _take(work, task_id)
        if task.done_at is not None:
            raise NothingToDo()
        if missing := set(checklist(task.kind)) - set(checks):
            assert missing
            raise ChecksMissing()
        said = (note or "").strip()[:LONGEST_NOTE] or None
        task.done_at, task.done_by_id, task.note = clock.now(), by.user_id, said
        task.data = {**task.data, "checked": sorted(checks)} if checks else task.data
        _tell_history(work, task, "task_done", said)
        _record(work, "task.done", task, note=said)


def reopen_task(*, task_id: UUID, by: Principal, once: Once | None = None) -> None:
    """It was not done after all. Raises NothingToDo, NotFound."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return
        task = _take(work, task_id)
        if task.done_at is None:
            raise NothingToDo()
        task.done_at = task.done_by_id = None
        _tell_history(work, task, "task_reopened", None)
        _record(work, "task.reopened", task)


def _take(work: UnitOfWork, task_id: UUID) -> Task:
    """The task, locked with its household and stay so that nobody closes it meanwhile."""
    if not work.by.can(Permission.TASKS_WORK):
        raise NotPermitted()
    _visible(task_id, work.by)
    stay_id = db.session.scalar(select(Task.stay_id).where(Task.id == task_id))
    if stay_id is not None:
        work.lock(household=db.session.get_one(Stay, stay_id).household_id, stay=stay_id)
    found = select(Task).where(Task.id == task_id).with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(found).one()


def _visible(task_id: UUID, by: Principal) -> TaskRow:
    row = queries.task(task_id, by)
    if row is None:
        raise NotFound()
    return row


def _cases(task: Task) -> tuple[tuple[str, str | None], ...]:
    other = task.data.get("other_household_id")
    if task.household_id is None or other is None:
        return ()
    return tuple(queries.references_of([task.household_id, UUID(other)]).values())


def _tell_history(work: UnitOfWork, task: Task, kind: str, said: str | None) -> None:
    if task.stay_id is not None:
        history_note(work, db.session.get_one(Stay, task.stay_id), kind, None, said, task=task.kind)


def _record(work: UnitOfWork, action: str, task: Task, **details: object) -> None:
    household_id = task.household_id
    if household_id is None and task.stay_id is not None:
        household_id = db.session.get_one(Stay, task.stay_id).household_id
    subject = f"task:{task.id}"
    if household_id is not None:
        subject = f"household:{db.session.get_one(Household, household_id).reference}"
    work.record(action, subject=subject, household=household_id, kind=task.kind, **details)
