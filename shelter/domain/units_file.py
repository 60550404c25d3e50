"""A network of shelters as a list: one line is one unit, a whole room or one bed; sites and rooms repeat.

An empty cell is an answer: no, none, or what is usual. Only what is sealed (district, directions, night
line) is kept as it is when the cell is empty, so that a list can go round without saying where the sites are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from shelter.domain import districts
from shelter.domain.matching import Audience, PetsAllowed, Sharing
from shelter.domain.sheets import (
    Headings,
    Problem,
    Row,
    Sheet,
    bare,
    find_headings,
    parse_date,
    parse_number,
    parse_yes_no,
    tidy,
    tidy_lines,
)
from shelter.domain.sites import is_contradiction
from shelter.domain.units_columns import BY_CODE, HEADINGS, NEEDED, SPELLINGS


@dataclass(frozen=True, kw_only=True)
class SiteLine:
    """What the list says of a site. None: it does not say."""

    code_name: str
    line: int
    sheet: str | None = None
    district: str | None = None
    directions: str | None = None
    night_line: str | None = None
    is_overflow: bool | None = None


@dataclass(frozen=True, kw_only=True)
class RoomLine:
    site: str  # as `same_name` says it, like `room` below
    label: str
    line: int
    sheet: str | None = None
    floor: str | None = None
    sharing: Sharing | None = None


@dataclass(frozen=True, kw_only=True)
class UnitLine:
    """None where the list has no such column: kept as it is, or what is usual for a new one."""

    site: str
    room: str
    label: str
    line: int
    sheet: str | None = None
    capacity: int
    pets_allowed: PetsAllowed | None = None
    max_pets: int | None = None
    is_step_free: bool | None = None
    has_cot: bool | None = None
    audience: Audience | None = None
    accepts_older_boys: bool | None = None
    in_service_from: date | None = None
    in_service_until: date | None = None
    says_until: bool = False  # the column is there: an empty cell means no end


@dataclass(frozen=True, kw_only=True)
class UnitsFile:
    """A list that was read. With problems nothing of it may be used."""

    sites: tuple[SiteLine, ...] = ()
    rooms: tuple[RoomLine, ...] = ()
    units: tuple[UnitLine, ...] = ()
    problems: tuple[Problem, ...] = ()
    ignored_headings: tuple[str, ...] = ()
    sheets_not_read: tuple[str, ...] = ()


def same_name(text: str) -> str:
    """Under which a name is found again, however it is spaced or capitalised."""
    return "".join(tidy(text).casefold().split())


def read_units_file(sheets: Iterable[Sheet]) -> UnitsFile:
    """Everything the list says, and everything that is wrong with it, at once."""
    reading = _Reading()
    skipped: list[str] = []
    ignored: list[str] = []
    is_any = False
    for sheet in sheets:
        headings = find_headings(sheet, HEADINGS, NEEDED)
        if headings is None:
            skipped += [sheet.name] if sheet.name else []
            continue
        is_any = True
        ignored += [h for h in headings.ignored if h not in ignored]
        if problems := _heading_problems(headings, sheet):
            reading.problems += problems
            continue
        for row in sheet.rows:
            if row.line > headings.line:
                _read_line(reading, Cells(row, sheet.name, headings.columns))
    if not is_any:
        reading.problems.append(Problem(code="sheet_no_headings", params={"columns": NEEDED}))
    elif not reading.units and not reading.problems:
        reading.problems.append(Problem(code="sheet_no_lines"))
    return UnitsFile(
        sites=reading.sites(),
        rooms=reading.rooms(),
        units=tuple(reading.units.values()),
        problems=tuple(sorted(reading.problems, key=lambda problem: (problem.sheet or "", problem.line or 0))),
        ignored_headings=tuple(ignored),
        sheets_not_read=tuple(skipped),
    )


def _heading_problems(headings: Headings, sheet: Sheet) -> list[Problem]:
    where: dict[str, Any] = {"line": headings.line, "sheet": sheet.name}
    repeated = [Problem(code="sheet_heading_repeated", column=code, **where) for code in headings.repeated]
    absent = [code for code in NEEDED if code not in headings.columns]
    return repeated + [Problem(code="sheet_heading_missing", column=code, **where) for code in absent]


class Cells:
    """One line's cells by column; what cannot be read is noted and taken as not said."""

    def __init__(self, row: Row, sheet: str | None, columns: Mapping[str, int]) -> None:
        self.line, self.sheet, self.problems = row.line, sheet, list[Problem]()
        self._row, self._columns = row, columns
        for code, position in columns.items():
            if flaw := row.flaws.get(position):
                self.refuse(flaw.value, code)

    def has(self, code: str) -> bool:
        return code in self._columns

    def raw(self, code: str) -> str:
        position = self._columns.get(code, -1)
        return self._row.cells[position] if 0 <= position < len(self._row.cells) else ""

    def refuse(self, problem: str, code: str | None = None, **params: Any) -> None:
        if code and not BY_CODE[code].is_secret and (value := tidy(self.raw(code))):
            params.setdefault("value", value[:40])
        self.problems.append(Problem(code=problem, line=self.line, sheet=self.sheet, column=code, params=params))

    def is_refused(self, code: str) -> bool:
        return any(problem.column == code for problem in self.problems)

    def text(self, code: str, longest: int, *, is_needed: bool = False) -> str | None:
        said = tidy(self.raw(code))
        if len(said) > longest:
            self.refuse("cell_too_long", code, longest=longest)
            return None
        if is_needed and not said and not self.is_refused(code):
            self.refuse("cell_missing", code)
        return said or None

    def yes_no(self, code: str) -> bool | None:
        """None when it says nothing."""
        if not (raw := self.raw(code)):
            return None
        said = parse_yes_no(raw)
        if said is None:
            self.refuse("cell_not_yes_no", code)
        return said

    def number(self, code: str, lowest: int, highest: int) -> int | None:
        if not (raw := self.raw(code)):
            return None
        said = parse_number(raw)
        if said is None or not lowest <= said <= highest:
            self.refuse("cell_not_number", code, lowest=lowest, highest=highest)
            return None
        return said

    def day(self, code: str) -> date | None:
        if not (raw := self.raw(code)):
            return None
        said = parse_date(raw)
        if said is None:
            self.refuse("cell_not_date", code)
        return said

    def choice(self, code: str) -> Any:
        if not (raw := self.raw(code)):
            return None
        said = SPELLINGS[code].get(bare(raw) or raw.strip())
        if said is None:
            self.refuse(f"not_{code}", code)
        return said


