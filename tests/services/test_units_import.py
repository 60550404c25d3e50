"""A network's own list: everything or nothing, and the same again changes nothing."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from shelter import clock
from shelter.domain.errors import NotPermitted
from shelter.domain.matching import PetsAllowed, Sharing
from shelter.domain.permissions import SYSTEM, Role
from shelter.domain.sheets import Row, Sheet
from shelter.domain.units_columns import COLUMNS
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.models.sites import Room, Site, StayPolicyVersion, Unit
from shelter.services.sheet_files import read_sheets
from shelter.services.unit_of_work import Once
from shelter.services.units_import import ImportResult, ListRefused, import_units
from tests import factories
from tools import make_examples

pytestmark = pytest.mark.usefixtures("context")

ROOT = Path(__file__).parents[2]
HEADINGS = tuple(column.en for column in COLUMNS)
CODES = {column.code: column.en for column in COLUMNS}
USUAL = {"site": "Magnolia", "district": "11440", "room": "101", "capacity": "2", "in_service_from": "2024-01-01"}


def line(**said: str) -> dict[str, str]:
    return {CODES[code]: value for code, value in (USUAL | said).items()}


def listed(*lines: dict[str, str], headings: tuple[str, ...] = HEADINGS) -> list[Sheet]:
    rows = [Row(1, headings)]
    rows += [Row(n, tuple(said.get(heading, "") for heading in headings)) for n, said in enumerate(lines, 2)]
    return [Sheet(None, tuple(rows))]


def bring_in(*lines: dict[str, str], headings: tuple[str, ...] = HEADINGS, is_dry_run: bool = False) -> ImportResult:
    return import_units(sheets=listed(*lines, headings=headings), is_dry_run=is_dry_run, by=SYSTEM)


def refused(*lines: dict[str, str]) -> list[tuple[int | None, str, str | None]]:
    with pytest.raises(ListRefused) as raised:
        bring_in(*lines)
    db.session.rollback()
    return [(problem.line, problem.code, problem.column) for problem in raised.value.problems]


def rows() -> tuple[int, int, int, int]:
    tables = (Site, Room, Unit, StayPolicyVersion)
    return tuple(db.session.scalar(select(func.count()).select_from(table)) for table in tables)  # type: ignore[return-value]


def unit(label: str = "101") -> Unit:
    return db.session.scalars(select(Unit).where(Unit.label == label)).one()


def example(name: str) -> list[Sheet]:
    return read_sheets((ROOT / "examples" / name).read_bytes())


@pytest.mark.parametrize("name", ["network-ko.xlsx", "network-ko-cp949.csv", "network-en.csv"])
def test_the_example_comes_in_whole_and_again_changes_nothing(name: str) -> None:
    first = import_units(sheets=example(name), by=SYSTEM)
    assert (first.sites.created, first.rooms.created, first.units.created) == (12, 51, 60)
    assert rows() == (12, 51, 60, 12)
    entries = db.session.scalar(select(func.count()).select_from(AuditEntry))
    again = import_units(sheets=example(name), by=SYSTEM)
    assert again.changes_nothing
    assert (again.sites.unchanged, again.rooms.unchanged, again.units.unchanged) == (12, 51, 60)
    assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == entries + 1


def test_the_korean_examples_are_one_network() -> None:
    import_units(sheets=example("network-ko.xlsx"), by=SYSTEM)
    assert import_units(sheets=example("network-ko-cp949.csv"), by=SYSTEM).changes_nothing


def test_the_example_has_what_a_city_has() -> None:
    import_units(sheets=example("network-en.csv"), by=SYSTEM)
    units = db.session.scalars(select(Unit)).all()
    shared = {room.id for room in db.session.scalars(select(Room).where(Room.sharing != Sharing.HOUSEHOLD))}
    assert [unit for unit in units if unit.capacity == 1 and unit.room_id not in shared]
    assert [unit for unit in units if unit.capacity >= 4]
    assert [unit for unit in units if unit.room_id in shared]
    assert [unit for unit in units if unit.pets_allowed is PetsAllowed.ANY and unit.capacity >= 3]
    assert [unit for unit in units if unit.is_step_free]
    by_site = {unit.site_id: [u.audience.value for u in units if u.site_id == unit.site_id] for unit in units}
    assert [site for site, audiences in by_site.items() if set(audiences) == {"men"}]


def test_a_dry_run_says_the_same_and_changes_nothing() -> None:
    promised = bring_in(line(), line(room="102"), is_dry_run=True)
    assert rows() == (0, 0, 0, 0)
    assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == 0
    assert bring_in(line(), line(room="102")) == promised


def test_a_new_site_has_the_usual_policy_from_the_beginning() -> None:
    bring_in(line())
    policy = db.session.scalars(select(StayPolicyVersion)).one()
    assert (policy.months, policy.days, policy.counting_rule.value) == (6, None, "civil_code")
    assert policy.thresholds == [60, 30, 14, 7, 1]
    assert policy.effective_from <= date(2000, 1, 1)


def test_what_is_secret_is_sealed() -> None:
    bring_in(line(district="Mapo-gu", directions="behind the mill", night_line="02-123-4567"))
    site = db.session.scalars(select(Site)).one()
    assert (site.district, site.directions, site.night_line) == ("11440", "behind the mill", "+8221234567")
    stored = (site.district_sealed or b"") + (site.directions_sealed or b"") + (site.night_line_sealed or b"")
    assert not [word for word in (b"11440", b"mill", b"234567") if word in stored]


def test_the_audit_trail_is_not_told_where_a_site_is() -> None:
    bring_in(line(district="Mapo-gu", directions="behind the mill"))
    bring_in(line(district="Jongno-gu", directions="behind the well"))
    said = repr([entry.details for entry in db.session.scalars(select(AuditEntry))])
    assert "directions" in said
    assert not [word for word in ("11440", "11110", "mill", "well") if word in said]


def test_an_empty_secret_cell_keeps_what_is_there() -> None:
    bring_in(line(directions="behind the mill", night_line="1366"))
    assert bring_in(line(district="")).changes_nothing
    site = db.session.scalars(select(Site)).one()
    assert (site.district, site.directions, site.night_line) == ("11440", "behind the mill", "1366")


def test_what_differs_is_brought_up_to_date_and_named() -> None:
    bring_in(line(), line(room="102"))
    result = bring_in(
        line(district="", capacity="3", has_cot="O", floor="1"),
        line(room="102", district="Jongno-gu"),
        line(room="103", district=""),
    )
    assert [(c.kind, c.name, c.is_new, c.fields) for c in result.changes] == [
        ("site", "Magnolia", False, ("district",)),
        ("room", "Magnolia 101", False, ("floor",)),
        ("room", "Magnolia 103", True, ()),
        ("unit", "Magnolia 101", False, ("capacity", "has_cot")),
        ("unit", "Magnolia 103", True, ()),
    ]
    assert (unit().capacity, unit().has_cot) == (3, True)
    assert db.session.scalars(select(Site)).one().district == "11110"


def test_a_list_with_fewer_columns_leaves_the_rest_as_it_is() -> None:
    bring_in(line(pets_allowed="any", max_pets="2", is_step_free="O", in_service_until="2030-01-01"))
    few = ("Site", "Room", "Capacity")
    assert bring_in(line(), headings=few).changes_nothing
    assert (unit().max_pets, unit().is_step_free, unit().in_service_until) == (2, True, date(2030, 1, 1))


def test_what_the_list_does_not_have_stays() -> None:
    bring_in(line(), line(room="102"))
    assert bring_in(line()).changes_nothing
    assert rows()[2] == 2


def test_a_site_is_found_again_however_it_is_written() -> None:
    bring_in(line(site="Magnolia 2"))
    assert bring_in(line(site=" MAGNOLIA  ２ ")).changes_nothing


def test_usual_values_stand_in_for_what_is_not_said() -> None:
    bring_in(
        {"Site": "Iris", "District": "11440", "Room": "1", "Bed": "A", "Capacity": "1", "Sharing": "men"},
        {"Site": "Iris", "District": "11440", "Room": "2", "Capacity": "2", "Pets": "any"},
        headings=("Site", "District", "Room", "Bed", "Sharing", "Capacity", "Pets"),
    )
    bed, room = unit("A"), unit("2")
    assert (bed.audience.value, bed.accepts_older_boys, bed.in_service_from) == ("men", False, clock.shelter_day())
    assert (room.audience.value, room.accepts_older_boys, room.max_pets) == ("women", True, 1)


def test_every_wrong_line_is_told_and_nothing_comes_in() -> None:
    with pytest.raises(ListRefused) as raised:
        import_units(sheets=read_sheets((ROOT / "tests/data/units-wrong.csv").read_bytes()), by=SYSTEM)
    db.session.rollback()
    assert [(p.line, p.code, p.column) for p in raised.value.problems] == [
        (5, "cell_not_number", "capacity"),
        (5, "cell_differs", "district"),
        (6, "line_repeated", None),
        (7, "cell_missing", "site"),
        (8, "district_not_known", "district"),
        (8, "sharing_and_audience_differ", "audience"),
        (9, "room_whole_and_by_bed", "room"),
        (10, "code_name_tells", "site"),
        (10, "pets_without_number", "max_pets"),
        (11, "not_sharing", "sharing"),
        (11, "cell_not_number", "capacity"),
        (11, "not_audience", "audience"),
        (11, "cell_not_date", "in_service_from"),
        (11, "not_pets_allowed", "pets_allowed"),
        (11, "cell_not_yes_no", "is_step_free"),
        (12, "service_not_in_order", "in_service_until"),
        (12, "pets_number_without_pets", "max_pets"),
        (13, "cell_too_long", "site"),
        (13, "cell_not_date", "in_service_from"),
        (14, "cell_missing", "room"),
        (14, "cell_not_number", "capacity"),
    ]
    assert rows() == (0, 0, 0, 0)


def test_one_wrong_line_keeps_the_right_ones_out() -> None:
    assert refused(line(), line(room="102", night_line="none")) == [(2, "night_line_not_valid", "night_line")]
    assert rows() == (0, 0, 0, 0)


def test_a_new_site_needs_its_district() -> None:
    assert refused(line(district="")) == [(2, "district_missing", "district")]


def test_a_room_that_is_here_whole_is_not_sold_by_beds_as_well() -> None:
    bring_in(line())
    assert refused(line(bed="A", capacity="1")) == [(2, "room_is_there_otherwise", "room")]
    bring_in(line(in_service_until=clock.shelter_day().isoformat()))
    bring_in(line(bed="A", capacity="1"))
    assert rows()[2] == 2


def test_a_unit_is_not_taken_from_who_is_booked() -> None:
    bring_in(line())
    booked = factories.make_stay(unit(), household=factories.make_household(women=1, children=1))
    tomorrow = clock.shelter_day() + timedelta(days=1)
    reference = f"{booked.household.reference}-{booked.number}"
    with pytest.raises(ListRefused) as raised:
        bring_in(line(in_service_until=tomorrow.isoformat()))
    db.session.rollback()
    (problem,) = raised.value.problems
    assert (problem.line, problem.code, problem.params["references"]) == (2, "unit_has_nights", [reference])
    assert refused(line(capacity="1")) == [(2, "capacity_below_people", "capacity")]
    assert (unit().capacity, unit().in_service_until) == (2, None)


def test_a_second_click_brings_in_once() -> None:
    by = factories.make_user(Role.ADMINISTRATOR).principal
    once = Once("k" * 20, "f" * 64)
    first = import_units(sheets=listed(line()), by=by, once=once)
    again = import_units(sheets=listed(line()), by=by, once=once)
    assert (again.sites, again.rooms, again.units) == (first.sites, first.rooms, first.units)
    assert rows()[:3] == (1, 1, 1)


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.MANAGER, Role.AUDITOR, Role.REFERRER])
def test_only_administrators_bring_lists_in(role: Role) -> None:
    with pytest.raises(NotPermitted):
        import_units(sheets=listed(line()), by=factories.make_user(role).principal)


def test_the_examples_are_what_their_tool_makes() -> None:
    for name, made in (
        ("network-ko.xlsx", make_examples.as_workbook(make_examples.table("ko"))),
        ("network-ko-cp949.csv", make_examples.as_csv(make_examples.table("ko"), "cp949")),
        ("network-en.csv", make_examples.as_csv(make_examples.table("en"), "utf-8")),
    ):
        assert read_sheets(made) == example(name)
