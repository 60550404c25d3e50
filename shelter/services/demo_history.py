"""Years of past stays for the demonstration and for measuring: written in bulk, as the use cases would have left them.

Every unit's nights are walked from the first day to the last; households come and go with gaps between. Made by
a seed: the same numbers give the same network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text

from shelter import clock
from shelter.domain import references
from shelter.domain.limits import CountingRule, ReadmissionRule, usual_thresholds
from shelter.domain.matching import AgeBand, Audience, PetsAllowed, Sex, Sharing
from shelter.domain.permissions import SYSTEM, Role
from shelter.domain.sites import BEGINNING
from shelter.domain.stays import Destination, ExitReason, PlacementState, StayState
from shelter.extensions import db
from shelter.models.households import Household, Person
from shelter.models.sites import Room, Site, StayPolicyVersion, Unit
from shelter.models.stays import Placement, PlacementMember, Stay, StayEvent, UnitNight
from shelter.queries import policies
from shelter.services.unit_of_work import unit_of_work
from shelter.tables import uuid7

AT_ONCE = 2_000  # stays in one transaction
BEDS_IN_ROOM = 4
UNITS_AT_SITE = 40
# fmt: off
TREES = (
    "Alder", "Ash", "Aspen", "Bamboo", "Beech", "Birch", "Cedar", "Cherry", "Chestnut", "Cypress", "Ebony",
    "Elder", "Elm", "Fir", "Gingko", "Hawthorn", "Hazel", "Hemlock", "Hickory", "Hornbeam", "Juniper", "Larch",
    "Laurel", "Linden", "Maple", "Mulberry", "Oak", "Olive", "Pear", "Pine", "Plane", "Plum", "Poplar",
    "Quince", "Rowan", "Spruce", "Sumac", "Teak", "Walnut", "Willow", "Yew",
)
# fmt: on
Progress = Callable[[str], None]

_NIGHTS = {
    "postgresql": text(
        "INSERT INTO unit_night (unit_id, night, placement_id, people)"
        " SELECT p.unit_id, n::date, p.id, p.people FROM placement p,"
        " generate_series(p.arrive_on, p.leave_on - 1, interval '1 day') n"
        " WHERE p.id BETWEEN :first AND :last ORDER BY p.unit_id, n"
    ),
    "sqlite": text(
        "WITH RECURSIVE run(unit_id, night, leave_on, id, people) AS ("
        " SELECT unit_id, arrive_on, leave_on, id, people FROM placement WHERE id BETWEEN :first AND :last"
        " UNION ALL SELECT unit_id, date(night, '+1 day'), leave_on, id, people FROM run"
        " WHERE date(night, '+1 day') < leave_on)"
        " INSERT INTO unit_night (unit_id, night, placement_id, people)"
        " SELECT unit_id, night, id, people FROM run ORDER BY unit_id, night"
    ),
}


@dataclass(frozen=True)
class Free:
    """A unit and the days until which it is nobody's."""

    unit_id: int
    site_id: UUID
    capacity: int
    audience: Audience
    first: date
    until: date


