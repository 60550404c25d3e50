"""The columns of a list of units, and the words for what stands in them, Korean and English.

The first spelling is the one sentences and templates use; the others are how people head and fill such lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shelter.domain.matching import Audience, PetsAllowed, Sharing
from shelter.domain.sheets import bare


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
    Column(
        "night_line",
        "야간 연락처",
        "Night line",
        ("야간 전화", "시설 전화", "연락처", "전화번호", "phone"),
        True,
    ),
    Column("is_overflow", "임시 숙소", "Overflow", ("overflow place", "hotel", "temporary")),
    Column("room", "호실", "Room", ("방", "방 번호", "방 이름", "호실 번호", "호수", "room number", "room no")),
    Column("bed", "침대", "Bed", ("침대 번호", "침상", "bed number", "bed no", "unit", "unit label")),
    Column("floor", "층", "Floor", ("층수",)),
    Column(
        "sharing",
        "함께 쓰는 방",
        "Sharing",
        ("공동 사용", "공용", "공용 여부", "방 사용", "sharing rule", "shared"),
    ),
    Column("capacity", "정원", "Capacity", ("인원", "수용 인원", "최대 인원", "people", "sleeps", "places")),
    Column("pets_allowed", "반려동물", "Pets", ("반려동물 가능", "반려동물 동반", "pet friendly", "pets allowed")),
    Column(
        "max_pets",
        "반려동물 수",
        "Number of pets",
        ("반려동물 최대 수", "최대 반려동물", "max pets", "how many pets"),
    ),
    Column(
        "is_step_free",
        "휠체어 가능",
        "Step-free",
        ("휠체어", "문턱 없음", "wheelchair", "accessible", "stepfree"),
    ),
    Column("has_cot", "아기 침대", "Cot", ("유아 침대", "crib", "baby bed")),
    Column("audience", "이용 대상", "Who it is for", ("대상", "입소 대상", "성별", "audience", "for", "for whom")),
    Column(
        "accepts_older_boys",
        "10세 이상 남아",
        "Boys 10 and over",
        ("10세 이상 남아 동반", "남아 동반", "older boys"),
    ),
    Column("in_service_from", "사용 시작일", "In service from", ("운영 시작일", "시작일", "from", "opened on")),
    Column("in_service_until", "사용 종료일", "In service until", ("운영 종료일", "종료일", "until", "closed on")),
)
BY_CODE = {column.code: column for column in COLUMNS}
NEEDED = ("site", "room", "capacity")
HEADINGS = {bare(spelling): c.code for c in COLUMNS for spelling in (c.ko, c.en, c.code, *c.also)}

# Korean, English, and how else it is said.
CHOICES: Mapping[str, Mapping[StrEnum, tuple[str, str, tuple[str, ...]]]] = {
    "sharing": {
        Sharing.HOUSEHOLD: (
            "한 가구",
            "one household",
            ("가구 전용", "1가구", "단독", "전용", "household", "private"),
        ),
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
}
SPELLINGS = {
    code: {bare(word) or word: value for value, (ko, en, also) in meanings.items() for word in (ko, en, *also)}
    for code, meanings in CHOICES.items()
}
