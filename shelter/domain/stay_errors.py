"""What is refused in the life of a stay, between its confirmation and its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from shelter.domain.errors import DomainError
from shelter.domain.permissions import Role


@dataclass
class ReasonMissing(DomainError):
    """A late entry or a correction stands in the history with its reason."""

    code: ClassVar[str] = "reason_missing"
    field: ClassVar[str | None] = "reason"


@dataclass
class InTheFuture(DomainError):
    """What is recorded has happened; a plan is made elsewhere."""

    code: ClassVar[str] = "in_the_future"
    field: ClassVar[str | None] = "happened_at"


@dataclass
class TooLongAgo(DomainError):
    """Before any shelter of ours: a slip of the hand."""

    code: ClassVar[str] = "too_long_ago"
    field: ClassVar[str | None] = "happened_at"


@dataclass
class BeforeArrival(DomainError):
    """Nobody leaves, moves or is away before they came."""

    code: ClassVar[str] = "before_arrival"
    field: ClassVar[str | None] = "happened_at"


@dataclass
class InAnotherStay(DomainError):
    """A household is in the house in one stay at a time, whatever is entered late."""

    reference: str
    code: ClassVar[str] = "in_another_stay"
    field: ClassVar[str | None] = "happened_at"


@dataclass
class NightsTaken(DomainError):
    """The room belongs to somebody else, or is closed, on some of the nights asked for. Nothing was changed."""

    first_night: date
    nights: int
    code: ClassVar[str] = "nights_taken"
    field: ClassVar[str | None] = "leave_on"


@dataclass
class UnitStillOccupied(DomainError):
    """Somebody is still checked in there: they leave, or are moved, first."""

    code: ClassVar[str] = "unit_still_occupied"


@dataclass
class ArrivedAfterLeaving(DomainError):
    """The arrival is later than the nights that were booked: the day of leaving is changed first."""

    leave_on: date
    code: ClassVar[str] = "arrived_after_leaving"
    field: ClassVar[str | None] = "happened_at"


@dataclass
class LeavesTooEarly(DomainError):
    """Whoever is in the house cannot have planned to leave before today: that is a check-out."""

    earliest_on: date
    code: ClassVar[str] = "leaves_too_early"
    field: ClassVar[str | None] = "leave_on"


@dataclass
class NothingToDo(DomainError):
    """No room of the stay is in a state for this: it was done already, or by somebody else meanwhile."""

    code: ClassVar[str] = "nothing_to_do"


@dataclass
class DateHasPassed(DomainError):
    """A plan lies ahead."""

    code: ClassVar[str] = "date_has_passed"
    field: ClassVar[str | None] = "plan_on"


@dataclass
class SameUnit(DomainError):
    """They are in that room already."""

    code: ClassVar[str] = "same_unit"
    field: ClassVar[str | None] = "to_unit_id"


@dataclass
class NotACoordinator(DomainError):
    """Only a coordinator whose account is active can answer for a stay; nobody is their own substitute."""

    code: ClassVar[str] = "not_a_coordinator"
    field: ClassVar[str | None] = "responsible_id"


@dataclass
class ExtensionNotOffered(DomainError):
    """The stay's policy knows no extension."""

    code: ClassVar[str] = "extension_not_offered"


@dataclass
class ExtensionsUsedUp(DomainError):
    """All extensions of the policy were granted."""

    most: int
    code: ClassVar[str] = "extensions_used_up"


@dataclass
class ExtensionAlreadyDecided(DomainError):
    """Somebody decided meanwhile."""

    code: ClassVar[str] = "extension_already_decided"


@dataclass
class NotYoursToDecide(DomainError):
    """The stay's policy says who decides."""

    decided_by: Role
    code: ClassVar[str] = "not_yours_to_decide"
