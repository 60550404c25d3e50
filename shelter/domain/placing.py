"""What is refused between a search and an arrival, and which rules nobody may set aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from shelter.domain.errors import DomainError
from shelter.domain.matching import SAFETY_REASONS, Reason

# Other people's safety and rooms are no matter of comfort; a room that is too small may be, for a night.
NEVER_SET_ASIDE = SAFETY_REASONS | {
    Reason.SHARING_WOMEN,
    Reason.SHARING_MEN,
    Reason.SHARED_ROOM_CHILDREN,
    Reason.ROOM_OF_ANOTHER_HOUSEHOLD,
    Reason.ALLERGY,
}
# The place is gone, whoever asks.
GONE = frozenset({Reason.NOT_IN_SERVICE, Reason.CLOSED, Reason.TAKEN, Reason.OVERDUE, Reason.SITE_PAUSED})


@dataclass
class UnitFitsNoMore(DomainError):
    """Somebody or something changed since it was offered; the nights themselves would be free."""

    reason: Reason
    code: ClassVar[str] = "unit_fits_no_more"


@dataclass
class AlreadyPlaced(DomainError):
    """The household has a running stay; a second one would count its days apart."""

    reference: str
    code: ClassVar[str] = "already_placed"


@dataclass
class NightHasPassed(DomainError):
    """Nobody can be expected for a night that is over."""

    night: date
    code: ClassVar[str] = "night_has_passed"
    field: ClassVar[str | None] = "arrive_on"


@dataclass
class NightTooFar(DomainError):
    """Nobody can say today what is free then."""

    latest: date
    code: ClassVar[str] = "night_too_far"
    field: ClassVar[str | None] = "arrive_on"


@dataclass
class HoldRanOut(DomainError):
    """Too late to renew: the nights were given back. Confirming still works while nobody took them."""

    code: ClassVar[str] = "hold_ran_out"


@dataclass
class NothingHeld(DomainError):
    """The hold was confirmed, released or replaced meanwhile."""

    code: ClassVar[str] = "nothing_held"


@dataclass
class TooManyUnits(DomainError):
    """More than two units at once are divided by a person: hold two, then the others for the same stay."""

    code: ClassVar[str] = "too_many_units"
