"""References read out loud: six random Crockford-32 characters and a check character; they say nothing.

The check character is a polynomial sum over GF(32): it finds every single wrong character and every swap of
neighbours, and is itself a character of the alphabet, so that it can be spoken.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U
LENGTH = 6
_LOOKALIKE = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None})


def new_reference(choose: Callable[[Sequence[str]], str] = secrets.choice) -> str:
    """A household's reference, such as `7K3M9QX`. Uniqueness is the database's word."""
    body = "".join(choose(ALPHABET) for _ in range(LENGTH))
    return body + check_character(body)


def check_character(body: str) -> str:
    """A polynomial over GF(32): a wrong character changes it, and so does any swap of two neighbours."""
    total = 0
    for character in body:
        total = _times_two(total ^ ALPHABET.index(character))
    return ALPHABET[total]


def _times_two(value: int) -> int:
    """Multiply by x in GF(2)[x] modulo x^5 + x^2 + 1."""
    value <<= 1
    return value ^ 0b100101 if value & 0b100000 else value


def normalise(text: str) -> str:
    """As written: upper case, without spaces and hyphens, look-alikes (O, I, L) as the digits they were heard for."""
    return text.strip().upper().translate(_LOOKALIKE)


def is_valid(reference: str) -> bool:
    """Canonical, of the right length, and the check character agrees."""
    if len(reference) != LENGTH + 1 or any(character not in ALPHABET for character in reference):
        return False
    return check_character(reference[:LENGTH]) == reference[LENGTH]


def stay_reference(household: str, number: int) -> str:
    """`<household>-<number>`."""
    return f"{household}-{number}"


def split_stay_reference(text: str) -> tuple[str, int]:
    """Canonical household reference and number. Raises ValueError for what is no stay reference."""
    household, _, number = text.strip().rpartition("-")
    canonical = normalise(household)
    if not is_valid(canonical) or not (number.isascii() and number.isdigit()) or int(number) < 1:
        raise ValueError("not a stay reference")
    return canonical, int(number)
