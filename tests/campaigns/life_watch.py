"""Looking at the tables from outside, beside the plain model; and stopping an act in the middle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, event

from shelter.domain import limits
from shelter.extensions import db
from shelter.queries.ledger_check import Checked, differences
from tests.campaigns.life_house import DAY, House, Placement, Stay, span
from tests.support.databases import Database

OFFSET = timedelta(hours=9)  # of the shelter's wall clock: it knows no summer time
MADE_BY_ACTS = (
    *("unit_night", "placement_member", "stay_flag", "task", "stay_event", "extension", "message", "placement"),
    *("stay", "closure", "safety_exclusion", "contact_number", "safe_contact", "pet", "person", "household"),
    *("idempotent_act", "audit_entry"),
)
_PLACEMENTS = (
    "SELECT p.id, p.stay_id, s.household_id, h.reference, s.number, p.unit_id, p.state, p.arrive_on, p.leave_on,"
    " p.people, (SELECT count(*) FROM placement_member m WHERE m.placement_id = p.id), p.held_until, p.is_renewed,"
    " p.is_on_the_way, p.arrived_at, p.occupied_from, p.left_at FROM placement p JOIN stay s ON s.id = p.stay_id"
    " JOIN household h ON h.id = s.household_id ORDER BY p.id"
)
_STAYS = (
    "SELECT s.id, s.state, s.arrive_on, s.limit_on, s.checked_in_at, s.ended_at,"
    " (SELECT count(*) FROM extension e WHERE e.stay_id = s.id AND e.decision = 'granted'),"
    " (SELECT count(*) FROM extension e WHERE e.stay_id = s.id AND e.decision = 'requested') FROM stay s"
)
_NIGHTS = "SELECT placement_id, closure_id, unit_id, night, people FROM unit_night"
_CLOSURES = "SELECT id, unit_id, from_on, until_on FROM closure ORDER BY id"
_LAST_TWO = (
    "SELECT m.placement_id, n.position FROM placement_member m JOIN person n ON n.id = m.person_id"
    " WHERE m.placement_id IN (SELECT id FROM placement ORDER BY id DESC LIMIT 2) ORDER BY 1, 2"
)
_FLAGS = "SELECT stay_id, limit_on, threshold FROM stay_flag"


class Differs(AssertionError):
    """The tables say something else than the model."""


class Crash(BaseException):
    """The end of a process, wherever it is just then: nobody's `except Exception` sees it."""


@lru_cache(maxsize=4096)
def _day(text: str) -> date:
    return date.fromisoformat(text)


@lru_cache(maxsize=4096)
def _wall(text: str) -> datetime:
    return datetime.fromisoformat(text) + OFFSET


