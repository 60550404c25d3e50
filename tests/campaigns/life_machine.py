"""Everything that can happen in a house, in any order: each act is done by the product and by the plain model.

`Doing` is how an act is done and judged; the rules are in `life_rules.py`.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ClassVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shelter import clock
from shelter.domain.errors import ConstraintRefused, DatabaseBusy, DomainError
from shelter.domain.limits import ReadmissionRule
from shelter.domain.matching import PetsAllowed
from shelter.domain.permissions import Role
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.sites import StayPolicyVersion
from shelter.services.unit_of_work import Once
from shelter.services.units_import import ListRefused
from tests.campaigns.life_house import Placement, Site, Stay, Terms, Unit
from tests.campaigns.life_stays import Stays
from tests.campaigns.life_watch import Crash, Differs, Watch, stopping
from tests.conftest import Clock
from tests.factories import make_beds, make_room, make_site, make_unit, make_user
from tests.support.databases import Database

SOME = st.integers(0, 999)
DAY = timedelta(days=1)
# The end of February with and without a 29th, of a month of 31 days, of a year; 31 August.
BEGINNINGS = ("2026-03-10", "2026-01-29", "2026-08-24", "2026-12-27", "2028-02-26", "2026-10-30")
MAGNOLIA = Terms(days=20, step_days=7)
JUNIPER = Terms(months=1, step_months=1, counts_earlier=True)
ONE_RUNNING = "uq_stay_one_running_per_household"  # what the database itself refuses, with a sentence of its own
_numbers = itertools.count(1)


class Ground:
    """The house as it stands, built once; only what happens in it is deleted between two runs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.clock, self.engine = clock, db.engine
        magnolia = make_site("Magnolia", days=20, max_extensions=2)
        juniper = make_site("Juniper", months=1, max_extensions=2, readmission_rule=ReadmissionRule.CUMULATIVE)
        rooms = [
            make_unit(make_room(magnolia, "101"), "101", capacity=3),
            make_unit(make_room(magnolia, "102"), "102", capacity=2, pets_allowed=PetsAllowed.SMALL),
            *make_beds(magnolia, 2),
            make_unit(make_room(juniper, "1"), "1", capacity=2),
        ]
        rooms[3].capacity = 2  # a mother with a child
        for version in db.session.query(StayPolicyVersion):
            version.extension_days, version.extension_months = (7, None) if version.days else (None, 1)
        db.session.commit()
        self.units = [unit.id for unit in rooms]
        self.sites = {"Magnolia": magnolia.id, "Juniper": juniper.id}
        self.names = [("Magnolia", "101", ""), ("Magnolia", "102", ""), *self._beds(rooms[2:4]), ("Juniper", "1", "")]
        self.by = make_user(sites=self.sites.values()).principal
        self.admin, self.boss = make_user(Role.ADMINISTRATOR).principal, make_user(Role.MANAGER).principal
        self.watch = Watch(database, self.units)
        self.runs: list[int] = []  # how many steps each had
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.also: Counter[str] = Counter()  # what was looked at

    @staticmethod
    def _beds(beds: list[Any]) -> list[tuple[str, str, str]]:
        return [("Magnolia", bed.room.label, bed.label) for bed in beds]

    def fresh(self, wall: datetime) -> Stays:
        """Empty again, at that time; and the model of it."""
        db.session.rollback()
        self.watch.forget()
        self.clock.set(wall)
        start = wall.date() - DAY
        db.session.get_one(Installation, 1).live_from = start
        db.session.commit()
        magnolia, juniper = Site("Magnolia", MAGNOLIA), Site("Juniper", JUNIPER)
        units = [
            Unit(0, magnolia, "101", 3),
            Unit(1, magnolia, "102", 2, takes_pets=True),
            Unit(2, magnolia, "beds", 1, is_for_women=True),
            Unit(3, magnolia, "beds", 2, is_for_women=True),
            Unit(4, juniper, "1", 2),
        ]
        return Stays(wall, start, [magnolia, juniper], units)

    def close(self) -> None:
        self.watch.close()


RULES: list[str] = []  # the names of all, whether they happened or not


