"""The districts a site can lie in: Seoul's 25, by their standard administrative codes, and beyond."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class District:
    code: str
    ko: str
    en: str


OUTSIDE = "outside"

DISTRICTS = (
    District("11110", "종로구", "Jongno-gu"),
    District("11140", "중구", "Jung-gu"),
    District("11170", "용산구", "Yongsan-gu"),
    District("11200", "성동구", "Seongdong-gu"),
    District("11215", "광진구", "Gwangjin-gu"),
    District("11230", "동대문구", "Dongdaemun-gu"),
    District("11260", "중랑구", "Jungnang-gu"),
    District("11290", "성북구", "Seongbuk-gu"),
    District("11305", "강북구", "Gangbuk-gu"),
    District("11320", "도봉구", "Dobong-gu"),
    District("11350", "노원구", "Nowon-gu"),
    District("11380", "은평구", "Eunpyeong-gu"),
    District("11410", "서대문구", "Seodaemun-gu"),
    District("11440", "마포구", "Mapo-gu"),
    District("11470", "양천구", "Yangcheon-gu"),
    District("11500", "강서구", "Gangseo-gu"),
    District("11530", "구로구", "Guro-gu"),
    District("11545", "금천구", "Geumcheon-gu"),
    District("11560", "영등포구", "Yeongdeungpo-gu"),
    District("11590", "동작구", "Dongjak-gu"),
    District("11620", "관악구", "Gwanak-gu"),
    District("11650", "서초구", "Seocho-gu"),
    District("11680", "강남구", "Gangnam-gu"),
    District("11710", "송파구", "Songpa-gu"),
    District("11740", "강동구", "Gangdong-gu"),
    District(OUTSIDE, "서울 외 지역", "Outside Seoul"),
)
BY_CODE = {district.code: district for district in DISTRICTS}

_CITY = re.compile(r"^(서울특별시|서울시|서울|seoul)[\s,]*")
_OUTSIDE_WORDS = {"outside", "outsideseoul", "서울외", "서울외지역", "시외", "타지역"}


def is_district(code: str) -> bool:
    return code in BY_CODE


def name(code: str, language: str) -> str:
    """Only for the pages that may say it. Raises KeyError for an unknown code."""
    district = BY_CODE[code]
    return district.ko if language == "ko" else district.en


def choices(language: str) -> list[tuple[str, str]]:
    """Code and name, by name, what lies outside last."""
    pairs = [(district.code, name(district.code, language)) for district in DISTRICTS]
    return sorted(pairs, key=lambda pair: (pair[0] == OUTSIDE, pair[1]))


def parse(text: str) -> str | None:
    """The code a person meant by a code or a name, as lists write them; None when it is none of them.

    `11680`, `1168000000`, `강남구`, `서울특별시 강남구`, `강남`, `Gangnam-gu`, `gangnam` are the same.
    """
    said = unicodedata.normalize("NFKC", text).strip().casefold()
    if _bare(said) in _OUTSIDE_WORDS:
        return OUTSIDE
    plain = _bare(_CITY.sub("", said))
    if re.fullmatch(r"\d{5}(00000)?", plain):
        return plain[:5] if plain[:5] in BY_CODE else None
    return _BY_NAME.get(plain)


def is_named_in(text: str) -> bool:
    """Does the text give a district away? For code names, which must not."""
    said = _bare(unicodedata.normalize("NFKC", text).casefold())
    return any(word in said for word in _TELLING)


def _bare(text: str) -> str:
    return re.sub(r"[\s\-.,()]", "", text)


def _spellings(district: District) -> list[str]:
    en = district.en.casefold().removesuffix("-gu")
    short = district.ko.removesuffix("구")
    return [district.ko, en, f"{en}gu", *([short] if len(short) > 1 else [])]


_BY_NAME = {spelling: d.code for d in DISTRICTS if d.code != OUTSIDE for spelling in _spellings(d)}
_TELLING = set(_BY_NAME) - {"jung"}  # too short to tell anything
