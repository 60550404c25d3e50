"""Files sealed with age: opened by their identity alone, whole or not at all, in the memory of a chunk."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from shelter import age

SECRET, RECIPIENT = age.new_identity()
TEXT = b"0123456789abcdef" * 10_000  # more than two chunks


def sealed(*recipients: str) -> bytes:
    out = io.BytesIO()
    chunks = (TEXT[at : at + 1_000] for at in range(0, len(TEXT), 1_000))
    age.encrypt(chunks, out, age.recipients_in(",".join(recipients or (RECIPIENT,))))
    return out.getvalue()


def opened(file: bytes, secret: str = SECRET) -> bytes:
    out = io.BytesIO()
    age.decrypt(io.BytesIO(file), out, age.identities_in([secret]))
    return out.getvalue()


def test_the_identity_opens_it() -> None:
    file = sealed()
    assert file.startswith(b"age-encryption.org/v1\n-> X25519 ")
    assert TEXT[:64] not in file
    assert opened(file) == TEXT


def test_any_one_of_several_recipients_opens_it() -> None:
    other, its_recipient = age.new_identity()
    file = sealed(RECIPIENT, its_recipient)
    assert opened(file) == opened(file, other) == TEXT


def test_nobody_else_opens_it() -> None:
    with pytest.raises(age.NotForThisIdentity):
        opened(sealed(), age.new_identity()[0])


@pytest.mark.parametrize("cut", [0, 10, 100, 300, 65_536, 131_400, -17, -1])
def test_a_file_cut_anywhere_is_damaged(cut: int) -> None:
    with pytest.raises(age.Damaged):
        opened(sealed()[:cut])


@pytest.mark.parametrize("at", [5, 230, 400, 70_000, -1])
def test_a_flipped_bit_is_found(at: int) -> None:
    file = bytearray(sealed())
    file[at] ^= 1
    with pytest.raises((age.Damaged, age.NotForThisIdentity)):
        opened(bytes(file))


def test_what_goes_wrong_at_the_source_is_said_as_it_is() -> None:
    def broken() -> Iterator[bytes]:
        yield TEXT
        raise LookupError("the database is gone")

    with pytest.raises(LookupError, match="is gone"):
        age.encrypt(broken(), io.BytesIO(), age.recipients_in(RECIPIENT))


def test_a_file_as_age_keygen_writes_it_holds_an_identity() -> None:
    lines = ["# created: 2026-03-10T12:00:00+09:00\n", f"# public key: {RECIPIENT}\n", f"{SECRET}\n"]
    assert len(age.identities_in(lines)) == 1


# Keys are new in every process, so that they are no names of tests.
@pytest.mark.parametrize(
    "text", ["", "# nothing", RECIPIENT, "AGE-SECRET-KEY-1XYZ"], ids=["empty", "remark", "recipient", "cut short"]
)
def test_anything_else_holds_none(text: str) -> None:
    with pytest.raises(ValueError, match="identity"):
        age.identities_in([text])


@pytest.mark.parametrize(
    "text", ["x", SECRET, f"{RECIPIENT},x", RECIPIENT[:-1]], ids=["a word", "identity", "one of two", "cut short"]
)
def test_a_malformed_recipient_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="age1") as refused:
        age.recipients_in(text)
    assert text not in str(refused.value)
