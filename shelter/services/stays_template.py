"""An empty list of running stays to fill in: every column, and what to write in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from shelter.domain.stays_columns import COLUMNS


def as_csv(language: str) -> bytes:
    """With a byte order mark: without it Excel reads Korean wrongly."""
    text = io.StringIO()
    csv.writer(text).writerow(_headings(language))
    return text.getvalue().encode("utf-8-sig")


def as_workbook(language: str, *, sheet_name: str, guide_name: str, guide: Mapping[str, str]) -> bytes:
    """`guide` says what each column is for; it stands on a second sheet."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    sheet.title = sheet_name
    sheet.append(_headings(language))
    sheet.freeze_panes = "B2"
    for position in range(1, len(COLUMNS) + 1):
        letter = get_column_letter(position)
        sheet[f"{letter}1"].font = Font(bold=True)
        sheet.column_dimensions[letter].width = 14
    notes = book.create_sheet(guide_name)
    notes.column_dimensions["A"].width, notes.column_dimensions["B"].width = 22, 90
    for column, heading in zip(COLUMNS, _headings(language), strict=True):
        notes.append([heading, guide[column.code]])
    for row in notes.iter_rows():
        row[0].font = Font(bold=True)
        row[1].alignment = Alignment(wrap_text=True, vertical="top")
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _headings(language: str) -> list[str]:
    return [column.ko if language == "ko" else column.en for column in COLUMNS]
