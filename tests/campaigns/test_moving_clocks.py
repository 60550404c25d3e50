"""The clock a day forward and a day back, and over the hours that are missing or come twice: nothing is repeated and
nothing is missing, neither runs of jobs nor flags, neither digests nor texts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select, update

from shelter import clock
from shelter.domain.messages import MessageState, Template
from shelter.domain.tasks import TaskKind
from shelter.domain.timetable import NIGHTLY, TIMETABLE
from shelter.extensions import db
from shelter.gateways.sms.recorded import RecordedGateway
from shelter.jobs import tasks
from shelter.jobs.clockwork import Clockwork
from shelter.jobs.schedule import JOBS, Job
from shelter.models.messages import Message
from shelter.models.stays import StayFlag, Task
from shelter.services import clockwork, limits
from tests.campaigns.limit_house import DAY, Flag, House
from tests.conftest import Clock
from tests.jobs.test_clockwork import Alone
from tests.support.figures import Figures
from tests.support.texts import make_textable_stay, queue

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("context")]
DIGEST, SEND = "send-limit-digests", "deliver-messages"
REAL = {NIGHTLY, DIGEST, SEND, "settle-unknown-messages"}  # the others are only counted
SILENT = {"back-up-database", "anchor-audit", "print-night-sheets"}  # write files
JUMPS = "one clockwork: clock a day forward and back"


@dataclass
class Night:
    """The real clockwork on real jobs, under a clock this test turns; and what came of it."""

    app: Flask
    clock: Clock
    house: House
    gateway: RecordedGateway
    step: timedelta
    runs: Counter[tuple[str, date]] = field(default_factory=Counter)  # by job and day of the wall clock
    known: set[Flag] = field(default_factory=set)
    queued: set[UUID] = field(default_factory=set)  # texts to guests that were to go
    missing: int = 0

    def __post_init__(self) -> None:
        self.now = clock.now()  # the true time
        self.house.now = lambda: self.now
        jobs = [self._counted(job) for name, job in JOBS.items() if name not in SILENT]
        self.machine = Clockwork(self.app, Alone(), jobs)

    def _counted(self, job: Job) -> Job:
        def run(this: tasks.Run) -> Any:
            self.runs[job.name, clock.today()] += 1
            return job.run(this) if job.name in REAL else {}

        return replace(job, run=run)

    def goes_on(self, off_by: timedelta = timedelta()) -> None:
        """One step of true time; the wall clock stands `off_by` from it."""
        self.now += self.step
        self.clock.set(self.now + off_by)
        self.machine.catch_up()
        self.machine.run_due(SEND)
        if not off_by:
            missing = self.house.missing(clock.now()) - self.known
            self.known |= missing
            self.missing += len(missing)

    def text(self, number: str) -> None:
        message = queue(make_textable_stay(number))
        if message.state is MessageState.QUEUED:
            self.queued.add(message.id)
        db.session.rollback()

    def found(self) -> dict[str, int]:
        flags = db.session.scalars(select(StayFlag.message_id)).all()
        messages = list(db.session.scalars(select(Message)))
        work = list(db.session.scalars(select(Task)))
        sent = Counter(sent.callback_url for sent in self.gateway.sent)
        db.session.rollback()
        digests = {message.id for message in messages if message.template is Template.DIGEST}
        # Not sent: then a task says so, for her coordinator with the message, for the managers with the site.
        for_managers = any(task.kind is TaskKind.UNREACHABLE_SITE for task in work)
        has_task = {UUID(task.data["message_id"]) for task in work if "message_id" in task.data}
        has_task |= digests if for_managers else set()
        unsent = {message.id for message in messages if message.state is not MessageState.SENT}
        return {
            "flags": len(flags),
            "missing": self.missing,
            "doubled": self.house.doubled(),
            "texts": len(self.queued | digests),
            "sent_twice": sum(n > 1 for n in sent.values()),
            "told_by_a_task": len((self.queued | digests) & unsent & has_task),
            "lost": len((self.queued | digests) & unsent - has_task),
            "digests_of_nothing": len(digests - set(flags)),
        }


@pytest.fixture
def night(app: Flask, frozen_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Night]:
    def make(seed: int, *, days: int, step: timedelta = timedelta(hours=1)) -> Night:
        gateway = RecordedGateway()
        monkeypatch.setattr(tasks, "_gateway", lambda _settings: gateway)
        house = House(random.Random(seed))
        today = clock.today()
        house.take_in(*(today + timedelta(days=n) for n in range(-1, days + 65, 2)))
        return Night(app, frozen_clock, house, gateway, step)

    return make


# A day forward, a day back --------------------------------------------------------------------------------------------


def through(night: Night, days: int, chance: random.Random) -> int:
    """The days go by. Now and then the clock is a day ahead or behind for some hours. How often."""
    jumps, off_by, left, texts = 0, timedelta(), 0, 0
    for step in range(int(days * DAY / night.step)):
        if left:
            left -= 1
        elif off_by:
            off_by = timedelta()
        elif chance.random() < 0.03:
            off_by, left, jumps = chance.choice((DAY, -DAY)), chance.randrange(1, 12), jumps + 1
        if step % 8 == 5:
            night.house.something_happens()
        if step % 24 == 8:  # in the evening somebody comes whose limit is near
            night.house.take_in(clock.today() + timedelta(days=chance.randrange(1, 6)))
        if step % 10 == 3:
            texts += 1
            night.text(f"+8210{texts:08}")
        night.goes_on(off_by)
    for _ in range(int(2 * DAY / night.step)):
        night.goes_on()
    return jumps


def days_without_a_run(night: Night, first: date, last: date) -> int:
    """Of each nightly job. Its row may be gone: made under a clock that seemed to be ahead when it fell behind."""
    nightly = [timing.name for timing in TIMETABLE if timing.is_daily and timing.name not in SILENT]
    days = [first + n * DAY for n in range((last - first).days + 1)]
    return sum(night.runs[name, day] == 0 for name in nightly for day in days)


def campaign(make: Callable[..., Night], days: int) -> dict[str, int]:
    first = clock.today()
    night = make(days, days=days)
    jumps = through(night, days, random.Random(days))
    found = {"days": days, "jumps": 2 * jumps, **night.found()}
    return found | {"days_without_a_run": days_without_a_run(night, first + DAY, clock.today())}


def test_a_day_forward_and_back_repeats_and_misses_nothing(
    night: Callable[..., Night], is_proof: bool, figures: Figures
) -> None:
    found = campaign(night, 60 if is_proof else 5)
    figures(JUMPS, **found)
    assert found["jumps"] > 0
    assert found["texts"] > 2 * found["told_by_a_task"]
    wrong = ("missing", "doubled", "sent_twice", "lost", "digests_of_nothing", "days_without_a_run")
    assert {name: found[name] for name in wrong} == dict.fromkeys(wrong, 0)


@pytest.mark.only("sqlite")
def test_slots_of_a_future_that_never_came_hide_what_is_due(
    night: Callable[..., Night], figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of what is missing: runs made under the wrong clock are believed."""
    monkeypatch.setattr(clockwork, "forget_future_runs", lambda now: 0)
    found = campaign(night, 5)
    figures(JUMPS, arm="control: believed", **found)
    assert found["missing"] > 0


