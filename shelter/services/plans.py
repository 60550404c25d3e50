"""What is planned for a stay, and who answers for it. Nothing here touches a night."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import exists, select

from shelter import clock
from shelter.domain.permissions import Principal, Role
from shelter.domain.stay_errors import DateHasPassed, NotACoordinator, NothingToDo
from shelter.domain.stays import RUNNING
from shelter.extensions import db
from shelter.models.people import User, UserRole
from shelter.models.stays import Stay
from shelter.services.history import note
from shelter.services.stays import record, reference_of, take
from shelter.services.unit_of_work import Once, unit_of_work


def set_plan(
    *,
    stay_id: UUID,
    plan_on: date | None,
    plan: str | None,
    expected_leave_on: date | None,
    by: Principal,
    once: Once | None = None,
) -> str:
    """The exit plan and its date, and when they expect to leave; each may be empty. The stay's reference.

    A plan with a date silences the wider thresholds until then.
    """
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        stay = _running(take(work, stay_id))
        today = clock.today()
        if plan_on is not None and plan_on != stay.plan_on and plan_on < today:
            raise DateHasPassed()
        before = {"plan_on": stay.plan_on, "plan": stay.plan, "expected_leave_on": stay.expected_leave_on}
        stay.plan_on, stay.plan, stay.expected_leave_on = plan_on, (plan or "").strip() or None, expected_leave_on
        after = {"plan_on": plan_on, "plan": stay.plan, "expected_leave_on": expected_leave_on}
        note(work, stay, "plan_changed", None, stay.plan, plan_on=plan_on, expected_leave_on=expected_leave_on)
        record(work, stay, "stay.plan_changed", None, before=before, after=after)
        work.result = reference_of(stay)
        return work.result


def change_responsible(
    *,
    stay_id: UUID,
    responsible_id: UUID,
    substitute_id: UUID | None,
    by: Principal,
    once: Once | None = None,
) -> str:
    """Who answers for the stay, and who when that person is away. Raises NotACoordinator."""
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        stay = _running(take(work, stay_id))
        if responsible_id == substitute_id:
            raise NotACoordinator()
        for user_id in filter(None, (responsible_id, substitute_id)):
            if not _is_coordinator(user_id):
                raise NotACoordinator()
        before = {"responsible": stay.responsible_id, "substitute": stay.substitute_id}
        stay.responsible_id, stay.substitute_id = responsible_id, substitute_id
        after = {"responsible": responsible_id, "substitute": substitute_id}
        note(work, stay, "responsible_changed", responsible=responsible_id, substitute=substitute_id)
        record(work, stay, "stay.responsible_changed", None, before=before, after=after)
        work.result = reference_of(stay)
        return work.result


def _running(stay: Stay) -> Stay:
    if stay.state not in RUNNING:
        raise NothingToDo()
    return stay


def _is_coordinator(user_id: UUID) -> bool:
    has_role = exists(select(UserRole.user_id).where(UserRole.user_id == User.id, UserRole.role == Role.COORDINATOR))
    found = select(User.id).where(User.id == user_id, User.is_active, has_role)
    return db.session.scalar(found) is not None
