from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from shelter.domain import stays
from shelter.domain.errors import MoveNotAllowed
from shelter.domain.nights import Nights
from shelter.domain.stays import HoldAlreadyRenewed, PlacementState, StayState, move_placement, move_stay

P, S = PlacementState, StayState
NOW = datetime(2026, 9, 10, 17, 10, tzinfo=UTC)


def local(*when: int) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo("Asia/Seoul"))  # type: ignore[misc,arg-type]


PLACEMENT_MOVES = {
    (P.HELD, P.BOOKED),
    (P.HELD, P.EXPIRED),
    (P.HELD, P.CANCELLED),
    (P.EXPIRED, P.BOOKED),
    (P.BOOKED, P.IN_HOUSE),
    (P.BOOKED, P.CANCELLED),
    (P.BOOKED, P.NO_SHOW),
    (P.NO_SHOW, P.BOOKED),
    (P.NO_SHOW, P.IN_HOUSE),
    (P.NO_SHOW, P.CANCELLED),
    (P.IN_HOUSE, P.ENDED),
    (P.IN_HOUSE, P.MOVED),
    (P.IN_HOUSE, P.BOOKED),
    (P.ENDED, P.IN_HOUSE),
    (P.MOVED, P.IN_HOUSE),
}
STAY_MOVES = {
    (S.OPEN, S.IN_HOUSE),
    (S.OPEN, S.CANCELLED),
    (S.IN_HOUSE, S.ENDED),
    (S.IN_HOUSE, S.OPEN),
    (S.ENDED, S.IN_HOUSE),
}


@pytest.mark.parametrize(("current", "to"), list(product(P, P)))
def test_a_placement_moves_only_as_listed(current: PlacementState, to: PlacementState) -> None:
    if (current, to) in PLACEMENT_MOVES:
        assert move_placement(current, to) is to
    else:
        with pytest.raises(MoveNotAllowed) as refused:
            move_placement(current, to)
        assert refused.value.params == {"of": "placement", "from_state": current, "to_state": to}


@pytest.mark.parametrize(("current", "to"), list(product(S, S)))
def test_a_stay_moves_only_as_listed(current: StayState, to: StayState) -> None:
    if (current, to) in STAY_MOVES:
        assert move_stay(current, to) is to
    else:
        with pytest.raises(MoveNotAllowed):
            move_stay(current, to)


def test_nothing_comes_back_from_cancelled() -> None:
    assert not [move for move in PLACEMENT_MOVES if move[0] is P.CANCELLED]
    assert not [move for move in STAY_MOVES if move[0] is S.CANCELLED]


def test_a_hold_is_expired_at_its_very_instant() -> None:
    assert stays.is_hold_expired(NOW, NOW)
    assert stays.is_hold_expired(NOW - timedelta(seconds=1), NOW)
    assert not stays.is_hold_expired(NOW + timedelta(microseconds=1), NOW)
    assert not stays.is_hold_expired(None, NOW)


def test_a_hold_whose_household_is_on_the_way_is_never_released_unasked() -> None:
    long_ago = NOW - timedelta(days=3)
    assert stays.may_release_unasked(long_ago, is_on_the_way=False, now=NOW)
    assert not stays.may_release_unasked(long_ago, is_on_the_way=True, now=NOW)
    assert not stays.may_release_unasked(NOW + timedelta(minutes=1), is_on_the_way=False, now=NOW)


def test_a_hold_is_renewed_once() -> None:
    stays.check_renewal(is_renewed=False)
    with pytest.raises(HoldAlreadyRenewed):
        stays.check_renewal(is_renewed=True)


@pytest.mark.parametrize(("late", "minutes"), [(-600, 0), (0, 0), (59, 0), (60, 1), (5_400, 90), (90_000, 1_500)])
def test_an_arrival_is_late_by_whole_minutes(late: int, minutes: int) -> None:
    expected = NOW - timedelta(seconds=late)
    assert stays.minutes_late(expected, NOW) == minutes
    assert stays.is_overdue_arrival(expected, NOW) is (late > 0)


def test_without_an_expected_time_nobody_is_late() -> None:
    assert stays.minutes_late(None, NOW) == 0
    assert not stays.is_overdue_arrival(None, NOW)


def test_planned_nights_are_used_up_when_tonight_is_not_among_them() -> None:
    assert not stays.are_nights_used_up(date(2026, 9, 11), date(2026, 9, 10))
    assert stays.are_nights_used_up(date(2026, 9, 11), date(2026, 9, 11))
    assert stays.are_nights_used_up(date(2026, 9, 11), date(2026, 9, 14))


def test_a_departure_is_overdue_from_noon_of_its_day() -> None:
    leave_on = date(2026, 9, 11)
    assert not stays.is_overdue_departure(leave_on, local(2026, 9, 11, 11, 59))
    assert stays.is_overdue_departure(leave_on, local(2026, 9, 11, 12, 0))
    assert stays.is_overdue_departure(leave_on, local(2026, 9, 12, 0, 30))
    assert not stays.is_overdue_departure(leave_on, local(2026, 9, 10, 23, 0))


def test_every_list_of_reasons_has_room_for_another() -> None:
    for reasons in (stays.CancelReason, stays.ExitReason, stays.Destination, stays.TurnawayReason, stays.ClosureReason):
        assert list(reasons)[-1].value == "other"


MARCH = [date(2026, 3, day) for day in range(1, 32)]


@pytest.mark.parametrize(
    ("state", "occupied_from", "left_on", "since", "wanted"),
    [
        (P.HELD, None, None, 1, (10, 20)),
        (P.BOOKED, None, None, 1, (10, 20)),
        (P.NO_SHOW, None, None, 1, (10, 20)),
        (P.IN_HOUSE, 12, None, 1, (10, 20)),  # a missed night stays reserved
        (P.EXPIRED, None, None, 1, None),
        (P.CANCELLED, None, None, 1, None),
        (P.ENDED, 10, 15, 1, (10, 15)),
        (P.MOVED, 10, 15, 1, (10, 15)),
        (P.ENDED, 10, 25, 1, (10, 20)),  # stayed on: those nights are not of the plan
        (P.ENDED, 10, 10, 1, None),  # came and went on one day
        (P.ENDED, 12, 12, 1, (10, 12)),
        (P.ENDED, 10, None, 1, (10, 20)),  # nobody knows when
        (P.BOOKED, None, None, 14, (14, 20)),  # the ledger begins amid the nights
        (P.BOOKED, None, None, 20, None),
    ],
)
def test_the_ledger_has_the_nights_a_placement_must_have(
    state: PlacementState,
    occupied_from: int | None,
    left_on: int | None,
    since: int,
    wanted: tuple[int, int] | None,
) -> None:
    found = stays.nights_in_ledger(
        state,
        MARCH[9],
        MARCH[19],
        occupied_from=occupied_from and MARCH[occupied_from - 1],
        left_on=left_on and MARCH[left_on - 1],
        since=MARCH[since - 1],
    )
    assert found == (wanted and Nights(*(MARCH[day - 1] for day in wanted)))
