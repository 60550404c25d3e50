"""States of a placement and of a stay, the moves between them, coded reasons, and what follows from the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import ClassVar

from shelter.domain.errors import DomainError, MoveNotAllowed
from shelter.domain.nights import Nights

LEAVE_BY = time(12)  # wall clock of the day of departure; from then on it is overdue
UNREAD_CARD_AFTER = timedelta(minutes=10)  # an arrival card not received by then turns red


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


# Placements that keep the nights ahead of them in the ledger, those that keep the nights they were there, those
# that keep none, and stays that go on.
KEEPS_NIGHTS = frozenset({PlacementState.HELD, PlacementState.BOOKED, PlacementState.IN_HOUSE, PlacementState.NO_SHOW})
LEFT = frozenset({PlacementState.ENDED, PlacementState.MOVED})
GIVEN_UP = frozenset({PlacementState.EXPIRED, PlacementState.CANCELLED})
RUNNING = frozenset({StayState.OPEN, StayState.IN_HOUSE})


class ExtensionDecision(StrEnum):
    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"


class CancelReason(StrEnum):
    """Why a booking came to nothing."""

    FOUND_OTHER = "found_other"  # another safe place
    WENT_HOME = "went_home"
    CHANGED_MIND = "changed_mind"
    NO_CONTACT = "no_contact"  # could not be reached any more
    NO_SHOW = "no_show"
    SAFETY = "safety"  # the place turned out not to be safe for her
    SITE_CANNOT = "site_cannot"  # the site had to give up the room
    HOLD_EXPIRED = "hold_expired"
    HOLD_RELEASED = "hold_released"
    BY_MISTAKE = "by_mistake"  # wrong household, entered twice
    OTHER = "other"


class ExitReason(StrEnum):
    """Why a stay ended."""

    PLANNED = "planned"
    OWN_WISH = "own_wish"
    OTHER_PROGRAMME = "other_programme"
    SAFETY_MOVE = "safety_move"  # the place was no longer safe
    LIMIT = "limit"
    HOSPITAL = "hospital"
    RULES = "rules"  # asked to leave
    UNANNOUNCED = "unannounced"  # left without a word
    DIED = "died"
    OTHER = "other"


class Destination(StrEnum):
    """Where to. Never an address."""

    OWN_HOME = "own_home"
    NEW_HOME = "new_home"
    PUBLIC_HOUSING = "public_housing"
    FAMILY = "family"
    FRIENDS = "friends"
    OTHER_SHELTER = "other_shelter"
    LONG_TERM_SHELTER = "long_term_shelter"
    TEMPORARY_LODGING = "temporary_lodging"
    INSTITUTION = "institution"  # hospital, treatment
    ABROAD = "abroad"
    PERPETRATOR = "perpetrator"  # back to the same home
    UNKNOWN = "unknown"
    OTHER = "other"


class TurnawayReason(StrEnum):
    """Why a request could not be met."""

    NO_SPACE = "no_space"
    NO_FAMILY_UNIT = "no_family_unit"
    NO_PET_UNIT = "no_pet_unit"
    NO_STEP_FREE = "no_step_free"
    NO_UNIT_FOR_MEN = "no_unit_for_men"
    OLDER_BOY = "older_boy"
    SHARING = "sharing"  # only beds in shared rooms were left
    SAFETY = "safety"  # what was free was not safe for her
    OUTSIDE_PROGRAMME = "outside_programme"
    DECLINED_OFFER = "declined_offer"
    CALL_LOST = "call_lost"  # the line broke before a place was offered
    OTHER = "other"


class ClosureReason(StrEnum):
    REPAIR = "repair"
    DEEP_CLEANING = "deep_cleaning"
    PESTS = "pests"
    INSPECTION = "inspection"
    STAFFING = "staffing"
    SAFETY = "safety"  # the location may have become known
    OTHER_USE = "other_use"
    OTHER = "other"


class ExclusionRelation(StrEnum):
    """What the place is to the perpetrator."""

    HOME = "home"
    WORK = "work"
    FAMILY = "family"
    HAUNT = "haunt"


@dataclass
class HoldAlreadyRenewed(DomainError):
    """A hold can be renewed once."""

    code: ClassVar[str] = "hold_already_renewed"


def move_placement(current: PlacementState, to: PlacementState) -> PlacementState:
    """The new state, if the move is listed; raises MoveNotAllowed."""
    P = PlacementState
    match (current, to):
        case (P.HELD, P.BOOKED | P.EXPIRED | P.CANCELLED):
            return to
        case (P.EXPIRED, P.BOOKED):  # its nights were still free
            return to
        case (P.BOOKED, P.IN_HOUSE | P.CANCELLED | P.NO_SHOW):
            return to
        case (P.NO_SHOW, P.BOOKED | P.IN_HOUSE | P.CANCELLED):  # she came after all; or a person gives the room up
            return to
        case (P.IN_HOUSE, P.ENDED | P.MOVED):
            return to
        case (P.IN_HOUSE, P.BOOKED) | (P.ENDED | P.MOVED, P.IN_HOUSE):  # corrections, back-dated
            return to
        case _:
            raise MoveNotAllowed("placement", current, to)


def move_stay(current: StayState, to: StayState) -> StayState:
    """The new state, if the move is listed; raises MoveNotAllowed."""
    S = StayState
    match (current, to):
        case (S.OPEN, S.IN_HOUSE | S.CANCELLED):
            return to
        case (S.IN_HOUSE, S.ENDED):
            return to
        case (S.IN_HOUSE, S.OPEN) | (S.ENDED, S.IN_HOUSE):  # corrections, back-dated
            return to
        case _:
            raise MoveNotAllowed("stay", current, to)


def nights_in_ledger(
    state: PlacementState,
    arrive_on: date,
    leave_on: date,
    *,
    occupied_from: date | None,
    left_on: date | None,
    since: date,
) -> Nights | None:
    """The nights the ledger must have of a placement; None if it must have none.

    `left_on` is the local day of leaving, `since` the first night the ledger knows. Nights of people who stay on
    past the plan come on top of these.
    """
    if state in GIVEN_UP:
        return None
    until = leave_on
    if state in LEFT and left_on is not None:
        # Whoever came and went on one day keeps a night on paper only.
        until = min(until, max(left_on, occupied_from or left_on))
    first = max(arrive_on, since)
    return Nights(first, until) if until > first else None


def is_hold_expired(held_until: datetime | None, now: datetime) -> bool:
    """Expired means `held_until <= now`, whether or not a job has said so."""
    return held_until is not None and held_until <= now


def may_release_unasked(held_until: datetime | None, *, is_on_the_way: bool, now: datetime) -> bool:
    """May an expired hold give its nights to somebody else? Never while its household is on the way."""
    return is_hold_expired(held_until, now) and not is_on_the_way


def check_renewal(*, is_renewed: bool) -> None:
    if is_renewed:
        raise HoldAlreadyRenewed()


def is_overdue_arrival(expected_at: datetime | None, now: datetime) -> bool:
    return expected_at is not None and expected_at < now


def minutes_late(expected_at: datetime | None, now: datetime) -> int:
    """Whole minutes after the expected time; 0 while it is not over, or without one."""
    if expected_at is None or expected_at >= now:
        return 0
    return int((now - expected_at).total_seconds() // 60)


def are_nights_used_up(leave_on: date, tonight: date) -> bool:
    """The planned nights are over: whoever is still in the house keeps the unit, night by night."""
    return leave_on <= tonight


def is_overdue_departure(leave_on: date, local_now: datetime) -> bool:
    """Still in the house after noon (wall clock) of the day of departure."""
    return (leave_on, LEAVE_BY) <= (local_now.date(), local_now.time())
