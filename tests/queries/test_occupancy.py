"""Figures against a small network counted by hand, night by night, with another program: `by_hand`."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from uuid import UUID

import pytest
from flask import Flask

from shelter import clock
from shelter.domain.matching import Sharing, UnitKind
from shelter.domain.nights import Nights
from shelter.domain.occupancy import NightState, Tally, state_of
from shelter.domain.periods import Step, period
from shelter.domain.stays import PlacementState, TurnawayReason
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.sites import Closure, Site, Unit
from shelter.models.stays import Placement, Turnaway, UnitNight
from shelter.queries import occupancy as queries
from shelter.queries.turnaways import turnaways
from shelter.services import ledger
from tests.factories import (
    make_beds,
    make_closure,
    make_placement,
    make_site,
    make_stay,
    make_unit,
)
from tests.support.statements import count_statements

P = PlacementState
TODAY = date(2026, 3, 10)


def day(number: int, month: int = 3) -> date:
    return date(2026, month, number)


@pytest.fixture
def since_january(context: Flask, frozen_clock: object) -> None:
    db.session.get_one(Installation, 1).live_from = date(2026, 1, 1)
    db.session.commit()


def release(unit: Unit, first: date, until: date) -> None:
    for night in Nights(first, until):
        db.session.delete(db.session.get_one(UnitNight, (unit.id, night)))
    db.session.commit()


@pytest.fixture
def network(since_january: None) -> dict[str, UUID]:
    """Two sites, a family apartment, single rooms, a shared room; everything that can happen to a night."""
    magnolia, juniper = make_site("Magnolia"), make_site("Juniper")
    family = make_unit(site=magnolia, capacity=4)
    single = make_unit(site=magnolia, capacity=1)
    beds = make_beds(juniper, 3)
    new = make_unit(site=juniper, capacity=2, in_service_from=day(15))
    gone = make_unit(site=juniper, capacity=2, in_service_until=day(5))
    # Came two nights late: the 3rd and the 4th were kept for her and not slept in.
    late = make_stay(family, arrive_on=day(3), leave_on=day(9), state=P.ENDED)
    late.placements[0].occupied_from = day(5)
    # Planned until the 20th, left on the 8th: the nights were given back.
    early = make_stay(single, arrive_on=day(2), leave_on=day(20), state=P.ENDED)
    release(single, day(8), day(20))
    early.placements[0].leave_on = day(8)
    make_closure(single, from_on=day(12), until_on=day(14))
    # Moved from a bed to the next one on the 6th, planned until the 25th and expected to leave on the 20th.
    moved = make_stay(beds[0], arrive_on=day(1), leave_on=day(6), state=P.MOVED, expected_leave_on=day(20))
    make_placement(moved, beds[1], arrive_on=day(6), leave_on=day(25), state=P.IN_HOUSE)
    # Should have left on the 7th and is still there: the job has written the 7th only.
    overdue = make_stay(beds[2], arrive_on=day(1), leave_on=day(7), state=P.IN_HOUSE)
    ledger.claim_for(overdue.placements[0], [day(7)])
    make_stay(gone, arrive_on=day(1), leave_on=day(4), state=P.ENDED)
    make_stay(new, arrive_on=day(16), leave_on=day(18), state=P.BOOKED)
    # As long as the limit allows: nobody has said until when.
    endless = make_stay(family, arrive_on=day(10), leave_on=day(30), state=P.BOOKED)
    endless.limit_on = day(30)
    # A hold of now, one that has run out, one that has run out with her on the way.
    make_stay(single, arrive_on=day(10), leave_on=day(12), state=P.HELD)
    make_stay(beds[0], arrive_on=day(10), leave_on=day(11), state=P.HELD, held_until=clock.now())
    coming = make_stay(single, arrive_on=day(14), leave_on=day(15), state=P.HELD, held_until=clock.now())
    coming.placements[0].is_on_the_way = True
    db.session.commit()
    return {"Magnolia": magnolia.id, "Juniper": juniper.id}


def by_hand(nights: Nights, site_id: UUID | None = None) -> Tally:
    """Night by night and unit by unit, with `state_of`."""
    states: Counter[NightState] = Counter()
    people = 0
    for unit in db.session.query(Unit).filter(*([Unit.site_id == site_id] if site_id else [])):
        for night in nights:
            is_there = unit.in_service_from <= night and (
                unit.in_service_until is None or night < unit.in_service_until
            )
            row = db.session.get(UnitNight, (unit.id, night))
            placement = db.session.get(Placement, row.placement_id) if row and row.placement_id else None
            if placement is None and night <= TODAY:
                placement = (
                    db.session.query(Placement)
                    .filter_by(unit_id=unit.id, state=P.IN_HOUSE)
                    .filter(Placement.leave_on <= night)
                    .first()
                )
            is_closed = (
                row is not None and row.closure_id is not None and db.session.get(Closure, row.closure_id) is not None
            )
            state = state_of(
                night,
                is_in_service=is_there,
                is_closed=is_closed,
                placement=placement.state if placement else None,
                occupied_from=placement.occupied_from if placement else None,
                is_hold_lapsed=bool(
                    placement
                    and placement.held_until
                    and placement.held_until <= clock.now()
                    and not placement.is_on_the_way
                ),
            )
            states[state] += 1
            people += placement.people if placement and state is NightState.OCCUPIED else 0
    return Tally(**{state.value: n for state, n in states.items()}, people=people)


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("site", [None, "Magnolia", "Juniper"])
def test_every_figure_equals_a_count_by_hand(network: dict[str, UUID], step: Step, site: str | None) -> None:
    site_id = network[site] if site else None
    wanted = period(step, TODAY)
    assert queries.occupancy(wanted, site_id).total.tally == by_hand(wanted.nights, site_id)


@pytest.mark.usefixtures("network")
def test_march_counted_on_paper() -> None:
    """The same without any program: units by nights on squared paper."""
    total = queries.occupancy(period(Step.MONTH, TODAY)).total.tally
    # family 5–8; single 2–7; bed A 1–5; bed B 6–24; bed C 1–10; the unit that went 1–3
    assert total.occupied == 4 + 6 + 5 + 19 + 10 + 3
    # family 3–4 and 10–29; the new unit 16–17
    assert total.reserved == 2 + 20 + 2
    # single 10–11, and 14 with her on the way; the other hold has run out
    assert total.held == 3
    assert total.closed == 2
    assert total.not_in_service == 14 + 27
    assert total.free == 7 * 31 - 47 - 24 - 3 - 2 - 41
    assert total.rate == 47 / (7 * 31 - 2 - 41)


@pytest.mark.parametrize("step", list(Step))
def test_whoever_lives_in_a_unit_that_is_given_up_is_counted(network: dict[str, UUID], step: Step) -> None:
    """Whether the nights are planned, were written as they came, or are still to be written."""
    site = db.session.get_one(Site, network["Juniper"])
    planned, kept, unwritten = (make_unit(site=site, capacity=2, in_service_until=day(8)) for _n in range(3))
    make_stay(planned, arrive_on=day(1), leave_on=day(20), state=P.IN_HOUSE)
    late = make_stay(kept, arrive_on=day(1), leave_on=day(7), state=P.IN_HOUSE)
    ledger.claim_for(late.placements[0], Nights(day(7), day(11)))
    make_stay(unwritten, arrive_on=day(1), leave_on=day(7), state=P.IN_HOUSE)
    db.session.commit()
    wanted = period(step, TODAY)
    assert queries.occupancy(wanted).total.tally == by_hand(wanted.nights)
    if step is Step.DAY:
        assert queries.occupancy(wanted).total.tally.occupied == 2 + 3  # bed B, bed C and these


@pytest.mark.usefixtures("network")
def test_the_parts_add_up_to_the_whole() -> None:
    for step in Step:
        found = queries.occupancy(period(step, TODAY))
        parts = sum((part.count.tally for part in found.parts if part.count), Tally())
        assert parts == found.total.tally == sum((c.tally for c in found.places.values()), Tally())
        assert sum((c.tally for c in found.by_kind().values()), Tally()) == parts
        assert sum((c.tally for _id, _name, c in found.by_site()), Tally()) == parts


@pytest.mark.usefixtures("network")
def test_ahead_what_is_planned_stands_apart_from_what_is_open_ended() -> None:
    found = queries.occupancy(period(Step.MONTH, TODAY))
    assert found.so_far.ahead == found.so_far.open_ended == 0
    # After tonight: family 11–29 to the limit; bed B 11–19 expected, 20–24 not; the new unit 16–17 planned.
    assert found.ahead.open_ended == 19 + 5
    assert found.ahead.sure == 9 + 2


@pytest.mark.usefixtures("network")
def test_tonight_by_kind_equals_the_day_of_the_period() -> None:
    tonight = queries.tonight_by_kind()
    found = queries.occupancy(period(Step.DAY, TODAY)).by_kind()
    assert tonight == {kind: count.tally for kind, count in found.items()}
    assert tonight[UnitKind.SHARED].free == 1  # bed A, whose hold has run out
    assert tonight[UnitKind.SHARED].occupied == 2  # she who should have left is still there
    assert tonight[UnitKind.SINGLE].held == 1


def test_nights_before_the_system_began_have_no_data(since_january: None) -> None:
    unit = make_unit()
    make_stay(unit, arrive_on=date(2025, 12, 20), leave_on=date(2026, 1, 5), state=P.ENDED)
    before = queries.occupancy(period(Step.MONTH, date(2025, 12, 24)))
    assert not before.has_data
    assert before.total.tally == Tally()
    assert {part.count for part in before.parts} == {None}
    week = queries.occupancy(period(Step.WEEK, date(2026, 1, 1)))
    assert week.has_gap
    assert [part.count is None for part in week.parts] == [True] * 3 + [False] * 4
    assert week.total.tally == Tally(occupied=4, people=4)


def test_an_empty_network_has_no_rate(since_january: None) -> None:
    found = queries.occupancy(period(Step.MONTH, TODAY))
    assert found.total.tally == Tally()
    assert found.total.tally.rate is None


def test_turnaways_are_counted_by_reason_beside_those_who_were_placed(since_january: None) -> None:
    for reason, night in [
        (TurnawayReason.NO_SPACE, day(3)),
        (TurnawayReason.NO_SPACE, day(31)),
        (TurnawayReason.NO_PET_UNIT, day(10)),
        (TurnawayReason.NO_SPACE, day(1, month=4)),
    ]:
        db.session.add(
            Turnaway(
                night=night, reason=reason, adults=1, minors=0, pets=0, recorded_at=clock.now(), recorded_by_id=None
            )
        )
    db.session.commit()
    make_stay(state=P.IN_HOUSE, arrive_on=day(4))
    make_stay(state=P.IN_HOUSE, arrive_on=day(4), is_imported=True)  # was placed before this system was
    make_stay(state=P.HELD)  # not a place yet
    found = turnaways(period(Step.MONTH, TODAY))
    assert found.by_reason == {TurnawayReason.NO_SPACE: 2, TurnawayReason.NO_PET_UNIT: 1}
    assert (found.total, found.placed, found.rate) == (3, 1, 0.75)


def test_the_number_of_statements_does_not_grow_with_the_network(since_january: None) -> None:
    said = []
    for number in (3, 27):
        for _ in range(number):
            make_stay(
                make_unit(site=make_site(), sharing=Sharing.WOMEN),
                arrive_on=TODAY - timedelta(days=3),
                state=P.IN_HOUSE,
            )
        with count_statements() as counted:
            queries.occupancy(period(Step.YEAR, TODAY))
            queries.tonight_by_kind()
        said.append(counted.total)
    assert said[0] == said[1]
