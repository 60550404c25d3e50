"""Days, instants and the nights of a placement, as tests of stays say them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select

from shelter import clock
from shelter.extensions import db
from shelter.models.stays import Placement, UnitNight


def at(wall: str) -> datetime:
    """A wall-clock time of the shelter as an instant."""
    return datetime.fromisoformat(wall).replace(tzinfo=clock.timezone())


def day(text: str) -> date:
    return date.fromisoformat(text)


def run(first: str, until: str) -> list[date]:
    """The nights of `[first, until)`."""
    begin, end = day(first), day(until)
    return [begin + timedelta(days=n) for n in range((end - begin).days)]


def nights(placement: Placement) -> list[date]:
    """What the ledger holds for it."""
    rows = select(UnitNight.night).where(UnitNight.placement_id == placement.id).order_by(UnitNight.night)
    return list(db.session.scalars(rows))
