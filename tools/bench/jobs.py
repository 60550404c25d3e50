"""The clockwork's work, measured inside the application: the nightly jobs, and texts beside a bare loop."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from flask import Flask

OPEN_STAYS, TEXTS = 2_000, 1_000
ALL_AT_ONCE = timedelta(days=150)  # by then nearly all who are in the house tonight are near their limit
NOBODYS = "+8210{:08d}"


def nightly(app: Flask) -> dict[str, Any]:
    """Each job as it would be run by night: rows it found and wrote, statements, seconds."""
    from sqlalchemy import func, select

    from shelter import clock
    from shelter.domain.stays import StayState
    from shelter.extensions import db
    from shelter.jobs.schedule import run_by_hand
    from shelter.models.stays import Stay

    with app.app_context():
        today = clock.today()
        is_open = select(func.count()).where(Stay.state == StayState.IN_HOUSE)

        def open_stays() -> int:
            found = db.session.scalar(is_open) or 0
            db.session.rollback()
            return found

        _fill_the_house(open_stays)
        worst = today + ALL_AT_ONCE
        plan = (
            ("flag-stays-nearing-limit", "tonight", today),
            ("flag-stays-nearing-limit", "all of them near the limit at once", worst),
            ("flag-stays-nearing-limit", "the same night again: nothing is new", worst),
            ("send-limit-digests", "the morning after", worst),
            ("roll-overstays", "nobody is overdue", today),
            ("roll-overstays", "in three weeks, nobody having left", today + timedelta(days=21)),
        )
        measured = [_measured(partial(run_by_hand, name, today=day), name, when) for name, when, day in plan]
        return {"open_stays": open_stays(), "jobs": measured}


def _measured(act: Callable[[], Mapping[str, int]], name: str, when: str) -> dict[str, Any]:
    from tests.support.statements import count_statements

    with count_statements() as said:
        cpu, began = time.process_time(), time.perf_counter()
        counts = act()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {
        "job": name,
        "when": when,
        "counts": dict(counts),
        "statements": said.total,
        "seconds": seconds,
        "cpu": cpu,
    }


def _fill_the_house(open_stays: Callable[[], int]) -> None:
    """Until there are as many open stays as the target speaks of, where the units allow it."""
    from random import Random

    from shelter import clock
    from shelter.services import demo_history

    yesterday = clock.shelter_day() - timedelta(days=1)
    for seed in range(12):
        before = open_stays()
        if before >= OPEN_STAYS:
            return
        chance = Random(seed)  # noqa: S311 invented people
        demo_history.add_stays(yesterday, stays=OPEN_STAYS, is_in_house_today=True, random=chance)


def texts(app: Flask) -> dict[str, Any]:
    """A thousand texts to guests through the outbox, and as many calls of the provider's client alone."""
    from shelter import config
    from shelter.gateways.sms import gateway_from
    from shelter.services import delivery, sending_rules
    from tests.support.statements import count_statements

    sending_rules.MOST_TO_GUESTS_A_DAY = 10 * TEXTS  # a brake for a day on which something goes wrong
    with app.app_context():
        _queue_texts()
        gateway: Any = gateway_from(config.active())
        gateway.find(NOBODYS.format(0), "", since=_now())  # both find the connection open
        bare = _timed(lambda: _bare_loop(gateway))
        with count_statements() as said:
            counts: dict[str, int] = {}
            ours = _timed(lambda: counts.update(delivery.deliver_due(gateway)))
        return {"texts": TEXTS, "counts": counts, "statements": said.total, "bare": bare, "ours": ours}


def _now() -> Any:
    from shelter import clock

    return clock.now()


def _timed(act: Callable[[], object]) -> dict[str, float]:
    cpu, began = time.process_time(), time.perf_counter()
    act()
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}


def _bare_loop(gateway: Any) -> None:
    for n in range(TEXTS):
        gateway._client.messages.create(
            to=NOBODYS.format(n),
            body="확인되었습니다.",
            validity_period=3_600,
            status_callback="http://localhost:8000/webhooks/twilio/status/0",
            **gateway._sender,
        )


def _queue_texts() -> None:
    """Households with a booking and a number, each with the confirmation she asks for on the line."""
    from shelter.domain.contacts import TextChoice
    from shelter.domain.messages import Template
    from shelter.domain.permissions import SYSTEM
    from shelter.extensions import db
    from shelter.models.sites import Unit
    from shelter.models.stays import Stay
    from shelter.services.messages import queue_message
    from shelter.services.unit_of_work import unit_of_work
    from tests.factories import make_contact, make_stay
    from tools.bench.inside import free_units

    free = free_units()
    stays = []
    for n in range(TEXTS):
        unit_id, day = free[n % len(free)]
        first = date.fromisoformat(day) + timedelta(days=n // len(free))
        household = _somebody()
        make_contact(household, NOBODYS.format(n))
        unit = db.session.get_one(Unit, unit_id)
        stays.append(make_stay(unit, household=household, arrive_on=first, leave_on=first + timedelta(days=1)).id)
    with unit_of_work(SYSTEM) as work:
        for stay_id in stays:
            queue_message(
                work,
                stay=db.session.get_one(Stay, stay_id),
                template=Template.CONFIRMED,
                cause="bench",
                choice=TextChoice.ASKED_NOW,
            )


def _somebody() -> Any:
    """A household whose reference, made by chance, none of two hundred thousand has."""
    from sqlalchemy.exc import IntegrityError

    from shelter.extensions import db
    from tests.factories import make_household

    while True:
        try:
            return make_household()
        except IntegrityError:
            db.session.rollback()


def provider() -> tuple[subprocess.Popen[str], str]:
    """The double of the provider in a process of its own, and its address; it ends when its input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.bench.jobs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def main() -> None:
    from tests.contract.fake_twilio import serve

    with serve() as fake:
        print(fake.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
