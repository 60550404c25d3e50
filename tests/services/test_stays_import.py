"""Going live: running stays come in from a list as they are, and nothing is texted to anybody."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from shelter.domain.errors import NotPermitted
from shelter.domain.permissions import SYSTEM, Role
from shelter.domain.sheets import Sheet
from shelter.domain.stays import ExtensionDecision, PlacementState, StayState
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.households import Household
from shelter.models.messages import Message
from shelter.models.sites import Unit
from shelter.models.stays import Extension, Stay, StayFlag, Task, UnitNight
from shelter.services import departures, overstays
from shelter.services.sheet_files import read_sheets
from shelter.services.stays_import import StaysResult, import_stays
from shelter.services.unit_of_work import Once
from shelter.services.units_import import ListRefused, import_units
from tests.conftest import Clock
from tests.factories import make_beds, make_room, make_site, make_stay, make_unit, make_user
from tests.support.nights import at, day, nights, run
from tests.support.people import Account
from tools import make_stays_example

EXAMPLES = Path(__file__).parents[2] / "examples"
HEAD = ("Case", "Site", "Room", "Bed", "Check-in", "In room from", "In room until", "Women", "Girls", "Limit")


@pytest.fixture(autouse=True)
def _noon(context: Flask, frozen_clock: Clock) -> Iterator[None]:
    """Noon of 10 March 2026, the third day with this system."""
    db.session.get_one(Installation, 1).live_from = day("2026-03-08")
    db.session.commit()
    yield
    db.session.rollback()


@pytest.fixture
def units() -> list[Unit]:
    """Magnolia 101 and 102, and two beds."""
    site = make_site("Magnolia")
    rooms = [make_unit(make_room(site, name), name) for name in ("101", "102")]
    return [*rooms, *make_beds(site, 2)]


@pytest.fixture
def coordinator(units: list[Unit]) -> Account:
    return make_user(sites=[units[0].site_id], name="정하늘")


def sheets(*lines: tuple[str, ...], head: tuple[str, ...] = HEAD) -> list[Sheet]:
    text = io.StringIO()
    csv.writer(text).writerows([head, *lines])
    return read_sheets(text.getvalue().encode())


def bring_in(by: Account, *lines: tuple[str, ...], head: tuple[str, ...] = HEAD, **more) -> StaysResult:
    return import_stays(sheets=sheets(*lines, head=head), by=by.principal, **more)


def problems(by: Account, *lines: tuple[str, ...], head: tuple[str, ...] = HEAD) -> list[tuple[int | None, str]]:
    with pytest.raises(ListRefused) as refused:
        bring_in(by, *lines, head=head)
    assert db.session.scalar(select(Stay.id).where(Stay.is_imported)) is None
    return [(problem.line, problem.code) for problem in refused.value.problems]


ONE = ("7", "Magnolia", "101", "", "2026-01-15", "", "", "1", "2", "")


def imported() -> Stay:
    return db.session.scalars(select(Stay).where(Stay.is_imported)).one()


def test_a_running_stay_comes_in_with_its_real_clock(units: list[Unit], coordinator: Account) -> None:
    result = bring_in(coordinator, ONE)
    stay = imported()
    assert (stay.state, stay.limit_on) == (StayState.IN_HOUSE, day("2026-07-15"))
    assert stay.checked_in_at == at("2026-01-15 12:00")
    placement = stay.placements[0]
    assert (placement.unit_id, placement.state, placement.people) == (units[0].id, PlacementState.IN_HOUSE, 3)
    assert len(placement.members) == 3
    assert (result.created[0].days_left, result.created[0].people) == (127, 3)


def test_of_nights_before_the_start_there_is_no_data(units: list[Unit], coordinator: Account) -> None:
    bring_in(coordinator, ONE)
    placement = imported().placements[0]
    assert placement.arrive_on == day("2026-01-15")
    assert nights(placement) == run("2026-03-08", "2026-07-15")


def test_the_same_list_again_changes_nothing(units: list[Unit], coordinator: Account) -> None:
    bring_in(coordinator, ONE)
    before = _everything()
    result = bring_in(coordinator, ONE)
    assert (len(result.created), result.unchanged) == (0, 1)
    assert _everything() == before


def test_the_same_list_again_leaves_alone_who_has_left_since(
    units: list[Unit], coordinator: Account, frozen_clock: Clock
) -> None:
    from shelter.domain.stays import Destination, ExitReason

    bring_in(coordinator, ONE)
    stay_id = imported().id
    departures.check_out(
        stay_id=stay_id,
        exit_reason=ExitReason.PLANNED,
        destination=Destination.FAMILY,
        by=coordinator.principal,
    )
    assert bring_in(coordinator, ONE).unchanged == 1
    assert imported().state is StayState.ENDED


def _everything() -> tuple[int, ...]:
    return tuple(db.session.query(table).count() for table in (Household, Stay, UnitNight, StayFlag, Task))


def test_a_dry_run_promises_and_changes_nothing(units: list[Unit], coordinator: Account) -> None:
    result = bring_in(coordinator, ONE, is_dry_run=True)
    assert [stay.rooms for stay in result.created] == ["Magnolia 101"]
    assert _everything() == (0, 0, 0, 0, 0)


def test_a_double_click_is_one_import(units: list[Unit], coordinator: Account) -> None:
    for _n in range(2):
        bring_in(coordinator, ONE, once=Once("k" * 20, "same"))
    assert db.session.query(Stay).count() == 1


def test_past_transfers_are_rooms_of_one_stay(units: list[Unit], coordinator: Account) -> None:
    bring_in(
        coordinator,
        ("7", "Magnolia", "102", "", "2026-01-15", "", "2026-03-09", "", "", ""),
        ("7", "Magnolia", "101", "", "", "2026-03-09", "", "1", "", ""),
    )
    stay = imported()
    first, second = stay.placements
    assert (first.unit_id, first.state, first.occupied_from, first.leave_on) == (
        units[1].id,
        PlacementState.MOVED,
        day("2026-01-15"),
        day("2026-03-09"),
    )
    assert (second.unit_id, second.state) == (units[0].id, PlacementState.IN_HOUSE)
    assert nights(first) == run("2026-03-08", "2026-03-09")
    assert nights(second)[0] == day("2026-03-09")
    assert stay.limit_on == day("2026-07-15")


def test_a_large_household_has_two_rooms_at_once(units: list[Unit], coordinator: Account) -> None:
    bring_in(coordinator, ONE, ("7", "Magnolia", "102", "", "2026-01-15", "", "", "1", "", ""))
    stay = imported()
    assert [p.people for p in stay.placements] == [3, 1]
    members = [m.person_id for p in stay.placements for m in p.members]
    assert len(members) == len(set(members)) == len(stay.household.people) == 4


def test_granted_extensions_count_from_the_check_in(units: list[Unit], coordinator: Account) -> None:
    head = (*HEAD, "Extensions granted")
    bring_in(coordinator, (*ONE, "1"), head=head)
    assert imported().limit_on == day("2026-10-15")
    assert db.session.scalars(select(Extension.decision)).all() == [ExtensionDecision.GRANTED]


def test_the_old_lists_own_limit_is_compared_and_kept(units: list[Unit], coordinator: Account) -> None:
    result = bring_in(coordinator, (*ONE[:9], "2026-07-14"))
    stay = imported()
    assert (stay.limit_on, stay.sheet_limit_on) == (day("2026-07-15"), day("2026-07-14"))
    assert [d.sheet_limit_on for d in result.differences] == [day("2026-07-14")]
    task = db.session.scalars(select(Task)).one()
    assert (task.kind, task.stay_id) == (TaskKind.IMPORT_DIFFERENCE, stay.id)
    assert task.data == {"sheet_limit_on": "2026-07-14", "limit_on": "2026-07-15"}


def test_only_the_tightest_threshold_is_shown_and_nobody_is_texted(units: list[Unit], coordinator: Account) -> None:
    bring_in(coordinator, ("7", "Magnolia", "101", "", "2025-09-20", "", "", "1", "", ""))
    flags = db.session.scalars(select(StayFlag).order_by(StayFlag.threshold)).all()
    assert [(f.threshold, f.is_tightest) for f in flags] == [(14, True), (30, False), (60, False)]
    assert db.session.scalars(select(Message)).all() == []


def test_an_overdue_one_stands_as_limit_reached_and_keeps_its_room(
    units: list[Unit], coordinator: Account, frozen_clock: Clock
) -> None:
    result = bring_in(coordinator, ("7", "Magnolia", "101", "", "2025-08-01", "", "", "1", "", ""))
    stay = imported()
    assert result.reached == 1
    assert (stay.state, stay.limit_on) == (StayState.IN_HOUSE, day("2026-02-01"))
    assert nights(stay.placements[0]) == run("2026-03-08", "2026-03-11")
    frozen_clock.set("2026-03-12 09:00")
    overstays.roll_overstays()
    assert nights(stay.placements[0]) == run("2026-03-08", "2026-03-13")


def test_a_check_in_after_midnight_was_for_the_night_before(units: list[Unit], coordinator: Account) -> None:
    bring_in(coordinator, (*ONE, "01:30"), head=(*HEAD, "Check-in time"))
    stay = imported()
    assert stay.arrive_on == stay.placements[0].occupied_from == day("2026-01-14")
    assert stay.limit_on == day("2026-07-15")


def test_a_planned_leave_past_the_limit_is_cut_and_told(units: list[Unit], coordinator: Account) -> None:
    result = bring_in(coordinator, (*ONE, "2026-08-01"), head=(*HEAD, "Leaves on"))
    assert result.created[0].is_leave_cut
    assert imported().placements[0].leave_on == day("2026-07-15")


def test_korean_headings_and_an_old_encoding_are_read(units: list[Unit], coordinator: Account) -> None:
    text = "사례번호,시설 별칭,호실,입소일,성인 여성,소형견,담당자\n가-1,Magnolia,101,2026. 1. 15.,1,1,정하늘\n"
    import_stays(sheets=read_sheets(text.encode("cp949")), by=coordinator.principal)
    stay = imported()
    assert stay.responsible_id == coordinator.id
    assert len(stay.household.pets) == 1
    assert stay.household.notes == "가-1"
    assert "가-1".encode() not in stay.household.notes_sealed


def test_every_wrong_line_is_told_at_once(units: list[Unit], coordinator: Account) -> None:
    assert problems(
        coordinator,
        ("1", "Rose", "101", "", "2026-01-15", "", "", "1", "", ""),
        ("2", "Magnolia", "999", "", "2026-01-15", "", "", "1", "", ""),
        ("3", "Magnolia", units[2].room.label, "", "2026-01-15", "", "", "1", "", ""),
    ) == [(2, "site_not_known"), (3, "room_not_known"), (4, "bed_not_known")]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("7", "Magnolia", "101", "", "", "", "", "1", "", ""), "cell_missing"),
        (("7", "Magnolia", "101", "", "15/1/2026", "", "", "1", "", ""), "cell_not_date"),
        (("7", "Magnolia", "101", "", "2026-04-01", "", "", "1", "", ""), "day_not_yet"),
        (("7", "Magnolia", "101", "", "2026-01-15", "", "", "", "", ""), "heads_missing"),
        (("7", "Magnolia", "101", "", "2026-01-15", "", "", "many", "", ""), "cell_not_number"),
        (("7", "Magnolia", "101", "", "2026-01-15", "2026-01-10", "", "1", "", ""), "room_before_check_in"),
        (("7", "Magnolia", "101", "", "2026-01-15", "2026-02-10", "2026-02-01", "1", "", ""), "room_days_not_in_order"),
        (("7", "Magnolia", "101", "", "2026-01-15", "", "2026-02-01", "1", "", ""), "stay_is_over"),
        (("7", "Magnolia", "101", "", "2026-01-15", "2026-02-01", "", "1", "", ""), "room_gap"),
        (("7", "Magnolia", "101", "", "2026-01-15", "", "", "1", "", "soon"), "cell_not_date"),
    ],
)
def test_a_wrong_line_says_what_is_wrong(
    units: list[Unit], coordinator: Account, line: tuple[str, ...], code: str
) -> None:
    assert problems(coordinator, line) == [(2, code)]


def test_what_a_stay_says_twice_it_says_alike(units: list[Unit], coordinator: Account) -> None:
    assert problems(
        coordinator,
        ("7", "Magnolia", "102", "", "2026-01-15", "", "2026-02-01", "", "", ""),
        ("7", "Magnolia", "101", "", "2026-01-16", "2026-02-01", "", "1", "", ""),
    ) == [(3, "stay_differs")]


def test_a_room_somebody_else_has_is_refused_and_nothing_half_done(units: list[Unit], coordinator: Account) -> None:
    make_stay(units[0], arrive_on=day("2026-04-01"), leave_on=day("2026-04-03"))
    fine = ("8", "Magnolia", "102", "", "2026-01-15", "", "", "1", "", "")
    assert problems(coordinator, fine, ONE) == [(3, "room_taken")]


def test_nobody_is_planned_past_the_day_a_room_goes_out_of_service(units: list[Unit], coordinator: Account) -> None:
    units[0].in_service_until = day("2026-04-01")
    db.session.commit()
    assert problems(coordinator, ONE) == [(2, "room_given_up")]  # until the limit
    assert len(bring_in(coordinator, (*ONE, "2026-04-01"), head=(*HEAD, "Leaves on")).created) == 1


def test_two_lines_cannot_have_one_room(units: list[Unit], coordinator: Account) -> None:
    assert problems(coordinator, ONE, ("8", *ONE[1:4], "2026-02-01", *ONE[5:])) == [(3, "room_taken")]


def test_an_unknown_coordinator_is_told(units: list[Unit], coordinator: Account) -> None:
    assert problems(coordinator, (*ONE, "somebody"), head=(*HEAD, "Responsible")) == [(2, "responsible_not_known")]


def test_only_those_with_the_right_bring_in(units: list[Unit]) -> None:
    with pytest.raises(NotPermitted):
        bring_in(make_user(Role.MANAGER), ONE)


def test_a_list_without_headings_is_told(coordinator: Account) -> None:
    assert problems(coordinator, head=("a", "b")) == [(None, "stays_no_headings")]


def test_every_heading_means_one_column() -> None:
    from shelter.domain.sheets import bare
    from shelter.domain.stays_columns import COLUMNS

    spelled = [(bare(s), c.code) for c in COLUMNS for s in {c.ko, c.en, c.code, *c.also}]
    meant: dict[str, set[str]] = {}
    for spelling, code in spelled:
        meant.setdefault(spelling, set()).add(code)
    assert not {spelling: codes for spelling, codes in meant.items() if len(codes) > 1}


def example(name: str) -> list[Sheet]:
    return read_sheets((EXAMPLES / name).read_bytes())


def test_the_example_fits_the_example_network(frozen_clock: Clock) -> None:
    frozen_clock.set("2026-11-24 12:00")
    import_units(sheets=example("network-ko.xlsx"), by=SYSTEM)
    result = import_stays(sheets=example("stays-ko.xlsx"), by=SYSTEM)
    assert len(result.created) == 18
    assert {stay.case for stay in result.differences} == {"26-002", "26-006", "26-011", "26-012"}
    assert result.reached == 1
    assert result.ignored_headings == ("비고",)
    again = import_stays(sheets=example("stays-ko.xlsx"), by=SYSTEM)
    assert (len(again.created), again.unchanged) == (0, 18)


def test_the_example_is_what_its_script_writes() -> None:
    assert (EXAMPLES / "stays-ko.xlsx").read_bytes() == make_stays_example.as_workbook()
