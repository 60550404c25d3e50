from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelter.domain.sheets import (
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

KNOWN = {bare("Site"): "site", bare("시설 별칭"): "site", bare("Room"): "room", bare("정원"): "capacity"}


@pytest.mark.parametrize("said", ["예", "네", "Y", "yes", "O", "o", "○", "ㅇ", "Ｏ", " 있음 ", "TRUE", "1", "✓"])
def test_yes_is_understood_as_people_write_it(said: str) -> None:
    assert parse_yes_no(said) is True


@pytest.mark.parametrize("said", ["아니오", "아니요", "N", "no", "X", "×", "Ｘ", "없음", "FALSE", "0", "-"])
def test_no_is_understood_as_people_write_it(said: str) -> None:
    assert parse_yes_no(said) is False


@pytest.mark.parametrize("said", ["", "글쎄", "maybe", "2", "OX"])
def test_what_is_neither_is_not_guessed(said: str) -> None:
    assert parse_yes_no(said) is None


@pytest.mark.parametrize(
    ("said", "number"), [("2", 2), ("２", 2), (" 2명 ", 2), ("2 인", 2), ("2.0", 2), ("02", 2), ("0", 0)]
)
def test_whole_numbers_are_read(said: str, number: int) -> None:
    assert parse_number(said) == number


@pytest.mark.parametrize("said", ["", "-1", "2.5", "두 명", "2-3", "1,000", "2명 이상", "1e3"])
def test_what_is_no_whole_number_is_not_guessed(said: str) -> None:
    assert parse_number(said) is None


@pytest.mark.parametrize(
    "said",
    [
        "2026-03-10",
        "2026.3.10",
        "2026. 3. 10.",
        "2026/03/10",
        "20260310",
        "2026년 3월 10일",
        "２０２６-０３-１０",
        "2026-03-10 00:00:00",
        "2026-03-10T00:00",
    ],
)
def test_days_are_read_year_first(said: str) -> None:
    assert parse_date(said) == date(2026, 3, 10)


@pytest.mark.parametrize(
    "said", ["", "3/10/26", "10.3.2026", "2026-02-30", "2026-13-01", "1926-01-01", "9999-01-01", "2026-03"]
)
def test_what_could_be_two_days_or_none_is_not_guessed(said: str) -> None:
    assert parse_date(said) is None


def test_text_loses_the_accidents_of_spreadsheets() -> None:
    assert tidy("  목련\u00a0\u200b  2\n관 ") == "목련 2 관"
    assert tidy("ＡＢ１") == "AB1"
    assert tidy("a\0b\x07") == "ab"
    assert tidy_lines(" 첫 줄 \r\n  둘째   줄\n\n") == "첫 줄\n둘째 줄"


@given(st.text())
def test_tidying_twice_is_tidying_once(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)
    assert parse_number(text) is None or parse_number(text) >= 0  # type: ignore[operator]
    parse_date(text), parse_yes_no(text)


def sheet(*lines: tuple[str, ...]) -> Sheet:
    return Sheet(None, tuple(Row(number, cells) for number, cells in enumerate(lines, 1)))


def test_headings_are_found_below_a_title_and_in_any_spelling() -> None:
    found = find_headings(sheet(("현황 (2026)",), ("", ""), ("시설별칭", "정 원(명)", "비고")), KNOWN, ["site"])
    assert found is not None
    assert (found.line, dict(found.columns), found.ignored) == (3, {"site": 0, "capacity": 1}, ("비고",))


def test_one_known_word_alone_is_no_line_of_headings() -> None:
    assert find_headings(sheet(("Site",), ("Magnolia",)), KNOWN, ["site"]) is None


def test_a_heading_that_stands_twice_is_told() -> None:
    found = find_headings(sheet(("Site", "시설 별칭", "Room")), KNOWN, ["site"])
    assert found is not None
    assert found.repeated == ("site",)


def test_headings_far_down_are_not_looked_for() -> None:
    lines = [("x",)] * 30 + [("Site", "Room")]
    assert find_headings(sheet(*lines), KNOWN, ["site"]) is None
