#!/usr/bin/env python3
"""Write `examples/`: one invented network of shelters, as the lists cities keep.

The same table three times: Korean .xlsx, Korean .csv as older Excel saves it (CP949), English .csv (UTF-8).
Two runs write the same bytes. Nothing in it is a real place, number or name.
"""

from __future__ import annotations

import csv
import io
import re
import sys
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from shelter.domain import districts  # noqa: E402
from shelter.domain.units_columns import COLUMNS  # noqa: E402

OF_SITE = {"site", "district", "directions", "night_line", "is_overflow"}
FOLDER = ROOT / "examples"


@dataclass(frozen=True)
class Site:
    """A shelter: its code name in both languages and its lines, one unit each."""

    ko: str
    en: str
    district: str
    units: tuple[Unit, ...]
    is_overflow: bool = False


@dataclass(frozen=True)
class Unit:
    room: str
    capacity: int = 1
    bed: str = ""
    sharing: str = "one"
    pets: str = "none"
    max_pets: int = 0
    step_free: bool = False
    cot: bool = False
    audience: str = "women"
    older_boys: bool = True


def beds(room: str, names: str, **same: object) -> tuple[Unit, ...]:
    """The beds of one shared room."""
    return tuple(Unit(room, 1, bed=name, **same) for name in names)  # type: ignore[arg-type]


NETWORK = (
    Site(
        "목련",
        "Magnolia",
        "11440",
        (
            Unit("101", step_free=True),
            Unit("201"),
            Unit("202"),
            Unit("203", 4, cot=True, audience="families"),
            Unit("204", 5, cot=True, audience="families"),
        ),
    ),
    Site(
        "동백",
        "Camellia",
        "11710",
        (
            *beds("301", "ABCD", sharing="women", older_boys=False),
            Unit("302", 2),
            Unit("303", 4, audience="families"),
        ),
    ),
    Site(
        "수국",
        "Hydrangea",
        "11350",
        (
            Unit("1", 6, cot=True, audience="families"),
            Unit("2", 5, cot=True, audience="families", pets="small", max_pets=1),
            Unit("3", 4, audience="families"),
        ),
    ),
    Site("라일락", "Lilac", "11560", (Unit("201"), Unit("202"), Unit("203"), Unit("204"), Unit("205", 2))),
    Site(
        "해바라기",
        "Sunflower",
        "11230",
        (
            Unit("101", 4, pets="any", max_pets=2, step_free=True, cot=True, audience="families"),
            Unit("102", 3, pets="any", max_pets=2, audience="families"),
            Unit("103", pets="any", max_pets=1),
            Unit("104", 2, pets="small", max_pets=1),
        ),
    ),
    Site(
        "민들레",
        "Dandelion",
        "11500",
        (
            *beds("201", "ABC", sharing="women", older_boys=False),
            *beds("202", "ABC", sharing="women", older_boys=False),
            Unit("203"),
        ),
    ),
    Site(
        "제비꽃",
        "Violet",
        "11620",
        (
            Unit("301"),
            Unit("302"),
            Unit("401", 4, cot=True, audience="families"),
            Unit("402", 4, audience="families"),
            Unit("403", 5, audience="families"),
        ),
    ),
    Site(
        "연꽃",
        "Lotus",
        "11290",
        (
            Unit("101", step_free=True),
            Unit("102", 2, step_free=True),
            Unit("103", 4, step_free=True, cot=True, audience="families"),
            Unit("104", 6, step_free=True, cot=True, audience="families", pets="small", max_pets=1),
        ),
    ),
    Site(
        "붓꽃",
        "Iris",
        "11380",
        (
            Unit("201", audience="men"),
            Unit("202", 2, audience="men", pets="any", max_pets=1),
            *beds("203", "ABC", sharing="men", audience="men"),
        ),
    ),
    Site(
        "코스모스",
        "Cosmos",
        "11545",
        (Unit("101", step_free=True), Unit("102"), Unit("103", 2), Unit("104", 4, audience="families")),
    ),
    Site(
        "백일홍",
        "Zinnia",
        "outside",
        (
            Unit("1", 8, cot=True, audience="families", pets="any", max_pets=3),
            Unit("2", 5, cot=True, audience="families"),
            Unit("3", 2),
            Unit("4", 1, pets="any", max_pets=1),
        ),
    ),
    Site(
        "재스민",
        "Jasmine",
        "11170",
        (
            Unit("701", 2, audience="any"),
            Unit("702", 2, audience="any"),
            Unit("703", 2, audience="any"),
            Unit("704", 2, audience="any", pets="small", max_pets=1),
            Unit("705", 3, audience="any", cot=True),
            Unit("706", 3, audience="any", cot=True),
            Unit("707", 3, audience="any", step_free=True),
            Unit("708", 4, audience="any", step_free=True, pets="any", max_pets=2),
        ),
        is_overflow=True,
    ),
)

