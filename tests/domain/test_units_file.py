from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shelter.domain.matching import Audience, PetsAllowed, Sharing
from shelter.domain.sheets import Row, Sheet, bare
from shelter.domain.units_columns import CHOICES, COLUMNS, HEADINGS, SPELLINGS
from shelter.domain.units_file import UnitsFile, read_units_file

ENGLISH = tuple(column.en for column in COLUMNS)
USUAL = {"Site": "Magnolia", "District": "Mapo-gu", "Room": "101", "Capacity": "2"}


def listed(*lines: dict[str, str], headings: tuple[str, ...] = ENGLISH) -> UnitsFile:
    """A list whose lines say what is given; the first line under the headings is line 2."""
    rows = [Row(1, headings)]
    rows += [Row(number, tuple(line.get(heading, "") for heading in headings)) for number, line in enumerate(lines, 2)]
    return read_units_file([Sheet(None, tuple(rows))])


def line(**said: str) -> dict[str, str]:
    names = {column.code: column.en for column in COLUMNS}
    return USUAL | {names[code]: value for code, value in said.items()}


def problems(found: UnitsFile) -> list[tuple[int | None, str, str | None]]:
    return [(problem.line, problem.code, problem.column) for problem in found.problems]


def test_no_two_columns_share_a_heading() -> None:
    spellings = [bare(s) for c in COLUMNS for s in {c.ko, c.en, c.code, *c.also}]
    assert len(HEADINGS) == len(set(spellings))
    for column in COLUMNS:
        assert {HEADINGS[bare(s)] for s in (column.ko, column.en, *column.also)} == {column.code}


@pytest.mark.parametrize("column", sorted(CHOICES))
def test_no_word_means_two_values_of_a_column(column: str) -> None:
    words = [(bare(w) or w, v) for v, (ko, en, also) in CHOICES[column].items() for w in {ko, en, *also}]
    assert len(dict(words)) == len(set(words)) == len(SPELLINGS[column])


def test_a_line_is_a_unit_and_its_room_and_its_site() -> None:
    found = listed(
        line(
            night_line="02-1234-5678",
            directions="first line",
            is_overflow="X",
            floor="1",
            pets_allowed="small",
            max_pets="1",
            is_step_free="O",
            audience="families",
            accepts_older_boys="yes",
            in_service_from="2026-03-10",
        )
    )
    assert not found.problems
    (site,), (room,), (unit,) = found.sites, found.rooms, found.units
    assert (site.code_name, site.district, site.directions) == ("Magnolia", "11440", "first line")
    assert (site.night_line, site.is_overflow) == ("02-1234-5678", False)
    assert (room.label, room.floor, room.sharing) == ("101", "1", Sharing.HOUSEHOLD)
    assert (unit.label, unit.capacity, unit.audience) == ("101", 2, Audience.FAMILY)
    assert (unit.pets_allowed, unit.max_pets) == (PetsAllowed.SMALL, 1)
    assert (unit.is_step_free, unit.has_cot, unit.accepts_older_boys) == (True, False, True)
    assert (unit.in_service_from, unit.in_service_until) == (date(2026, 3, 10), None)


def test_korean_headings_and_words_say_the_same() -> None:
    korean = tuple(column.ko for column in COLUMNS)
    said = {"시설 별칭": "목련", "자치구": "마포구", "호실": "301", "침대": "가", "함께 쓰는 방": "여성"}
    found = listed(said | {"정원": "１명", "이용 대상": "여성", "휠체어 가능": "Ｏ"}, headings=korean)
    assert not found.problems
    assert found.rooms[0].sharing is Sharing.WOMEN
    assert (found.units[0].label, found.units[0].capacity, found.units[0].is_step_free) == ("가", 1, True)


def test_beds_of_one_room_share_what_is_said_once() -> None:
    shared = {"room": "301", "capacity": "1"}
    found = listed(
        line(**shared, bed="A", sharing="women"), line(**shared, bed="B", district=""), line(**shared, bed="C")
    )
    assert not found.problems
    assert (len(found.sites), len(found.rooms), len(found.units)) == (1, 1, 3)
    assert found.rooms[0].sharing is Sharing.WOMEN


def test_spaces_and_capitals_make_no_second_site() -> None:
    found = listed(line(), line(site=" magnolia  ", room="102"), line(site="ＭＡＧＮＯＬＩＡ", room="103"))
    assert not found.problems
    assert [site.code_name for site in found.sites] == ["Magnolia"]


