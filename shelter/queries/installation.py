"""What was fixed when the system was set up."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from shelter.extensions import db
from shelter.models.clockwork import Installation


def live_from() -> date:
    """The first night this system knows of; of the nights before it there is no data."""
    return db.session.scalars(select(Installation.live_from)).one()
