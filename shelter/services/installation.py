"""What is fixed at the first migration, compared at every start."""

from __future__ import annotations

from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError

from shelter.config import Settings, UnsafeSettings
from shelter.extensions import db
from shelter.models.clockwork import Installation


def check_unchanged(settings: Settings) -> None:
    """Refuse to start when time zone or cut-over differ from the first migration's: nights would shift.

    Says nothing while there are no tables yet, or while the database does not answer.
    """
    try:
        if not inspect(db.engine).has_table(Installation.__tablename__):
            return
        row = db.session.get(Installation, 1)
    except DBAPIError:
        return
    finally:
        db.session.remove()
        db.engine.dispose()  # workers fork after this
    if row and (row.timezone, row.cutover_hours) != (settings.timezone, settings.cutover_hours):
        raise UnsafeSettings(
            "The system does not start: SHELTER_TIMEZONE and SHELTER_CUTOVER_HOURS must stay as they were at the "
            f"first migration ({row.timezone}, {row.cutover_hours})."
        )
