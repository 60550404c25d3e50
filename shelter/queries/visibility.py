"""Whose record a person may read: what they made or answer for, and whoever is, or in the last 30 days
was, at their sites."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, or_, select, true, union

from shelter import clock
from shelter.domain.errors import NotPermitted
from shelter.domain.permissions import Permission, Principal
from shelter.domain.stays import GIVEN_UP, RUNNING, PlacementState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.sites import Unit
from shelter.models.stays import Placement, Stay

AFTERWARDS = timedelta(days=30)
CAME_OR_COME = frozenset(PlacementState) - GIVEN_UP - {PlacementState.IN_HOUSE}
_h, _s, _p, _u = (table.__table__.c for table in (Household, Stay, Placement, Unit))


def _whose(user: Any, sites: Any, since: Any) -> tuple[Select[Any], Select[Any]]:
    """Households with a running stay this person answers for; and those that are, or lately were, at these sites."""
    answers_for = select(_s.household_id).where(
        _s.state.in_(RUNNING), or_(_s.responsible_id == user, _s.substitute_id == user)
    )
    at_sites = (
        select(_s.household_id)
        .join(Placement.__table__, _p.stay_id == _s.id)
        .where(
            _p.unit_id.in_(select(_u.id).where(_u.site_id.in_(sites))),
            or_(
                _p.state == PlacementState.IN_HOUSE,
                and_(_p.state.in_(CAME_OR_COME), _p.leave_on >= since),
                # Planned until months from now, and given up: it never was more than its first day. The day of
                # leaving is later anyway, and has an index.
                and_(_p.state.in_(GIVEN_UP), _p.leave_on >= since, _p.arrive_on >= since),
            ),
        )
    )
    return answers_for, at_sites


def _condition(user: Any, sites: Any, since: Any) -> ColumnElement[bool]:
    theirs = (
        households.where(_s.household_id == _h.id).correlate(Household.__table__).exists()
        for households in _whose(user, sites, since)
    )
    return or_(_h.created_by_id == user, *theirs)


def readable(by: Principal) -> ColumnElement[bool]:
    """A condition on `Household`: this person may read the record. False for everybody without the permission.

    Asked of one record, or a few; of a list ask `readable_in_a_list`.
    """
    return _readable(by, _condition)


def readable_in_a_list(by: Principal) -> ColumnElement[bool]:
    """The same condition, for the many rows of a list: whoever is readable is gathered once, by the indexes, however
    many households there have been.
    """
    return _readable(by, _among)


def _among(user: Any, sites: Any, since: Any) -> ColumnElement[bool]:
    made = select(_h.id).where(_h.created_by_id == user)
    return _h.id.in_(union(made, *_whose(user, sites, since)))


def _readable(by: Principal, condition: Callable[..., ColumnElement[bool]]) -> ColumnElement[bool]:
    if by.is_system:
        return true()
    if not by.can(Permission.HOUSEHOLDS_READ):
        return ~true()
    return condition(by.user_id, by.site_ids, clock.shelter_day() - AFTERWARDS)


# The same, built once, for statements that every booking asks; `reader` fills it in.
READABLE = _condition(bindparam("reader"), bindparam("reader_sites", expanding=True), bindparam("since"))
_BY_REFERENCE = (
    select(_s.id)
    .join(Household.__table__, _h.id == _s.household_id)
    .where(_h.reference == bindparam("reference"), _s.number == bindparam("number"), READABLE)
)
_GUEST = select(_s.household_id).join(Household.__table__, _h.id == _s.household_id).where(_s.id == bindparam("stay"))
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
