"""States of a placement and of a stay, the moves between them, and coded reasons."""

from __future__ import annotations

from enum import StrEnum


class PlacementState(StrEnum):
    HELD = "held"
    BOOKED = "booked"
    IN_HOUSE = "in_house"
    ENDED = "ended"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    MOVED = "moved"


class StayState(StrEnum):
    OPEN = "open"
    IN_HOUSE = "in_house"
    ENDED = "ended"
    CANCELLED = "cancelled"


class ExtensionDecision(StrEnum):
    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"


class CancelReason(StrEnum):
    FOUND_OTHER = "found_other"
    WENT_HOME = "went_home"
    OTHER = "other"


class ExitReason(StrEnum):
    PLANNED = "planned"
    OTHER = "other"


class Destination(StrEnum):
    OWN_HOME = "own_home"
    OTHER = "other"


class TurnawayReason(StrEnum):
    NO_SPACE = "no_space"
    OTHER = "other"


class ClosureReason(StrEnum):
    REPAIR = "repair"
    OTHER = "other"


class ExclusionRelation(StrEnum):
    HOME = "home"
    WORK = "work"
    FAMILY = "family"
    HAUNT = "haunt"
