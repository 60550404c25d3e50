"""Requests that could not be met, counted: a reason and a night, nobody's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import and_, exists, false, func, or_, select

from shelter.domain.occupancy import turnaway_rate
from shelter.domain.periods import Period
from shelter.domain.stays import TurnawayReason
from shelter.extensions import db
from shelter.models.stays import Placement, Stay, Turnaway


@dataclass(frozen=True)
class Turnaways:
    """Requests not met, and how many households were given a place in the same nights."""

    by_reason: Mapping[TurnawayReason, int]
    placed: int

    @property
    def total(self) -> int:
        return sum(self.by_reason.values())

    @property
    def rate(self) -> float | None:
        return turnaway_rate(self.total, self.placed)


def turnaways(period: Period) -> Turnaways:
    """Requests not met on these nights by reason, beside the households that were given a place then."""
    within = and_(Turnaway.night >= period.first, Turnaway.night < period.until)
    counted = select(Turnaway.reason, func.count()).where(within).group_by(Turnaway.reason)
    confirmed = exists(
        select(Placement.id).where(
            Placement.stay_id == Stay.id,
            or_(Placement.confirmed_at.is_not(None), Placement.occupied_from.is_not(None)),
        )
    )
    placed = select(func.count(Stay.id)).where(
        Stay.arrive_on >= period.first, Stay.arrive_on < period.until, Stay.is_imported == false(), confirmed
    )
    by_reason: dict[TurnawayReason, int] = dict(db.session.execute(counted).all())
    return Turnaways({r: by_reason[r] for r in TurnawayReason if r in by_reason}, db.session.scalar(placed) or 0)
