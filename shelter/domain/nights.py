"""Nights: half-open runs `[arrive_on, leave_on)` of operating nights, each named by the day it begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from shelter.domain.errors import DomainError

DAY = timedelta(days=1)


@dataclass
class NightsEmpty(DomainError):
    """Leaving on or before the day of arrival: not one night."""

    arrive_on: date
    leave_on: date
    code: ClassVar[str] = "nights_empty"
    field: ClassVar[str | None] = "leave_on"


@dataclass(frozen=True, order=True)
class Nights:
    """At least one night. Iterates in date order; `leave_on` is the first day that is not slept."""

    arrive_on: date
    leave_on: date

    def __post_init__(self) -> None:
        if self.leave_on <= self.arrive_on:
            raise NightsEmpty(self.arrive_on, self.leave_on)

    def __len__(self) -> int:
        return (self.leave_on - self.arrive_on).days

    def __iter__(self) -> Iterator[date]:
        first = self.arrive_on.toordinal()
        return (date.fromordinal(day) for day in range(first, self.leave_on.toordinal()))

    def __contains__(self, night: object) -> bool:
        return isinstance(night, date) and self.arrive_on <= night < self.leave_on

    @property
    def last(self) -> date:
        """The last night slept."""
        return self.leave_on - DAY

    def overlaps(self, other: Nights) -> bool:
        """Is there a night in both? Leaving on the day another arrives is none."""
        return self.arrive_on < other.leave_on and other.arrive_on < self.leave_on

    def contains(self, other: Nights) -> bool:
        return self.arrive_on <= other.arrive_on and other.leave_on <= self.leave_on

    def common(self, other: Nights) -> Nights | None:
        """The nights in both."""
        if not self.overlaps(other):
            return None
        return Nights(max(self.arrive_on, other.arrive_on), min(self.leave_on, other.leave_on))

    def minus(self, other: Nights) -> tuple[Nights, ...]:
        """The nights of this one that are not in the other: none, one or two runs, in date order."""
        if not self.overlaps(other):
            return (self,)
        left: tuple[Nights, ...] = ()
        if self.arrive_on < other.arrive_on:
            left = (Nights(self.arrive_on, other.arrive_on),)
        if other.leave_on < self.leave_on:
            return (*left, Nights(other.leave_on, self.leave_on))
        return left


def operating_night(local: datetime, cutover_hours: float) -> date:
    """Which night it is when the wall clock shows `local`: its date minus the cut-over.

    With 8 hours, 02:10 on the 11th is still the night of the 10th to the 11th.
    """
    return (local.replace(tzinfo=None) - timedelta(hours=cutover_hours)).date()
