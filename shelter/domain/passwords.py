"""Which passwords are accepted: long ones that are not made of guessable words. No composition rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from shelter.domain.errors import DomainError

SHORTEST = 15
LONGEST = 200
REST = 8  # characters that must be left when everything guessable is taken away
DISTINCT = 5

# Words of which the commonest long passwords are made, and what Korean ones look like on an English keyboard.
_WORDS = """
    비밀번호 패스워드 관리자 쉼터 보호소 보호시설 서울특별시 서울시 서울
    피해자 긴급 스토킹 안녕하세요 사랑해 대한민국
    qlalfqjsgh tkfkdgo dkssudgktpdy votmdnjem tjdnf tnlaxj
    password passw0rd p@ssword p@ssw0rd passphrase passwort
    administrator admin login access secret default changeme
    qwertyuiop asdfghjkl zxcvbnm qwertyui qwerty azerty qazwsxedc qazwsx asdfgh asdf zxcv
    1q2w3e4r5t 1q2w3e4r 1q2w3e q1w2e3r4 1qaz2wsx 3edc4rfv
    iloveyou loveyou welcome letmein sunshine princess football baseball dragon monkey superman batman shadow
    master michael jordan charlie freedom whatever trustno1 starwars computer internet hello
    correct horse battery staple summer winter spring autumn korea seoul police hotline
    temporary emergency shelter coordinator manager auditor victim
"""
COMMON = tuple(_WORDS.split())
SEQUENCES = ("0123456789012345678901234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")


@dataclass
class PasswordTooShort(DomainError):
    shortest: int
    code: ClassVar[str] = "password_too_short"
    field: ClassVar[str | None] = "password"


@dataclass
class PasswordTooLong(DomainError):
    longest: int
    code: ClassVar[str] = "password_too_long"
    field: ClassVar[str | None] = "password"


@dataclass
class PasswordTooCommon(DomainError):
    code: ClassVar[str] = "password_too_common"
    field: ClassVar[str | None] = "password"


def canonical(password: str) -> str:
    """The same password however the keyboard composed it."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, context: Iterable[str] = ()) -> None:
    """Raises PasswordTooShort, PasswordTooLong or PasswordTooCommon.

    `context` are words somebody who knows the person or the place would try: names, logins, code names.
    """
    text = canonical(password)
    if len(text) < SHORTEST:
        raise PasswordTooShort(SHORTEST)
    if len(text) > LONGEST:
        raise PasswordTooLong(LONGEST)
    rest = _without_guessable(text.casefold(), [w.casefold() for w in context])
    if len(rest) < REST or len(set(rest)) < DISTINCT:
        raise PasswordTooCommon()


def _without_guessable(text: str, context: list[str]) -> str:
    for word in sorted({w for w in (*context, *COMMON) if len(w) >= 2}, key=lambda w: (-len(w), w)):
        text = text.replace(unicodedata.normalize("NFKC", word), "")
    text = _without_runs(text)
    text = re.sub(r"(.)\1{2,}", r"\1", text)
    return re.sub(r"(.{2,}?)\1+", r"\1", text)


def _without_runs(text: str) -> str:
    """Stretches of four or more along the alphabet, the digits or the keyboard, in either direction."""
    for line in (*SEQUENCES, *(s[::-1] for s in SEQUENCES)):
        at = 0
        while at + 4 <= len(text):
            end = at + 4
            if text[at:end] not in line:
                at += 1
                continue
            while end < len(text) and text[at : end + 1] in line:
                end += 1
            text = text[:at] + text[end:]
    return text
