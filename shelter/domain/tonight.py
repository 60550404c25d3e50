"""The night sheet: what is printed for a night without power or network, and for how long it can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, auto

from shelter.domain.stays import PlacementState, is_hold_expired

MADE_EVERY = timedelta(minutes=15)
FREE_IS_SURE_FOR = 2 * MADE_EVERY  # longer ago than two rounds, somebody may have booked what it calls free
CLEANED_WITHIN = timedelta(hours=24)  # who left earlier than that was cleaned up after


class Part(Enum):
    """Where on the sheet a placement stands."""

    HERE = auto()
    EXPECTED = auto()
    HELD = auto()


def part_of(
    state: PlacementState,
    *,
    arrive_on: date,
    leave_on: date,
    held_until: datetime | None,
    is_on_the_way: bool,
    night: date,
    now: datetime,
) -> Part | None:
    """None for whoever has nothing to do with this night's roll-call.

    Whoever is checked in is in the house, planned nights or not. Who did not arrive is still expected: the room is
    kept until a person decides.
    """
    P = PlacementState
    if state is P.IN_HOUSE:
        return Part.HERE
    if not arrive_on <= night < leave_on:
        return None
    if state in (P.BOOKED, P.NO_SHOW):
        return Part.EXPECTED
    if state is P.HELD and (is_on_the_way or not is_hold_expired(held_until, now)):
        return Part.HELD
    return None


def is_to_clean(left_at: datetime | None, cleaned_at: datetime | None, now: datetime) -> bool:
    """Somebody left lately, and nobody has said that it was cleaned since."""
    if left_at is None or now - left_at > CLEANED_WITHIN:
        return False
    return cleaned_at is None or cleaned_at < left_at


@dataclass(frozen=True)
class Trust:
    """Until when a sheet can be believed. What was done on paper meanwhile stands on paper."""

    as_of: datetime
    free_until: datetime  # what is free or held: after that ask before a room is given away
    until: datetime  # everything else: the night it is about is over


def trust(as_of: datetime, night_ends_at: datetime) -> Trust:
    return Trust(as_of, min(as_of + FREE_IS_SURE_FOR, night_ends_at), night_ends_at)
