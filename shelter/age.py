"""Encryption of files with age (age-encryption.org, X25519): whoever has the identity opens them, with any age tool.

Streams: a file of any size takes the memory of one chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Any

# The library is imported where it is used: web workers never need it.

IDENTITY_BEGINS = "AGE-SECRET-KEY-1"


class NotForThisIdentity(Exception):
    """None of the identities opens it."""


class Damaged(Exception):
    """Not age, cut off, or altered; whatever was written so far is worth nothing."""


def new_identity() -> tuple[str, str]:
    """An identity, to be kept apart and secret, and its recipient, which may be known."""
    from pyrage import x25519

    made = x25519.Identity.generate()
    return str(made), str(made.to_public())


def recipients_in(text: str) -> list[Any]:
    """Recipients as in a setting, several with commas. Raises ValueError."""
    from pyrage import RecipientError, x25519

    try:
        return [x25519.Recipient.from_str(part.strip()) for part in text.split(",") if part.strip()]
    except RecipientError as malformed:
        raise ValueError("must be age1…, several with commas (flask backup identity makes one)") from malformed


def identities_in(lines: Iterable[str]) -> list[Any]:
    """Every identity of a file as age-keygen writes it. Raises ValueError where there is none."""
    from pyrage import IdentityError, x25519

    try:
        found = [x25519.Identity.from_str(x.strip()) for x in lines if x.strip().startswith(IDENTITY_BEGINS)]
    except IdentityError as malformed:
        raise ValueError("not an identity") from malformed
    if not found:
        raise ValueError("no identity")
    return found


def encrypt(chunks: Iterable[bytes], out: IO[bytes], recipients: list[Any]) -> None:
    """Everything `chunks` gives, for any one of the recipients. Raises what `chunks` raises, and OSError."""
    import pyrage

    source = _Source(iter(chunks))
    try:
        pyrage.encrypt_io(source, out, recipients)
    except (pyrage.EncryptError, OSError) as failed:
        if source.error is not None:
            raise source.error from None
        raise OSError(str(failed)) from failed


def decrypt(file: IO[bytes], out: IO[bytes], identities: list[Any]) -> None:
    """To be trusted only when it returns: the end is authenticated too. Raises NotForThisIdentity, Damaged."""
    import pyrage

    try:
        pyrage.decrypt_io(file, out, identities)
    except pyrage.DecryptError as refused:
        raise (NotForThisIdentity() if "No matching keys" in str(refused) else Damaged()) from refused
    except OSError as broken:
        if broken.errno is not None:  # the disk's own error, not the cipher's
            raise
        raise Damaged() from broken


class _Source:
    """An iterator of chunks as something to read from; keeps what went wrong in it."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, memoryview(b"")
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        try:
            while not self._rest:
                self._rest = memoryview(next(self._chunks))
        except StopIteration:
            return b""
        except BaseException as error:
            self.error = error
            raise
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)
