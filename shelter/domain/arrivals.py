"""What a real arrival does to the nights that were planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from shelter.domain.nights import DAY, Nights
from shelter.domain.stay_errors import ArrivedAfterLeaving

LATE_ENTRY = timedelta(minutes=15)  # said to have happened longer ago than this: a reason is needed


@dataclass(frozen=True, slots=True)
class Settlement:
    """`arrive_on`, `leave_on`: the nights that are kept. `added`: nights before the planned ones."""

    arrive_on: date
    leave_on: date
    added: Nights | None
    dropped: int  # nights that lay past the limit

    @property
    def is_shortened(self) -> bool:
        return self.dropped > 0


def settle(planned: Nights, arrived_on: date, limit: date) -> Settlement:
    """An earlier arrival adds nights, a later one leaves the missed nights reserved, nights past the limit go.

    `arrived_on` is the operating night of the arrival. At least that night is kept: whoever is in the house
    sleeps there. Raises ArrivedAfterLeaving.
    """
    if arrived_on >= planned.leave_on:
        raise ArrivedAfterLeaving(planned.leave_on)
    leave_on = max(min(planned.leave_on, limit), arrived_on + DAY)
    return Settlement(
        arrive_on=min(planned.arrive_on, arrived_on),
        leave_on=leave_on,
        added=Nights(arrived_on, planned.arrive_on) if arrived_on < planned.arrive_on else None,
        dropped=(planned.leave_on - leave_on).days,
    )


def last_night_released(left_on: date, occupied_from: date) -> tuple[date, date]:
    """For a calendar day of leaving: the new `leave_on`, and the first night given back.

    They differ only for somebody who came and went on one day: the placement keeps one night on paper, because
    it was, and the room is free tonight.
    """
    return max(left_on, occupied_from + DAY), max(left_on, occupied_from)
