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

from tests.campaigns.schedulers import GUARDED, UNLOCKED, UNWATCHED, Notes, Schedulers, Slot, schedulers
from tests.support.databases import Database
from tests.support.figures import CONTROL, Figures
from tests.support.servers import eventually

pytestmark = pytest.mark.slow
FOUR = 4
TAKE_OVER_SECONDS = 5.0
SECONDS_TO_GO_ON = 6
LEAST_SLOTS = 200  # of the proof


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


def at_the_end(made: Schedulers) -> tuple[Counter[Slot], Notes]:
    """The slots, and what was done; whoever is in the middle of one comes to its end before."""
    slots = made.slots()
    with suppress(AssertionError):
        eventually(lambda: not made.notes().left_out(slots, made.killed), SECONDS_TO_GO_ON)
    return slots, made.notes()


def test_four_schedulers_one_run_for_each_slot(
    fresh_database: Database, tmp_path: Path, is_proof: bool, figures: Figures
) -> None:
    kills, between = (20, 10) if is_proof else (1, 6)
    chance, seconds = random.Random(4), []
    with schedulers(fresh_database, tmp_path) as made:
        for _ in range(kills):
            fill(made)
            more_slots(made, between)
            time.sleep(chance.random())  # anywhere between two slots
            seconds.append(take_over(made))
        more_slots(made, between)
        slots, notes = at_the_end(made)
    again, left_out = notes.run_again(made.killed), notes.left_out(slots, made.killed)
    figures(
        "one clockwork: four schedulers",
        schedulers=FOUR,
        leaders_killed=kills,
        slots=len(slots),
        runs=notes.runs,
        run_again_by_the_living=len(again),
        left_out_by_the_living=len(left_out),
        killed_over_a_slot=sum(slot not in notes.ran or len(notes.ran[slot]) > 1 for slot in slots),
        take_over_median_s=float(median(seconds)),
        take_over_longest_s=float(max(seconds)),
    )
    # A slot is a row before it is run, and is run before it is done: whoever is killed in between leaves one that is
    # not run, or is run once more. Nobody else does.
    assert again == []
    assert left_out == []
    if is_proof:
        assert len(slots) >= LEAST_SLOTS
        assert max(seconds) <= TAKE_OVER_SECONDS


def test_without_lock_and_key_slots_are_run_several_times(
    fresh_database: Database, tmp_path: Path, figures: Figures
) -> None:
    """The control."""
    with schedulers(fresh_database, tmp_path, UNLOCKED) as made:
        fill(made)
        more_slots(made, 9)
        slots, notes = at_the_end(made)
    again = notes.run_again(made.killed)
    figures(
        "one clockwork: four schedulers",
        arm=CONTROL,
        schedulers=FOUR,
        leaders_killed=0,
        slots=len(slots),
        runs=notes.runs,
        run_again_by_the_living=len(again),
    )
    assert len(again) > 1


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
    told = GUARDED if arm == GUARDED else CONTROL
    figures(
        "one clockwork: the wall clock moved under it",
        arm=told,
        jumps=2 * jumps,
        slots=len(slots),
        slots_after_going_back=after,
    )
    assert (after >= jumps) == (arm == GUARDED)
