"""Whose record a person may read: what they made or answer for, and whoever is, or in the last 30 days
was, at their sites."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, or_, select, true

from shelter import clock
from shelter.domain.errors import NotPermitted
from shelter.domain.permissions import Permission, Principal
from shelter.domain.stays import GIVEN_UP, RUNNING, PlacementState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.sites import Unit
from shelter.models.stays import Placement, Stay

AFTERWARDS = timedelta(days=30)


def _condition(user: Any, sites: Any, since: Any) -> ColumnElement[bool]:
    at_my_sites = (
        select(Placement.id)
        .join(Stay, Stay.id == Placement.stay_id)
        .join(Unit, Unit.id == Placement.unit_id)
        .where(
            Stay.household_id == Household.id,
            Unit.site_id.in_(sites),
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
            or_(Stay.responsible_id == user, Stay.substitute_id == user),
        )
        .correlate(Household)
        .exists()
    )
    return or_(Household.created_by_id == user, mine, at_my_sites)


def readable(by: Principal) -> ColumnElement[bool]:
    """A condition on `Household`: this person may read the record. False for everybody without the permission."""
    if by.is_system:
        return true()
    if not by.can(Permission.HOUSEHOLDS_READ):
        return ~true()
    return _condition(by.user_id, by.site_ids, clock.shelter_day() - AFTERWARDS)


# The same, built once, for statements that every booking asks; `reader` fills it in.
READABLE = _condition(bindparam("reader"), bindparam("reader_sites", expanding=True), bindparam("since"))
_BY_REFERENCE = (
    select(Stay.id)
    .join(Household, Household.id == Stay.household_id)
    .where(Household.reference == bindparam("reference"), Stay.number == bindparam("number"), READABLE)
)

_GUEST = (
    select(Stay.household_id).join(Household, Household.id == Stay.household_id).where(Stay.id == bindparam("stay"))
)
_READABLE_GUEST = _GUEST.where(READABLE)


def reader(by: Principal) -> dict[str, Any]:
    """The parameters of READABLE. Raises NotPermitted for whoever may read no record at all."""
    if not by.can(Permission.HOUSEHOLDS_READ):
        raise NotPermitted()
    return {"reader": by.user_id, "reader_sites": list(by.site_ids), "since": clock.shelter_day() - AFTERWARDS}


def readable_household(reference: str, by: Principal) -> UUID | None:
    """The household's id, or None: there is none, or this person may not know of it (one answer for both)."""
    return db.session.scalar(select(Household.id).where(Household.reference == reference, readable(by)))


def readable_stay(household_reference: str, number: int, by: Principal) -> UUID | None:
    """The stay's id, or None, as above."""
    if not by.can(Permission.HOUSEHOLDS_READ):
        return None
    return db.session.scalar(_BY_REFERENCE, {"reference": household_reference, "number": number, **reader(by)})


def readable_guest(stay_id: UUID, by: Principal) -> UUID | None:
    """The id of the household whose stay it is, or None, as above."""
    if by.is_system:
        return db.session.scalar(_GUEST, {"stay": stay_id})
    if not by.can(Permission.HOUSEHOLDS_READ):
        return None
    return db.session.scalar(_READABLE_GUEST, {"stay": stay_id, **reader(by)})


def readable_placement(placement_id: int, by: Principal) -> UUID | None:
    """The id of the placement's stay, or None, as above."""
    return db.session.scalar(
        select(Stay.id)
        .join(Placement, Placement.stay_id == Stay.id)
        .join(Household, Household.id == Stay.household_id)
        .where(Placement.id == placement_id, readable(by))
    )
