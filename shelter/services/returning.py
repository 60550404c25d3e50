"""A household that was here before: the number of its next stay, and the hold it let run out."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from shelter.domain.placing import AlreadyPlaced
from shelter.domain.references import stay_reference
from shelter.domain.stays import KEEPS_NIGHTS, RUNNING, CancelReason, PlacementState, StayState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.sites import Unit
from shelter.models.stays import Placement, Stay
from shelter.services import expiry


def sites_of_holds(household: UUID | None, now: datetime) -> set[UUID]:
    """Where its holds have run out: locked before `next_number` gives their nights back."""
    if household is None:
        return set()
    rows = (
        select(Unit.site_id)
        .join(Placement, Placement.unit_id == Unit.id)
        .join(Stay, Stay.id == Placement.stay_id)
        .where(Stay.household_id == household, Placement.state == PlacementState.HELD, Placement.held_until <= now)
    )
    return set(db.session.scalars(rows))


def next_number(guest: Household, now: datetime) -> int:
    """One more than the last. A stay of which only a run-out hold is left makes room; any other is in the way.

    Run out by the clock, whether or not the job has said so. Raises AlreadyPlaced.
    """
    stays = db.session.scalars(select(Stay).where(Stay.household_id == guest.id).order_by(Stay.number)).all()
    for stay in stays:
        if stay.state in RUNNING:
            expiry.release_run_out(stay, now)
            if stay.state is StayState.IN_HOUSE or any(p.state in KEEPS_NIGHTS for p in stay.placements):
                raise AlreadyPlaced(stay_reference(guest.reference, stay.number))
            expiry.cancel_if_empty(stay, CancelReason.HOLD_EXPIRED)
    db.session.flush()
    return stays[-1].number + 1 if stays else 1