DIRECTIONS = {
    "ko": "도착 10분 전에 야간 연락처로 전화하면 담당자가 마중 나갑니다. 건물 안내판에는 표시가 없습니다.",
    "en": "Call the night line ten minutes before. Somebody comes to meet her. There is no sign at the door.",
}
WORDS = {
    "one": ("한 가구", "one household"),
    "none": ("불가", "none"),
    "small": ("소형만", "small"),
    "any": ("모두", "any"),
    "women": ("여성", "women"),
    "men": ("남성", "men"),
    "families": ("가족", "families"),
}
TICKS = {"ko": ("O", "X"), "en": ("yes", "no")}
TITLE = "2026년 보호시설 현황 (예시)"
EPOCH = datetime(2026, 1, 1)  # noqa: DTZ001


def table(language: str) -> list[list[str | int]]:
    """Headings and one line a unit, in the words of the language."""
    is_korean = language == "ko"
    headings: list[str | int] = [column.ko if is_korean else column.en for column in COLUMNS]
    return [headings] + [
        _line(number, site, unit, language) for number, site in enumerate(NETWORK, 1) for unit in site.units
    ]


def _line(number: int, site: Site, unit: Unit, language: str) -> list[str | int]:
    is_korean = language == "ko"
    yes, no = TICKS[language]
    name = districts.name(site.district, language)
    said = {
        "site": site.ko if is_korean else site.en,
        "district": name,
        "directions": DIRECTIONS[language],
        "night_line": f"070-0000-{1000 + number}",
        "is_overflow": yes if site.is_overflow else no,
        "room": unit.room,
        "bed": unit.bed,
        "floor": "" if len(unit.room) < 3 else unit.room[0],
        "capacity": unit.capacity,
        "max_pets": unit.max_pets,
        "is_step_free": yes if unit.step_free else no,
        "has_cot": yes if unit.cot else no,
        "accepts_older_boys": yes if unit.older_boys else no,
        "in_service_from": "2024-01-01",
        "in_service_until": "",
    }
    for column, word in (
        ("sharing", unit.sharing),
        ("pets_allowed", unit.pets),
        ("audience", unit.audience),
    ):
        said[column] = WORDS[word][0 if is_korean else 1]
    return [said[column.code] for column in COLUMNS]


def as_csv(rows: list[list[str | int]], encoding: str) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(encoding)


def as_workbook(rows: list[list[str | int]]) -> bytes:
    """As such lists look: a title above, a site's cells merged beside its rooms."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "시설 현황"
    sheet.append([TITLE])
    sheet.append([])
    for row in rows:
        sheet.append(row)
    first = 4
    of_site = [COLUMNS.index(column) for column in COLUMNS if column.code in OF_SITE]
    for site in NETWORK:
        last = first + len(site.units) - 1
        for position in of_site:
            sheet.merge_cells(
                start_row=first, end_row=last, start_column=position + 1, end_column=position + 1
            )
            sheet.cell(first, position + 1).alignment = Alignment(vertical="top")
        first = last + 1
    sheet["A1"].font = Font(bold=True, size=14)
    for cell in sheet[3]:
        cell.font = Font(bold=True)
    for column in sheet.iter_cols(min_row=3, max_row=3):
        sheet.column_dimensions[column[0].column_letter].width = 14
    sheet.freeze_panes = "B4"
    content = io.BytesIO()
    book.save(content)
    return without_times(content.getvalue())


def without_times(content: bytes) -> bytes:
    """The same workbook without the moment it was made: two runs write the same bytes."""
    same = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as made,
        zipfile.ZipFile(same, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        for name in sorted(made.namelist()):
            part = made.read(name)
            if name == "docProps/core.xml":
                part = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", f"{EPOCH.isoformat()}Z".encode(), part)
            out.writestr(zipfile.ZipInfo(name, EPOCH.timetuple()[:6]), part, zipfile.ZIP_DEFLATED)
    return same.getvalue()


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "network-ko.xlsx").write_bytes(as_workbook(table("ko")))
    (FOLDER / "network-ko-cp949.csv").write_bytes(as_csv(table("ko"), "cp949"))
    (FOLDER / "network-en.csv").write_bytes(as_csv(table("en"), "utf-8"))
    print(f"{len(NETWORK)} sites, {sum(len(site.units) for site in NETWORK)} units")


if __name__ == "__main__":
    main()
