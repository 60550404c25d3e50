"""The table of a period as a file: one line for each site and kind, then one for each night or month."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from shelter.domain.matching import UnitKind
from shelter.queries.occupancy import Count, Occupancy
from shelter.web.errors import label
from shelter.web.language import gettext as _

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int | float | None


def write(found: Occupancy, kind: str, language: str) -> tuple[bytes, str]:
    """Content and media type. A name that begins like a formula is kept from being one."""
    rows = [[_harmless(cell) for cell in row] for row in _rows(found)]
    return (_workbook(rows), XLSX) if kind == "xlsx" else (_csv(rows), CSV)


def _rows(found: Occupancy) -> Iterable[list[Cell]]:
    names = dict(found.sites)
    yield [
        *(_("From the night"), _("To the night"), _("Site"), _("Kind of unit")),
        *(_("Occupied"), _("Reserved"), _("On hold"), _("Closed"), _("Free"), _("Not in service"), _("People")),
        *(_("Occupancy rate"), _("Planned ahead"), _("Open-ended ahead")),
    ]
    order = list(UnitKind)
    whole = (found.period.first.isoformat(), found.period.last.isoformat())
    for place, count in sorted(found.places.items(), key=lambda p: (names[p[0].site_id], order.index(p[0].kind))):
        yield [*whole, names[place.site_id], label(place.kind), *_cells(count)]
    yield [*whole, _("All"), _("All"), *_cells(found.total)]
    for part in found.parts:
        cells = _cells(part.count) if part.count else [_("no data")]
        yield [part.nights.arrive_on.isoformat(), part.nights.last.isoformat(), _("All"), _("All"), *cells]


def _cells(count: Count) -> list[Cell]:
    tally = count.tally
    rate = None if tally.rate is None else round(tally.rate, 4)
    return [
        tally.occupied, tally.reserved, tally.held, tally.closed, tally.free, tally.not_in_service, tally.people, rate,
        count.sure, count.open_ended,
    ]  # fmt: skip


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(BEGINS_FORMULA) else cell


def _csv(rows: Iterable[list[Cell]]) -> bytes:
    """With a byte order mark: without it Excel reads Korean wrongly."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def _workbook(rows: list[list[Cell]]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for cell in sheet["L"][1:]:
        cell.number_format = "0.0%"
    sheet.freeze_panes = "E2"
    for letter in "ABCD":
        sheet.column_dimensions[letter].width = 16
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
