from __future__ import annotations

from datetime import date, time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelter.domain import districts, messages, references
from shelter.domain.messages import (
    FINAL,
    STAFF_TEMPLATES,
    TEXTS,
    Detail,
    LintCode,
    MessageState,
    NoSuchText,
    Template,
    TextNotDiscreet,
    advance,
    cp949_bytes,
    lint,
    render,
)

T, D, M = Template, Detail, MessageState
LONGEST_DATE = {"ko": date(2026, 12, 30), "en": date(2026, 9, 30)}

BYTES = [
    (T.CONFIRMED, D.CALL_US, 63, 66),
    (T.CONFIRMED, D.DATE_ONLY, 70, 65),
    (T.CHANGED, D.CALL_US, 58, 54),
    (T.CHANGED, D.DATE_ONLY, 67, 62),
    (T.CANCELLED, D.CALL_US, 63, 66),
    (T.CANCELLED, D.DATE_ONLY, 70, 66),
    (T.CALL_US, D.CALL_US, 51, 61),
    (T.CALL_US, D.DATE_ONLY, 59, 62),
    (T.DIGEST, None, 64, 59),
    (T.ESCALATION, None, 67, 64),
]


def longest(template: Template, level: Detail | None, language: str) -> str:
    return render(template, level, language, date=LONGEST_DATE[language], time=time(21), n=99, m=99, d=99)


def test_every_text_is_in_the_table_and_in_both_languages() -> None:
    assert {(template, level) for template, level, *_ in BYTES} == set(TEXTS)
    assert {template for template, _ in TEXTS} == set(Template)
    assert all(set(texts) == {"ko", "en"} for texts in TEXTS.values())


@pytest.mark.parametrize(("template", "level", "korean", "english"), BYTES)
def test_texts_are_as_long_as_agreed(template: Template, level: Detail | None, korean: int, english: int) -> None:
    assert cp949_bytes(longest(template, level, "ko")) == korean
    assert cp949_bytes(longest(template, level, "en")) == english


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize(("template", "level"), list(TEXTS))
def test_every_text_passes_the_linter_on_every_day(template: Template, level: Detail | None, language: str) -> None:
    days = [date.fromordinal(date(2028, 1, 1).toordinal() + n) for n in range(366)]
    for day in days:
        text = render(template, level, language, date=day, time=time(9, 5), n=7, m=1_000, d=100)
        assert lint(text) == (), text
        assert lint(text, is_korean_number=False) == ()


@pytest.mark.parametrize("language", ["ko", "en"])
def test_less_detail_says_less(language: str) -> None:
    for template in set(Template) - STAFF_TEMPLATES:
        text = render(template, D.CALL_US, language, date=date(2026, 12, 30), time=time(21))
        assert not any(character.isdigit() for character in text)


def test_dates_are_written_as_people_do() -> None:
    assert messages.date_in_text(date(2026, 12, 30), "ko") == "12월 30일(수)"
    assert messages.date_in_text(date(2026, 9, 30), "en") == "Wed 30 Sep"
    assert messages.date_in_text(date(2026, 3, 1), "ko") == "3월 1일(일)"
    assert messages.date_in_text(date(2026, 3, 1), "en") == "Sun 1 Mar"


def test_counts_stay_two_figures_long() -> None:
    assert "99+건" in render(T.DIGEST, None, "ko", n=2_000, m=3)


def test_level_none_has_no_text() -> None:
    for template in set(Template) - STAFF_TEMPLATES:
        with pytest.raises(NoSuchText):
            render(template, D.NONE, "ko")


def test_a_value_that_is_missing_is_no_silent_gap() -> None:
    with pytest.raises(KeyError):
        render(T.CONFIRMED, D.DATE_ONLY, "ko")


