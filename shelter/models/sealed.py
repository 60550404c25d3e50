"""`Sealed`: the one way personal data gets in and out of a table."""

from __future__ import annotations

import json
from typing import Any, Generic, TypeVar, overload
from uuid import UUID

from sqlalchemy import LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from shelter.extensions import Model, keyring
from shelter.keyring import place_of
from shelter.tables import uuid7

T = TypeVar("T")


class SealedRow(Model):
    """A table with sealed columns: its id is made here, before anything is sealed for it."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)

    def __init__(self, **values: Any) -> None:
        super().__init__(id=values.pop("id", None) or uuid7(), **values)


class Sealed(Generic[T]):
    """Descriptor over `<name>_sealed`: plain (any JSON value) in Python, an envelope in the table.

    Reading raises `keyring.Unreadable` when the ciphertext was moved, altered or its key is missing.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.column = f"{name}_sealed"

    @overload
    def __get__(self, row: None, owner: type) -> Sealed[T]: ...
    @overload
    def __get__(self, row: Any, owner: type) -> T | None: ...
    def __get__(self, row: Any, owner: type) -> Any:
        if row is None:
            return self
        envelope = getattr(row, self.column)
        return None if envelope is None else unseal(envelope, row.__tablename__, self.column, row.id)

    def __set__(self, row: Any, value: T | None) -> None:
        sealed = None if value is None else seal(value, row.__tablename__, self.column, row.id)
        setattr(row, self.column, sealed)


def seal(value: Any, table: str, column: str, row_id: UUID) -> bytes:
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return keyring.seal(plain, place=place_of(table, column, row_id))


def unseal(envelope: bytes, table: str, column: str, row_id: UUID) -> Any:
    """For reads that select columns instead of rows. Raises `keyring.Unreadable`."""
    return json.loads(keyring.unseal(envelope, place=place_of(table, column, row_id)))


def sealed_column() -> Mapped[bytes | None]:
    return mapped_column(LargeBinary)
