"""A network of shelters as a list: one line is one unit, a whole room or one bed; sites and rooms repeat.

An empty cell is an answer: no, none, or what is usual. Only what is sealed (district, directions, night line) is kept
as it is when the cell is empty, so that a list can go round without saying where the sites are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

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

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True)
class Column:
    """`is_secret`: what stands in its cells is never repeated in a sentence."""

    code: str
    ko: str
    en: str
    also: tuple[str, ...] = ()
    is_secret: bool = False


COLUMNS = (
    Column("site", "시설 별칭", "Site", ("시설", "시설명", "별칭", "쉼터", "site name", "code name", "shelter")),
    Column("district", "자치구", "District", ("구", "지역", "시군구", "자치구 코드", "district code", "gu"), True),
    Column("directions", "길 안내", "Directions", ("길 안내 비공개", "오시는 길", "찾아오는 길"), True),
    Column("night_line", "야간 연락처", "Night line", ("야간 전화", "시설 전화", "연락처", "전화번호", "phone"), True),
    Column("is_overflow", "임시 숙소", "Overflow", ("overflow place", "hotel", "temporary")),
    Column("room", "호실", "Room", ("방", "방 번호", "방 이름", "호실 번호", "호수", "room number", "room no")),
    Column("bed", "침대", "Bed", ("침대 번호", "침상", "bed number", "bed no", "unit", "unit label")),
    Column("floor", "층", "Floor", ("층수",)),
    Column("sharing", "함께 쓰는 방", "Sharing", ("공동 사용", "공용", "공용 여부", "방 사용", "sharing rule", "shared")),
    Column("capacity", "정원", "Capacity", ("인원", "수용 인원", "최대 인원", "people", "sleeps", "places")),
    Column("pets_allowed", "반려동물", "Pets", ("반려동물 가능", "반려동물 동반", "pet friendly", "pets allowed")),
    Column("max_pets", "반려동물 수", "Number of pets", ("반려동물 최대 수", "최대 반려동물", "max pets", "how many pets")),
    Column("is_step_free", "휠체어 가능", "Step-free", ("휠체어", "문턱 없음", "wheelchair", "accessible", "stepfree")),
    Column("has_cot", "아기 침대", "Cot", ("유아 침대", "crib", "baby bed")),
    Column("audience", "이용 대상", "Who it is for", ("대상", "입소 대상", "성별", "audience", "for", "for whom")),
    Column("accepts_older_boys", "10세 이상 남아", "Boys 10 and over", ("10세 이상 남아 동반", "남아 동반", "older boys")),
    Column("in_service_from", "사용 시작일", "In service from", ("운영 시작일", "시작일", "from", "opened on")),
    Column("in_service_until", "사용 종료일", "In service until", ("운영 종료일", "종료일", "until", "closed on")),
)  # fmt: skip
BY_CODE = {column.code: column for column in COLUMNS}
NEEDED = ("site", "room", "capacity")
_HEADINGS = {bare(spelling): c.code for c in COLUMNS for spelling in (c.ko, c.en, c.code, *c.also)}

# The first Korean and the first English spelling are the ones that sentences and templates use.
CHOICES: Mapping[str, Mapping[StrEnum, tuple[str, str, tuple[str, ...]]]] = {
    "sharing": {
        Sharing.HOUSEHOLD: ("한 가구", "one household", ("가구 전용", "1가구", "단독", "전용", "household", "private")),
        Sharing.WOMEN: ("여성", "women", ("여성 공용", "여", "female", "woman")),
        Sharing.MEN: ("남성", "men", ("남성 공용", "남", "male", "man")),
        Sharing.ANY: ("모두", "any", ("누구나", "혼성", "mixed", "anyone")),
    },
    "pets_allowed": {
        PetsAllowed.NONE: ("불가", "none", ("없음", "아니오", "아니요", "x", "no", "n", "0", "-")),
        PetsAllowed.SMALL: ("소형만", "small", ("소형", "소형견", "small only", "small pets")),
        PetsAllowed.ANY: ("모두", "any", ("가능", "예", "o", "○", "yes", "y", "all")),
    },
    "audience": {
        Audience.WOMEN: ("여성", "women", ("여", "여성 전용", "female", "woman")),
        Audience.MEN: ("남성", "men", ("남", "남성 전용", "male", "man")),
        Audience.FAMILY: ("가족", "families", ("가족실", "family", "동반 가족")),
        Audience.ANY: ("모두", "any", ("누구나", "제한 없음", "all", "anyone", "everyone")),
    },
}  # fmt: skip


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
    site: str
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
    skipped, ignored = [], []
    is_any = False
    for sheet in sheets:
        headings = find_headings(sheet, _HEADINGS, NEEDED)
        if headings is None:
            skipped.append(sheet.name or "")
            continue
        is_any = True
        ignored += [h for h in headings.ignored if h not in ignored]
        if _check_headings(headings, sheet, reading):
            for row in sheet.rows:
                if row.line > headings.line:
                    _LineReader(row, sheet, headings, reading).read()
    if not is_any:
        reading.problems.append(Problem(code="sheet_no_headings", params={"columns": list(NEEDED)}))
    elif not reading.units and not reading.problems:
        reading.problems.append(Problem(code="sheet_no_lines"))
    return UnitsFile(
        sites=tuple(reading.sites.values()),
        rooms=tuple(reading.rooms.values()),
        units=tuple(reading.units.values()),
        problems=tuple(reading.problems),
        ignored_headings=tuple(ignored),
        sheets_not_read=tuple(name for name in skipped if name),
    )


@dataclass
class _Reading:
    sites: dict[str, SiteLine] = field(default_factory=dict)
    rooms: dict[tuple[str, str], RoomLine] = field(default_factory=dict)
    units: dict[tuple[str, str, str], UnitLine] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def _check_headings(headings: Headings, sheet: Sheet, reading: _Reading) -> bool:
    problems = [
        Problem(code="sheet_heading_repeated", line=headings.line, sheet=sheet.name, column=code)
        for code in headings.repeated
    ]
    problems += [
        Problem(code="sheet_heading_missing", line=headings.line, sheet=sheet.name, column=code)
        for code in NEEDED
        if code not in headings.columns
    ]
    reading.problems += problems
    return not problems
