from __future__ import annotations

import pytest

from shelter.domain import districts


def test_there_are_the_25_districts_of_seoul_and_the_rest() -> None:
    codes = [district.code for district in districts.DISTRICTS]
    assert len(codes) == len(set(codes)) == 26
    assert all(code.isdigit() and len(code) == 5 and code.startswith("11") for code in codes[:-1])
    assert codes[-1] == districts.OUTSIDE
    assert districts.name("11680", "ko") == "강남구"
    assert districts.name("11680", "en") == "Gangnam-gu"


@pytest.mark.parametrize("language", ["ko", "en"])
def test_choices_stand_by_name_and_what_lies_outside_last(language: str) -> None:
    names = [name for _, name in districts.choices(language)]
    assert names[:-1] == sorted(names[:-1])
    assert districts.choices(language)[-1][0] == districts.OUTSIDE


@pytest.mark.parametrize(
    "written",
    [
        "11680",
        "1168000000",
        "１１６８０",
        "강남구",
        "강남",
        " 강남 구 ",
        "서울 강남구",
        "서울특별시 강남구",
        "Gangnam-gu",
        "gangnam",
        "GANGNAM GU",
        "Seoul, Gangnam-gu",
    ],
)
def test_a_district_is_known_however_lists_write_it(written: str) -> None:
    assert districts.parse(written) == "11680"


@pytest.mark.parametrize("district", districts.DISTRICTS, ids=lambda district: district.code)
def test_every_district_is_known_by_its_code_and_both_names(district: districts.District) -> None:
    assert {districts.parse(said) for said in (district.code, district.ko, district.en)} == {district.code}


@pytest.mark.parametrize("written", ["", "서울", "중", "북극구", "99999", "11000", "11680.5", "Busan"])
def test_what_is_no_district_is_not_guessed(written: str) -> None:
    assert districts.parse(written) is None


@pytest.mark.parametrize("name", ["강남 안심집", "Mapo House", "송파구 2호", "Jung-gu 3"])
def test_a_name_that_gives_a_district_away_is_noticed(name: str) -> None:
    assert districts.is_named_in(name)


@pytest.mark.parametrize("name", ["목련", "Magnolia", "붓꽃 2", "Jungle", "해바라기"])
def test_flowers_give_nothing_away(name: str) -> None:
    assert not districts.is_named_in(name)