def test_columns_that_are_not_there_say_nothing() -> None:
    found = listed(USUAL, headings=("Site", "District", "Room", "Capacity"))
    assert not found.problems
    unit = found.units[0]
    assert (unit.pets_allowed, unit.is_step_free, unit.audience, unit.says_until) == (None, None, None, False)
    assert (found.sites[0].is_overflow, found.rooms[0].sharing) == (None, None)


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"site": ""}, "cell_missing", "site"),
    ({"room": ""}, "cell_missing", "room"),
    ({"capacity": ""}, "cell_missing", "capacity"),
    ({"capacity": "many"}, "cell_not_number", "capacity"),
    ({"capacity": "0"}, "cell_not_number", "capacity"),
    ({"capacity": "21"}, "cell_not_number", "capacity"),
    ({"site": "x" * 41}, "cell_too_long", "site"),
    ({"directions": "x" * 2001}, "cell_too_long", "directions"),
    ({"site": "Gangnam house"}, "code_name_tells", "site"),
    ({"district": "Atlantis"}, "district_not_known", "district"),
    ({"sharing": "boys"}, "not_sharing", "sharing"),
    ({"pets_allowed": "dogs"}, "not_pets_allowed", "pets_allowed"),
    ({"audience": "cats"}, "not_audience", "audience"),
    ({"is_step_free": "perhaps"}, "cell_not_yes_no", "is_step_free"),
    ({"in_service_from": "10/3/26"}, "cell_not_date", "in_service_from"),
    ({"in_service_from": "2026-03-10", "in_service_until": "2026-03-09"}, "service_not_in_order", "in_service_until"),
    ({"max_pets": "1"}, "pets_number_without_pets", "max_pets"),
    ({"pets_allowed": "any", "max_pets": "0"}, "pets_without_number", "max_pets"),
    ({"sharing": "women", "audience": "men"}, "sharing_and_audience_differ", "audience"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "code", "column"), WRONG, ids=[f"{w[1]}-{w[2]}" for w in WRONG])
def test_what_is_wrong_is_told_with_line_and_column(said: dict[str, str], code: str, column: str) -> None:
    assert problems(listed(line(room="1"), line(**{"room": "2"} | said))) == [(3, code, column)]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = listed(line(capacity="x", is_step_free="?"), line(room="", audience="?"), line(room="3"))
    assert [problem.line for problem in found.problems] == [2, 2, 3, 3]


def test_the_same_unit_twice_is_told() -> None:
    assert problems(listed(line(), line())) == [(3, "line_repeated", None)]


def test_a_room_is_whole_or_by_beds() -> None:
    found = listed(line(bed="A"), line())
    assert problems(found) == [(3, "room_whole_and_by_bed", "room")]
    assert found.problems[0].params["first"] == 2


@pytest.mark.parametrize(
    ("code", "first", "second"),
    [("district", "Mapo-gu", "Jongno-gu"), ("sharing", "women", "any"), ("night_line", "02-1", "02-2")],
)
def test_what_belongs_to_site_or_room_is_the_same_on_all_lines(code: str, first: str, second: str) -> None:
    found = listed(line(bed="A", **{code: first}), line(bed="B", **{code: second}))
    assert problems(found) == [(3, "cell_differs", code)]
    assert found.problems[0].params["first"] == 2


def test_no_problem_repeats_what_is_secret() -> None:
    found = listed(
        line(district="Nowhere-gu", night_line="7" * 31, directions="behind the blue door" * 200),
        line(room="2", district="Songpa-gu"),
        line(room="3", district="Mapo-gu", directions="another door"),
        line(room="4", directions="a third door"),
    )
    assert {problem.line for problem in found.problems} == {2, 4, 5}
    said = repr([dict(problem.params) for problem in found.problems])
    assert not [word for word in ("Nowhere", "Songpa", "Mapo", "door", "777") if word in said]


def test_a_list_without_headings_is_told() -> None:
    found = read_units_file([Sheet("Notes", (Row(1, ("just", "text")),))])
    assert problems(found) == [(None, "sheet_no_headings", None)]


def test_a_needed_column_that_is_missing_is_told() -> None:
    found = listed({"Site": "Magnolia", "Room": "1"}, headings=("Site", "Room"))
    assert problems(found) == [(1, "sheet_heading_missing", "capacity")]


def test_headings_alone_are_no_list() -> None:
    assert problems(listed()) == [(None, "sheet_no_lines", None)]


def test_every_sheet_with_headings_is_read_and_the_others_are_named() -> None:
    rows = (Row(1, ("Site", "Room", "Capacity")), Row(2, ("Magnolia", "1", "1")))
    more = (Row(1, ("Site", "Room", "Capacity")), Row(2, ("Camellia", "1", "1")))
    notes = (Row(1, ("How we count",)),)
    found = read_units_file([Sheet("East", rows), Sheet("Notes", notes), Sheet("West", more)])
    assert not found.problems
    assert [site.code_name for site in found.sites] == ["Magnolia", "Camellia"]
    assert found.sheets_not_read == ("Notes",)


def test_headings_nobody_knows_are_named() -> None:
    found = listed(USUAL | {"Colour": "blue"}, headings=("Site", "District", "Room", "Capacity", "Colour"))
    assert (found.problems, found.ignored_headings) == ((), ("Colour",))
