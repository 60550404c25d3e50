"""Figures, each defined once. A page that shows one shows its definition, found by its code.

The ledger is counted, nothing else: one row is one unit on one night. Units that are closed or not in service
leave the denominator; nights booked but absent are reserved and no bed-nights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from statistics import fmean, median
from typing import TypeVar

from shelter.domain.stays import LEFT, PlacementState

SMALLEST_SHOWN = 3

K = TypeVar("K", bound=Hashable)


class Figure(StrEnum):
    """Every figure has a sentence that defines it."""

    BED_NIGHTS = "bed_nights"
    PERSON_NIGHTS = "person_nights"
    OCCUPIED = "occupied"
    RESERVED = "reserved"
    HELD = "held"
    CLOSED = "closed"
    FREE = "free"
    NOT_IN_SERVICE = "not_in_service"
    AVAILABLE = "available"
    OCCUPANCY_RATE = "occupancy_rate"
    PEOPLE = "people"
    LENGTH_OF_STAY_MEAN = "length_of_stay_mean"
    LENGTH_OF_STAY_MEDIAN = "length_of_stay_median"
    TURNAWAY_RATE = "turnaway_rate"


class NightState(StrEnum):
    """What a unit is on a night."""

    OCCUPIED = "occupied"
    RESERVED = "reserved"
    HELD = "held"
    CLOSED = "closed"
    FREE = "free"
    NOT_IN_SERVICE = "not_in_service"


ARRIVED = LEFT | {PlacementState.IN_HOUSE}


def state_of(
    night: date,
    *,
    is_in_service: bool = True,
    is_closed: bool = False,
    placement: PlacementState | None = None,
    occupied_from: date | None = None,
    is_hold_lapsed: bool = False,
) -> NightState:
    """The state of a unit on a night, from who owns the night in the ledger.

    Occupied is a night of a household that has checked in, from its real arrival on: slept, or still to be
    slept by whoever is in the house. `is_hold_lapsed`: the hold has expired and may be released unasked.
    """
    if placement is PlacementState.HELD:
        return NightState.FREE if is_hold_lapsed else NightState.HELD
    if placement in ARRIVED and occupied_from is not None and occupied_from <= night:
        return NightState.OCCUPIED
    if placement is not None:
        return NightState.RESERVED
    if is_closed:
        return NightState.CLOSED
    return NightState.FREE if is_in_service else NightState.NOT_IN_SERVICE


@dataclass(frozen=True)
class Tally:
    """Unit-nights by state, and the people on the occupied ones. Tallies add up."""

    occupied: int = 0
    reserved: int = 0
    held: int = 0
    closed: int = 0
    free: int = 0
    not_in_service: int = 0
    people: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            occupied=self.occupied + other.occupied,
            reserved=self.reserved + other.reserved,
            held=self.held + other.held,
            closed=self.closed + other.closed,
            free=self.free + other.free,
            not_in_service=self.not_in_service + other.not_in_service,
            people=self.people + other.people,
        )

    @property
    def bed_nights(self) -> int:
        """Unit-nights slept in: one for a unit and a night, however many sleep there."""
        return self.occupied

    @property
    def person_nights(self) -> int:
        """Each person of an occupied unit-night counts one."""
        return self.people

    @property
    def available(self) -> int:
        """Unit-nights that could have been slept in: in service and not closed."""
        return self.occupied + self.reserved + self.held + self.free

    @property
    def all(self) -> int:
        return self.available + self.closed + self.not_in_service

    @property
    def rate(self) -> float | None:
        return occupancy_rate(self.occupied, self.available)


def tally(nights: Iterable[tuple[NightState, int]]) -> Tally:
    """Counts (state, people); people count on occupied nights only."""
    states: Counter[NightState] = Counter()
    people = 0
    for state, heads in nights:
        states[state] += 1
        if state is NightState.OCCUPIED:
            people += heads
    return Tally(**{state.value: count for state, count in states.items()}, people=people)


def occupancy_rate(bed_nights: int, available: int) -> float | None:
    """Bed-nights over available unit-nights; None when there was nothing to sleep in."""
    return bed_nights / available if available else None


def length_of_stay(first_night: date, left_on: date) -> int:
    """Nights from the first one to the day of leaving; leaving on the day of arrival counts one."""
    return max(1, (left_on - first_night).days)


def mean_length(lengths: Iterable[int]) -> float | None:
    """Of stays that ended in the period."""
    found = list(lengths)
    return fmean(found) if found else None


def median_length(lengths: Iterable[int]) -> float | None:
    found = list(lengths)
    return float(median(found)) if found else None


def turnaway_rate(turnaways: int, placed: int) -> float | None:
    """Requests not met over all requests: turned away, and households given a place."""
    requests = turnaways + placed
    return turnaways / requests if requests else None


def mask(count: int) -> int | None:
    """None for a figure too small to show."""
    return count if count >= SMALLEST_SHOWN else None


def mask_breakdown(counts: Mapping[K, int]) -> dict[K, int | None]:
    """A breakdown by a personal attribute, its total known: small figures are masked, and as many more as it
    takes that the rest of the total does not give them away. Without anybody there is nothing to hide.
    """
    if not any(counts.values()):
        return dict(counts)
    shown: dict[K, int | None] = {key: mask(count) for key, count in counts.items()}
    larger = sorted((key for key in counts if shown[key] is not None), key=lambda key: counts[key])
    while larger and _gives_away([count for key, count in counts.items() if shown[key] is None]):
        shown[larger.pop(0)] = None
    return shown


def _gives_away(masked: list[int]) -> bool:
    """One masked figure is the difference to the total; several that add up to next to nothing are as good."""
    return len(masked) == 1 or 0 < sum(masked) < SMALLEST_SHOWN