PLAIN = "문의는 알려드린 번호로 전화 주세요."


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", LintCode.EMPTY),
        ("  ", LintCode.EMPTY),
        ("쉼터에서 알립니다", LintCode.SERVICE_WORD),
        ("쉼 터", LintCode.SERVICE_WORD),
        ("보.호.시.설", LintCode.SERVICE_WORD),
        ("스토킹 관련", LintCode.SERVICE_WORD),
        ("경찰에 문의", LintCode.SERVICE_WORD),
        ("피해자 지원", LintCode.SERVICE_WORD),
        ("입소 처리되었습니다", LintCode.SERVICE_WORD),
        ("Your SHELTER place", LintCode.SERVICE_WORD),
        ("the police called", LintCode.SERVICE_WORD),
        ("3층입니다", LintCode.PLACE_WORD),
        ("방이 준비되었습니다", LintCode.PLACE_WORD),
        ("2호로 오세요", LintCode.PLACE_WORD),
        ("강남구로 오세요", LintCode.PLACE_WORD),
        ("Gangnam tonight", LintCode.PLACE_WORD),
        ("합정역 앞", LintCode.PLACE_WORD),
        ("your room is ready", LintCode.PLACE_WORD),
        ("Magnolia is ready", LintCode.NAME),
        ("김하나 님", LintCode.NAME),
        ("https://a.kr", LintCode.URL),
        ("see bit.ly/x", LintCode.URL),
        ("mail me@here", LintCode.URL),
        ("www.here", LintCode.URL),
        ("010-1234-5678", LintCode.NUMBER),
        ("+82 10 1234 5678", LintCode.NUMBER),
        ("call 112", LintCode.NUMBER),
        ("1366 now", LintCode.NUMBER),
        ("0 1 0 1 2 3 4", LintCode.NUMBER),
        ("힣", LintCode.CHARACTER),
        ("뷁", LintCode.CHARACTER),
        ("좋아요😀", LintCode.CHARACTER),
        ("a – b", LintCode.CHARACTER),
        ("a • b", LintCode.CHARACTER),
        ("a\nb", LintCode.CHARACTER),
        ("a\u200bb", LintCode.CHARACTER),
        ("가" * 40, LintCode.TOO_LONG),
    ],
)
def test_the_linter_refuses(text: str, code: LintCode) -> None:
    assert code in lint(text, forbidden=["Magnolia", "김하나"])
    with pytest.raises(TextNotDiscreet) as refused:
        messages.check_discreet(text, forbidden=["Magnolia", "김하나"])
    assert code in refused.value.why


def test_a_plain_text_passes() -> None:
    assert lint(PLAIN) == ()
    messages.check_discreet(PLAIN)


def test_the_budget_is_seventy_nine_bytes() -> None:
    assert lint("가" * 39 + "a") == ()
    assert lint("가" * 39 + "ab") == (LintCode.TOO_LONG,)
    assert lint("가" * 39 + "ab", is_korean_number=False) == ()


def test_typographic_signs_of_the_standard_pass() -> None:
    assert lint("’ … ·") == ()


@given(st.integers(0, 2**32), st.booleans())
def test_a_reference_is_found_wherever_it_stands(seed: int, is_grouped: bool) -> None:
    import random

    reference = references.new_reference(random.Random(seed))
    written = references.grouped(reference) if is_grouped else reference
    assert LintCode.REFERENCE in lint(f"{PLAIN} {written}")
    assert LintCode.REFERENCE in lint(f"{written}-2 {PLAIN}")


@pytest.mark.parametrize("district", [d for d in districts.DISTRICTS if d.code != districts.OUTSIDE])
def test_every_district_is_a_place(district: districts.District) -> None:
    assert LintCode.PLACE_WORD in lint(f"{district.ko}에서 뵙겠습니다")


@given(st.text(alphabet="가나다라마 abcXYZ0123-.", min_size=2, max_size=12))
def test_a_forbidden_name_is_found_in_any_case(name: str) -> None:
    name = name.strip()
    if len(name) < 2 or name.isdigit():
        return
    assert LintCode.NAME in lint(f"… {name.upper()} …", forbidden=[name])


def test_labels_that_are_numbers_do_not_forbid_every_date() -> None:
    text = render(T.CONFIRMED, D.DATE_ONLY, "en", date=date(2026, 9, 2))
    assert lint(text, forbidden=["2", "A", "02"]) == ()


def test_a_name_is_not_found_within_an_english_word() -> None:
    assert lint("Please call the number we gave you.", forbidden=["Lea", "Ann"]) == ()
    assert LintCode.NAME in lint("Lea, please call.", forbidden=["Lea"])


@given(st.text(max_size=60))
def test_no_text_breaks_the_linter(text: str) -> None:
    codes = lint(text)
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(("current", "new"), list(product(M, M)))
def test_states_go_forward_only(current: MessageState, new: MessageState) -> None:
    after = advance(current, new)
    assert after in (current, new)
    assert advance(after, new) is after
    if current in FINAL:
        assert after is current


def test_reports_in_any_order_end_alike() -> None:
    for first, second in ((M.SENT, M.DELIVERED), (M.UNKNOWN, M.DELIVERED), (M.SENDING, M.FAILED)):
        assert advance(advance(M.QUEUED, first), second) is advance(advance(M.QUEUED, second), first)


def test_what_the_provider_has_is_never_suppressed() -> None:
    assert advance(M.SENT, M.SUPPRESSED) is M.SENT
    assert advance(M.SENDING, M.SUPPRESSED) is M.SUPPRESSED


def test_only_what_did_not_reach_the_provider_is_queued_again() -> None:
    assert {state for state in M if messages.may_queue_again(state)} == {M.SENDING, M.UNKNOWN}
