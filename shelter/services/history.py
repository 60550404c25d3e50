"""The history of a stay: one line per thing that happened, written with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shelter import clock
from shelter.extensions import db
from shelter.models.stays import Stay, StayEvent
from shelter.services.unit_of_work import UnitOfWork


def note(
    work: UnitOfWork,
    stay: Stay,
    kind: str,
    happened_at: datetime | None = None,
    note: str | None = None,
    **data: Any,
) -> StayEvent:
    """A line in the stay's history, in the transaction of the act.

    `happened_at` is when it really was, earlier than now for a late entry. `data` holds codes, dates and ids
    and is readable in the table; the free text `note` is sealed.
    """
    now = clock.now()
    event = StayEvent(
        stay_id=stay.id,
        at=now,
        happened_at=happened_at or now,
        by_id=work.by.user_id,
        kind=kind,
        data={name: _plain(value) for name, value in data.items() if value is not None},
    )
    event.note = note
    db.session.add(event)
    return event


def _plain(value: Any) -> Any:
    """What JSON can say: days and instants as ISO text, ids and codes as text."""
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
