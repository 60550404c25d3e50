"""References in URLs: read generously (lower case, look-alike letters), written one way."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import BaseConverter, IntegerConverter, Map, ValidationError

from shelter.domain import references

LARGEST_ID = 2**31 - 1


class HouseholdReference(BaseConverter):
    """`<household:reference>`: canonical text; what is no reference is a 404."""

    regex = r"[0-9A-Za-z-]{7,8}"

    def to_python(self, value: str) -> str:
        canonical = references.normalise(value)
        if not references.is_valid(canonical):
            raise ValidationError()
        return canonical


class StayReference(BaseConverter):
    """`<stay:reference>`: `<household>-<number>`, canonical text."""

    regex = r"[0-9A-Za-z]{7}-[0-9]{1,3}"

    def to_python(self, value: str) -> str:
        household, _, number = value.rpartition("-")
        canonical = references.normalise(household)
        if not references.is_valid(canonical) or int(number) == 0:
            raise ValidationError()
        return f"{canonical}-{int(number)}"


class Token(BaseConverter):
    """`<token:…>`: 256 random bits, as a one-time link carries them."""

    regex = r"[0-9A-Za-z_-]{43}"


class RowId(IntegerConverter):
    """`<int:…_id>`: what a table can number; anything larger names nothing."""

    def __init__(self, url_map: Map, **more: Any) -> None:
        super().__init__(url_map, max=LARGEST_ID, **more)


CONVERTERS = {"int": RowId, "household": HouseholdReference, "stay": StayReference, "token": Token}