def add_sites(units: int, random: Random, *, since: date, sites: int | None = None) -> None:
    """Sites of forty units each, or so many of equal size: apartments, single rooms, shared rooms of four beds."""
    at_site = -(-units // sites) if sites and units else UNITS_AT_SITE
    for number, start in enumerate(range(0, units, at_site)):
        name = TREES[number % len(TREES)] + (f" {number // len(TREES) + 1}" if number >= len(TREES) else "")
        with unit_of_work(SYSTEM):
            site = Site(code_name=name, created_at=clock.now())
            db.session.add(site)
            db.session.flush()
            db.session.add(
                StayPolicyVersion(
                    site_id=site.id,
                    effective_from=BEGINNING,
                    months=6,
                    counting_rule=CountingRule.CIVIL_CODE,
                    extension_months=3,
                    max_extensions=2,
                    decided_by=Role.MANAGER,
                    thresholds=list(usual_thresholds(months=6)),
                    readmission_rule=ReadmissionRule.RESET,
                )
            )
            _add_units(site.id, min(at_site, units - start), random, since)


def _add_units(site_id: UUID, number: int, random: Random, since: date) -> None:
    made = room_number = 0
    while made < number:
        room_number += 1
        is_shared = random.random() < 0.1 and number - made >= BEDS_IN_ROOM
        sharing = Sharing.WOMEN if is_shared else Sharing.HOUSEHOLD
        room = Room(site_id=site_id, label=f"{100 + room_number}", floor="1", sharing=sharing)
        db.session.add(room)
        db.session.flush()
        labels = "ABCD"[:BEDS_IN_ROOM] if is_shared else [room.label]
        capacity = 1 if is_shared else random.choice((1, 1, 2, 4, 4, 5, 6))
        pets = random.choice((0, 0, 0, 2)) if not is_shared else 0
        for label in labels:
            db.session.add(
                Unit(
                    site_id=site_id,
                    room_id=room.id,
                    label=label,
                    capacity=capacity,
                    pets_allowed=PetsAllowed.ANY if pets else PetsAllowed.NONE,
                    max_pets=pets,
                    is_step_free=random.random() < 0.2,
                    has_cot=capacity > 3,
                    audience=Audience.WOMEN if capacity == 1 else Audience.ANY,
                    in_service_from=since,
                )
            )
        made += len(labels)


def add_stays(
    since: date, *, stays: int | None, is_in_house_today: bool, random: Random, progress: Progress = lambda _: None
) -> int:
    """Fill the nights nobody has, from `since` on; how many stays. `stays` sets how long one lasts on average.

    `is_in_house_today`: whoever is there on the last day stays on; otherwise the last days before today are free.
    """
    runs = _free_runs(since) if is_in_house_today else [_ended(run, random) for run in _free_runs(since)]
    nights = sum((run.until - run.first).days for run in runs)
    length = max(2, round(nights * 0.82 / stays)) if stays else 32
    known = set(db.session.scalars(select(Household.reference)))
    db.session.rollback()
    terms = _Terms()
    made, batch = 0, []
    for planned in _plan(runs, length, is_in_house_today=is_in_house_today, random=random):
        batch.append(planned)
        if len(batch) == AT_ONCE:
            made += _write(batch, known, terms, random)
            progress(f"{made} stays")
            batch = []
    made += _write(batch, known, terms, random)
    return made


def _free_runs(since: date) -> list[Free]:
    """Each unit's nights up to the first that has an owner, or to today."""
    today = clock.shelter_day()
    taken = select(UnitNight.unit_id, func.min(UnitNight.night).label("first")).where(UnitNight.night >= since)
    first = taken.group_by(UnitNight.unit_id).subquery()
    rows = (
        select(Unit.id, Unit.site_id, Unit.capacity, Unit.audience, Unit.in_service_from, first.c.first)
        .outerjoin(first, first.c.unit_id == Unit.id)
        .order_by(Unit.id)
    )
    runs = [
        Free(unit_id, site_id, capacity, audience, max(since, service_from), min(owned or today, today))
        for unit_id, site_id, capacity, audience, service_from, owned in db.session.execute(rows)
    ]
    db.session.rollback()
    return [run for run in runs if run.until > run.first]


def _ended(run: Free, random: Random) -> Free:
    """Nobody is here today: the last ones left some time ago."""
    days = min((run.until - run.first).days - 1, random.randint(1, 50))
    return replace(run, until=run.until - timedelta(days=days))


@dataclass(frozen=True)
class _Planned:
    free: Free
    arrive_on: date
    leave_on: date
    is_here: bool


def _plan(runs: Sequence[Free], length: int, *, is_in_house_today: bool, random: Random) -> Iterator[_Planned]:
    """In the order of the units: the ledger is written in the order of its key."""
    today = clock.shelter_day()
    for run in runs:
        day = run.first + timedelta(days=random.randint(0, length // 2))
        while day < run.until:
            nights = max(1, min(175, round(random.expovariate(1 / length))))
            leave_on = day + timedelta(days=nights)
            if leave_on > run.until:
                if is_in_house_today and run.until == today:
                    yield _Planned(run, day, max(leave_on, today + timedelta(days=1)), is_here=True)
                elif (run.until - day).days > 1:
                    yield _Planned(run, day, run.until, is_here=False)
                break
            yield _Planned(run, day, leave_on, is_here=False)
            day = leave_on + timedelta(days=min(21, round(random.expovariate(1 / max(1.0, length * 0.2)))))


class _Terms:
    """Which policy a site has, and what limit it gives: asked once for each."""

    def __init__(self) -> None:
        self._policy: dict[UUID, StayPolicyVersion] = {}
        self._limit: dict[tuple[int, date], date] = {}

    def of(self, site_id: UUID, day: date) -> tuple[int, date]:
        if site_id not in self._policy:
            self._policy[site_id] = policies.in_force(site_id, day)
            db.session.expunge(self._policy[site_id])
        policy = self._policy[site_id]
        key = (policy.id, day)
        if key not in self._limit:
            self._limit[key] = policies.limit_for(policy, day)
        return policy.id, self._limit[key]


def _write(batch: Sequence[_Planned], known: set[str], terms: _Terms, random: Random) -> int:
    """One transaction: households, stays, placements, nights, history."""
    if not batch:
        return 0
    with unit_of_work(SYSTEM):
        first = (db.session.scalar(select(func.max(Placement.id))) or 0) + 1
        rows = [_rows(planned, first + n, known, terms, random) for n, planned in enumerate(batch)]
        for model, of in (
            (Household, "household"),
            (Person, "people"),
            (Stay, "stay"),
            (Placement, "placement"),
            (PlacementMember, "members"),
            (StayEvent, "events"),
        ):
            values = [value for row in rows for value in row[of]]
            db.session.execute(insert(model.__table__), values)  # type: ignore[arg-type]
        dialect = db.engine.dialect.name
        db.session.execute(_NIGHTS[dialect], {"first": first, "last": first + len(batch) - 1})
        if dialect == "postgresql":  # the ids were chosen here
            db.session.execute(text("SELECT setval(pg_get_serial_sequence('placement', 'id'), max(id)) FROM placement"))
    return len(batch)


def _rows(planned: _Planned, placement_id: int, known: set[str], terms: _Terms, random: Random) -> dict[str, list[Any]]:
    household_id, stay_id = uuid7(), uuid7()
    reference = references.new_reference(random)
    while reference in known:
        reference = references.new_reference(random)
    known.add(reference)
    arrived = clock.instant(planned.arrive_on, 15 + random.randint(0, 7), random.randint(0, 59))
    left = None if planned.is_here else clock.instant(planned.leave_on, 10)
    policy_id, limit_on = terms.of(planned.free.site_id, planned.arrive_on)
    leave_on = min(planned.leave_on, limit_on)
    people = random.randint(1, min(4, planned.free.capacity))
    adult = (Sex.MALE if planned.free.audience is Audience.MEN else Sex.FEMALE, AgeBand.ADULT)
    heads = [adult, *(random.choice(_CHILDREN) for _ in range(people - 1))]
    persons = [uuid7() for _ in heads]
    way = None if left is None else (random.choice(_EXITS), random.choice(_DESTINATIONS))
    happened: list[tuple[str, datetime, dict[str, Any]]] = [("checked_in", arrived, {"limit_on": limit_on.isoformat()})]
    if left and way:
        happened.append(("checked_out", left, {"exit_reason": way[0], "destination": way[1], "is_over": True}))
    return {
        "household": [
            {
                "id": household_id,
                "reference": reference,
                "needs_step_free": False,
                "needs_cot": False,
                "created_at": arrived,
            }
        ],
        "people": [
            {"id": person, "household_id": household_id, "position": n, "sex": sex, "age_band": age, "allergies": []}
            for n, (person, (sex, age)) in enumerate(zip(persons, heads, strict=True), 1)
        ],
        "stay": [
            {
                "id": stay_id,
                "household_id": household_id,
                "number": 1,
                "state": StayState.IN_HOUSE if left is None else StayState.ENDED,
                "arrive_on": planned.arrive_on,
                "policy_id": policy_id,
                "limit_on": limit_on,
                "checked_in_at": arrived,
                "ended_at": left,
                "exit_reason": way and way[0],
                "destination": way and way[1],
                "is_imported": False,
                "created_at": arrived,
            }
        ],
        "placement": [
            {
                "id": placement_id,
                "stay_id": stay_id,
                "unit_id": planned.free.unit_id,
                "state": PlacementState.IN_HOUSE if left is None else PlacementState.ENDED,
                "arrive_on": planned.arrive_on,
                "leave_on": leave_on,
                "people": people,
                "is_renewed": False,
                "is_on_the_way": False,
                "expected_at": arrived,
                "confirmed_at": arrived - timedelta(hours=2),
                "received_at": arrived - timedelta(hours=2),
                "arrived_at": arrived,
                "occupied_from": planned.arrive_on,
                "left_at": left,
                "created_at": arrived - timedelta(hours=3),
            }
        ],
        "members": [{"placement_id": placement_id, "person_id": person} for person in persons],
        "events": [
            {"id": uuid7(), "stay_id": stay_id, "at": at, "happened_at": at, "kind": kind, "data": data}
            for kind, at, data in happened
        ],
    }


_CHILDREN = (
    (Sex.FEMALE, AgeBand.CHILD),
    (Sex.MALE, AgeBand.CHILD),
    (Sex.FEMALE, AgeBand.INFANT),
    (Sex.MALE, AgeBand.OLDER_BOY),
)
_EXITS = (ExitReason.PLANNED, ExitReason.PLANNED, ExitReason.OWN_WISH, ExitReason.OTHER_PROGRAMME)
_DESTINATIONS = (Destination.NEW_HOME, Destination.FAMILY, Destination.LONG_TERM_SHELTER, Destination.PUBLIC_HOUSING)
