"""Opening the record of a stay: what is sealed is read, and the look is written down in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import select

from shelter.domain.errors import NotFound
from shelter.domain.permissions import Permission, Principal
from shelter.domain.references import split_stay_reference
from shelter.domain.stays import ExtensionDecision
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.households import Household, SafeContact
from shelter.models.people import User
from shelter.models.stays import Extension, Stay, StayEvent, StayFlag, Task
from shelter.queries.channels import contact_now
from shelter.queries.households import Heads, heads_of
from shelter.queries.stay_facts import StayFacts, decidable_facts, facts
from shelter.queries.visibility import readable_stay
from shelter.services.unit_of_work import unit_of_work


@dataclass(frozen=True)
class ContactBanner:
    """How she may be reached, first thing on the page. Unknown is no."""

    can_call: bool | None  # none: nobody has asked
    can_text: bool | None
    is_withdrawn: bool
    from_time: time | None
    until_time: time | None
    language: str
    who_answers: str | None
    other_way: str | None
    reconfirm_on: date | None


@dataclass(frozen=True)
class EventView:
    """One line of the history."""

    kind: str
    at: datetime
    happened_at: datetime
    by: str | None  # none: the system itself
    note: str | None
    data: dict[str, Any]

    @property
    def is_late_entry(self) -> bool:
        return (self.at - self.happened_at).total_seconds() > 15 * 60


@dataclass(frozen=True)
class TaskView:
    """Something a person must do about this stay."""

    id: UUID
    kind: TaskKind
    due_at: datetime


@dataclass(frozen=True)
class RequestView:
    """An extension asked for, and what was decided."""

    decision: ExtensionDecision
    requested_at: datetime
    requested_by: str | None
    reason: str | None
    decided_at: datetime | None
    decided_by: str | None


@dataclass(frozen=True)
class StayRecord:
    """A stay, opened for one person."""

    facts: StayFacts
    contact: ContactBanner
    heads: Heads
    plan: str | None
    responsible: str | None
    substitute: str | None
    tightest_flag: int | None  # of those raised for the limit as it is now
    tasks: tuple[TaskView, ...]
    requests: tuple[RequestView, ...]
    events: tuple[EventView, ...]


def open_stay(*, reference: str, by: Principal) -> StayRecord:
    """Everything about the stay. NotFound: there is none, or this person may not know of it."""
    household, number = split_stay_reference(reference)
    with unit_of_work(by) as work:
        stay_id = readable_stay(household, number, by) if by.can(Permission.STAYS_READ) else None
        if stay_id is None:
            raise NotFound()
        known = facts(stay_id)
        work.record("stay.opened", subject=f"stay:{known.reference}", household=known.household_id)
        stay = db.session.get_one(Stay, stay_id)
        names = _names(stay_id, stay)
        return StayRecord(
            facts=known,
            contact=_banner(stay.household),
            heads=heads_of(stay.household, stay.household.people, stay.household.pets),
            plan=stay.plan,
            responsible=names.get(stay.responsible_id),
            substitute=names.get(stay.substitute_id),
            tightest_flag=_tightest(stay),
            tasks=_tasks(stay_id),
            requests=tuple(_request(e, names) for e in stay.extensions),
            events=_events(stay_id, names),
        )


@dataclass(frozen=True)
class DecisionRecord:
    """What whoever decides about a limit is shown: reference, dates, composition and plan; never a name."""

    facts: StayFacts
    heads: Heads
    plan: str | None
    request: RequestView | None  # the open one


def open_decision(*, reference: str, by: Principal) -> DecisionRecord:
    """For a decision about the limit. NotFound without the right to decide."""
    with unit_of_work(by) as work:
        known = decidable_facts(reference, by)
        if known is None:
            raise NotFound()
        work.record("extension.opened", subject=f"stay:{known.reference}", household=known.household_id)
        stay = db.session.get_one(Stay, known.stay_id)
        requests = [_request(e, {}) for e in stay.extensions]
        waiting = [r for r in requests if r.decision is ExtensionDecision.REQUESTED]
        return DecisionRecord(
            facts=known,
            heads=heads_of(stay.household, stay.household.people, stay.household.pets),
            plan=stay.plan,
            request=waiting[0] if waiting else None,
        )


def _banner(household: Household) -> ContactBanner:
    told, now = household.contact or SafeContact(), contact_now(household)
    is_withdrawn = told.withdrawn_at is not None
    is_barred = is_withdrawn or (now is not None and now.is_danger_number)
    return ContactBanner(
        can_call=False if is_barred else told.can_call,
        can_text=False if is_barred or (told.can_text and told.consented_at is None) else told.can_text,
        is_withdrawn=is_withdrawn,
        from_time=told.from_time,
        until_time=told.until_time,
        language=told.language or "ko",
        who_answers=told.who_answers,
        other_way=told.other_way,
        reconfirm_on=told.reconfirm_on,
    )


def _names(stay_id: UUID, stay: Stay) -> dict[UUID | None, str]:
    """Staff named on the page, in one statement."""
    ids = {stay.responsible_id, stay.substitute_id}
    ids |= {user for e in stay.extensions for user in (e.requested_by_id, e.decided_by_id)}
    ids |= set(db.session.scalars(select(StayEvent.by_id).where(StayEvent.stay_id == stay_id).distinct()))
    for data in db.session.scalars(
        select(StayEvent.data).where(StayEvent.stay_id == stay_id, StayEvent.kind == "responsible_changed")
    ):
        ids |= {UUID(data[who]) for who in ("responsible", "substitute") if data.get(who)}
    rows = db.session.execute(select(User.id, User.name).where(User.id.in_(filter(None, ids))))
    return dict(rows.all())


def _tightest(stay: Stay) -> int | None:
    return db.session.scalar(
        select(StayFlag.threshold)
        .where(StayFlag.stay_id == stay.id, StayFlag.limit_on == stay.limit_on)
        .order_by(StayFlag.threshold)
        .limit(1)
    )


def _tasks(stay_id: UUID) -> tuple[TaskView, ...]:
    rows = select(Task).where(Task.stay_id == stay_id, Task.done_at.is_(None)).order_by(Task.due_at)
    return tuple(TaskView(t.id, t.kind, t.due_at) for t in db.session.scalars(rows))


def _request(extension: Extension, names: dict[UUID | None, str]) -> RequestView:
    return RequestView(
        decision=extension.decision,
        requested_at=extension.requested_at,
        requested_by=names.get(extension.requested_by_id),
        reason=extension.reason,
        decided_at=extension.decided_at,
        decided_by=names.get(extension.decided_by_id),
    )


def _events(stay_id: UUID, names: dict[UUID | None, str]) -> tuple[EventView, ...]:
    """Newest first, as it was recorded."""
    rows = select(StayEvent).where(StayEvent.stay_id == stay_id).order_by(StayEvent.at.desc(), StayEvent.id.desc())
    return tuple(
        EventView(e.kind, e.at, e.happened_at, names.get(e.by_id), e.note, _with_names(dict(e.data), names))
        for e in db.session.scalars(rows)
    )


def _with_names(data: dict[str, Any], names: dict[UUID | None, str]) -> dict[str, Any]:
    for who in ("responsible", "substitute"):
        if data.get(who):
            data[who] = names.get(UUID(data[who]))
    return data
