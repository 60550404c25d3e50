"""One clockwork: however many processes there are and whichever of them dies, each slot is one run."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from statistics import median

import pytest

from tests.campaigns.schedulers import GUARDED, UNLOCKED, UNWATCHED, Schedulers, schedulers
from tests.support.databases import Database
from tests.support.figures import Figures
from tests.support.servers import eventually

pytestmark = pytest.mark.slow
FOUR = 4
TAKE_OVER_SECONDS = 5.0
SECONDS_TO_GO_ON = 6


def fill(made: Schedulers) -> None:
    """As many as there should be."""
    while len(made.alive) < FOUR:
        made.start()


def more_slots(made: Schedulers, number: int) -> None:
    """Wait until so many more were begun."""
    before = len(made.slots())
    eventually(lambda: len(made.slots()) >= before + number)


def take_over(made: Schedulers) -> float:
    """The leader is killed: how long until another one's heart beats."""
    killed = eventually(made.leader)
    made.kill_hard(killed)
    begin = time.monotonic()
    eventually(lambda: made.leader() != killed)
    return time.monotonic() - begin


def test_four_schedulers_one_run_for_each_slot(
    fresh_database: Database, tmp_path: Path, is_proof: bool, figures: Figures
) -> None:
    kills, between = (20, 9) if is_proof else (1, 6)
    chance, seconds = random.Random(4), []
    with schedulers(fresh_database, tmp_path) as made:
        for _ in range(kills):
            fill(made)
            more_slots(made, between)
            time.sleep(chance.random())  # anywhere between two slots
            seconds.append(take_over(made))
        more_slots(made, between)
        slots, runs = made.slots(), made.runs()
    figures(
        "one clockwork: four schedulers",
        schedulers=FOUR,
        leaders_killed=kills,
        slots=len(slots),
        doubled_rows=doubled(slots),
        runs=runs,
        take_over_median_s=float(median(seconds)),
        take_over_longest_s=float(max(seconds)),
    )
    assert doubled(slots) == 0
    # A slot is a row before it is run: whoever was killed may have left one that was not run, and none was run twice
    # by those alive.
    assert abs(runs - len(slots)) <= kills + 1
    if is_proof:
        assert max(seconds) <= TAKE_OVER_SECONDS


def test_without_lock_and_key_slots_are_run_several_times(
    fresh_database: Database, tmp_path: Path, figures: Figures
) -> None:
    """The control."""
    with schedulers(fresh_database, tmp_path, UNLOCKED) as made:
        fill(made)
        more_slots(made, 9)
        slots, runs = made.slots(), made.runs()
    figures(
        "one clockwork: four schedulers",
        arm="control",
        schedulers=FOUR,
        slots=len(slots),
        doubled_rows=doubled(slots),
        runs=runs,
    )
    assert doubled(slots) > 0
    assert runs > len(slots) + 1


def doubled(slots: Counter[tuple[str, object]]) -> int:
    return sum(n > 1 for n in slots.values())


def moved_a_day_forth_and_back(made: Schedulers, jumps: int) -> int:
    """How many slots were begun within a few seconds after each way back."""
    after = 0
    made.start()
    made.start()
    for _ in range(jumps):
        more_slots(made, 3)
        made.move_clocks(timedelta(days=1))
        more_slots(made, 3)
        made.move_clocks(timedelta())
        time.sleep(1)  # what was under way is over
        before = len(made.slots())
        with suppress(AssertionError):
            eventually(lambda: len(made.slots()) > before, SECONDS_TO_GO_ON)  # noqa: B023
        after += len(made.slots()) - before
    return after


@pytest.mark.parametrize("arm", [GUARDED, UNWATCHED])
def test_a_wall_clock_that_jumps_stops_nobody(
    fresh_database: Database, tmp_path: Path, is_proof: bool, figures: Figures, arm: str
) -> None:
    """A day forward and back again under a leader and a follower. The control: nobody watches the clock."""
    jumps = 5 if is_proof and arm == GUARDED else 1
    with schedulers(fresh_database, tmp_path, arm) as made:
        after = moved_a_day_forth_and_back(made, jumps)
        slots = made.slots()
    told = GUARDED if arm == GUARDED else "control"
    figures(
        "one clockwork: the wall clock moved under it",
        arm=told,
        jumps=2 * jumps,
        slots=len(slots),
        slots_after_going_back=after,
        doubled_rows=doubled(slots),
    )
    assert doubled(slots) == 0
    assert (after >= jumps) == (arm == GUARDED)
