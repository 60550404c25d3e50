"""Whose record a person may read: what they made or answer for, and whoever is, or in the last 30 days
was, at their sites."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, true

from shelter import clock
from shelter.domain.permissions import Permission, Principal
from shelter.domain.stays import RUNNING, PlacementState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.sites import Unit
from shelter.models.stays import Placement, Stay

AFTERWARDS = timedelta(days=30)
GIVEN_UP = (PlacementState.CANCELLED, PlacementState.EXPIRED)


def readable(by: Principal) -> ColumnElement[bool]:
    """A condition on `Household`: this person may read the record. False for everybody without the permission."""
    if by.is_system:
        return true()
    if not by.can(Permission.HOUSEHOLDS_READ):
        return ~true()
    since = clock.shelter_day() - AFTERWARDS
    at_my_sites = (
        select(Placement.id)
        .join(Stay, Stay.id == Placement.stay_id)
        .join(Unit, Unit.id == Placement.unit_id)
        .where(
            Stay.household_id == Household.id,
            Unit.site_id.in_(by.site_ids),
            or_(
                Placement.state == PlacementState.IN_HOUSE,
                # Planned until months from now, and given up: it never was more than its first day.
                and_(Placement.state.in_(GIVEN_UP), Placement.arrive_on >= since),
                and_(Placement.state.not_in(GIVEN_UP), Placement.leave_on >= since),
            ),
        )
        .correlate(Household)
        .exists()
    )
    mine = (
        select(Stay.id)
        .where(
            Stay.household_id == Household.id,
            Stay.state.in_(RUNNING),
            or_(Stay.responsible_id == by.user_id, Stay.substitute_id == by.user_id),
        )
        .correlate(Household)
        .exists()
    )
    return or_(Household.created_by_id == by.user_id, mine, at_my_sites)


def readable_household(reference: str, by: Principal) -> UUID | None:
    """The household's id, or None: there is none, or this person may not know of it (one answer for both)."""
    return db.session.scalar(select(Household.id).where(Household.reference == reference, readable(by)))


def readable_stay(household_reference: str, number: int, by: Principal) -> UUID | None:
    """The stay's id, or None, as above."""
    return db.session.scalar(
        select(Stay.id)
        .join(Household, Household.id == Stay.household_id)
        .where(Household.reference == household_reference, Stay.number == number, readable(by))
    )


def readable_placement(placement_id: int, by: Principal) -> UUID | None:
    """The id of the placement's stay, or None, as above."""
    return db.session.scalar(
        select(Stay.id)
        .join(Placement, Placement.stay_id == Stay.id)
        .join(Household, Household.id == Stay.household_id)
        .where(Placement.id == placement_id, readable(by))
    )
