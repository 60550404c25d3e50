"""The periods figures are shown for: a day, a week from Monday, a month, a year; one step back or ahead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from shelter.domain.nights import Nights

EARLIEST, LATEST = date(2000, 1, 1), date(2100, 12, 31)


class Step(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True)
class Period:
    """The nights that begin on one of its days: half-open `[first, until)`."""

    step: Step
    first: date
    until: date

    @property
    def last(self) -> date:
        return self.until - timedelta(days=1)

    @property
    def nights(self) -> Nights:
        return Nights(self.first, self.until)

    @property
    def previous(self) -> Period | None:
        """None at the edge of time."""
        return period(self.step, self.first - timedelta(days=1)) if self.first > EARLIEST else None

    @property
    def next(self) -> Period | None:
        return period(self.step, self.until) if self.until <= LATEST else None

    def parts(self) -> Iterator[Nights]:
        """What a trend is drawn of: every night; of a year every month."""
        day = self.first
        while day < self.until:
            end = _next_month(day) if self.step is Step.YEAR else day + timedelta(days=1)
            yield Nights(day, end)
            day = end


def period(step: Step, on: date) -> Period:
    """The one that holds the day."""
    match step:
        case Step.DAY:
            return Period(step, on, on + timedelta(days=1))
        case Step.WEEK:
            first = on - timedelta(days=on.weekday())
            return Period(step, first, first + timedelta(days=7))
        case Step.MONTH:
            first = on.replace(day=1)
            return Period(step, first, _next_month(first))
        case Step.YEAR:
            return Period(step, date(on.year, 1, 1), date(on.year + 1, 1, 1))


def is_thinkable(day: date) -> bool:
    return EARLIEST <= day <= LATEST


def _next_month(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)
