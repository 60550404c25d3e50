"""What was fixed when the system was set up."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from shelter import clock
from shelter.extensions import db
from shelter.models.clockwork import Installation

_LIVE_FROM = select(Installation.live_from)


def live_from() -> date:
    """The first night this system knows of; of the nights before it there is no data."""
    return db.session.scalars(_LIVE_FROM).one()


def first_written_night() -> date:
    """Earlier nights are not written, however late they are entered.

    A clock that stands before the start (a copy tried out elsewhere) knows of none.
    """
    start = live_from()
    return start if start <= clock.shelter_day() else date.min
