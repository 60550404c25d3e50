"""Where two rules meet between an arrival and the end of a stay: each corner that was once, or could be, wrong."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from shelter.domain.contacts import TextChoice
from shelter.domain.errors import UnitJustTaken
from shelter.domain.matching import Party, Sharing
from shelter.domain.messages import MessageState, Suppression
from shelter.domain.periods import Step, period
from shelter.domain.permissions import SYSTEM, Role
from shelter.domain.stay_errors import ArrivedAfterLeaving, NightsTaken
from shelter.domain.stays import CancelReason, PlacementState, StayState
from shelter.extensions import db
from shelter.gateways.sms.recorded import RecordedGateway
from shelter.models.households import Household
from shelter.models.messages import Message
from shelter.models.sites import StayPolicyVersion, Unit
from shelter.models.stays import Placement, Stay
from shelter.queries import occupancy
from shelter.services import arrivals, departures, extensions, overstays, transfers
from shelter.services.delivery import deliver_due
from shelter.services.unit_of_work import unit_of_work
from tests import factories as make
from tests.conftest import Clock
from tests.services.corners.acts import check_out, close, confirm, hold, states, two_of
from tests.support.nights import at, day, nights, run
from tests.support.people import Account
from tests.support.placing import SHE
from tests.support.texts import fresh

P = PlacementState


# Arriving ------------------------------------------------------------------------------------------------------------


def booked(unit: Unit, by: Account, first: str, until: str, **more: Any) -> tuple[Stay, Placement]:
    stay = make.make_stay(unit, arrive_on=day(first), leave_on=day(until), responsible=by, **more)
    return stay, stay.placements[0]


@pytest.mark.parametrize(
    ("now", "first_night"),
    [("2026-03-11 00:30", "2026-03-10"), ("2026-03-11 07:59", "2026-03-10"), ("2026-03-11 08:01", "2026-03-11")],
)
def test_the_night_of_an_arrival_changes_at_eight(
    unit: Unit, kim: Account, frozen_clock: Clock, now: str, first_night: str
) -> None:
    stay, placement = booked(unit, kim, "2026-03-10", "2026-03-14")
    frozen_clock.set(now)
    arrivals.check_in(stay_id=stay.id, by=kim.principal)
    assert placement.occupied_from == day(first_night)
    assert nights(placement) == run("2026-03-10", "2026-03-14")
    assert stay.limit_on == day("2026-09-11")  # the day of the door, not of the night


def test_the_policy_of_the_day_she_comes_is_hers(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    stay = hold(kim, unit, first="2026-03-12", until="2026-09-12")
    confirm(stay, kim)
    shorter = StayPolicyVersion(
        site_id=unit.site_id,
        effective_from=day("2026-03-11"),
        days=30,
        counting_rule="civil_code",
        max_extensions=1,
        extension_days=14,
        decided_by=Role.MANAGER,
        thresholds=[14, 7, 1],
        readmission_rule="reset",
    )
    db.session.add(shorter)
    db.session.commit()
    frozen_clock.set("2026-03-12 20:00")
    done = arrivals.check_in(stay_id=stay.id, by=kim.principal)
    assert (done.limit_on, done.nights_dropped) == (day("2026-04-11"), 154)
    assert nights(stay.placements[0]) == run("2026-03-12", "2026-04-11")
    extensions.request_extension(stay_id=stay.id, reason="x", by=kim.principal)
    boss = make.make_user(Role.MANAGER)
    frozen_clock.set("2026-05-01 12:00")  # three weeks past the limit; granted late, counted from the first day
    overstays.roll_overstays()
    decided = extensions.decide_extension(stay_id=stay.id, is_granted=True, reason=None, by=boss.principal)
    assert decided.limit_on == day("2026-04-25")
    assert nights(stay.placements[0]) == run("2026-03-12", "2026-05-02")


def test_a_back_dated_arrival_does_not_take_a_night_somebody_slept(unit: Unit, kim: Account) -> None:
    booked(unit, kim, "2026-03-05", "2026-03-09", state=P.ENDED)
    stay, _ = booked(unit, kim, "2026-03-10", "2026-03-14")
    with pytest.raises(NightsTaken):
        arrivals.check_in(stay_id=stay.id, arrived_at=at("2026-03-08 20:00"), reason="late", by=kim.principal)
    arrivals.check_in(stay_id=stay.id, arrived_at=at("2026-03-09 20:00"), reason="late", by=kim.principal)
    assert nights(stay.placements[0]) == run("2026-03-09", "2026-03-14")


# Leaving -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("now", "last"), [("2026-03-12 23:30", "2026-03-12"), ("2026-03-13 00:30", "2026-03-13")])
def test_before_midnight_the_night_is_free_after_it_it_was_theirs(
    unit: Unit, kim: Account, frozen_clock: Clock, now: str, last: str
) -> None:
    stay, placement = booked(unit, kim, "2026-03-08", "2026-03-12", state=P.IN_HOUSE)
    frozen_clock.set(now)
    check_out(stay, kim)
    assert nights(placement) == run("2026-03-08", last)


def test_come_and_gone_on_one_day_the_room_is_anothers_tonight(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    stay, _ = booked(unit, kim, "2026-03-10", "2026-03-14")
    arrivals.check_in(stay_id=stay.id, by=kim.principal)
    frozen_clock.forward(hours=5)
    check_out(stay, kim)
    assert states(hold(kim, unit)) == [P.HELD]
    with pytest.raises(NightsTaken):
        departures.undo_check_out(stay_id=stay.id, leave_on=day("2026-03-14"), reason="x", by=kim.principal)


def test_a_part_of_a_household_leaves_and_the_others_stay(kim: Account, frozen_clock: Clock) -> None:
    two = two_of(capacity=3)
    stay = hold(kim, *two, party=Party(people=SHE.people * 6))
    confirm(stay, kim)
    arrivals.check_in(stay_id=stay.id, by=kim.principal)
    frozen_clock.forward(days=2)
    gone, there = stay.placements
    check_out(stay, kim, placement_ids=[gone.id])
    assert states(stay) == [P.ENDED, P.IN_HOUSE]
    assert (nights(gone), nights(there)) == (run("2026-03-10", "2026-03-12"), run("2026-03-10", "2026-03-17"))
    assert stay.state is StayState.IN_HOUSE


# Moving --------------------------------------------------------------------------------------------------------------


def test_on_the_last_night_they_still_can_move(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    stay, old = booked(unit, kim, "2026-03-08", "2026-03-11", state=P.IN_HOUSE)
    transfers.transfer(stay_id=stay.id, to_unit_id=make.make_unit().id, from_night=day("2026-03-10"), by=kim.principal)
    assert nights(old) == run("2026-03-08", "2026-03-10")
    assert nights(stay.placements[-1]) == run("2026-03-10", "2026-03-11")


def test_tomorrow_is_too_late_for_it(unit: Unit, kim: Account) -> None:
    stay, _ = booked(unit, kim, "2026-03-08", "2026-03-11", state=P.IN_HOUSE)
    with pytest.raises(ArrivedAfterLeaving):
        transfers.transfer(
            stay_id=stay.id, to_unit_id=make.make_unit().id, from_night=day("2026-03-11"), by=kim.principal
        )


@pytest.mark.parametrize("is_planned", [False, True])
def test_a_move_after_midnight_is_one_night_of_one_household(
    unit: Unit, kim: Account, frozen_clock: Clock, is_planned: bool
) -> None:
    """Both rooms are theirs that night, so that neither is given away; slept in is one."""
    stay, old = booked(unit, kim, "2026-03-08", "2026-03-14", state=P.IN_HOUSE)
    other = make.make_unit()
    if is_planned:
        transfers.transfer(stay_id=stay.id, to_unit_id=other.id, from_night=day("2026-03-11"), by=kim.principal)
        frozen_clock.set("2026-03-11 02:00")
        transfers.move_in(
            stay_id=stay.id, from_placement_id=old.id, to_placement_id=stay.placements[-1].id, by=kim.principal
        )
    else:
        frozen_clock.set("2026-03-11 02:00")
        transfers.transfer(stay_id=stay.id, to_unit_id=other.id, from_night=day("2026-03-10"), by=kim.principal)
    new = stay.placements[-1]
    assert nights(old) == run("2026-03-08", "2026-03-11")
    assert nights(new) == run("2026-03-10", "2026-03-14")
    assert [occupied_on(night) for night in run("2026-03-08", "2026-03-15")] == [1] * 6 + [0]


def occupied_on(night: date) -> int:
    found = occupancy.occupancy(period(Step.DAY, night))
    return found.total.tally.occupied


# Overstaying ---------------------------------------------------------------------------------------------------------


def test_a_closure_may_follow_who_is_late_and_is_not_slept_over(
    unit: Unit, kim: Account, admin: Account, frozen_clock: Clock
) -> None:
    _stay, late = booked(unit, kim, "2026-03-08", "2026-03-10", state=P.IN_HOUSE)
    close(unit, admin, "2026-03-12", "2026-03-15")
    frozen_clock.set("2026-03-13 12:00")
    overstays.roll_overstays()
    assert nights(late) == run("2026-03-08", "2026-03-12")


def test_a_closure_over_a_hold_that_ran_out_takes_it_whole(
    unit: Unit, kim: Account, admin: Account, frozen_clock: Clock
) -> None:
    stay = hold(kim, unit)
    frozen_clock.forward(minutes=91)
    close(unit, admin, "2026-03-14", "2026-03-15")
    assert states(stay) == [P.EXPIRED]
    with pytest.raises(UnitJustTaken):
        confirm(stay, kim)


# Texts ---------------------------------------------------------------------------------------------------------------


def textable(unit: Unit, by: Account, **more: Any) -> Stay:
    stay = hold(by, unit, **more)
    make.make_contact(db.session.get_one(Household, stay.household_id))
    return stay


def only_message() -> Message:
    return db.session.scalars(select(Message)).one()


def test_who_came_before_it_was_decided_and_was_entered_after_is_not_texted(
    unit: Unit, kim: Account, frozen_clock: Clock
) -> None:
    """At the door at 20:45, confirmed at 21:50, entered at 22:10: nothing goes to her in the morning."""
    stay = textable(unit, kim, first="2026-03-11")
    frozen_clock.set("2026-03-10 21:50")
    confirm(stay, kim, text=TextChoice.IN_SAFE_HOURS)
    frozen_clock.set("2026-03-10 22:10")
    arrivals.check_in(stay_id=stay.id, arrived_at=at("2026-03-10 20:45"), reason="at the door", by=kim.principal)
    frozen_clock.set("2026-03-11 08:00")
    deliver_due(gateway := RecordedGateway())
    assert gateway.sent == []
    assert fresh(only_message()).suppression is Suppression.IN_HOUSE


def test_a_text_overtaken_by_voice_does_not_go(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    frozen_clock.set("2026-03-10 21:30")
    stay = textable(unit, kim, first="2026-03-15")
    confirm(stay, kim, text=TextChoice.IN_SAFE_HOURS)
    first = only_message()
    frozen_clock.forward(minutes=10)
    hold(kim, make.make_unit(), stay=stay.id, party=None, first="2026-03-16")
    confirm(stay, kim)
    frozen_clock.set("2026-03-11 08:00")
    deliver_due(gateway := RecordedGateway())
    assert gateway.sent == []
    assert fresh(first).suppression is Suppression.PURPOSE_PASSED


def test_a_day_that_is_not_hers_any_more_is_not_texted(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    frozen_clock.set("2026-03-10 21:30")
    stay = textable(unit, kim, first="2026-03-15")
    confirm(stay, kim, text=TextChoice.IN_SAFE_HOURS)
    transfers.transfer(stay_id=stay.id, to_unit_id=make.make_unit().id, from_night=day("2026-03-16"), by=kim.principal)
    departures.cancel(
        stay_id=stay.id, reason=CancelReason.OTHER, placement_ids=[stay.placements[0].id], by=kim.principal
    )
    frozen_clock.set("2026-03-11 08:00")
    deliver_due(gateway := RecordedGateway())
    assert gateway.sent == []
    assert fresh(only_message()).suppression is Suppression.PURPOSE_PASSED


def test_another_room_on_the_same_day_is_no_change_to_her(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    frozen_clock.set("2026-03-10 21:30")
    stay = textable(unit, kim, first="2026-03-15")
    confirm(stay, kim, text=TextChoice.IN_SAFE_HOURS)
    transfers.transfer(stay_id=stay.id, to_unit_id=make.make_unit().id, from_night=day("2026-03-15"), by=kim.principal)
    frozen_clock.set("2026-03-11 08:00")
    deliver_due(gateway := RecordedGateway())
    assert len(gateway.sent) == 1
    assert fresh(only_message()).state is MessageState.SENT


def test_a_further_room_months_later_says_its_own_day(unit: Unit, kim: Account, frozen_clock: Clock) -> None:
    """She is in the house, and a person asks for the text: it is not out of date because the stay began long ago."""
    stay = textable(unit, kim)
    confirm(stay, kim)
    arrivals.check_in(stay_id=stay.id, by=kim.principal)
    frozen_clock.set("2026-03-14 21:30")
    hold(kim, make.make_unit(), stay=stay.id, party=None, first="2026-03-20", until="2026-03-25")
    confirm(stay, kim, text=TextChoice.IN_SAFE_HOURS)
    frozen_clock.set("2026-03-15 08:00")
    deliver_due(gateway := RecordedGateway())
    assert ["3월 20일" in sent.body for sent in gateway.sent] == [True]


def test_a_unit_of_work_within_another_is_refused_even_after_a_flush(unit: Unit) -> None:
    """Its rollback would lose what the outer one has written."""
    with pytest.raises(RuntimeError), unit_of_work(SYSTEM):
        unit.label = "Z"
        db.session.flush()
        with unit_of_work(SYSTEM):
            pass


def test_sharing_is_asked_again_for_nights_added(kim: Account) -> None:
    """A longer stay in a shared room meets who comes later."""
    beds = make.make_beds(sharing=Sharing.ANY)
    one = make.make_household(by=kim)
    make.make_stay(beds[0], household=make.make_household(not_near=[one]), arrive_on=day("2026-03-14"))
    stay = make.make_stay(beds[1], household=one, leave_on=day("2026-03-14"), responsible=kim, state=P.IN_HOUSE)
    with pytest.raises(UnitJustTaken):
        departures.change_leave_on(stay_id=stay.id, leave_on=day("2026-03-16"), by=kim.principal)
