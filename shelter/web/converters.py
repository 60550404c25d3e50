"""References in URLs: read generously (lower case, look-alike letters), written one way."""

from __future__ import annotations

from werkzeug.routing import BaseConverter, ValidationError

from shelter.domain import references


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


CONVERTERS = {"household": HouseholdReference, "stay": StayReference, "token": Token}
