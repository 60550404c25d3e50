"""Running stays as a list: one line is one room of one stay, past ones included; lines of one case are one stay.

Nothing is guessed: who is in a room is said on the line of the room they are in now, and what a stay says twice it
says alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from shelter.domain.matching import AgeBand, PetSize, Sex, Species
from shelter.domain.sheets import Headings, Problem, Sheet, bare, find_headings, tidy
from shelter.domain.stays_columns import BY_CODE, HEADINGS, HEADS, NEEDED, PETS
from shelter.domain.units_file import Cells, same_name

MOST_HEADS, MOST_PETS, MOST_EXTENSIONS = 20, 10, 12
WHOLE_STAY = ("check_in", "check_in_time", "extensions", "limit_on", "leave_on", "responsible")  # said once
_TIME = re.compile(r"(\d{1,2})[:시]\s*(\d{2})?(?::\d{2})?\s*분?")


@dataclass(frozen=True, kw_only=True)
class RoomSpan:
    """One room of a stay. `until` is the day they moved on; None while they are there."""

    site: str  # as `same_name` says it, like `room` and `bed`
    room: str
    bed: str
    line: int
    sheet: str | None = None
    since: date
    until: date | None = None
    heads: Mapping[str, int] = field(default_factory=dict)  # by column

    @property
    def people(self) -> tuple[tuple[Sex, AgeBand], ...]:
        return tuple(who for code, n in self.heads.items() for who in [HEADS[code]] * n)


@dataclass(frozen=True, kw_only=True)
class ListedStay:
    """A running stay as the list has it; rooms in the order they were slept in."""

    case: str | None
    line: int
    sheet: str | None = None
    check_in_on: date
    check_in_time: time | None = None
    leave_on: date | None = None
    extensions: int = 0
    limit_on: date | None = None  # what the list says, to be compared
    rooms: tuple[RoomSpan, ...]
    pets: tuple[tuple[Species, PetSize], ...] = ()
    responsible: str | None = None

    @property
    def current(self) -> tuple[RoomSpan, ...]:
        return tuple(room for room in self.rooms if room.until is None)


@dataclass(frozen=True, kw_only=True)
class StaysFile:
    """A list that was read. With problems nothing of it may be kept; `stays` are those without any."""

    stays: tuple[ListedStay, ...] = ()
    problems: tuple[Problem, ...] = ()
    ignored_headings: tuple[str, ...] = ()
    sheets_not_read: tuple[str, ...] = ()


class StayCells(Cells):
    """Cells of our columns."""

    def problem(self, problem: str, code: str | None = None, **params: Any) -> Problem:
        if code and not BY_CODE[code].is_secret and (value := tidy(self.raw(code))):
            params.setdefault("value", value[:40])
        return Problem(code=problem, line=self.line, sheet=self.sheet, column=code, params=params)

    def refuse(self, problem: str, code: str | None = None, **params: Any) -> None:
        self.problems.append(self.problem(problem, code, **params))

    def time(self, code: str) -> time | None:
        if not (raw := tidy(self.raw(code))):
            return None
        found = _TIME.fullmatch(raw) or _TIME.fullmatch(raw.rpartition(" ")[2])
        try:
            said = time(int(found[1]), int(found[2] or 0)) if found else None
        except ValueError:
            said = None
        if said is None:
            self.refuse("cell_not_time", code)
        return said


@dataclass(frozen=True)
class _Line:
    case: str | None
    cells: StayCells
    site: str
    room: str
    bed: str
    since: date | None
    until: date | None
    heads: dict[str, int]
    pets: dict[str, int]
    said: dict[str, Any]  # what belongs to the whole stay


def read_stays_file(sheets: Iterable[Sheet], today: date) -> StaysFile:
    """Everything the list says, and everything that is wrong with it, at once."""
    lines: list[_Line] = []
    problems: list[Problem] = []
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
        if wrong := _heading_problems(headings, sheet):
            problems += wrong
            continue
        for row in sheet.rows:
            if row.line > headings.line:
                lines.append(_read_line(StayCells(row, sheet.name, headings.columns), today))
                problems += lines[-1].cells.problems
    if not is_any:
        problems.append(Problem(code="stays_no_headings", params={"columns": NEEDED}))
    elif not lines and not problems:
        problems.append(Problem(code="sheet_no_lines"))
    readable = [group for group in _by_case(lines) if not any(line.cells.problems for line in group)]
    stays = [_stay(group, problems) for group in readable]
    return StaysFile(
        stays=tuple(stay for stay in stays if stay is not None),
        problems=tuple(sorted(problems, key=lambda p: (p.sheet or "", p.line or 0))),
        ignored_headings=tuple(ignored),
        sheets_not_read=tuple(skipped),
    )


def _heading_problems(headings: Headings, sheet: Sheet) -> list[Problem]:
    where: dict[str, Any] = {"line": headings.line, "sheet": sheet.name}
    repeated = [Problem(code="sheet_heading_repeated", column=code, **where) for code in headings.repeated]
    absent = [code for code in NEEDED if code not in headings.columns]
    return repeated + [Problem(code="sheet_heading_missing", column=code, **where) for code in absent]


def _read_line(cells: StayCells, today: date) -> _Line:
    site, room = cells.text("site", 40, is_needed=True) or "", cells.text("room", 40, is_needed=True) or ""
    check_in, since, until = cells.day("check_in"), cells.day("room_from"), cells.day("room_until")
    for code, day in (("check_in", check_in), ("room_from", since), ("room_until", until)):
        if day is not None and day > today:
            cells.refuse("day_not_yet", code)
    if since and until and until <= since:
        cells.refuse("room_days_not_in_order", "room_until")
    return _Line(
        case=_bare_case(cells),
        cells=cells,
        site=same_name(site),
        room=same_name(room),
        bed=same_name(cells.text("bed", 40) or room),
        since=since,
        until=until,
        heads={code: n for code in HEADS if (n := cells.number(code, 0, MOST_HEADS))},
        pets={code: n for code in PETS if (n := cells.number(code, 0, MOST_PETS))},
        said={
            "check_in": check_in,
            "check_in_time": cells.time("check_in_time"),
            "extensions": cells.number("extensions", 0, MOST_EXTENSIONS),
            "limit_on": cells.day("limit_on"),
            "leave_on": cells.day("leave_on"),
            "responsible": cells.text("responsible", 80),
        },
    )


def _bare_case(cells: StayCells) -> str | None:
    case = cells.text("case", 40)
    return (bare(case) or case) if case else None


def _by_case(lines: list[_Line]) -> list[list[_Line]]:
    """Lines of one case together; a line without a case is a stay of its own."""
    groups: dict[object, list[_Line]] = {}
    for line in lines:
        groups.setdefault(line.case or id(line), []).append(line)
    return list(groups.values())


def _stay(lines: list[_Line], problems: list[Problem]) -> ListedStay | None:
    known, first = len(problems), lines[0].cells
    said = _said_once(lines, problems)
    check_in = said["check_in"]
    if check_in is None:
        problems.append(first.problem("cell_missing", "check_in"))
        return None
    rooms = _rooms(lines, check_in, problems)
    if said["leave_on"] is not None and said["leave_on"] <= check_in:
        problems.append(first.problem("leave_before_arrival", "leave_on"))
    if len(problems) > known:
        return None
    pets = Counter[str]()
    for line in lines:
        pets.update(line.pets)
    return ListedStay(
        case=tidy(first.raw("case")) or None,
        line=first.line,
        sheet=first.sheet,
        check_in_on=check_in,
        check_in_time=said["check_in_time"],
        leave_on=said["leave_on"],
        extensions=said["extensions"] or 0,
        limit_on=said["limit_on"],
        rooms=rooms,
        pets=tuple(pet for code, n in pets.items() for pet in [PETS[code]] * n),
        responsible=said["responsible"],
    )


def _said_once(lines: list[_Line], problems: list[Problem]) -> dict[str, Any]:
    """What belongs to the whole stay: on any of its lines, and never differently on two."""
    said: dict[str, Any] = dict.fromkeys(WHOLE_STAY)
    where: dict[str, int] = {}
    for line in lines:
        for code, value in line.said.items():
            if value is None or value == said[code]:
                continue
            if said[code] is None:
                said[code], where[code] = value, line.cells.line
            else:
                problems.append(line.cells.problem("stay_differs", code, first=where[code]))
    return said


def _rooms(lines: list[_Line], check_in: date, problems: list[Problem]) -> tuple[RoomSpan, ...]:
    """In the order of their days, without a gap, the last ones without an end."""
    spans = []
    for line in lines:
        is_first = line.until is not None or not any(other.until for other in lines)
        since = line.since or (check_in if is_first else None)
        if wrong := _wrong_with(line, since, check_in):
            problems.append(line.cells.problem(*wrong))
        elif since is not None:
            where: dict[str, Any] = {"line": line.cells.line, "sheet": line.cells.sheet}
            spans.append(
                RoomSpan(
                    site=line.site,
                    room=line.room,
                    bed=line.bed,
                    since=since,
                    until=line.until,
                    heads=line.heads,
                    **where,
                )
            )
    spans.sort(key=lambda span: (span.since, span.until or date.max))
    if len(spans) == len(lines):
        _check_order(spans, check_in, problems)
    return tuple(spans)


def _wrong_with(line: _Line, since: date | None, check_in: date) -> tuple[str, str] | None:
    if since is None:
        return "cell_missing", "room_from"
    if since < check_in:
        return "room_before_check_in", "room_from"
    if line.until is not None and line.until <= since:
        return "room_days_not_in_order", "room_until"
    if line.until is None and not line.heads:
        return "heads_missing", "women"
    return None


def _check_order(spans: list[RoomSpan], check_in: date, problems: list[Problem]) -> None:
    where: dict[str, Any] = {"line": spans[-1].line, "sheet": spans[-1].sheet}
    if all(span.until is not None for span in spans):
        problems.append(Problem(code="stay_is_over", column="room_until", **where))
        return
    reached = check_in
    for span in spans:
        if span.since > reached:
            where = {"line": span.line, "sheet": span.sheet}
            problems.append(Problem(code="room_gap", column="room_from", params={"reached": reached}, **where))
            return
        reached = max(reached, span.until or date.max)
