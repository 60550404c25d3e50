"""Telephone numbers as people say them and as machines need them, through phonenumbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from shelter.domain.errors import DomainError

HOME = "KR"
MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


@dataclass
class NumberNotValid(DomainError):
    """What was typed is no telephone number."""

    code: ClassVar[str] = "number_not_valid"


@dataclass(frozen=True)
class Number:
    """`e164` for machines; `groups` to read back in groups: the national form at home, else with the country."""

    e164: str
    groups: str
    is_mobile: bool
    is_korean: bool


def parse(text: str) -> Number:
    """A number typed in any grouping, national form first. Raises NumberNotValid."""
    try:
        number = phonenumbers.parse(text, HOME)
    except NumberParseException as unreadable:
        raise NumberNotValid() from unreadable
    if not phonenumbers.is_valid_number(number):
        raise NumberNotValid()
    is_korean = phonenumbers.region_code_for_number(number) == HOME
    style = PhoneNumberFormat.NATIONAL if is_korean else PhoneNumberFormat.INTERNATIONAL
    return Number(
        e164=phonenumbers.format_number(number, PhoneNumberFormat.E164),
        groups=phonenumbers.format_number(number, style),
        is_mobile=phonenumbers.number_type(number) in MOBILE,
        is_korean=is_korean,
    )


def grouped(e164: str) -> str:
    """A stored number, in groups; as it is when it cannot be read."""
    try:
        return parse(e164).groups
    except NumberNotValid:
        return e164
