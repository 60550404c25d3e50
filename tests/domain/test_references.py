from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelter.domain import references
from shelter.domain.references import ALPHABET, ReferenceNotValid

REFERENCES = st.integers(0, 2**32).map(lambda seed: references.new_reference(random.Random(seed)))


def test_a_new_reference_is_valid_and_seven_characters() -> None:
    made = {references.new_reference() for _ in range(200)}
    assert len(made) == 200
    assert all(len(reference) == 7 and references.is_valid(reference) for reference in made)


def test_no_letter_can_be_taken_for_another() -> None:
    assert len(set(ALPHABET)) == 32
    assert not set("ILOU") & set(ALPHABET)


@given(REFERENCES)
def test_every_wrong_character_is_found(reference: str) -> None:
    for place in range(7):
        for other in ALPHABET.replace(reference[place], ""):
            assert not references.is_valid(reference[:place] + other + reference[place + 1 :])


@given(REFERENCES)
def test_every_swap_of_two_characters_is_found(reference: str) -> None:
    for a in range(7):
        for b in range(a + 1, 7):
            if reference[a] != reference[b]:
                swapped = list(reference)
                swapped[a], swapped[b] = swapped[b], swapped[a]
                assert not references.is_valid("".join(swapped))


@given(REFERENCES)
def test_what_is_heard_or_typed_is_read_as_meant(reference: str) -> None:
    for said in (
        reference.lower(),
        references.grouped(reference),
        f" {reference[:3]} {reference[3:]} ",
        reference.replace("0", "O").replace("1", "l"),
        reference.replace("1", "i"),
        "".join(chr(ord(c) + 0xFEE0) for c in reference),  # full-width, as a Korean keyboard may type
    ):
        assert references.parse(said) == reference


@pytest.mark.parametrize("said", ["", "ABC", "ABCDEFGH", "UUUUUUU", "가나다라마바사", "7K3-1234-5"])
def test_what_is_no_reference_is_refused(said: str) -> None:
    assert not references.is_valid(references.normalise(said))
    with pytest.raises(ReferenceNotValid):
        references.parse(said)


@given(REFERENCES, st.integers(1, 999))
def test_a_stay_is_its_household_and_a_number(reference: str, number: int) -> None:
    written = references.stay_reference(reference, number)
    assert references.split_stay_reference(written) == (reference, number)
    assert references.split_stay_reference(written.lower()) == (reference, number)
    assert references.split_stay_reference(f"{references.grouped(reference)}-{number}") == (reference, number)


@given(REFERENCES)
def test_a_stay_needs_a_number_from_one_on(reference: str) -> None:
    for said in (
        reference,
        f"{reference}-",
        f"{reference}-0",
        f"{reference}-01",
        f"{reference}-1000",
        f"{reference}-x",
    ):
        with pytest.raises(ReferenceNotValid):
            references.split_stay_reference(said)


@given(st.text())
def test_nothing_typed_breaks_the_reading(said: str) -> None:
    references.is_valid(references.normalise(said))