@dataclass
class _Reading:
    """What was said so far of sites and rooms, and on which line first."""

    names: dict[tuple[str, ...], tuple[str, int, str | None]] = field(default_factory=dict)
    said: dict[tuple[tuple[str, ...], str], tuple[Any, int]] = field(default_factory=dict)
    columns: dict[tuple[str, ...], set[str]] = field(default_factory=dict)
    units: dict[tuple[str, str, str], UnitLine] = field(default_factory=dict)
    whole: dict[tuple[str, str], tuple[bool, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def note(self, key: tuple[str, ...], name: str, values: Mapping[str, Any], cells: Cells) -> None:
        """A site's or a room's own values: said on any of its lines, and never differently on two."""
        self.names.setdefault(key, (name, cells.line, cells.sheet))
        for code, value in values.items():
            if cells.has(code):
                self.columns.setdefault(key, set()).add(code)
            if value is None:
                continue
            first, line = self.said.setdefault((key, code), (value, cells.line))
            if first != value:
                cells.refuse("cell_differs", code, first=line)

    def value(self, key: tuple[str, ...], code: str, empty: Any = None) -> Any:
        """`empty` when the column is there and no line fills it; None when there is no such column."""
        if (key, code) in self.said:
            return self.said[key, code][0]
        return empty if code in self.columns.get(key, ()) else None

    def sites(self) -> tuple[SiteLine, ...]:
        return tuple(
            SiteLine(
                code_name=name,
                line=line,
                sheet=sheet,
                district=self.value(key, "district"),
                directions=self.value(key, "directions"),
                night_line=self.value(key, "night_line"),
                is_overflow=self.value(key, "is_overflow", False),
            )
            for key, (name, line, sheet) in self.names.items()
            if len(key) == 1
        )

    def rooms(self) -> tuple[RoomLine, ...]:
        return tuple(
            RoomLine(
                site=key[0],
                label=name,
                line=line,
                sheet=sheet,
                floor=self.value(key, "floor"),
                sharing=self.value(key, "sharing", Sharing.HOUSEHOLD),
            )
            for key, (name, line, sheet) in self.names.items()
            if len(key) == 2
        )


def _read_line(reading: _Reading, cells: Cells) -> None:
    site, room = cells.text("site", 40, is_needed=True), cells.text("room", 40, is_needed=True)
    bed = cells.text("bed", 40)
    if site and districts.is_named_in(site):
        cells.problems.append(Problem(code="code_name_tells", line=cells.line, sheet=cells.sheet, column="site"))
    of_site, of_room = _site_values(cells), _room_values(cells)
    unit = _unit_values(cells, of_room["sharing"])
    if site and room:
        site_key, room_key = same_name(site), same_name(room)
        reading.note((site_key,), site, of_site, cells)
        reading.note((site_key, room_key), room, of_room, cells)
        key = (site_key, room_key, same_name(bed or room))
        if key in reading.units:
            cells.refuse("line_repeated", first=reading.units[key].line)
        is_whole, first = reading.whole.setdefault(key[:2], (bed is None, cells.line))
        if is_whole != (bed is None):
            cells.refuse("room_whole_and_by_bed", "room", first=first)
        if not cells.problems or key not in reading.units:
            line = UnitLine(site=site_key, room=room_key, label=bed or room, line=cells.line, sheet=cells.sheet, **unit)
            reading.units.setdefault(key, line)
    reading.problems += cells.problems


def _site_values(cells: Cells) -> dict[str, Any]:
    district = None
    if raw := cells.raw("district"):
        district = districts.parse(raw)
        if district is None:
            cells.refuse("district_not_known", "district")
    directions = tidy_lines(cells.raw("directions")) or None
    if directions and len(directions) > 2000:
        cells.refuse("cell_too_long", "directions", longest=2000)
        directions = None
    return {
        "district": district,
        "directions": directions,
        "night_line": cells.text("night_line", 30),
        "is_overflow": cells.yes_no("is_overflow"),
    }


def _room_values(cells: Cells) -> dict[str, Any]:
    return {"floor": cells.text("floor", 20), "sharing": cells.choice("sharing")}


def _unit_values(cells: Cells, sharing: Sharing | None) -> dict[str, Any]:
    capacity = cells.number("capacity", 1, 20)
    if not cells.raw("capacity") and not cells.is_refused("capacity"):
        cells.refuse("cell_missing", "capacity")
    audience = cells.choice("audience")
    if is_contradiction(sharing, audience):
        cells.refuse("sharing_and_audience_differ", "audience")
    begin, end = cells.day("in_service_from"), cells.day("in_service_until")
    if begin and end and end < begin:
        cells.refuse("service_not_in_order", "in_service_until")
    return {
        "capacity": capacity or 1,
        **_pet_values(cells),
        "is_step_free": _or_no(cells, "is_step_free"),
        "has_cot": _or_no(cells, "has_cot"),
        "audience": audience,
        "accepts_older_boys": _or_no(cells, "accepts_older_boys"),
        "in_service_from": begin,
        "in_service_until": end,
        "says_until": cells.has("in_service_until"),
    }


def _or_no(cells: Cells, code: str) -> bool | None:
    """Lists tick what there is: an empty cell means no. None: there is no such column."""
    return bool(cells.yes_no(code)) if cells.has(code) else None


def _pet_values(cells: Cells) -> dict[str, Any]:
    pets = cells.choice("pets_allowed")
    most = cells.number("max_pets", 0, 10)
    if pets is None and cells.has("pets_allowed") and not cells.is_refused("pets_allowed"):
        pets = PetsAllowed.NONE
    if pets == PetsAllowed.NONE and most:
        cells.refuse("pets_number_without_pets", "max_pets")
    if pets not in (None, PetsAllowed.NONE) and most == 0:
        cells.refuse("pets_without_number", "max_pets")
    if pets is None:
        return {}
    return {"pets_allowed": pets, "max_pets": 0 if pets == PetsAllowed.NONE else most}
