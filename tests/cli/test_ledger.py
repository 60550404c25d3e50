"""`flask ledger verify` on a live database: every fault that is planted is named, and nothing else is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event

from shelter.domain.stays import PlacementState
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.stays import Stay
from tests.conftest import Clock
from tests.factories import make_closure, make_room, make_site, make_stay, make_unit
from tests.support.databases import Database

P = PlacementState
INSERT = "INSERT INTO unit_night (unit_id, night, placement_id, closure_id, people) VALUES "
HERE, COMING, OVER, LATE = "stay {here}, placement", "stay {coming}, placement", "stay {over}, placement", "stay {late}"
CLOSED = "closure {closure}, unit Magnolia 103"

# What is planted, with what the command must say: for each of its lines how it begins and what is in it.
PLANTED: dict[str, tuple[list[str], list[tuple[str, str]]]] = {
    "the first night is lost": (
        ["DELETE FROM unit_night WHERE placement_id = {p_coming} AND night = '2026-03-12'"],
        [(COMING, "unit Magnolia 102: 1 nights missing in the ledger: 2026-03-12")],
    ),
    "a night in the middle is lost": (
        ["DELETE FROM unit_night WHERE placement_id = {p_coming} AND night = '2026-03-15'"],
        [(COMING, "1 nights missing in the ledger: 2026-03-15")],
    ),
    "the last night is lost": (
        ["DELETE FROM unit_night WHERE placement_id = {p_coming} AND night = '2026-03-19'"],
        [(COMING, "1 nights missing in the ledger: 2026-03-19")],
    ),
    "all nights are lost": (
        ["DELETE FROM unit_night WHERE placement_id = {p_coming}"],
        [(COMING, "8 nights missing in the ledger: 2026-03-12 to 2026-03-19")],
    ),
    "a night after the last": (
        [INSERT + "({u_coming}, '2026-03-20', {p_coming}, NULL, 1)"],
        [(COMING, "1 nights too many in the ledger: 2026-03-20")],
    ),
    "a night before the first": (
        [INSERT + "({u_coming}, '2026-03-11', {p_coming}, NULL, 1)"],
        [(COMING, "1 nights too many in the ledger: 2026-03-11")],
    ),
    "a day of leaving that was only written at the placement": (
        ["UPDATE placement SET leave_on = '2026-03-22' WHERE id = {p_coming}"],
        [(COMING, "2 nights missing in the ledger: 2026-03-20 to 2026-03-21")],
    ),
    "nights not given back when a booking was cancelled": (
        [
            "UPDATE placement SET state = 'cancelled' WHERE id = {p_coming}",
            "UPDATE stay SET state = 'cancelled', cancel_reason = 'other' WHERE id = '{s_coming}'",
        ],
        [(COMING, "(cancelled), unit Magnolia 102: 8 nights too many in the ledger")],
    ),
    "a night not given back by whoever left": (
        [INSERT + "({u_over}, '2026-03-08', {p_over}, NULL, 1)"],
        [(OVER, "(ended), unit Magnolia 104: 1 nights too many in the ledger: 2026-03-08")],
    ),
    "a past night of whoever stays on is lost": (
        ["DELETE FROM unit_night WHERE placement_id = {p_late} AND night = '2026-03-08'"],
        [(LATE, "1 nights missing in the ledger: 2026-03-08")],
    ),
    "a planned night was given to the next household": (
        ["UPDATE unit_night SET placement_id = {p_next} WHERE unit_id = {u_here} AND night = '2026-03-13'"],
        [
            (HERE, "1 nights missing in the ledger: 2026-03-13"),
            ("stay {next}", "1 nights too many in the ledger: 2026-03-13"),
        ],
    ),
    "another number of people in the ledger": (
        ["UPDATE unit_night SET people = 3 WHERE placement_id = {p_here} AND night = '2026-03-09'"],
        [(HERE, "1 nights with another number of people: 2026-03-09")],
    ),
    "another number of people at the placement": (
        ["UPDATE placement SET people = 2 WHERE id = {p_here}"],
        [(HERE, "10 nights with another number of people: 2026-03-05 to 2026-03-14")],
    ),
    "another unit at the placement": (
        ["UPDATE placement SET unit_id = {u_over} WHERE id = {p_coming}"],
        [
            (COMING, "unit Magnolia 104: 8 nights missing in the ledger"),
            (COMING, "unit Magnolia 104: 8 nights written for another unit"),
        ],
    ),
    "a placement is gone": (
        ["DELETE FROM placement_member WHERE placement_id = {p_coming}", "DELETE FROM placement WHERE id = {p_coming}"],
        [("placement {p_coming}, unit Magnolia 102", "8 nights of an owner that is not there: 2026-03-12")],
    ),
    "nights of before the start": (
        ["UPDATE installation SET live_from = '2026-03-02'"],
        [(OVER, "1 nights too many in the ledger: 2026-03-01"), (LATE, "1 nights too many in the ledger: 2026-03-01")],
    ),
    "a night of a closure is lost": (
        ["DELETE FROM unit_night WHERE closure_id = {closure} AND night = '2026-03-11'"],
        [(CLOSED, "1 nights missing in the ledger: 2026-03-11")],
    ),
    "a night of a closure too many": (
        [INSERT + "({u_closed}, '2026-03-15', NULL, {closure}, 0)"],
        [(CLOSED, "1 nights too many in the ledger: 2026-03-15")],
    ),
    "another unit at a closure": (
        ["UPDATE closure SET unit_id = {u_over} WHERE id = {closure}"],
        [
            ("closure {closure}, unit Magnolia 104", "5 nights missing in the ledger"),
            ("closure {closure}, unit Magnolia 104", "5 nights written for another unit"),
        ],
    ),
    "a closure is gone": (
        ["DELETE FROM closure WHERE id = {closure}"],
        [(CLOSED, "5 nights of an owner that is not there: 2026-03-10 to 2026-03-14")],
    ),
    "a stay is over and keeps a room": (
        ["UPDATE stay SET state = 'cancelled', cancel_reason = 'other' WHERE id = '{s_coming}'"],
        [("stay {coming} (cancelled)", "its placements are in other states")],
    ),
    "in the house before the stay began": (
        ["UPDATE placement SET state = 'in_house', occupied_from = arrive_on WHERE id = {p_coming}"],
        [("stay {coming} (open)", "its placements are in other states")],
    ),
    "a stay goes on without a room": (
        ["UPDATE placement SET state = 'booked' WHERE id = {p_here}"],
        [("stay {here} (in_house)", "its placements are in other states")],
    ),
    "two households in the house in one unit": (
        [
            "UPDATE placement SET state = 'in_house', occupied_from = arrive_on WHERE id = {p_next}",
            "UPDATE stay SET state = 'in_house', checked_in_at = created_at WHERE id = '{s_next}'",
        ],
        [("stay {next}, placement", "unit Magnolia 101: somebody else is in the house in the same unit")],
    ),
}


@pytest.fixture
def names(context: Flask, frozen_clock: Clock, dialect: str) -> dict[str, object]:
    """On 10 March: here until the 15th, then the next one; coming on the 12th; gone on the 8th; due to leave then."""
    db.session.get_one(Installation, 1).live_from = date(2026, 1, 1)
    site = make_site("Magnolia")
    units = [make_unit(make_room(site, str(n)), str(n)) for n in range(101, 106)]
    stays: dict[str, Stay] = {
        "here": make_stay(units[0], state=P.IN_HOUSE, arrive_on=day(5), leave_on=day(15)),
        "next": make_stay(units[0], arrive_on=day(16), leave_on=day(20)),
        "coming": make_stay(units[1], arrive_on=day(12), leave_on=day(20)),
        "over": make_stay(units[3], state=P.ENDED, arrive_on=day(1), leave_on=day(8)),
        "late": make_stay(units[4], state=P.IN_HOUSE, arrive_on=day(1), leave_on=day(11)),
    }
    closure = make_closure(units[2], from_on=day(10), until_on=day(15))
    stays["late"].placements[0].leave_on = day(8)  # and the nights since then were added as they came
    stays["over"].placements[0].left_at = stays["over"].ended_at
    found: dict[str, object] = {"closure": closure.id, "u_closed": closure.unit_id}
    for name, stay in stays.items():
        (placement,) = stay.placements
        stay_id = stay.id if dialect == "postgresql" else stay.id.hex
        found |= {name: f"{stay.household.reference}-1", f"s_{name}": stay_id}
        found |= {f"p_{name}": placement.id, f"u_{name}": placement.unit_id}
    db.session.commit()
    db.session.remove()
    return found


def day(number: int) -> date:
    return date(2026, 3, number)


def plant(database: Database, statements: list[str]) -> None:
    """With a connection that looks after no foreign keys, as a hand at the wrong place has it."""
    connection = database.connect()
    if database.dialect == "postgresql":
        connection.execute("SET session_replication_role = replica")
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_a_ledger_that_agrees_is_said_to(app: Flask, names: dict[str, object]) -> None:
    done = app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "The ledger agrees."), done.output


def test_what_is_written_while_it_reads_is_no_difference(
    app: Flask, database: Database, names: dict[str, object]
) -> None:
    """Whoever was due to leave is given until the 15th, after the placements and before their nights were read."""
    nights = ", ".join(f"({{u_late}}, '2026-03-{n}', {{p_late}}, NULL, 1)" for n in range(11, 15))
    given = ["UPDATE placement SET leave_on = '2026-03-15' WHERE id = {p_late}", INSERT + nights]
    written = []

    def write(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "GROUP BY placement.id" in statement and not written:
            written.append(statement)
            plant(database, [each.format(**names) for each in given])

    event.listen(Engine, "after_cursor_execute", write)
    try:
        done = app.test_cli_runner().invoke(args=["ledger", "verify"])
    finally:
        event.remove(Engine, "after_cursor_execute", write)
    assert written
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "The ledger agrees."), done.output
    again = app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert (again.exit_code, again.stdout.splitlines()[-1]) == (0, "The ledger agrees."), again.output


@pytest.mark.parametrize("fault", list(PLANTED))
def test_a_planted_fault_is_named(app: Flask, database: Database, names: dict[str, object], fault: str) -> None:
    statements, expected = PLANTED[fault]
    plant(database, [statement.format(**names) for statement in statements])
    done = app.test_cli_runner().invoke(args=["ledger", "verify"])
    said = done.stdout.splitlines()[:-1]
    assert (done.exit_code, len(said)) == (1, len(expected)), done.output
    assert f"{len(expected)} differences." in done.stderr
    for line, (begins, has) in zip(said, expected, strict=True):
        assert line.startswith(begins.format(**names)), done.output
        assert has.format(**names) in line, done.output
