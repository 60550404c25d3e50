"""Staff accounts: what is refused at the door, and how long to wait after failed tries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from shelter.domain.errors import DomainError

TRIES_PER_ACCOUNT = 5
TRIES_PER_ADDRESS = 40  # a whole office may share one address
FORGET_AFTER = timedelta(minutes=15)
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=5)  # slower and slower, but never locked out: somebody may be on the phone


def wait_after(failures: int, free: int) -> timedelta | None:
    """How long the next try has to wait after so many failed ones: 30 s, doubling, at most 5 minutes."""
    over = failures - free
    if over < 0:
        return None
    return min(FIRST_WAIT * 2 ** min(over, 10), LONGEST_WAIT)


@dataclass
class SignInRefused(DomainError):
    """Login or password is wrong, or the account is closed: one answer for all."""

    code: ClassVar[str] = "sign_in_refused"


@dataclass
class TooManyTries(DomainError):
    """Too many failed tries; nothing was looked at (429)."""

    wait_seconds: int
    code: ClassVar[str] = "too_many_tries"


@dataclass
class LinkNotUsable(DomainError):
    """The one-time link was used, replaced or is too old, or there never was one: one answer for all."""

    code: ClassVar[str] = "link_not_usable"


@dataclass
class LoginTaken(DomainError):
    code: ClassVar[str] = "login_taken"
    field: ClassVar[str | None] = "login"


@dataclass
class LoginMalformed(DomainError):
    code: ClassVar[str] = "login_malformed"
    field: ClassVar[str | None] = "login"


@dataclass
class NameMissing(DomainError):
    """Empty, or longer than 80 characters."""

    code: ClassVar[str] = "name_missing"
    field: ClassVar[str | None] = "name"


@dataclass
class PhoneNotValid(DomainError):
    """A member of staff's number is none."""

    code: ClassVar[str] = "phone_not_valid"
    field: ClassVar[str | None] = "phone"


@dataclass
class RoleMissing(DomainError):
    """An account without any role could do nothing."""

    code: ClassVar[str] = "role_missing"
    field: ClassVar[str | None] = "roles"


@dataclass
class LastAdministrator(DomainError):
    """Nobody would be left who can let people in."""

    code: ClassVar[str] = "last_administrator"


@dataclass
class CurrentPasswordWrong(DomainError):
    code: ClassVar[str] = "current_password_wrong"
    field: ClassVar[str | None] = "current_password"


@dataclass
class DraftTooLarge(DomainError):
    code: ClassVar[str] = "draft_too_large"
