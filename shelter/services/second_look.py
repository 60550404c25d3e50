"""The second look, with the lock of the site: what fitted a minute ago may not any more.

A reason of safety is told to nobody here: it would say who is where.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from uuid import UUID

from shelter import clock
from shelter.domain.errors import NotFound, UnitJustTaken
from shelter.domain.matching import SAFETY_REASONS, AgeBand, Party, Reason
from shelter.domain.near_fits import pairs_that_fit
from shelter.domain.nights import DAY, Nights
from shelter.domain.placing import GONE, NEVER_SET_ASIDE, TooManyUnits, UnitFitsNoMore
from shelter.domain.stays import KEEPS_NIGHTS
from shelter.extensions import db
from shelter.models.stays import Placement, Stay
from shelter.queries import find, parties
from shelter.queries.find import Look

ABOUT_PETS = frozenset({Reason.PETS_NOT_ALLOWED, Reason.PET_TOO_LARGE, Reason.TOO_MANY_PETS, Reason.ALLERGY})


@dataclass(frozen=True)
class Segment:
    """A unit for some nights. Two with the same nights are two units together, one after the other a transfer."""

    unit_id: int
    nights: Nights


def parts_that_fit(segments: Sequence[Segment], party: Party, now: datetime) -> list[Party]:
    """Who goes into which of the units. Raises when one of them is not to be had, or does not fit, any more."""
    looks = [find.look(segment.unit_id, segment.nights, party, now=now) for segment in segments]
    together = [(a, b) for a, b in pairwise(segments) if a.nights.overlaps(b.nights)]
    if not together:
        for look in looks:
            _refuse(look.verdict(party).reasons)
        return [party] * len(segments)
    if len(segments) > 2:
        raise TooManyUnits()
    return _divide(looks, party)


def check_free(unit_id: int, household_id: UUID, nights: Nights, now: datetime) -> None:
    """May the unit be had at all on these nights, as if for the first time? The site is locked."""
    party = parties.party_of(household_id)
    try:
        reasons = find.look(unit_id, nights, party, now=now).verdict(party).reasons
    except NotFound:  # out of service for good
        raise UnitJustTaken() from None
    _refuse([reason for reason in reasons if reason in GONE])


def check_room(placement: Placement, nights: Iterable[date], *, accepts_misfit: bool = False) -> None:
    """May its people share the room and the site on these nights too? The site is locked.

    Comfort was decided when it was confirmed. Raises UnitFitsNoMore, which `accepts_misfit` sets aside, because it is
    so, right or not; and UnitJustTaken where the reason is a secret.
    """
    if days := sorted(nights):
        stay, asked = db.session.get_one(Stay, placement.stay_id), Nights(days[0], days[-1] + DAY)
        others = [p for p in stay.placements if p is not placement and p.state in KEEPS_NIGHTS]
        is_apart = any(asked.overlaps(Nights(p.arrive_on, p.leave_on)) for p in others)
        firm = SAFETY_REASONS if accepts_misfit else NEVER_SET_ASIDE
        reasons = _reasons(placement, stay.household_id, asked, clock.now(), is_apart=is_apart)
        _refuse([reason for reason in reasons if reason in firm])


def check_fit(
    placement: Placement, household_id: UUID, nights: Nights, now: datetime, *, accepts_misfit: bool, is_apart: bool
) -> None:
    """The rules once more, for those who sleep there. `is_apart`: others of the household sleep elsewhere."""
    reasons = _reasons(placement, household_id, nights, now, is_apart=is_apart)
    _refuse([reason for reason in reasons if reason in NEVER_SET_ASIDE or not accepts_misfit])


def _reasons(
    placement: Placement, household_id: UUID, nights: Nights, now: datetime, *, is_apart: bool
) -> Sequence[Reason]:
    here = frozenset(member.person_id for member in placement.members) if is_apart else None
    party = parties.party_of(household_id, only=here or None)
    if is_apart:
        has_infant = any(age is AgeBand.INFANT for _, age in party.people)
        # The cot goes with the infants; which of the rooms is the pets' is asked of all rooms together.
        party = replace(party, pets=(), needs_cot=party.needs_cot and has_infant)
    return find.look(placement.unit_id, nights, party, now=now, is_theirs=True).verdict(party).reasons


def check_pets(placements: Sequence[Placement], household_id: UUID, now: datetime, *, accepts_misfit: bool) -> None:
    """Of rooms held together, do they together take the pets? Which of them sleeps where is settled by the people."""
    if len(placements) < 2:
        return
    party = parties.party_of(household_id)
    reasons: list[Reason] = []
    for pet in party.pets:
        against = [_against_pet(placement, replace(party, pets=(pet,)), now) for placement in placements]
        if all(against):
            reasons += against[0]
    _refuse([reason for reason in reasons if reason in NEVER_SET_ASIDE or not accepts_misfit])


def _against_pet(placement: Placement, party: Party, now: datetime) -> list[Reason]:
    look = find.look(placement.unit_id, Nights(placement.arrive_on, placement.leave_on), party, now=now, is_theirs=True)
    return [reason for reason in look.verdict(party).reasons if reason in ABOUT_PETS]


def _divide(looks: Sequence[Look], party: Party) -> list[Party]:
    for look in looks:
        _refuse([reason for reason in look.verdict(party).reasons if reason in GONE | SAFETY_REASONS])
    pairs = pairs_that_fit(
        [look.unit for look in looks],
        party,
        {look.unit.room_id: look.mates for look in looks},
        at_site={look.unit.site_id: look.at_site for look in looks},
        limit=1,
    )
    if not pairs:
        raise UnitFitsNoMore(Reason.TOO_SMALL)
    parts = {pairs[0].first.unit_id: pairs[0].in_first, pairs[0].second.unit_id: pairs[0].in_second}
    return [parts[look.unit.unit_id] for look in looks]


def _refuse(reasons: Collection[Reason]) -> None:
    """A reason of safety is told to nobody here: it would say who is where."""
    if not reasons:
        return
    if not (GONE | SAFETY_REASONS).isdisjoint(reasons):
        raise UnitJustTaken()
    raise UnitFitsNoMore(next(iter(reasons)))
