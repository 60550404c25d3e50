"""References of households and stays: read out loud without confusion, saying nothing.

A household's is six random characters of Crockford's 32 (no I, L, O, U) and a check character of the same 32.
The check is a weighted sum over the field of 32 elements with a different weight at each place, so every
single wrong character and every swap of two characters is found.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import ClassVar, Protocol

from shelter.domain.errors import DomainError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_CHARACTERS = 6
LENGTH = RANDOM_CHARACTERS + 1

_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_LOOK_ALIKES = str.maketrans("OIL", "011")
_SEPARATORS = re.compile(r"[\s\-‐-―−]+")
_STAY_NUMBER = re.compile(r"[1-9][0-9]{0,2}")


@dataclass
class ReferenceNotValid(DomainError):
    """Not a reference: a character is wrong, missing or swapped."""

    code: ClassVar[str] = "reference_not_valid"
    field: ClassVar[str | None] = "reference"


class Chooser(Protocol):
    def choice(self, seq: str, /) -> str: ...


def _times(a: int, b: int) -> int:
    """Product in the field of 32 elements, modulo x^5 + x^2 + 1."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 32:
            a ^= 0b100101
        b >>= 1
    return product


# Powers of x: different from each other and from the 1 of the check character itself.
_WEIGHTS = (2, 4, 8, 16, 5, 10)


def _check_character(body: str) -> str:
    total = 0
    for weight, character in zip(_WEIGHTS, body, strict=True):
        total ^= _times(weight, _VALUES[character])
    return ALPHABET[total]


def new_reference(random: Chooser = secrets) -> str:
    body = "".join(random.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return body + _check_character(body)


def normalise(text: str) -> str:
    """As typed or heard, written the one way: capitals, no separators, look-alikes resolved. Not checked."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text).upper()).translate(_LOOK_ALIKES)


def is_valid(reference: str) -> bool:
    """Is this a household's reference, in its one way of writing?"""
    if len(reference) != LENGTH or not all(character in _VALUES for character in reference):
        return False
    return _check_character(reference[:-1]) == reference[-1]


def parse(text: str) -> str:
    """The canonical reference of a household; raises ReferenceNotValid."""
    reference = normalise(text)
    if not is_valid(reference):
        raise ReferenceNotValid()
    return reference


def grouped(reference: str) -> str:
    """For reading out: three characters, then four."""
    return f"{reference[:3]}-{reference[3:]}"


def stay_reference(household: str, number: int) -> str:
    return f"{household}-{number}"


def split_stay_reference(text: str) -> tuple[str, int]:
    """Household reference and number of `<household>-<number>`; raises ReferenceNotValid."""
    household, _, number = re.sub(r"[‐-―−]", "-", unicodedata.normalize("NFKC", text)).rpartition("-")
    if not _STAY_NUMBER.fullmatch(number.strip()):
        raise ReferenceNotValid()
    return parse(household), int(number)
