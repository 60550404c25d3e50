#!/usr/bin/env python3
"""Write `examples/stays-ko.xlsx`: stays that run in the network of `make_examples.py`, as an old list keeps them.

With moves, extensions and pets, and with limits counted in the ways such lists count them: by the calendar, as 180
days, or wrongly. Nobody in it is real. Two runs write the same bytes: python -m tools.make_stays_example
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import date

from openpyxl import Workbook
from openpyxl.styles import Font

from tools.make_examples import FOLDER, without_times

TITLE = "입소자 현황 (2026년 11월)"
HEADINGS = (
    *(
        "사례번호",
        "시설 별칭",
        "호실",
        "침대",
        "입소일",
        "방 입실일",
        "방 퇴실일",
        "퇴소 예정일",
        "연장 횟수",
        "기한일",
    ),
    *("성인 여성", "성인 남성", "10세 이상 남아", "여아", "10세 미만 남아", "영유아"),
    *("소형견", "중대형견", "고양이", "담당자", "비고"),
)
HEADS = ("women", "men", "older_boys", "girls", "boys", "infants", "small_dogs", "large_dogs", "cats")


@dataclass(frozen=True)
class Line:
    """One room of one stay; `who` counts heads and pets by column."""

    case: int
    site: str
    room: str
    bed: str = ""
    check_in: date | None = None
    since: date | None = None
    until: date | None = None
    leave_on: date | None = None
    extensions: int = 0
    limit: date | None = None
    who: dict[str, int] = field(default_factory=dict)
    note: str = ""


def on(month: int, day: int, year: int = 2026) -> date:
    return date(year, month, day)


LINES = (
    Line(1, "목련", "101", check_in=on(6, 3), limit=on(12, 3), who={"women": 1}),
    Line(2, "목련", "203", check_in=on(7, 20), limit=on(1, 16, 2027), who={"women": 1, "girls": 2}, note="180일 계산"),
    Line(3, "목련", "204", check_in=on(8, 31), limit=on(2, 28, 2027), who={"women": 1, "boys": 1, "infants": 1}),
    Line(4, "동백", "301", "A", check_in=on(9, 14), limit=on(3, 14, 2027), who={"women": 1}),
    Line(5, "동백", "301", "C", check_in=on(10, 2), limit=on(4, 2, 2027), leave_on=on(12, 20), who={"women": 1}),
    Line(6, "동백", "303", check_in=on(4, 30), until=on(7, 2), note="수국으로 이동"),
    Line(6, "수국", "1", since=on(7, 2), limit=on(1, 30, 2027), extensions=1, who={"women": 1, "girls": 3}),
    Line(7, "수국", "2", check_in=on(5, 12), limit=on(11, 12), who={"women": 1, "boys": 1, "small_dogs": 1}),
    Line(8, "라일락", "201", check_in=on(5, 28), limit=on(11, 28), leave_on=on(11, 20), who={"women": 1}),
    Line(9, "라일락", "205", check_in=on(10, 19), limit=on(4, 19, 2027), who={"women": 2}),
    Line(10, "해바라기", "101", check_in=on(8, 8), limit=on(2, 8, 2027), who={"women": 1, "girls": 1, "large_dogs": 1}),
    Line(11, "해바라기", "103", check_in=on(2, 28), limit=on(11, 28), extensions=1, who={"women": 1, "cats": 1}),
    Line(12, "민들레", "201", "B", check_in=on(9, 30), limit=on(3, 30, 2027), who={"women": 1}, note="같은 날 계산"),
    Line(13, "제비꽃", "402", check_in=on(7, 1), limit=on(1, 1, 2027), who={"women": 1, "girls": 1, "boys": 2}),
    Line(14, "연꽃", "103", check_in=on(6, 22), until=on(6, 29)),
    Line(14, "연꽃", "104", since=on(6, 29), limit=on(12, 22), who={"women": 1, "girls": 2, "boys": 1}),
    Line(15, "붓꽃", "201", check_in=on(9, 3), limit=on(3, 3, 2027), who={"men": 1}),
    Line(16, "코스모스", "104", check_in=on(10, 25), limit=on(4, 25, 2027), who={"women": 1, "older_boys": 1}),
    Line(17, "백일홍", "1", check_in=on(8, 17), limit=on(2, 17, 2027), who={"women": 2, "girls": 2}),
    Line(17, "백일홍", "3", check_in=on(8, 17), who={"women": 1, "older_boys": 1}, note="같은 가구, 방 둘"),
    Line(18, "재스민", "706", check_in=on(11, 9), leave_on=on(11, 30), who={"women": 1, "infants": 1}),
)


def row(line: Line) -> list[str | int | date | None]:
    days = (line.check_in, line.since, line.until, line.leave_on)
    heads = [line.who.get(name) for name in HEADS]
    plain = [f"26-{line.case:03}", line.site, line.room, line.bed or None, *days, line.extensions or None, line.limit]
    return [*plain, *heads, None, line.note or None]


def as_workbook() -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "입소자 현황"
    sheet.append([TITLE])
    sheet.append([])
    sheet.append(list(HEADINGS))
    for line in LINES:
        sheet.append(row(line))
    sheet["A1"].font = Font(bold=True, size=14)
    for cell in sheet[3]:
        cell.font = Font(bold=True)
        sheet.column_dimensions[cell.column_letter].width = 13
    for cells in sheet.iter_rows(min_row=4):
        for cell in cells:
            if isinstance(cell.value, date):
                cell.number_format = "yyyy-mm-dd"
    sheet.freeze_panes = "B4"
    content = io.BytesIO()
    book.save(content)
    return without_times(content.getvalue())


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "stays-ko.xlsx").write_bytes(as_workbook())
    print(f"{len({line.case for line in LINES})} stays on {len(LINES)} lines")


if __name__ == "__main__":
    main()
