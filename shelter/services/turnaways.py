"""Noting that a request could not be met, in one click and without an identity."""

from __future__ import annotations

from datetime import date

from shelter import clock
from shelter.domain import turnaways
from shelter.domain.errors import NotPermitted
from shelter.domain.matching import Party
from shelter.domain.permissions import Permission, Principal
from shelter.domain.stays import TurnawayReason
from shelter.extensions import db
from shelter.models.stays import Turnaway
from shelter.services.unit_of_work import Once, unit_of_work


def record_turnaway(
    *, night: date, reason: TurnawayReason, party: Party, by: Principal, once: Once | None = None
) -> str:
    """Count a request for `night` that came to nothing; the row's id. Only heads are kept."""
    if not by.can(Permission.STAYS_PLACE):
        raise NotPermitted()
    adults, minors, pets = turnaways.heads(party)
    with unit_of_work(by, once=once) as work:
        if work.is_replay:
            return str(work.result)
        row = Turnaway(
            night=night,
            reason=reason,
            adults=adults,
            minors=minors,
            pets=pets,
            recorded_by_id=by.user_id,
            recorded_at=clock.now(),
        )
        db.session.add(row)
        db.session.flush()
        work.result = str(row.id)
        work.record("turnaway.recorded", subject=f"turnaway:{row.id}", reason=reason, night=night)
        return work.result
