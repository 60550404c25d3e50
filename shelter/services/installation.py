"""What may not change from one start to the next without more, compared at every start."""

from __future__ import annotations

from sqlalchemy import inspect, select
from sqlalchemy.exc import DBAPIError

from shelter.config import Settings, UnsafeSettings
from shelter.extensions import db, keyring
from shelter.gateways.copies import MARK
from shelter.keyring import Unreadable
from shelter.models.clockwork import Installation
from shelter.models.households import ContactNumber
from shelter.services.messages import PHONE

LOOKED_AT = 3  # one number alone may be damaged


def check_unchanged(settings: Settings) -> None:
    """Refuse to start with settings that do not fit the database.

    Another time zone or cut-over would shift nights; with other field keys nothing could be read; and by another
    index key no danger number would be found. Says nothing while there are no tables yet, or while the database
    does not answer.
    """
    try:
        tables = set(inspect(db.engine).get_table_names())
        if Installation.__tablename__ not in tables:
            return
        if MARK in tables:
            raise UnsafeSettings(
                "The system does not start: a restore into this database was not finished. Make a new empty database"
                " (for SQLite: remove the file) and restore the backup again."
            )
        row = db.session.get(Installation, 1)
        newest = select(ContactNumber).order_by(ContactNumber.id.desc()).limit(LOOKED_AT)
        numbers = list(db.session.scalars(newest))
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
    found = {_fits(number) for number in numbers}
    if found and "fits" not in found:
        raise UnsafeSettings(
            "The system does not start: this database was written with other keys. Put the former "
            f"{'SHELTER_INDEX_KEY' if 'index' in found else 'SHELTER_FIELD_KEYS'} back."
        )


def _fits(row: ContactNumber) -> str:
    try:
        return "fits" if keyring.index(PHONE, row.number or "") == row.number_index else "index"
    except Unreadable:
        return "field"
