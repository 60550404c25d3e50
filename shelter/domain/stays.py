"""States of a placement and of a stay, the moves between them, the coded reasons, and what is derived."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum

from shelter.domain.errors import MoveNotAllowed


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
    OPEN = "open"  # nobody has checked in yet
    IN_HOUSE = "in_house"
    ENDED = "ended"
    CANCELLED = "cancelled"


# States that keep nights in the ledger.
KEEPS_NIGHTS = frozenset({PlacementState.HELD, PlacementState.BOOKED, PlacementState.IN_HOUSE, PlacementState.NO_SHOW})
RUNNING = frozenset({StayState.OPEN, StayState.IN_HOUSE})


def move_placement(current: PlacementState, to: PlacementState) -> PlacementState:
    """The new state. Raises MoveNotAllowed for what is not listed."""
    P = PlacementState
    match current, to:
        case P.HELD, P.BOOKED | P.EXPIRED | P.CANCELLED:
            pass
        case P.EXPIRED, P.BOOKED:  # confirmed after all, its nights still free
            pass
        case P.BOOKED, P.IN_HOUSE | P.CANCELLED | P.NO_SHOW | P.MOVED:
            pass
        case P.NO_SHOW, P.BOOKED | P.IN_HOUSE | P.CANCELLED:  # she came after all, or a person gives the room up
            pass
        case P.IN_HOUSE, P.ENDED | P.MOVED:
            pass
        case P.IN_HOUSE, P.BOOKED:  # correction: checked in by mistake
            pass
        case P.ENDED, P.IN_HOUSE:  # correction: checked out by mistake, the room still free
            pass
        case _:
            raise MoveNotAllowed(of="placement", from_state=current.value, to_state=to.value)
    return to


def move_stay(current: StayState, to: StayState) -> StayState:
    """The new state. Raises MoveNotAllowed for what is not listed."""
    S = StayState
    match current, to:
        case S.OPEN, S.IN_HOUSE | S.CANCELLED:
            pass
        case S.IN_HOUSE, S.ENDED:
            pass
        case S.IN_HOUSE, S.OPEN:  # correction: checked in by mistake
            pass
        case S.ENDED, S.IN_HOUSE:  # correction: checked out by mistake
            pass
        case _:
            raise MoveNotAllowed(of="stay", from_state=current.value, to_state=to.value)
    return to


class ExtensionDecision(StrEnum):
    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"


class CancelReason(StrEnum):
    NOT_NEEDED = "not_needed"
    FOUND_OTHER = "found_other"
    OTHER_SHELTER = "other_shelter"
    NO_SHOW = "no_show"
    HOLD_RELEASED = "hold_released"
    HOLD_EXPIRED = "hold_expired"
    UNSAFE = "unsafe"
    MISTAKE = "mistake"
    OTHER = "other"


class ExitReason(StrEnum):
    GOAL_REACHED = "goal_reached"
    MOVED_ON = "moved_on"
    LIMIT_REACHED = "limit_reached"
    OWN_WISH = "own_wish"
    UNSAFE = "unsafe"
    RULES = "rules"
    MEDICAL = "medical"
    LEFT_UNANNOUNCED = "left_unannounced"
    OTHER = "other"


class Destination(StrEnum):
    OWN_HOME = "own_home"
    NEW_HOME = "new_home"
    PUBLIC_HOUSING = "public_housing"
    FAMILY_OR_FRIENDS = "family_or_friends"
    OTHER_SHELTER = "other_shelter"
    LONG_TERM_SHELTER = "long_term_shelter"
    HOSPITAL = "hospital"
    RETURNED = "returned"
    UNKNOWN = "unknown"
    OTHER = "other"


class TurnawayReason(StrEnum):
    NO_SPACE = "no_space"
    NO_FAMILY_UNIT = "no_family_unit"
    NO_PET_UNIT = "no_pet_unit"
    NO_STEP_FREE = "no_step_free"
    NO_SAFE_DISTRICT = "no_safe_district"
    SHARED_ONLY = "shared_only"
    NO_UNIT_FOR_MEN = "no_unit_for_men"
    OUTSIDE_PROGRAMME = "outside_programme"
    NEEDS_MORE_CARE = "needs_more_care"
    DECLINED_OFFER = "declined_offer"
    OTHER = "other"


class ClosureReason(StrEnum):
    REPAIR = "repair"
    CLEANING = "cleaning"
    PESTS = "pests"
    SAFETY = "safety"
    STAFFING = "staffing"
    OTHER = "other"


class ExclusionRelation(StrEnum):
    HOME = "home"
    WORK = "work"
    FAMILY = "family"
    HAUNT = "haunt"


def is_hold_expired(held_until: datetime, now: datetime) -> bool:
    """By the application's clock; the very instant counts as expired."""
    return held_until <= now


def minutes_late(expected_at: datetime, now: datetime) -> int:
    """Whole minutes past the expected arrival; 0 when not late."""
    return max(0, int((now - expected_at) / timedelta(minutes=1)))


def is_overdue_arrival(state: PlacementState, expected_at: datetime | None, now: datetime) -> bool:
    return state is PlacementState.BOOKED and expected_at is not None and expected_at < now


def is_overdue_departure(state: PlacementState, leave_on: date, shelter_day: date) -> bool:
    """Checked in, and the planned day of leaving has come and gone, or it is tonight's night already."""
    return state is PlacementState.IN_HOUSE and leave_on <= shelter_day


UNREAD_CARD_AFTER = timedelta(minutes=10)  # an arrival card not received by then turns red
