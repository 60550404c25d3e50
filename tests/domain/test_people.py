"""How long to wait after failed tries."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shelter.domain.people import FIRST_WAIT, LONGEST_WAIT, wait_after


def test_the_first_tries_are_free_then_the_wait_doubles_up_to_five_minutes() -> None:
    waits = [wait_after(failures, 5) for failures in range(4, 11)]
    assert waits == [None, *(timedelta(seconds=s) for s in (30, 60, 120, 240, 300, 300))]


@given(st.integers(0, 10_000), st.integers(1, 50))
def test_nobody_waits_longer_than_the_longest_wait(failures: int, free: int) -> None:
    wait = wait_after(failures, free)
    assert wait is None if failures < free else wait is not None and FIRST_WAIT <= wait <= LONGEST_WAIT
