"""Nights, half-open: a guest who arrives on the 10th and leaves on the 12th sleeps the 10th and the 11th."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shelter.domain.errors import NightsOutOfOrder

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Nights:
    """`[arrive_on, leave_on)`, at least one night. Raises NightsOutOfOrder."""

    arrive_on: date
    leave_on: date

    def __post_init__(self) -> None:
        if self.leave_on <= self.arrive_on:
            raise NightsOutOfOrder()

    def __len__(self) -> int:
        return (self.leave_on - self.arrive_on).days

    def __iter__(self) -> Iterator[date]:
        """In date order."""
        return (self.arrive_on + timedelta(days=n) for n in range(len(self)))

    def __contains__(self, night: date) -> bool:
        return self.arrive_on <= night < self.leave_on

    def overlaps(self, other: Nights) -> bool:
        return self.arrive_on < other.leave_on and other.arrive_on < self.leave_on

    @property
    def last_night(self) -> date:
        return self.leave_on - DAY


def operating_night(wall_clock: datetime, cutover_hours: int) -> date:
    """Tonight, for a wall-clock time: at 02:10 on the 11th with a cut-over of 8, the night of the 10th."""
    return (wall_clock.replace(tzinfo=None) - timedelta(hours=cutover_hours)).date()
