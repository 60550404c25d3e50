"""Who is booked where: for whoever is about to take a unit away. References only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from shelter.domain.sites import natural, unit_name
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.sites import Room, Unit
from shelter.models.stays import Placement, Stay, UnitNight


@dataclass(frozen=True)
class BookedRun:
    """One placement's nights in one unit, within what was asked."""

    unit_id: int
    unit: str  # room, and bed where it has a name of its own
    reference: str  # of the stay
    people: int
    first: date
    last: date


def booked_runs(unit_ids: Collection[int], first: date, until: date | None = None) -> list[BookedRun]:
    """Who holds nights in these units from `first` on, until the day `until` or without an end.

    Whoever stays past their planned nights counts once `overstays.keep_rooms` was here.
    """
    named = (Unit.id, Room.label, Unit.label, Household.reference, Stay.number, Placement.people)
    nights = (
        select(*named, func.min(UnitNight.night), func.max(UnitNight.night))
        .join(Placement, Placement.id == UnitNight.placement_id)
        .join(Stay, Stay.id == Placement.stay_id)
        .join(Household, Household.id == Stay.household_id)
        .join(Unit, Unit.id == UnitNight.unit_id)
        .join(Room, Room.id == Unit.room_id)
        .where(UnitNight.unit_id.in_(unit_ids), UnitNight.night >= first)
        .group_by(*named, Placement.id)
    )
    if until is not None:
        nights = nights.where(UnitNight.night < until)
    runs = [
        BookedRun(unit_id, unit_name(room, label), f"{reference}-{number}", people, begin, end)
        for unit_id, room, label, reference, number, people, begin, end in db.session.execute(nights)
    ]
    return sorted(runs, key=lambda run: (natural(run.unit), run.first))


def closed_units(unit_ids: Collection[int], first: date, until: date) -> list[str]:
    """Names of those of the units that are closed on one of the nights."""
    rows = (
        select(Room.label, Unit.label)
        .join(Unit, Unit.room_id == Room.id)
        .join(UnitNight, UnitNight.unit_id == Unit.id)
        .where(
            Unit.id.in_(unit_ids),
            UnitNight.night >= first,
            UnitNight.night < until,
            UnitNight.closure_id.is_not(None),
        )
        .distinct()
    )
    return sorted((unit_name(*row) for row in db.session.execute(rows)), key=natural)
