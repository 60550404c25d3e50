"""The ledger of nights: one unit, one night, one owner. The only place that inserts or deletes `unit_night`.

Callers hold the lock of the unit's site (`UnitOfWork.lock`). Nights are inserted in date order.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, text, update

from shelter import clock
from shelter.database import rows_changed
from shelter.domain.nights import Nights
from shelter.domain.stays import LEFT
from shelter.extensions import db
from shelter.models.stays import Placement, UnitNight
from shelter.queries.installation import live_from
from shelter.queries.ledger_check import wanted_by

_n = UnitNight.__table__.c
_NIGHTS = insert(UnitNight.__table__)  # type: ignore[arg-type]
_RECOUNT = (
    update(UnitNight.__table__)  # type: ignore[arg-type]
    .where(_n.placement_id == bindparam("placement"), _n.people != bindparam("heads"))
    .values(people=bindparam("heads"))
)
_SERIES = text(
    "INSERT INTO unit_night (unit_id, night, placement_id, closure_id, people)"
    " SELECT :unit_id, night::date, :placement_id, :closure_id, :people"
    " FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') AS night ORDER BY night"
)


def claim(
    unit_id: int,
    nights: Iterable[date],
    *,
    placement_id: int | None = None,
    closure_id: int | None = None,
    people: int = 0,
) -> None:
    """Write the nights of one owner. The key refuses a night that has one: the unit of work raises UnitJustTaken."""
    days = sorted(nights)
    if not days:
        return
    owner = {"unit_id": unit_id, "placement_id": placement_id, "closure_id": closure_id, "people": people}
    is_run = (days[-1] - days[0]).days == len(days) - 1
    if db.engine.dialect.name == "postgresql" and is_run:
        db.session.execute(_SERIES, {**owner, "first": days[0], "last": days[-1]})
    else:
        db.session.execute(_NIGHTS, [{**owner, "night": day} for day in days])


def claim_for(placement: Placement, nights: Iterable[date]) -> None:
    claim(placement.unit_id, nights, placement_id=placement.id, people=placement.people)


def claim_for_all(owners: Iterable[tuple[Any, Iterable[date]]]) -> int:
    """The same for several placements, or rows with their columns, in one statement; how many nights."""
    rows = [
        {"unit_id": owner.unit_id, "night": night, "placement_id": owner.id, "closure_id": None, "people": owner.people}
        for owner, nights in owners
        for night in nights
    ]
    if rows:
        db.session.execute(_NIGHTS, sorted(rows, key=lambda row: (row["night"], row["unit_id"])))
    return len(rows)


def recount(placement: Placement) -> None:
    """Its nights say how many people sleep there now."""
    db.session.execute(_RECOUNT, {"placement": placement.id, "heads": placement.people})


def release(placement: Placement, *, from_night: date | None = None, before: date | None = None) -> int:
    """Give back the placement's nights, all, from one on or those before one; how many."""
    where = [UnitNight.placement_id == placement.id]
    if from_night is not None:
        where.append(UnitNight.night >= from_night)
    if before is not None:
        where.append(UnitNight.night < before)
    gone = delete(UnitNight).where(*where).execution_options(synchronize_session=False)
    number = rows_changed(db.session.execute(gone))
    if number and placement.arrive_on < clock.shelter_day():
        _to_who_was_there(placement)
    return number


def _to_who_was_there(gone: Placement) -> None:
    """Somebody stayed on over the nights of a booking, and has left since: free again, they are theirs."""
    rows = select(Placement).where(
        Placement.unit_id == gone.unit_id,
        Placement.id != gone.id,
        Placement.state.in_(LEFT),
        Placement.leave_on > gone.arrive_on,
        Placement.occupied_from < gone.leave_on,
    )
    since = live_from()
    for placement in db.session.scalars(rows).all():
        if nights := wanted_by(placement, since):
            taken = {night.night for night in owners(gone.unit_id, nights)}
            claim_for(placement, [night for night in nights if night not in taken])


def release_closure(closure_id: int, *, from_night: date | None = None) -> int:
    """Give back a closure's nights, all or from one on; how many."""
    where = [UnitNight.closure_id == closure_id]
    if from_night is not None:
        where.append(UnitNight.night >= from_night)
    gone = delete(UnitNight).where(*where).execution_options(synchronize_session=False)
    return rows_changed(db.session.execute(gone))


def nights_of(placement: Placement) -> list[date]:
    """The nights the placement holds now, in order."""
    rows = select(UnitNight.night).where(UnitNight.placement_id == placement.id).order_by(UnitNight.night)
    return list(db.session.scalars(rows))


def owners(unit_id: int, nights: Nights) -> list[UnitNight]:
    """Who holds what of these nights, in date order; detached copies are not kept."""
    rows = (
        select(UnitNight)
        .where(UnitNight.unit_id == unit_id, UnitNight.night >= nights.arrive_on, UnitNight.night < nights.leave_on)
        .order_by(UnitNight.night)
        .execution_options(populate_existing=True)
    )
    return list(db.session.scalars(rows))
