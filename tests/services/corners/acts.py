"""What people do on the way to a corner, with what is usual filled in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from shelter import clock
from shelter.domain.intake import Intake
from shelter.domain.nights import Nights
from shelter.domain.stays import ClosureReason, Destination, ExitReason, PlacementState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.sites import Unit
from shelter.models.stays import Stay
from shelter.services import (
    closures,
    departures,
    households,
    intake,
    placements,
)
from shelter.services.placements import Segment
from tests import factories as make
from tests.support.nights import day
from tests.support.people import Account
from tests.support.placing import SHE


def hold(by: Account, *units: Unit, first: str = "2026-03-10", until: str = "2026-03-17", **more: Any) -> Stay:
    told = {"party": SHE} | more
    segments = [Segment(unit.id, Nights(day(first), day(until))) for unit in units]
    return stay_of(placements.hold_units(segments=segments, by=by.principal, **told))


def stay_of(reference: str) -> Stay:
    household, _, number = reference.rpartition("-")
    found = select(Stay).join(Household).where(Household.reference == household, Stay.number == int(number))
    return db.session.scalars(found).one()


def two_of(**more: Any) -> list[Unit]:
    site = make.make_site()
    return [make.make_unit(site=site, **more), make.make_unit(site=site, **more)]


def confirm(stay: Stay, by: Account, **more: Any) -> None:
    placements.confirm_stay(stay_id=stay.id, expected_at=clock.now(), by=by.principal, **more)


def check_out(stay: Stay, by: Account, **more: Any) -> None:
    departures.check_out(
        stay_id=stay.id, exit_reason=ExitReason.PLANNED, destination=Destination.FAMILY, by=by.principal, **more
    )


def told(stay: Stay, by: Account) -> Intake:
    return households.open_record(household_id=stay.household_id, page="test", by=by.principal).intake


def save(stay: Stay, by: Account, **changes: Any) -> None:
    intake.save_intake(household_id=stay.household_id, intake=replace(told(stay, by), **changes), by=by.principal)


def states(stay: Stay) -> list[PlacementState]:
    db.session.expire_all()
    return [placement.state for placement in stay.placements]


def close(unit: Unit, by: Account, first: str, until: str) -> None:
    closures.close_units(
        unit_ids=[unit.id], from_on=day(first), until_on=day(until), reason=ClosureReason.REPAIR, by=by.principal
    )
