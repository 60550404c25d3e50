"""A house full of stays that near their limits, and a plain model of what must be recorded and told of them.

The model knows no jobs and no slots: what is crossed on a day is due from that night's check on, or from the first
check after the stay or its limit came to be.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select, update

from shelter import clock
from shelter.domain import references
from shelter.domain.stays import ExitReason, PlacementState, StayState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.stays import Placement, Stay, StayFlag
from shelter.queries import policies
from tests.factories import make_site, make_unit, make_user

Flag = tuple[UUID, date, int]
# As a policy of six months and one of thirty days say them; 0 is the limit itself.
LONG, SHORT = (60, 30, 14, 7, 1, 0), (14, 7, 1, 0)
WIDEST = max(LONG)
DAY = timedelta(days=1)


@dataclass
class Guest:
    id: UUID
    limit_on: date
    thresholds: tuple[int, ...]
    since: datetime  # as it is now
    is_in_house: bool = True


@dataclass
class House:
    """Within an application context. Two sites, a coordinator each who can be texted."""

    chance: random.Random
    checked_at: time = time(2, 30)  # every night, on the wall clock
    now: Callable[[], datetime] = clock.now  # the true time, where the clock is wrong
    guests: list[Guest] = field(default_factory=list)

    def __post_init__(self) -> None:
        sites = [make_site(), make_site(days=30, thresholds=SHORT[:-1])]
        staff = [make_user(sites=[site], phone=f"+82109999000{n}").id for n, site in enumerate(sites)]
        versions = [policies.in_force(site.id, clock.today()).id for site in sites]
        units = [make_unit(site=site).id for site in sites]
        self._kinds = list(zip(versions, staff, units, (LONG, SHORT), strict=True))

    def take_in(self, *limits: date) -> None:
        """A stay for each limit, in the house since yesterday."""
        now = clock.now()
        for limit_on in limits:
            policy, responsible, unit, thresholds = self.chance.choice(self._kinds)
            household = Household(reference=references.new_reference(), created_at=now)
            stay = Stay(
                household=household,
                number=1,
                state=StayState.IN_HOUSE,
                arrive_on=clock.today() - DAY,
                policy_id=policy,
                limit_on=limit_on,
                checked_in_at=now - DAY,
                responsible_id=responsible,
                created_at=now,
            )
            # Where she is, without nights: nobody looks at the ledger here.
            place = Placement(
                unit_id=unit, state=PlacementState.IN_HOUSE, people=1, created_at=now, arrived_at=now - DAY
            )
            place.arrive_on = place.occupied_from = stay.arrive_on
            place.leave_on, place.confirmed_at = clock.today() + DAY, now
            stay.placements = [place]
            db.session.add(stay)
            db.session.flush()
            self.guests.append(Guest(stay.id, limit_on, thresholds, self.now()))
        db.session.commit()

    def something_happens(self) -> None:
        """An extension, a departure, or somebody new whose limit is near: people go on when the clockwork does not."""
        here = [guest for guest in self.guests if guest.is_in_house]
        guest = self.chance.choice(here)
        match self.chance.randrange(3):
            case 0:
                guest.limit_on, guest.since = guest.limit_on + self.chance.randrange(1, 30) * DAY, self.now()
                self._change(guest, limit_on=guest.limit_on)
            case 1:
                guest.is_in_house = False
                self._change(guest, state=StayState.ENDED, ended_at=clock.now(), exit_reason=next(iter(ExitReason)))
            case _:
                self.take_in(clock.today() + timedelta(days=self.chance.randrange(WIDEST)))

    def _change(self, guest: Guest, **values: object) -> None:
        db.session.execute(update(Stay).where(Stay.id == guest.id).values(**values))
        db.session.commit()

    def due(self, now: datetime) -> set[Flag]:
        """What must be recorded by now."""
        day = clock.day_of(now)
        if self.check(day) > now:
            day -= DAY
        return {flag for guest in self.guests if guest.since <= self.check(day) for flag in _crossed(guest, day)}

    def check(self, day: date) -> datetime:
        return clock.instant(day, self.checked_at.hour, self.checked_at.minute)

    def recorded(self) -> Counter[Flag]:
        rows = db.session.execute(select(StayFlag.stay_id, StayFlag.limit_on, StayFlag.threshold)).all()
        db.session.rollback()  # the next to write may be somebody else
        return Counter((stay, limit_on, n) for stay, limit_on, n in rows)

    def missing(self, now: datetime) -> set[Flag]:
        return self.due(now) - set(self.recorded())

    def too_early(self, now: datetime) -> int:
        """Recorded of a limit that stands, and not crossed yet."""
        here = {guest.id: guest.limit_on for guest in self.guests if guest.is_in_house}
        standing = {flag for flag in self.recorded() if here.get(flag[0]) == flag[1]}
        return len(standing - {flag for guest in self.guests for flag in _crossed(guest, clock.day_of(now))})

    def doubled(self) -> int:
        return sum(n > 1 for n in self.recorded().values())


def _crossed(guest: Guest, day: date) -> set[Flag]:
    """By that day, of somebody in the house."""
    left = (guest.limit_on - day).days
    return {(guest.id, guest.limit_on, n) for n in guest.thresholds if guest.is_in_house and left <= n}
