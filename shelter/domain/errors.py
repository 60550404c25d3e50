"""Refusals. Each is a code with typed parameters; `web/errors.py` makes the sentence, Korean and English."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar


class DomainError(Exception):
    """Something the rules refuse. Subclasses are dataclasses: their fields are the sentence's parameters.

    `code` names the sentence in the one catalogue; `field` names the form field it belongs to, if any.
    """

    code: ClassVar[str] = "refused"
    field: ClassVar[str | None] = None

    @property
    def params(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self)} if is_dataclass(self) else {}

    def __str__(self) -> str:
        """For developers' eyes; never shown on a page. Parameters stay out: they may name a person."""
        return self.code


@dataclass
class NotPermitted(DomainError):
    """The person may not do this at all (403)."""

    code: ClassVar[str] = "not_permitted"


@dataclass
class NotFound(DomainError):
    """There is no such thing, or the person may not know of it: one answer for both (404)."""

    code: ClassVar[str] = "not_found"


@dataclass
class KeyReused(DomainError):
    """The idempotency key was used before with another body (409)."""

    code: ClassVar[str] = "key_reused"


@dataclass
class DatabaseBusy(DomainError):
    """The database did not answer in time; nothing was changed (503)."""

    code: ClassVar[str] = "database_busy"


@dataclass
class DatabaseFull(DatabaseBusy):
    """The database's disk has no room, or may not be written to: nothing was changed (503)."""

    code: ClassVar[str] = "database_full"


@dataclass
class OutcomeUnknown(DatabaseBusy):
    """The database was lost while it committed: it may be done, or not (503). A replay of the key tells."""

    code: ClassVar[str] = "outcome_unknown"


@dataclass
class PostgresqlNotDurable(DomainError):
    """A setting of the server with which a crash loses what was confirmed."""

    setting: str
    value: str
    code: ClassVar[str] = "postgresql_not_durable"


@dataclass
class SqliteNotDurable(DomainError):
    """The same of the file and the file system it is on."""

    setting: str
    value: str
    code: ClassVar[str] = "sqlite_not_durable"


@dataclass
class UnitJustTaken(DomainError):
    """Another household, or a closure, holds one of the nights: the ledger's key refused ours."""

    code: ClassVar[str] = "unit_just_taken"


@dataclass
class MoveNotAllowed(DomainError):
    """The state machine does not list this move."""

    of: str
    from_state: str
    to_state: str
    code: ClassVar[str] = "move_not_allowed"


@dataclass
class ConstraintRefused(DomainError):
    """A named constraint of the database refused a row; the name has a sentence of its own in the catalogue."""

    name: str
    code: ClassVar[str] = "constraint_refused"


@dataclass
class PolicyIncomplete(DomainError):
    """A stay policy is in months or in days, never both, never none."""

    code: ClassVar[str] = "policy_incomplete"