def happens(when: Callable[[Any], bool] | None = None, **drawn: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule, counted under its name."""

    def mark(function: Callable[..., None]) -> Any:
        RULES.append(function.__name__)

        @wraps(function)
        def counted(self: Doing, **values: Any) -> None:
            self.doing, self.is_seen = function.__name__, False
            self.steps += 1
            function(self, **values)

        made = rule(**drawn)(counted)
        return precondition(lambda self: self.is_built and when(self))(made) if when else made

    return mark


class Everything:
    """All rules at once. Hypothesis leaves most of them out of most runs, which goes deep but seldom gets far."""

    def is_enabled(self, _rule: str) -> bool:
        return True


class Doing(RuleBasedStateMachine):
    """How an act is done, stopped in the middle, done again, and judged."""

    ground: ClassVar[Ground]

    def __init__(self) -> None:
        super().__init__()
        some_rules = self._rules_strategy.enabled_rules_strategy
        mixed = st.one_of(st.just(Everything()), st.just(Everything()), some_rules)
        self._rules_strategy.enabled_rules_strategy = st.shared(mixed, key=("all rules or some", id(self)))
        self.is_built = self.is_seen = False
        self.doing = ""
        self.fault: tuple[int, bool] | None = None
        self.steps = 0

    def build(self, begins: str) -> None:
        self.house = self.ground.fresh(datetime.fromisoformat(begins) + timedelta(hours=12))
        self.is_built = True

    # Finding somebody

    def some(self, number: int, *states: str, of: tuple[str, ...] = ()) -> Placement:
        fitting = self.those(*states, of=of)
        return fitting[number % len(fitting)]

    def those(self, *states: str, of: tuple[str, ...] = ()) -> list[Placement]:
        return [p for p in self.house.placements if p.state in states and (not of or p.stay.state in of)]

    def id_of(self, stay: Stay) -> UUID:
        return self.ground.watch.stay_ids[stay]

    @staticmethod
    def at(wall: datetime) -> datetime:
        return wall.replace(tzinfo=clock.timezone())

    # An act

    def act(
        self,
        model: Callable[[], object],
        real: Callable[[Once | None], Any],
        *,
        has_key: bool = True,
        is_one: bool = True,
    ) -> bool:
        """Both do it, or both refuse it. `has_key`: it may be sent again; `is_one`: it is one transaction."""
        self.to(self.house.wall + timedelta(seconds=1))
        once = Once(f"act-{next(_numbers)}", "the same body") if has_key else None
        is_stopped = self._is_stopped(real, once, is_one=is_one)
        refused = self._refused(real, once)
        is_right = self.house.does(model)
        if is_right and refused is not None:
            raise Differs(f"{self.doing}: refused with {refused!r}, and it is right") from refused
        if not is_right and refused is None:
            raise Differs(f"{self.doing}: done, and it must be refused")
        if is_stopped and is_right and once is not None and self._refused(real, once) is not None:
            raise Differs(f"{self.doing}: refused when it was sent again")
        (self.ground.done if is_right else self.ground.refused)[self.doing] += 1
        self.look()
        return is_right

    def _is_stopped(self, real: Callable[[Once | None], Any], once: Once | None, *, is_one: bool) -> bool:
        """With a fault in store: begun, and ended in the middle. Nothing of it may be there."""
        if self.fault is None:
            return False
        (at, is_cut), self.fault = self.fault, None
        try:
            with stopping(self.ground.engine, at, is_cut=is_cut):
                real(once)
        except Crash:
            db.session.remove()
            self.ground.also["stopped before commit" if at == 0 else "stopped at a statement"] += 1
            if is_one:
                self.look()
            return True
        except (DomainError, ListRefused):
            return False
        db.session.remove()
        return once is not None

    def _refused(self, real: Callable[[Once | None], Any], once: Once | None) -> Exception | None:
        try:
            real(once)
        except (DomainError, ListRefused) as refused:
            is_named = isinstance(refused, ConstraintRefused) and refused.name == ONE_RUNNING
            if isinstance(refused, (DatabaseBusy, ConstraintRefused)) and not is_named:
                raise Differs(f"{self.doing}: {refused!r}") from refused
            return refused
        finally:
            if db.session.registry().in_transaction():
                raise Differs(f"{self.doing}: left its transaction open")
            db.session.remove()
        return None

    def to(self, wall: datetime) -> None:
        self.house.wall = wall
        self.ground.clock.set(wall)

    # What must hold after every step

    def look(self) -> None:
        watch, self.is_seen = self.ground.watch, True
        watch.compare(self.house)
        self.ground.also["rows verified"] += watch.verify(self.house)
        self.ground.also["comparisons"] += 1
        self.nobody_is_anywhere_twice()
        self.nothing_is_planned_past_the_limit()

    @invariant()
    def tables_and_model_agree(self) -> None:
        if self.is_built and not self.is_seen:
            self.look()

    def nobody_is_anywhere_twice(self) -> None:
        house = self.house
        here = [p.unit for p in house.placements if p.state == "in_house"]
        running = [stay.household for stay in house.stays if stay.state in ("open", "in_house")]
        nights = [(p.unit, night) for p in house.placements for night in p.nights]
        nights += [(closure.unit, night) for closure in house.closures for night in closure.nights]
        for what in (here, running, nights):
            if len(set(what)) < len(what):
                raise Differs(f"twice: {what}")

    def nothing_is_planned_past_the_limit(self) -> None:
        """Only whoever stays on is past it, night by night."""
        for p in self.house.placements:
            if p.state in ("held", "booked", "no_show", "in_house"):
                latest = max(p.stay.limit_on, p.occupied_from + DAY) if p.occupied_from else p.stay.limit_on
                late = {night for night in p.nights if night >= latest}
                if late and (p.state != "in_house" or max(late) > self.house.tonight):
                    raise Differs(f"planned past {p.stay.limit_on}: {p}")
                if p.stay.state not in ("open", "in_house"):
                    raise Differs(f"a room of a stay that is over: {p}")

    def teardown(self) -> None:
        db.session.remove()
        self.ground.runs.append(self.steps)
