"""A text that did not reach anybody becomes work for a person, who is offered allowed channels only."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from shelter import clock
from shelter.domain.contacts import may_call
from shelter.domain.stays import PlacementState
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.messages import Message
from shelter.models.sites import Unit
from shelter.models.stays import Placement, Stay, StayFlag, Task
from shelter.queries.channels import contact_now
from shelter.services import stay_tasks
from shelter.services.unit_of_work import UnitOfWork

HERE = (PlacementState.HELD, PlacementState.BOOKED, PlacementState.IN_HOUSE, PlacementState.NO_SHOW)


def raise_text_task(work: UnitOfWork, message: Message) -> None:
    """Once for a message: call her, if that is allowed, else the agreed other way; for a colleague, the managers."""
    if message.user_id is not None:
        _tell_managers(work, message)
    elif message.stay_id is not None:
        _tell_coordinators(work, message)


def _tell_coordinators(work: UnitOfWork, message: Message) -> None:
    assert message.stay_id is not None
    household = db.session.get_one(Household, message.household_id)
    call = may_call(contact_now(household), clock.local(clock.now()))
    stay_tasks.raise_task(
        work,
        TaskKind.OTHER_WAY if call.suppression else TaskKind.CALL,
        f"message:{message.id.hex}",
        stay_id=message.stay_id,
        household_id=message.household_id,
        site_id=next(iter(sites_of([message.stay_id]).get(message.stay_id, [])), None),
        due_at=call.not_before,
        message_id=str(message.id),
        template=message.template,
        why=message.error_code or message.suppression,
    )


def _tell_managers(work: UnitOfWork, message: Message) -> None:
    told = select(StayFlag.stay_id).where(StayFlag.message_id == message.id).distinct()
    by_stay = sites_of(list(db.session.scalars(told)))
    raise_unreachable(work, {site for sites in by_stay.values() for site in sites}, message=message)


def raise_unreachable(work: UnitOfWork, site_ids: set[UUID], *, message: Message | None = None) -> int:
    """Nobody at these sites heard of their limits: one open task for each, for the managers; how many are new."""
    open_ones = select(Task.site_id).where(Task.kind == TaskKind.UNREACHABLE_SITE, Task.done_at.is_(None))
    known = set(db.session.scalars(open_ones))
    now = clock.now()
    new = sorted(site_ids - known, key=lambda site: site.hex)
    for site_id in new:
        db.session.add(
            Task(
                kind=TaskKind.UNREACHABLE_SITE,
                dedupe_key=f"unreachable:{site_id.hex}:{now:%Y%m%d%H%M%S%f}",
                site_id=site_id,
                data={"message_id": str(message.id)} if message else {},
                created_at=now,
                due_at=now,
            )
        )
    return len(new)


def sites_of(stay_ids: list[UUID]) -> dict[UUID, list[UUID]]:
    """By stay the sites it is, or is about to be, at."""
    rows = db.session.execute(
        select(Stay.id, Unit.site_id)
        .join(Placement, Placement.stay_id == Stay.id)
        .join(Unit, Unit.id == Placement.unit_id)
        .where(Stay.id.in_(stay_ids), Placement.state.in_(HERE))
        .order_by(Placement.arrive_on.desc(), Placement.id)
    )
    found: dict[UUID, list[UUID]] = {}
    for stay_id, site_id in rows:
        if site_id not in found.setdefault(stay_id, []):
            found[stay_id].append(site_id)
    return found
