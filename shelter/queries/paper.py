"""What a night on paper may have changed: everybody expected, held for or in the house, for a person to go through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, or_, select

from shelter import clock
from shelter.domain.permissions import Principal
from shelter.domain.references import stay_reference
from shelter.domain.sites import natural, unit_name
from shelter.domain.stays import PlacementState, StayState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.sites import Room, Site, Unit
from shelter.models.stays import Placement, Stay
from shelter.queries.today import is_mine
from shelter.queries.visibility import readable

P = PlacementState


@dataclass(frozen=True)
class Entry:
    """One placement something may have happened to."""

    reference: str
    site: str
    unit: str
    people: int
    state: PlacementState
    arrive_on: date
    leave_on: date
    expected_at: datetime | None
    held_until: datetime | None


@dataclass(frozen=True)
class Entries:
    expected: tuple[Entry, ...]
    held: tuple[Entry, ...]  # holds that ran out meanwhile too: they can still be confirmed
    here: tuple[Entry, ...]


def entries(by: Principal) -> Entries:
    """Of this person's sites and stays, by site and room; one statement."""
    rows = (
        select(
            Household.reference,
            Stay.number,
            Site.code_name,
            Room.label.label("room"),
            Unit.label,
            Placement.people,
            Placement.state,
            Placement.arrive_on,
            Placement.leave_on,
            Placement.expected_at,
            Placement.held_until,
        )
        .select_from(Placement)
        .join(Stay, Stay.id == Placement.stay_id)
        .join(Household, Household.id == Stay.household_id)
        .join(Unit, Unit.id == Placement.unit_id)
        .join(Room, Room.id == Unit.room_id)
        .join(Site, Site.id == Unit.site_id)
        .where(
            or_(
                Placement.state.in_((P.IN_HOUSE, P.NO_SHOW, P.HELD)),
                and_(Placement.state == P.BOOKED, Placement.arrive_on <= clock.shelter_day()),
                and_(Placement.state == P.EXPIRED, Stay.state == StayState.OPEN),
            ),
            or_(is_mine(by), Unit.site_id.in_(list(by.site_ids))),
            readable(by),
        )
        .order_by(Placement.id)
    )
    found = [
        Entry(stay_reference(row.reference, row.number), row.code_name, unit_name(row.room, row.label), *row[5:])
        for row in db.session.execute(rows)
    ]
    found.sort(key=lambda entry: (entry.site, natural(entry.unit)))

    def of(*states: PlacementState) -> tuple[Entry, ...]:
        return tuple(entry for entry in found if entry.state in states)

    return Entries(of(P.BOOKED, P.NO_SHOW), of(P.HELD, P.EXPIRED), of(P.IN_HOUSE))
