"""The columns of a list of running stays, Korean and English.

The first spelling is the one sentences and templates use; the others are how people head such lists.
"""

from __future__ import annotations

from shelter.domain.matching import AgeBand, PetSize, Sex, Species
from shelter.domain.sheets import bare
from shelter.domain.units_columns import Column

COLUMNS = (
    Column("case", "사례번호", "Case", ("관리번호", "연번", "번호", "case no", "case number", "id", "no"), True),
    Column("site", "시설 별칭", "Site", ("시설", "시설명", "별칭", "쉼터", "site name", "code name", "shelter")),
    Column("room", "호실", "Room", ("방", "방 번호", "방 이름", "호실 번호", "호수", "room number", "room no")),
    Column("bed", "침대", "Bed", ("침대 번호", "침상", "bed number", "bed no", "unit", "unit label")),
    Column(
        "check_in", "입소일", "Check-in", ("입소 일자", "입소", "입소일자", "checked in", "check in date", "admitted")
    ),
    Column("check_in_time", "입소 시각", "Check-in time", ("입소 시간", "시각", "time", "time of check in")),
    Column(
        "room_from", "방 입실일", "In room from", ("이 방 입실일", "입실일", "방 시작일", "room since", "room from")
    ),
    Column(
        "room_until", "방 퇴실일", "In room until", ("이 방 퇴실일", "퇴실일", "방 이동일", "room until", "moved on")
    ),
    Column(
        "leave_on", "퇴소 예정일", "Leaves on", ("퇴소예정", "퇴소 예정", "예정 퇴소일", "planned leave", "leave date")
    ),
    Column(
        "extensions", "연장 횟수", "Extensions granted", ("기간 연장", "연장", "연장 승인", "extensions", "granted")
    ),
    Column("limit_on", "기한일", "Limit", ("입소 기한", "기한", "만료일", "limit date", "limit on", "deadline")),
    Column("women", "성인 여성", "Women", ("여성", "여", "adult women")),
    Column("men", "성인 남성", "Men", ("남성", "남", "adult men")),
    Column("older_boys", "10세 이상 남아", "Boys 10 and over", ("10세 이상 남", "older boys", "boys 10+")),
    Column("girls", "여아", "Girls", ("여자 아동", "여자아이", "female children")),
    Column("boys", "10세 미만 남아", "Boys under 10", ("남아", "남자 아동", "boys", "male children")),
    Column("infants", "영유아", "Infants", ("영아", "아기", "babies", "baby")),
    Column("small_dogs", "소형견", "Small dogs", ("작은 개", "개 소형", "small dog")),
    Column("large_dogs", "중대형견", "Large dogs", ("대형견", "큰 개", "개 대형", "large dog")),
    Column("cats", "고양이", "Cats", ("묘", "cat")),
    Column("other_pets", "기타 반려동물", "Other pets", ("기타 동물", "other pet")),
    Column(
        "responsible", "담당자", "Responsible", ("입소 담당자", "담당", "responsible coordinator", "coordinator"), True
    ),
)
BY_CODE = {column.code: column for column in COLUMNS}
NEEDED = ("site", "room", "check_in")
HEADINGS = {bare(spelling): c.code for c in COLUMNS for spelling in (c.ko, c.en, c.code, *c.also)}

HEADS: dict[str, tuple[Sex, AgeBand]] = {
    "women": (Sex.FEMALE, AgeBand.ADULT),
    "men": (Sex.MALE, AgeBand.ADULT),
    "older_boys": (Sex.MALE, AgeBand.OLDER_BOY),
    "girls": (Sex.FEMALE, AgeBand.CHILD),
    "boys": (Sex.MALE, AgeBand.CHILD),
    "infants": (Sex.OTHER, AgeBand.INFANT),
}
PETS: dict[str, tuple[Species, PetSize]] = {
    "small_dogs": (Species.DOG, PetSize.SMALL),
    "large_dogs": (Species.DOG, PetSize.LARGE),
    "cats": (Species.CAT, PetSize.SMALL),
    "other_pets": (Species.OTHER, PetSize.SMALL),
}
