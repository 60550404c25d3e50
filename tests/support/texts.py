"""Texts for tests: a stay whose household may be texted, one text about it, and what became of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from shelter.domain.messages import Template
from shelter.domain.permissions import SYSTEM
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.messages import Message
from shelter.models.stays import Stay, Task
from shelter.services.messages import queue_message
from shelter.services.unit_of_work import unit_of_work
from tests.factories import make_contact, make_household, make_stay

NUMBER = "+821012345678"


def make_textable_stay(number: str = NUMBER, **contact: Any) -> Stay:
    """Booked for tonight; she may be texted and called at the number."""
    household = make_household()
    make_contact(household, number, **contact)
    return make_stay(household=household)


def queue(stay: Stay, template: Template = Template.CONFIRMED, cause: str = "test", **how: Any) -> Message:
    """One text about the stay, decided in a transaction of its own."""
    with unit_of_work(SYSTEM) as work:
        message = queue_message(work, stay=db.session.get_one(Stay, stay.id), template=template, cause=cause, **how)
    return message


def fresh(message: Message) -> Message:
    """As the database has it now."""
    db.session.rollback()
    return db.session.get_one(Message, message.id, populate_existing=True)


def change(row: Any, **values: Any) -> None:
    """What a person changes meanwhile."""
    for name, value in values.items():
        setattr(row, name, value)
    db.session.commit()


def tasks() -> list[tuple[TaskKind, str]]:
    """Kind and reason of every task there is."""
    return [(task.kind, task.data.get("why")) for task in db.session.scalars(select(Task).order_by(Task.id))]


def household_of(stay: Stay) -> Household:
    return db.session.get_one(Household, stay.household_id)
