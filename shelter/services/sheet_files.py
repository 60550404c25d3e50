"""A file somebody chose, as sheets of text cells: .xlsx, or .csv in UTF-8 or CP949, whatever its name."""

from __future__ import annotations

import codecs
import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from shelter.domain.errors import DomainError
from shelter.domain.sheets import (
    FileEmpty,
    FileOldOrLocked,
    FileQuotesBroken,
    FileTooLarge,
    FileTooLong,
    FileUnreadable,
    Flaw,
    Row,
    Sheet,
)

MAX_BYTES = 2 * 1024 * 1024
MAX_UNPACKED = 24 * 1024 * 1024
MAX_PARTS = 500
MAX_ROWS = 5_000
MAX_COLUMNS = 60
MAX_CELL = 2_000
DELIMITERS = ",;\t"


def read_sheets(content: bytes) -> list[Sheet]:
    """Visible sheets in order. Whatever the bytes, raises only the File… errors of `domain/sheets.py`."""
    if len(content) > MAX_BYTES:
        raise FileTooLarge(MAX_BYTES // 1024 // 1024)
    if not content.removeprefix(codecs.BOM_UTF8).strip():
        raise FileEmpty()
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise FileOldOrLocked()
    return _workbook(content) if content.startswith(b"PK") else [_text(content)]


def _text(content: bytes) -> Sheet:
    text = _decode(content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = []
    start = 1
    try:
        for cells in reader:
            rows += _kept(Row(start, _cut(cells)))
            start = reader.line_num + 1
            _check_length(rows)
    except csv.Error as broken:
        raise FileQuotesBroken(start) from broken
    return Sheet(None, tuple(rows))


def _decode(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp949"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise FileUnreadable()


def _workbook(content: bytes) -> list[Sheet]:
    _check_archive(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions we do not read
            return list(_sheets(content))
    except DomainError:
        raise
    except Exception as broken:  # a damaged file can break the parser anywhere
        raise FileUnreadable() from broken


def _check_archive(content: bytes) -> None:
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as broken:
        raise FileUnreadable() from broken
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise FileTooLarge(MAX_BYTES // 1024 // 1024)


def _sheets(content: bytes) -> Iterator[Sheet]:
    from openpyxl import load_workbook

    # Twice: once for what the person saw, once for which of it was computed.
    seen = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    written = load_workbook(io.BytesIO(content), read_only=True, data_only=False)
    try:
        for values, formulas in zip(seen.worksheets, written.worksheets, strict=True):
            if values.sheet_state == "visible":
                rows: list[Row] = []
                for row in _rows(values, formulas, _merged(content, values)):
                    rows += _kept(row)
                    _check_length(rows)
                yield Sheet(str(values.title), tuple(rows))
    finally:
        seen.close()
        written.close()


def _rows(values: Any, formulas: Any, merged: dict[tuple[int, int], tuple[int, int]]) -> Iterator[Row]:
    for sheet in (values, formulas):
        sheet.reset_dimensions()  # what the file says of its own size may be wrong
    known: dict[tuple[int, int], str] = {}
    first_cells = set(merged.values())
    pairs = zip(values.iter_rows(), formulas.iter_rows(), strict=True)
    for line, (row, sources) in enumerate(pairs, start=1):
        cells, flaws = [], {}
        for position, (cell, source) in enumerate(zip(row, sources, strict=True)):
            text, flaw = _cell_text(cell, source)
            if (line, position) in first_cells:
                known[line, position] = text
            elif not text and (line, position) in merged:
                text = known.get(merged[line, position], "")
            cells.append(text)
            if flaw:
                flaws[position] = flaw
        yield Row(line, _cut(cells), flaws)


def _cell_text(cell: Any, source: Any) -> tuple[str, Flaw | None]:
    """What the cell shows, and what is the matter with it if it cannot be taken."""
    value = cell.value
    if cell.data_type == "e":
        return "", Flaw.ERROR
    if value is None:
        return "", Flaw.FORMULA if source.data_type == "f" else None
    if isinstance(value, bool):
        return ("true" if value else "false"), None
    if isinstance(value, float) and value.is_integer():
        return str(int(value)), None
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" "), None
    return str(value), None


_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')


def _merged(content: bytes, sheet: Any) -> dict[tuple[int, int], tuple[int, int]]:
    """Cells that show the value of one above, because somebody merged them: (line, position) → the first.

    Only downwards: a name written once beside its rooms. openpyxl does not tell this in read-only mode.
    """
    from openpyxl.utils import column_index_from_string

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        xml = archive.read(sheet._worksheet_path)
    covered = {}
    for left, top, right, bottom in _MERGED.findall(xml):
        position = column_index_from_string(left.decode()) - 1
        first, last = int(top), min(int(bottom), MAX_ROWS)
        if left == right:
            covered.update({(line, position): (first, position) for line in range(first + 1, last + 1)})
    return covered


def _kept(row: Row) -> list[Row]:
    """Blank lines are dropped: some files carry a million of them."""
    return [] if row.is_blank else [row]


def _check_length(rows: list[Row]) -> None:
    if len(rows) > MAX_ROWS or (rows and len(rows[-1].cells) > MAX_COLUMNS):
        raise FileTooLong(MAX_ROWS, MAX_COLUMNS)


def _cut(cells: list[str]) -> tuple[str, ...]:
    """Without trailing empty cells. A text too long stays too long, to be reported where it stands."""
    stripped = [cell.strip()[: MAX_CELL + 1] for cell in cells]
    while stripped and not stripped[-1]:
        stripped.pop()
    return tuple(stripped)
