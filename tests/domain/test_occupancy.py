from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelter.domain import occupancy
from shelter.domain.occupancy import Figure, NightState, Tally, state_of, tally
from shelter.domain.stays import PlacementState

N, P = NightState, PlacementState
NIGHT = date(2026, 9, 10)


@pytest.mark.parametrize(
    ("placement", "occupied_from", "state"),
    [
        (P.HELD, None, N.HELD),
        (P.BOOKED, None, N.RESERVED),
        (P.NO_SHOW, None, N.RESERVED),
        (P.IN_HOUSE, date(2026, 9, 10), N.OCCUPIED),
        (P.IN_HOUSE, date(2026, 9, 11), N.RESERVED),  # came a night later: booked but absent
        (P.ENDED, date(2026, 9, 8), N.OCCUPIED),
        (P.MOVED, date(2026, 9, 10), N.OCCUPIED),
    ],
)
def test_a_night_is_occupied_from_the_real_arrival_on(
    placement: PlacementState, occupied_from: date | None, state: NightState
) -> None:
    assert state_of(NIGHT, placement=placement, occupied_from=occupied_from) is state


def test_a_lapsed_hold_is_free() -> None:
    assert state_of(NIGHT, placement=P.HELD, is_hold_lapsed=True) is N.FREE


def test_a_night_without_an_owner_is_free_closed_or_not_there() -> None:
    assert state_of(NIGHT) is N.FREE
    assert state_of(NIGHT, is_closed=True) is N.CLOSED
    assert state_of(NIGHT, is_in_service=False) is N.NOT_IN_SERVICE
    assert state_of(NIGHT, is_in_service=False, is_closed=True) is N.CLOSED


def test_whoever_sleeps_there_counts_even_where_nothing_is_in_service() -> None:
    assert state_of(NIGHT, is_in_service=False, placement=P.IN_HOUSE, occupied_from=NIGHT) is N.OCCUPIED


def test_closed_and_absent_units_leave_the_denominator() -> None:
    counted = tally(
        [
            (N.OCCUPIED, 3),
            (N.OCCUPIED, 1),
            (N.RESERVED, 2),
            (N.HELD, 1),
            (N.FREE, 0),
            (N.CLOSED, 0),
            (N.NOT_IN_SERVICE, 0),
        ]
    )
    assert counted.available == 5
    assert counted.all == 7
    assert counted.rate == 2 / 5
    assert counted.bed_nights == 2
    assert counted.person_nights == 4


def test_without_anything_to_sleep_in_there_is_no_rate() -> None:
    assert Tally(closed=3).rate is None
    assert occupancy.turnaway_rate(0, 0) is None
    assert occupancy.mean_length([]) is None
    assert occupancy.median_length([]) is None


NIGHTS = st.lists(st.tuples(st.sampled_from(NightState), st.integers(0, 6)), max_size=40)


@given(NIGHTS, NIGHTS)
def test_tallies_add_up(a: list[tuple[NightState, int]], b: list[tuple[NightState, int]]) -> None:
    assert tally(a) + tally(b) == tally(a + b)
    assert tally(a).all == len(a)
    rate = tally(a).rate
    assert rate is None or 0 <= rate <= 1


def test_length_of_stay_is_in_nights_and_at_least_one() -> None:
    assert occupancy.length_of_stay(date(2026, 9, 10), date(2026, 9, 12)) == 2
    assert occupancy.length_of_stay(date(2026, 9, 10), date(2026, 9, 10)) == 1
    assert occupancy.mean_length([1, 2, 6]) == 3
    assert occupancy.median_length([1, 2, 6, 100]) == 4


def test_turnaways_are_a_part_of_all_requests() -> None:
    assert occupancy.turnaway_rate(1, 3) == 0.25


def test_figures_below_three_are_masked() -> None:
    assert [occupancy.mask(n) for n in range(5)] == [None, None, None, 3, 4]


def test_one_masked_figure_takes_another_with_it() -> None:
    assert occupancy.mask_breakdown({"a": 2, "b": 5, "c": 9}) == {"a": None, "b": None, "c": 9}
    assert occupancy.mask_breakdown({"a": 1, "b": 1, "c": 9}) == {"a": None, "b": None, "c": None}
    assert occupancy.mask_breakdown({"a": 2, "b": 2, "c": 9}) == {"a": None, "b": None, "c": 9}
    assert occupancy.mask_breakdown({"a": 3, "b": 5}) == {"a": 3, "b": 5}
    assert occupancy.mask_breakdown({"a": 0, "b": 0}) == {"a": 0, "b": 0}


@given(st.dictionaries(st.integers(0, 9), st.integers(0, 12), max_size=8))
def test_the_total_gives_no_small_figure_away(counts: dict[int, int]) -> None:
    shown = occupancy.mask_breakdown(counts)
    assert set(shown) == set(counts)
    if not sum(counts.values()):
        return
    assert all(count is None or (count == counts[key] and count >= 3) for key, count in shown.items())
    masked = [counts[key] for key, count in shown.items() if count is None]
    if masked and len(masked) < len(counts):
        assert len(masked) > 1
        assert sum(masked) == 0 or sum(masked) >= 3


def test_every_state_of_a_night_is_a_figure() -> None:
    assert {state.value for state in NightState} <= {figure.value for figure in Figure}
