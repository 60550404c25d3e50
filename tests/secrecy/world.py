"""A small network with everything in it that an address can name: site A with its people, site B beside it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.routing import AnyConverter, IntegerConverter, Rule, UUIDConverter

from shelter import clock
from shelter.domain import references
from shelter.domain.matching import PetSize, Species
from shelter.domain.messages import Template
from shelter.domain.permissions import SYSTEM, Role
from shelter.domain.stays import PlacementState
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.people import SiteMembership
from shelter.models.stays import Extension, Stay, Task
from shelter.services import drafts
from shelter.services.messages import queue_message
from shelter.services.unit_of_work import unit_of_work
from shelter.web.converters import HouseholdReference, StayReference, Token
from tests import factories
from tests.support.people import Account, create_user

P = PlacementState


@dataclass
class World:
    """Site A's things by the kind of parameter that names them, and the people around."""

    app: Flask
    people: dict[str, Account] = field(default_factory=dict)
    stays: dict[str, str] = field(default_factory=dict)  # reference by what it is about
    ids: dict[str, list[Any]] = field(default_factory=dict)  # by the name of the parameter
    site_a: Any = None
    site_b: Any = None

    def addresses(self, rule: Rule, *, unknown: bool = False) -> Iterator[str]:
        """The address for each thing it could name; or for one that names nothing."""
        for values in self._values(rule, unknown=unknown):
            built = rule.build(values)
            assert built is not None, rule.rule
            yield built[1]

    def _values(self, rule: Rule, *, unknown: bool) -> Iterator[dict[str, Any]]:
        names = list(rule._converters)
        known = {name: [nothing(rule, name)] if unknown else self._known(rule, name) for name in names}
        for n in range(max((len(each) for each in known.values()), default=1)):
            yield {name: each[n % len(each)] for name, each in known.items()}

    def _known(self, rule: Rule, name: str) -> list[Any]:
        match rule._converters[name]:
            case AnyConverter() as any_of:
                return sorted(any_of.items)
            case StayReference():
                return sorted(self.stays.values())
            case HouseholdReference():
                return sorted(reference[:7] for reference in self.stays.values())
            case Token():
                return ["x" * 43]
            case IntegerConverter() | UUIDConverter() if name in self.ids:
                return self.ids[name]
            case _:
                return [nothing(rule, name)]


def nothing(rule: Rule, name: str) -> Any:
    """A well-formed value that names nothing there is."""
    match rule._converters[name]:
        case AnyConverter() as any_of:
            return min(any_of.items)
        case StayReference():
            return f"{references.new_reference()}-1"
        case HouseholdReference():
            return references.new_reference()
        case Token():
            return "y" * 43
        case IntegerConverter():
            return 987_654
        case UUIDConverter():
            return uuid.uuid4()
        case _:
            return date(2026, 3, 10)


def build(app: Flask) -> World:
    """Committed; nobody of site B has anything to do with the households of site A."""
    world = World(app)
    with app.app_context():
        a, b = factories.make_site(), factories.make_site()
        world.site_a, world.site_b = a.id, b.id
    people = world.people
    people["a"] = create_user(app, sites=[world.site_a], name="Ha-neul Jeong", phone="+821055550001")
    people["b"] = create_user(app, sites=[world.site_b], name="Min-ji Park")
    people["manager"] = create_user(app, roles={Role.MANAGER})
    people["administrator"] = create_user(app, roles={Role.ADMINISTRATOR})
    people["auditor"] = create_user(app, roles={Role.AUDITOR})
    people["referrer"] = create_user(app, roles={Role.REFERRER})
    with app.app_context():
        _fill(world)
    return world


def _fill(world: World) -> None:
    a = db.session.get_one(_site(), world.site_a)
    b = db.session.get_one(_site(), world.site_b)
    room = factories.make_room(a, "101")
    mine = world.people["a"]
    tonight, week = clock.shelter_day(), timedelta(days=7)
    ways: dict[str, dict[str, Any]] = {
        "held": {"state": P.HELD, "held_until": clock.now() + timedelta(hours=1)},
        "expired": {"state": P.EXPIRED},
        "booked": {"state": P.BOOKED},
        "late": {"state": P.NO_SHOW, "arrive_on": tonight - timedelta(days=1)},
        "here": {"state": P.IN_HOUSE, "arrive_on": tonight - week, "leave_on": tonight + week},
        "asked": {"state": P.IN_HOUSE, "arrive_on": tonight - week, "leave_on": tonight + week},
        "overdue": {"state": P.IN_HOUSE, "arrive_on": tonight - week, "leave_on": tonight - timedelta(days=1)},
        "left": {"state": P.ENDED},
        "cancelled": {"state": P.CANCELLED},
    }
    units = []
    for name, how in ways.items():
        unit = factories.make_unit(factories.make_room(a, f"2-{name}"), f"2-{name}")
        household = factories.make_household(children=1, pets=[(Species.DOG, PetSize.SMALL)], by=mine)
        factories.make_contact(household, f"+8210777700{len(units):02}")
        stay = factories.make_stay(unit, household=household, responsible=mine, **how)
        world.stays[name] = f"{household.reference}-1"
        units.append(unit.id)
        if name == "asked":
            asked = Extension(stay_id=stay.id, requested_by_id=mine.id, requested_at=clock.now())
            asked.reason = "no flat yet"
            db.session.add(asked)
        if name == "booked":
            with unit_of_work(SYSTEM) as work:
                kept = db.session.get_one(Stay, stay.id)
                text = queue_message(work, stay=kept, template=Template.CONFIRMED, cause="test")
            world.ids["message_id"] = [text.id]
            task = Task(
                kind=TaskKind.CALL,
                dedupe_key=f"test:{stay.id}",
                household_id=household.id,
                stay_id=stay.id,
                created_at=clock.now(),
                due_at=clock.now(),
            )
            db.session.add(task)
            db.session.flush()
            world.ids["task_id"] = [task.id]
        db.session.commit()
    free = factories.make_unit(room, "101")
    factories.make_unit(factories.make_room(b, "901"), "901")
    closure = factories.make_closure(
        factories.make_unit(factories.make_room(a, "102"), "102"), from_on=tonight, until_on=tonight + week
    )
    membership = db.session.scalars(
        select(SiteMembership.id).where(SiteMembership.site_id == world.site_a, SiteMembership.user_id == mine.id)
    ).one()
    saved = drafts.save_draft(purpose="post:x", body={"path": "/find", "fields": []}, by=mine.principal)
    world.ids |= {
        "site_id": [world.site_a],
        "room_id": [room.id],
        "unit_id": [free.id, units[4]],
        "closure_id": [closure.id],
        "user_id": [mine.id],
        "membership_id": [membership],
        "draft_id": [saved],
    }


def _site() -> Any:
    from shelter.models.sites import Site

    return Site
