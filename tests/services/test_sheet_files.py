"""Reading a file somebody chose: whatever its bytes, a table or one of the refusals."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from shelter.domain import sheets
from shelter.domain.sheets import Flaw
from shelter.services import sheet_files
from shelter.services.sheet_files import read_sheets

EXAMPLES = Path(__file__).parents[2] / "examples"
TABLE = [["시설", "방"], ["목련", "똠방각하"]]


def workbook(rows: list[list[Any]], **more: list[list[Any]]) -> Workbook:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for name, others in more.items():
        added = book.create_sheet(name)
        for row in others:
            added.append(row)
    return book


def saved(book: Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def cells(content: bytes) -> list[list[str]]:
    (sheet,) = read_sheets(content)
    return [list(row.cells) for row in sheet.rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_text_is_read_in_the_encodings_korean_offices_save(encoding: str, delimiter: str, newline: str) -> None:
    text = newline.join(delimiter.join(row) for row in TABLE)
    assert cells(text.encode(encoding)) == TABLE


def test_a_workbook_is_read_whatever_it_is_called() -> None:
    assert cells(saved(workbook(TABLE))) == TABLE


def test_lines_keep_their_numbers_across_blank_and_long_lines() -> None:
    (sheet,) = read_sheets(b'a,b\n\n"two\nlines",c\n,,\nd,e\n')
    assert [(row.line, row.cells) for row in sheet.rows] == [
        (1, ("a", "b")),
        (3, ("two\nlines", "c")),
        (6, ("d", "e")),
    ]
    (sheet,) = read_sheets(saved(workbook([["a"], [], ["", ""], ["b"]])))
    assert [row.line for row in sheet.rows] == [1, 4]


def test_cells_come_as_the_person_saw_them() -> None:
    when = datetime(2026, 3, 10)  # noqa: DTZ001
    row = [101, 2.0, 2.5, True, False, when, date(2026, 3, 10), " 목련 ", None]
    read = ["101", "2", "2.5", "true", "false", "2026-03-10", "2026-03-10", "목련"]
    assert cells(saved(workbook([row]))) == [read]


def test_a_formula_without_its_value_is_noticed() -> None:
    (sheet,) = read_sheets(saved(workbook([["x", "=1+1"]])))
    assert sheet.rows[0].flaws == {1: Flaw.FORMULA}


def test_a_formula_with_its_value_is_taken_and_an_error_is_noticed() -> None:
    content = saved(workbook([["x", "=1+1", "=1/0"]]))
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            part = re.sub(rb"<f>1\+1</f><v ?/?>(</v>)?", b"<f>1+1</f><v>2</v>", old.read(name))
            part = re.sub(rb'r="C1"><f>1/0</f><v ?/?>(</v>)?', b'r="C1" t="e"><f>1/0</f><v>#DIV/0!</v>', part)
            new.writestr(name, part)
    (sheet,) = read_sheets(changed.getvalue())
    assert sheet.rows[0].cells == ("x", "2")
    assert sheet.rows[0].flaws == {2: Flaw.ERROR}


def test_a_name_merged_beside_its_rooms_is_said_on_each_line() -> None:
    book = workbook([["목련", 101], [None, 102], [None, 103], [None, 201]])
    assert book.active is not None
    book.active.merge_cells("A1:A3")
    assert cells(saved(book)) == [["목련", "101"], ["목련", "102"], ["목련", "103"], ["", "201"]]


def test_a_title_merged_across_stays_where_it_stands() -> None:
    book = workbook([["현황", None, None], ["a", "b", "c"]])
    assert book.active is not None
    book.active.merge_cells("A1:C1")
    assert cells(saved(book)) == [["현황"], ["a", "b", "c"]]


def test_hidden_sheets_are_left_alone() -> None:
    book = workbook(TABLE, old=[["x"]])
    book["old"].sheet_state = "hidden"
    assert [sheet.name for sheet in read_sheets(saved(book))] == ["Sheet"]


def test_a_million_blank_lines_are_no_reason_to_refuse() -> None:
    book = workbook(TABLE)
    assert book.active is not None
    book.active.cell(1_048_576, 1).value = " "
    assert cells(saved(book)) == TABLE


def bomb() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * (sheet_files.MAX_UNPACKED + 1))
    return content.getvalue()


REFUSED = [
    (b"", sheets.FileEmpty),
    (b" \r\n ", sheets.FileEmpty),
    (b"\xef\xbb\xbf", sheets.FileEmpty),
    (b"\xd0\xcf\x11\xe0" + b"\0" * 600, sheets.FileOldOrLocked),
    (b"PK\x03\x04 no archive", sheets.FileUnreadable),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", sheets.FileUnreadable),
    (b"a,b\0c", sheets.FileUnreadable),
    (b"a" * (sheet_files.MAX_BYTES + 1), sheets.FileTooLarge),
    (bomb(), sheets.FileTooLarge),
    (b"a\n" * (sheet_files.MAX_ROWS + 1), sheets.FileTooLong),
    (b"a," * sheet_files.MAX_COLUMNS + b"a", sheets.FileTooLong),
    (b'a,b\nc,"never closed\nd,e', sheets.FileQuotesBroken),
]


@pytest.mark.parametrize(("content", "refusal"), REFUSED, ids=[r.__name__ for _, r in REFUSED])
def test_what_is_no_list_is_refused_with_its_reason(content: bytes, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        read_sheets(content)


def test_an_open_quotation_mark_is_told_with_its_line() -> None:
    with pytest.raises(sheets.FileQuotesBroken) as refused:
        read_sheets(b'a,b\nc,"never closed\nd,e')
    assert refused.value.line == 2


ANY_REFUSAL = tuple({refusal for _, refusal in REFUSED})


@given(st.binary(max_size=2_000))
@example(b"PK")
@example(b"\xff\xfe\x00")
def test_no_bytes_break_the_reader(content: bytes) -> None:
    with contextlib.suppress(ANY_REFUSAL):
        read_sheets(content)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_damage_to_a_workbook_breaks_the_reader(data: st.DataObject) -> None:
    content = bytearray((EXAMPLES / "network-ko.xlsx").read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(len(content) // 2, len(content))) :]
    with contextlib.suppress(ANY_REFUSAL):
        read_sheets(bytes(content))


@pytest.mark.parametrize(
    ("part", "by"),
    [
        (b"</sheetData>", b""),
        (b'<c r="A3"', b'<c r="ZZZZZZ99999999"'),
        (b"<row ", b'<row r="x" '),
        (b't="n"', b't="s"'),
        (b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet'),
    ],
)
def test_no_broken_part_of_a_workbook_breaks_the_reader(part: bytes, by: bytes) -> None:
    changed = io.BytesIO()
    with zipfile.ZipFile(EXAMPLES / "network-ko.xlsx") as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(part, by))
    with contextlib.suppress(ANY_REFUSAL):
        read_sheets(changed.getvalue())