@pytest.mark.only("sqlite")
def test_digests_without_memory_repeat_themselves(
    night: Callable[..., Night], figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of what is repeated: nobody notes at a flag that it was told."""
    send = limits.send_limit_digests

    def forget_and_send(today: date) -> dict[str, int]:
        db.session.execute(update(StayFlag).values(message_id=None))
        db.session.commit()
        return send(today)

    monkeypatch.setattr(limits, "send_limit_digests", forget_and_send)
    found = campaign(night, 5)
    figures(JUMPS, arm="control: not noted", **found)
    assert found["digests_of_nothing"] > 0


# Hours that are missing or come twice ---------------------------------------------------------------------------------

# The zone, the day before the change, and a time of the wall clock that the day after it has not, or has twice.
CHANGES = [
    ("America/Los_Angeles", date(2026, 3, 7), time(2, 30)),
    ("Europe/Berlin", date(2026, 3, 28), time(2, 30)),
    ("Europe/Berlin", date(2026, 10, 24), time(2, 30)),
    ("America/Los_Angeles", date(2026, 10, 31), time(1, 30)),
]
CHANGING = "one clockwork: an hour missing or twice"


@pytest.fixture
def in_zone() -> Iterator[Callable[[str], ZoneInfo]]:
    before, hours = clock.timezone(), int(clock.cutover() / timedelta(hours=1))

    def move(name: str) -> ZoneInfo:
        clock.configure(ZoneInfo(name), hours)
        return ZoneInfo(name)

    yield move
    clock.configure(before, hours)


def test_every_day_has_one_run_though_an_hour_is_missing_or_comes_twice(
    night: Callable[..., Night],
    in_zone: Callable[[str], ZoneInfo],
    frozen_clock: Clock,
    is_proof: bool,
    figures: Figures,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: a job that starts when the wall clock shows its time."""
    for name, before, at in CHANGES if is_proof else CHANGES[::2]:
        zone = in_zone(name)
        monkeypatch.setitem(JOBS, NIGHTLY, replace(JOBS[NIGHTLY], timing=replace(JOBS[NIGHTLY].timing, at=at)))
        frozen_clock.set(datetime.combine(before - DAY, time(20), tzinfo=zone))
        made = night(1, days=4, step=timedelta(minutes=30))
        made.house.checked_at = at
        made.goes_on()
        first, by_wall_clock = made.runs.copy(), Counter[date]()  # the first: of the slot before
        while clock.today() < before + 3 * DAY:
            by_wall_clock[clock.today()] += clock.local(clock.now()).time() == at
            made.goes_on()
        days, found = [before + n * DAY for n in range(3)], made.found()
        ours = {day: (made.runs - first)[NIGHTLY, day] for day in days}
        figures(CHANGING, **_told(ours, days), missing=found["missing"], doubled=found["doubled"])
        figures(CHANGING, arm="control", **_told(by_wall_clock, days))
        assert [ours[day] for day in days] == [1, 1, 1]
        assert (found["missing"], found["doubled"], found["digests_of_nothing"]) == (0, 0, 0)
        assert [by_wall_clock[day] for day in days] != [1, 1, 1]


def _told(runs: Mapping[date, int], days: Sequence[date]) -> dict[str, int]:
    return {
        "days": len(days),
        "without_a_run": sum(runs[day] == 0 for day in days),
        "run_twice": sum(runs[day] > 1 for day in days),
    }
