"""What a real arrival does to the nights that were planned."""

from __future__ import annotations

from datetime import date, timedelta

from shelter.domain.nights import DAY, Nights
from shelter.domain.stay_errors import ArrivedAfterLeaving

LATE_ENTRY = timedelta(minutes=15)  # said to have happened longer ago than this: a reason is needed


def earlier_nights(planned: Nights, arrived_on: date) -> Nights | None:
    """Nights an earlier arrival adds; none for a later one, whose missed nights stay reserved.

    `arrived_on` is the operating night of the arrival. Raises ArrivedAfterLeaving.
    """
    if arrived_on >= planned.leave_on:
        raise ArrivedAfterLeaving(planned.leave_on)
    return Nights(arrived_on, planned.arrive_on) if arrived_on < planned.arrive_on else None


def leave_within(limit: date, planned: Nights, occupied_from: date | None) -> date | None:
    """The `leave_on` that may stand under the limit; None when no night of the placement may.

    Whoever is in the house sleeps there the night they came, whatever the limit says.
    """
    latest = limit if occupied_from is None else max(limit, occupied_from + DAY)
    leave_on = min(planned.leave_on, latest)
    return leave_on if leave_on > planned.arrive_on else None


def nights_given_back(left_on: date, occupied_from: date) -> tuple[date, date]:
    """For a calendar day of leaving: the new `leave_on`, and the first night given back.

    They differ only for somebody who came and went on one day: the placement keeps one night on paper, because
    it was, and the room is free tonight.
    """
    return max(left_on, occupied_from + DAY), max(left_on, occupied_from)
