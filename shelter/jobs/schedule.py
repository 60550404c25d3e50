"""What the timetable runs: each of its timings with the task of the same name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from shelter import clock
from shelter.domain.timetable import TIMETABLE, Timing
from shelter.jobs import tasks


@dataclass(frozen=True)
class Job:
    """A timing and what is then done; it returns what it counted."""

    timing: Timing
    run: Callable[[tasks.Run], Mapping[str, int]]

    @property
    def name(self) -> str:
        return self.timing.name


JOBS = {timing.name: Job(timing, getattr(tasks, timing.name.replace("-", "_"))) for timing in TIMETABLE}


def run_by_hand(
    name: str, *, today: date | None = None, tell: Callable[[str], None] = tasks.silent
) -> Mapping[str, int]:
    """One run outside the timetable, recorded like the others; what it counted. Raises what the job raises."""
    from shelter.services import clockwork

    job = JOBS[name]
    due_at = clock.now()
    while (run_id := clockwork.begin_run(name, due_at)) is None:  # somebody else's, at the same instant
        due_at += timedelta(microseconds=1)
    try:
        counts = job.run(tasks.Run(day=today, tell=tell))
    except Exception as failed:
        clockwork.end_run(run_id, error=failed)
        raise
    clockwork.end_run(run_id, counts=counts)
    return counts
