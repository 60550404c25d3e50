"""Which passwords are accepted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelter.domain.passwords import (
    LONGEST,
    SHORTEST,
    PasswordTooCommon,
    PasswordTooLong,
    PasswordTooShort,
    canonical,
    check,
)

CONTEXT = ["Magnolia", "minseo.kim", "minseo", "kim", "김민서"]


@pytest.mark.parametrize(
    "password",
    [
        "seven quiet lanterns by the river",
        "blue kettle over 7 hills",
        "우리 집 고양이는 두 마리인데 참 얌전하다",
        "kettle-hill-copper-42",
        "x7Kp2mQ9vL4tR8w",
        "password lanterns by the river",
    ],
)
def test_a_sentence_or_a_random_string_is_accepted(password: str) -> None:
    check(password, CONTEXT)


@pytest.mark.parametrize(
    "password",
    [
        "password1234567",
        "Passw0rdPassw0rd",
        "123456789012345",
        "1234567890123456789",
        "abcdefghijklmnop",
        "qwertyuiopasdfghj",
        "zyxwvutsrqponmlk",
        "aaaaaaaaaaaaaaaaaaaa",
        "abababababababababab",
        "abcabcabcabcabcabc1",
        "correcthorsebatterystaple",
        "비밀번호비밀번호비밀번호1234",
        "쉼터쉼터쉼터쉼터쉼터쉼터쉼터쉼터",
        "magnolia-magnolia-1",
        "Minseo.Kim-minseo.kim",
        "김민서김민서김민서김민서2026",
        "qlalfqjsghqlalfqjsgh",
        "iloveyouiloveyou!!",
    ],
)
def test_what_is_made_of_common_words_names_or_rows_of_keys_is_refused(password: str) -> None:
    with pytest.raises(PasswordTooCommon):
        check(password, CONTEXT)


def test_the_length_is_counted_in_characters() -> None:
    with pytest.raises(PasswordTooShort) as short:
        check("kettle-hill-42")
    assert short.value.shortest == SHORTEST == 15
    with pytest.raises(PasswordTooLong):
        check("kettle hill " * 20)
    check(("kettle hill copper seven lantern " * 8)[:LONGEST])


def test_composed_and_decomposed_are_one_password() -> None:
    assert canonical("\u1100\u1161\u11a8") == canonical("\uac01")


@given(st.text(max_size=300), st.lists(st.text(max_size=20), max_size=5))
def test_whatever_is_typed_is_answered(password: str, context: list[str]) -> None:
    try:
        check(password, context)
    except (PasswordTooShort, PasswordTooLong, PasswordTooCommon):
        return
    assert SHORTEST <= len(canonical(password)) <= LONGEST
