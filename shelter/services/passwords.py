"""Password hashes: Argon2id, 19 MiB, two passes. No transaction is open while one is made."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from shelter.domain.passwords import canonical

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    return _hasher.hash(canonical(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether it is the password. Takes the same time when there is none to compare with."""
    try:
        return _hasher.verify(stored or _nobodys(), canonical(password)) and stored is not None
    except (Argon2Error, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Made with weaker settings than today's."""
    return _hasher.check_needs_rehash(stored)


@cache
def _nobodys() -> str:
    return hash_password("the password of nobody at all")