def _id(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


class Watch:
    """Reads with a connection of its own, so that only what was committed is seen."""

    def __init__(self, database: Database, units: list[int]) -> None:
        self._is_text = database.dialect == "sqlite"
        self._connection = database.connect()
        self._units = {unit: number for number, unit in enumerate(units)}
        self.stay_ids: dict[Stay, UUID] = {}
        self.household_ids: dict[Any, UUID] = {}

    def close(self) -> None:
        self._connection.close()

    def forget(self) -> None:
        """Everything that acts have made is deleted; the house itself stays."""
        self.stay_ids, self.household_ids = {}, {}
        run = self._connection.execute
        run("BEGIN IMMEDIATE" if self._is_text else "BEGIN")
        for table in MADE_BY_ACTS:
            run(f"DELETE FROM {table}")
        run("UPDATE unit SET in_service_until = NULL")
        run(f"UPDATE site SET is_paused = {0 if self._is_text else 'false'}")
        run("COMMIT")

    def rows(self, asked: str) -> list[Any]:
        return self._connection.execute(asked).fetchall()

    def day(self, value: Any) -> Any:
        return _day(value) if self._is_text and value is not None else value

    def wall(self, value: Any) -> Any:
        if value is None:
            return None
        return _wall(value) if self._is_text else value.astimezone(UTC).replace(tzinfo=None) + OFFSET

    def divided(self) -> list[list[int]]:
        """Who of a household, by position, is in which of the two rooms placed last."""
        found: dict[int, list[int]] = defaultdict(list)
        for placement_id, position in self.rows(_LAST_TWO):
            found[placement_id].append(position)
        return list(found.values())

    # The comparison

    def compare(self, house: House) -> None:
        """Every row of stays, placements, closures and nights is what the model says, and there is no other."""
        found = self.rows(_PLACEMENTS)
        self._same("number of placements", len(house.placements), len(found))
        closures = self.rows(_CLOSURES)
        self._same("number of closures", len(house.closures), len(closures))
        placement_nights, closure_nights = self._nights()
        for p, row in zip(house.placements, found, strict=True):
            self._know(p, row)
            nights = placement_nights.pop(p.row, frozenset())
            self._same(
                f"placement {p.row} of {p.stay.name}",
                (self.stay_ids[p.stay], *_facts(p), p.heads, len(p.people), p.held_until, p.is_renewed, p.is_coming,
                 {(p.unit.number, night, p.heads) for night in p.nights}),
                (_id(row[1]), self._units[row[5]], row[6], self.day(row[7]), self.day(row[8]), self.wall(row[14]),
                 self.day(row[15]), self.wall(row[16]), row[9], row[10], self.wall(row[11]), bool(row[12]),
                 bool(row[13]), nights),
            )  # fmt: skip
        for closure, row in zip(house.closures, closures, strict=True):
            closure.row = row[0]
            self._same(
                f"closure {row[0]}",
                (closure.unit.number, closure.first, closure.until,
                 {(closure.unit.number, night, 0) for night in closure.nights}),
                (self._units[row[1]], self.day(row[2]), self.day(row[3]), closure_nights.pop(row[0], frozenset())),
            )  # fmt: skip
        self._same("nights of nobody", ({}, {}), (placement_nights, closure_nights))
        self._compare_stays(house)

    def _compare_stays(self, house: House) -> None:
        rows = {_id(row[0]): row for row in self.rows(_STAYS)}
        self._same("stays", {self.stay_ids[stay] for stay in house.stays}, set(rows))
        for stay in house.stays:
            row = rows[self.stay_ids[stay]]
            self._same(
                f"stay {stay.name}",
                (stay.state, stay.arrive_on, stay.limit_on, stay.checked_in, stay.ended, stay.granted, stay.is_asked,
                 house.days_left(stay)),
                (row[1], self.day(row[2]), self.day(row[3]), self.wall(row[4]), self.wall(row[5]), row[6],
                 bool(row[7]), limits.days_left(self.day(row[3]), house.today)),
            )  # fmt: skip

    def _nights(self) -> tuple[dict[int, set[Any]], dict[int, set[Any]]]:
        placements: dict[int, set[Any]] = defaultdict(set)
        closures: dict[int, set[Any]] = defaultdict(set)
        for placement_id, closure_id, unit_id, night, people in self.rows(_NIGHTS):
            owner, number = (placements, placement_id) if closure_id is None else (closures, closure_id)
            owner[number].add((self._units[unit_id], self.day(night), people))
        return dict(placements), dict(closures)

    def _know(self, p: Placement, row: Any) -> None:
        """What only the tables can say: the numbers and the reference of what is new."""
        p.row = row[0]
        if p.stay not in self.stay_ids:
            p.stay.name = f"{row[3]}-{row[4]}"
            p.stay.household.name = row[3]
            self.stay_ids[p.stay], self.household_ids[p.stay.household] = _id(row[1]), _id(row[2])

    @staticmethod
    def _same(what: str, model: Any, tables: Any) -> None:
        if model != tables:
            raise Differs(f"{what}:\n  model  {_shown(model)}\n  tables {_shown(tables)}")

    def compare_flags(self, house: House) -> None:
        found = {(_id(stay), self.day(limit), threshold) for stay, limit, threshold in self.rows(_FLAGS)}
        self._same("flags", {(self.stay_ids[stay], limit, n) for stay, limit, n in house.flags}, found)

    # What is said of the ledger

    def verify(self, house: House) -> int:
        """`flask ledger verify` names exactly the nights nobody has written down yet; how many rows it looked at."""
        missing = set()
        for p in house.placements:
            if house.is_late(p):
                late = span(max(p.leave_on, house.start), house.tonight)
                unwritten = tuple(n for n in sorted(late - p.nights) if not house.is_taken(p.unit, frozenset([n]), p))
                if unwritten:
                    missing.add((f"stay {p.stay.name}, placement {p.row} (in_house)", "missing", unwritten))
        checked = Checked()
        try:
            found = {(found.owner, found.kind.value, found.nights) for found in differences(checked)}
        finally:
            db.session.rollback()
        self._same("differences named", missing, found)
        return checked.placements + checked.closures + checked.nights


def _facts(p: Placement) -> tuple[Any, ...]:
    return (p.unit.number, p.state, p.arrive_on, p.leave_on, p.arrived, p.occupied_from, p.left)


def _shown(value: Any) -> str:
    """Short enough to be read, and always in one order."""
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(_shown(item) for item in value)) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(_shown(item) for item in value) + ")"
    return str(value)


@contextmanager
def stopping(engine: Engine, at: int, *, is_cut: bool) -> Iterator[None]:
    """The process ends before statement number `at`, or for 0 before COMMIT. `is_cut`: the connection goes with it."""
    done = 0

    def strike(connection: Any) -> None:
        if is_cut:
            connection.invalidate()
        raise Crash

    def before_statement(connection: Any, *_: Any) -> None:
        nonlocal done
        done += 1
        if done == at:
            strike(connection)

    def before_commit(connection: Any) -> None:
        if at == 0:
            strike(connection)

    event.listen(engine, "before_cursor_execute", before_statement)
    event.listen(engine, "commit", before_commit)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", before_statement)
        event.remove(engine, "commit", before_commit)


__all__ = ["DAY", "Crash", "Differs", "Watch", "stopping"]
