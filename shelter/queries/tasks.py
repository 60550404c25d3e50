"""Work for people: what is open, and what was done lately. References and code names only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from shelter import clock
from shelter.domain.permissions import Permission, Principal
from shelter.domain.references import stay_reference
from shelter.domain.tasks import ABOUT_A_HOUSEHOLD, FOR_WHOM, URGENT, TaskKind
from shelter.extensions import db
from shelter.models.households import Household, SafeContact
from shelter.models.people import User
from shelter.models.sites import Site
from shelter.models.stays import Stay, Task
from shelter.queries import channels
from shelter.queries.channels import Channels
from shelter.queries.visibility import readable

LATELY = timedelta(days=1)


@dataclass(frozen=True)
class TaskRow:
    """One piece of work."""

    id: UUID
    kind: TaskKind
    created_at: datetime
    due_at: datetime
    stay: str | None  # its reference
    household: str | None
    site_id: UUID | None
    site: str | None
    is_mine: bool
    channels: Channels
    data: dict[str, Any]
    placement_id: int | None
    done_at: datetime | None
    done_by: str | None

    @property
    def is_urgent(self) -> bool:
        return self.kind in URGENT

    def day(self, name: str) -> date | None:
        """A day of its data."""
        return date.fromisoformat(self.data[name]) if name in self.data else None

    @property
    def is_done(self) -> bool:
        return self.done_at is not None


def visible(by: Principal) -> ColumnElement[bool]:
    """A condition on `Task`, with `Household` outer-joined: it is this person's to see."""
    allowed: list[ColumnElement[bool]] = [
        Task.kind == kind for kind, permission in FOR_WHOM.items() if by.can(permission)
    ]
    if by.can(Permission.HOUSEHOLDS_READ):
        about = and_(Task.kind.in_(ABOUT_A_HOUSEHOLD), Household.id.is_not(None), readable(by))
        at_my_sites = and_(
            Task.kind.in_(ABOUT_A_HOUSEHOLD), Household.id.is_(None), Task.site_id.in_(list(by.site_ids))
        )
        allowed += [about, at_my_sites]
    mine = or_(Task.user_id.is_(None), Task.user_id == by.user_id)
    return and_(mine, or_(*allowed)) if allowed else Task.id.is_(None)


def open_tasks(by: Principal, *, only_mine: bool = False) -> list[TaskRow]:
    """Everything due, the longest due first."""
    rows = _rows(by).where(Task.done_at.is_(None), Task.due_at <= clock.now())
    return _read(rows.order_by(Task.due_at, Task.id), only_mine=only_mine)


def done_lately(by: Principal) -> list[TaskRow]:
    """Done within a day, the latest first: whoever was wrong can take it back."""
    rows = _rows(by).where(Task.done_at > clock.now() - LATELY)
    return _read(rows.order_by(Task.done_at.desc()).limit(50))


def task(task_id: UUID, by: Principal) -> TaskRow | None:
    """None: there is none, or it is not this person's."""
    found = _read(_rows(by).where(Task.id == task_id))
    return found[0] if found else None


def references_of(household_ids: list[UUID]) -> dict[UUID, tuple[str, str | None]]:
    """The case and who opened it: whom an administrator asks about a number that stands in two."""
    rows = (
        select(Household.id, Household.reference, User.name)
        .outerjoin(User, User.id == Household.created_by_id)
        .where(Household.id.in_(household_ids))
    )
    return {household_id: (reference, name) for household_id, reference, name in db.session.execute(rows)}


def _rows(by: Principal) -> Select[Any]:
    done_by = aliased(User)
    return (
        select(
            Task,
            Household.reference,
            Stay.number,
            Site.code_name,
            done_by.name.label("done_by"),
            or_(Stay.responsible_id == by.user_id, Stay.substitute_id == by.user_id, Task.user_id == by.user_id).label(
                "is_mine"
            ),
            *channels.COLUMNS,
        )
        .select_from(Task)
        .outerjoin(Stay, Stay.id == Task.stay_id)
        .outerjoin(Household, Household.id == func.coalesce(Task.household_id, Stay.household_id))
        .outerjoin(SafeContact, SafeContact.household_id == Household.id)
        .outerjoin(Site, Site.id == Task.site_id)
        .outerjoin(done_by, done_by.id == Task.done_by_id)
        .where(visible(by))
    )


def _read(rows: Select[Any], *, only_mine: bool = False) -> list[TaskRow]:
    now = clock.now()
    return [
        TaskRow(
            id=row.Task.id,
            kind=row.Task.kind,
            created_at=row.Task.created_at,
            due_at=row.Task.due_at,
            stay=stay_reference(row.reference, row.number) if row.number else None,
            household=row.reference,
            site_id=row.Task.site_id,
            site=row.code_name,
            is_mine=bool(row.is_mine),
            channels=channels.channels(row, now),
            data=dict(row.Task.data),
            placement_id=row.Task.placement_id,
            done_at=row.Task.done_at,
            done_by=row.done_by,
        )
        for row in db.session.execute(rows)
        if not only_mine or row.is_mine or row.Task.kind in FOR_WHOM
    ]
