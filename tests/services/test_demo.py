"""The demonstration: lively, invented, and in order; the bulk path keeps the same books."""

from __future__ import annotations

from collections import Counter

import pytest
from flask import Flask
from sqlalchemy import select

from shelter import clock
from shelter.domain.messages import MessageState
from shelter.domain.permissions import Role
from shelter.domain.stays import PlacementState
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.households import ContactNumber, Person
from shelter.models.messages import Message
from shelter.models.people import User
from shelter.models.stays import Extension, Placement, Stay, Task, Turnaway
from shelter.queries import today
from shelter.queries.ledger_check import Checked, differences
from shelter.queries.people import has_staff
from shelter.services import demo, sign_in
from tests.conftest import Clock

P = PlacementState


def no_differences() -> bool:
    checked = Checked()
    found = list(differences(checked))
    db.session.rollback()
    assert checked.nights
    return not found


@pytest.mark.parametrize("wall", ["2026-03-10 21:00", "2026-03-11 02:10", "2026-08-31 09:00"])
def test_a_lively_night_at_any_hour(context: Flask, frozen_clock: Clock, wall: str) -> None:
    frozen_clock.set(wall)
    loaded = demo.load()
    assert (loaded.sites, loaded.units) == (12, 60)
    assert no_differences()
    states = Counter(db.session.scalars(select(Placement.state)))
    assert states[P.HELD] >= 3
    assert states[P.BOOKED] >= 5
    assert states[P.IN_HOUSE] >= 25
    assert states[P.NO_SHOW] == 1
    messages = Counter(db.session.scalars(select(Message.state)))
    assert {MessageState.QUEUED, MessageState.SUPPRESSED, MessageState.FAILED} <= set(messages)
    kinds = set(db.session.scalars(select(Task.kind)))
    assert {TaskKind.NO_SHOW, TaskKind.DUPLICATE_NUMBER} <= kinds
    assert kinds & {TaskKind.CALL, TaskKind.OTHER_WAY}
    assert db.session.query(Extension).count() == 1
    assert db.session.query(Turnaway).count() == 12


def test_a_coordinator_signs_in_and_sees_all_there_is_to_do(context: Flask, frozen_clock: Clock) -> None:
    frozen_clock.set("2026-03-10 21:00")
    demo.load()
    assert sign_in.sign_in(login="coordinator", password=demo.PASSWORD, address=None)
    first, second = demo_coordinators()
    seen = [today.today(first), today.today(second)]
    for part in ("late", "tasks", "overdue", "unread", "holds", "arrivals", "limits"):
        assert any(getattr(page, part) for page in seen), part
    assert seen[0].late


def demo_coordinators() -> list:
    from shelter.domain.permissions import Principal

    rows = db.session.scalars(select(User).where(User.login.startswith("coordinator")).order_by(User.login)).all()
    return [
        Principal(
            user_id=user.id,
            login=user.login,
            name=user.name,
            roles=frozenset({Role.COORDINATOR}),
            site_ids=frozenset(m.site_id for m in user.memberships),
        )
        for user in rows
    ]


def test_everybody_in_it_is_plainly_invented(context: Flask, frozen_clock: Clock) -> None:
    demo.load()
    names = {person.name for person in db.session.scalars(select(Person)) if person.name}
    assert names
    assert all(name.startswith("가상 ") for name in names)
    assert all("예시" in user.name for user in db.session.scalars(select(User)))
    numbers = {row.number for row in db.session.scalars(select(ContactNumber))}
    assert all(number and number.startswith("+82100000") for number in numbers)


def test_a_large_network_in_bulk_keeps_its_books(context: Flask, frozen_clock: Clock) -> None:
    told: list[str] = []
    loaded = demo.load(units=90, sites=20, years=1.5, stays=900, seed=7, progress=told.append)
    assert (loaded.sites, loaded.units) == (20, 90)
    assert 600 <= loaded.stays <= 1_200
    assert told
    assert no_differences()
    here = db.session.scalars(select(Placement.leave_on).where(Placement.state == P.IN_HOUSE)).all()
    assert here
    assert all(leave_on >= clock.shelter_day() for leave_on in here)


def test_the_same_seed_gives_the_same_network(context: Flask, frozen_clock: Clock) -> None:
    demo.load(units=70, years=0.3, stays=100, seed=3)
    spans = sorted(db.session.execute(select(Placement.unit_id, Placement.arrive_on, Placement.leave_on)).all())
    references = sorted(db.session.scalars(select(Stay.arrive_on)))
    db.session.rollback()
    assert has_staff()
    assert len(spans) == len(references)
