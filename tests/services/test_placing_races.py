"""Many at once for one place. Each campaign has a control arm with the guard removed, which must fail.

Clients are threads with contexts and connections of their own; nothing is simulated but their haste.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from shelter import clock
from shelter.domain.errors import DomainError
from shelter.domain.matching import AgeBand, Party, Sex
from shelter.domain.nights import Nights
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.stays import Placement, Stay, UnitNight
from shelter.services import placements
from shelter.services.placements import Segment
from shelter.services.unit_of_work import Once, UnitOfWork
from tests import factories as make
from tests.support.databases import Database, application, dispose
from tests.support.figures import CONTROL, Figures
from tests.support.people import Account

pytestmark = pytest.mark.slow

WHAT = "eight threads for one unit"
CLIENTS = 8
SHE = Party(people=((Sex.FEMALE, AgeBand.ADULT),))


def race(app: Flask, acts: list[Callable[[], Any]]) -> list[str]:
    """All at once; what became of each: `done`, or the code of the refusal."""
    start, outcomes = threading.Barrier(len(acts)), ["crashed"] * len(acts)

    def run(number: int) -> None:
        with app.app_context():
            start.wait(10)
            try:
                acts[number]()
                outcomes[number] = "done"
            except DomainError as refused:
                outcomes[number] = refused.code
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def double_booked(app: Flask) -> int:
    """Nights of a unit that have more than one owner."""
    with app.app_context():
        twice = select(UnitNight.unit_id).group_by(UnitNight.unit_id, UnitNight.night).having(func.count() > 1)
        return db.session.scalar(select(func.count()).select_from(twice.subquery())) or 0


def count(app: Flask, table: Any) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def overlapping(rnd: random.Random) -> Nights:
    """Different periods, all with the eighth night in them."""
    first = clock.shelter_day()
    return Nights(first + timedelta(days=rnd.randrange(0, 8)), first + timedelta(days=rnd.randrange(8, 30)))


class Hurry:
    """All come past the second look before the first of them writes, if nothing holds them back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int, *, is_blind: bool = False) -> None:
        self._meet = threading.Barrier(number)
        real = placements.parts_that_fit

        def look(segments: list[Segment], party: Party, now: Any) -> list[Party]:
            parts = [party] * len(segments) if is_blind else real(segments, party, now)
            with suppress(threading.BrokenBarrierError):
                self._meet.wait(0.5)
            return parts

        monkeypatch.setattr(placements, "parts_that_fit", look)


def without_site_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    real = UnitOfWork.lock
    monkeypatch.setattr(UnitOfWork, "lock", lambda work, *, sites=(), **more: real(work, **more))


def holds(app: Flask, number: int, seed: int = 0) -> list[Callable[[], Any]]:
    """One unit, so many coordinators, overlapping nights."""
    rnd = random.Random(seed)
    with app.app_context():
        unit_id = make.make_unit().id
        coordinators = [make.make_user() for _ in range(number)]
    return [hold(unit_id, overlapping(rnd), coordinator) for coordinator in coordinators]


def hold(unit_id: int, nights: Nights, coordinator: Account, **more: Any) -> Callable[[], str]:
    def act() -> str:
        segments = [Segment(unit_id, nights)]
        return placements.hold_units(segments=segments, by=coordinator.principal, **({"party": SHE} | more))

    return act


def without_key(database: Database) -> None:
    """A ledger that takes everything: no key."""
    connection = database.connect()
    if database.dialect == "postgresql":
        connection.execute("ALTER TABLE unit_night DROP CONSTRAINT pk_unit_night")
    else:
        connection.execute("ALTER TABLE unit_night RENAME TO before")
        connection.execute("CREATE TABLE unit_night AS SELECT * FROM before")
        connection.execute("DROP TABLE before")
    connection.close()


@pytest.fixture
def keyless(fresh_database: Database) -> Iterator[Flask]:
    without_key(fresh_database)
    app = application(fresh_database.url)
    yield app
    dispose(app)


def tell(figures: Figures, app: Flask, outcomes: Counter[str], **more: Any) -> None:
    heard = {"winners": outcomes["done"], "just_taken": outcomes["unit_just_taken"]}
    figures(WHAT, races=1, **heard, nights_sold_twice=double_booked(app), **more)


def test_of_eight_for_one_unit_one_books_and_seven_hear_that_it_was_just_taken(app: Flask, figures: Figures) -> None:
    for seed in range(3):
        outcomes = Counter(race(app, holds(app, CLIENTS, seed)))
        tell(figures, app, outcomes)
        assert outcomes == {"done": 1, "unit_just_taken": CLIENTS - 1}
    assert double_booked(app) == 0
    assert count(app, Stay) == count(app, Placement) == count(app, Household) == 3


def test_the_key_alone_keeps_it_so(app: Flask, figures: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits and nobody looks: the ledger's key is the last guard."""
    Hurry(monkeypatch, CLIENTS, is_blind=True)
    without_site_locks(monkeypatch)
    outcomes = Counter(race(app, holds(app, CLIENTS)))
    tell(figures, app, outcomes, arm="by the key alone")
    assert outcomes == {"done": 1, "unit_just_taken": CLIENTS - 1}
    assert double_booked(app) == 0
    assert count(app, Household) == 1


def test_control_without_the_key_the_same_campaign_sells_a_place_twice(
    keyless: Flask, figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    Hurry(monkeypatch, CLIENTS, is_blind=True)
    without_site_locks(monkeypatch)
    outcomes = Counter(race(keyless, holds(keyless, CLIENTS)))
    tell(figures, keyless, outcomes, arm=CONTROL)
    assert outcomes["done"] > 1
    assert double_booked(keyless) > 0


def enemies(app: Flask) -> list[Callable[[], Any]]:
    """Two households that must not meet, each about to get its own bed of one room."""
    with app.app_context():
        beds = [bed.id for bed in make.make_beds()]
        coordinators = [make.make_user(), make.make_user()]
        one = make.make_household(by=coordinators[0])
        other = make.make_household(by=coordinators[1], not_near=[one])
        ids = [one.id, other.id]
    tonight = Nights(clock.shelter_day(), clock.shelter_day() + timedelta(days=7))
    return [
        hold(bed, tonight, coordinator, party=None, household=household)
        for bed, coordinator, household in zip(beds, coordinators, ids, strict=True)
    ]


def test_of_two_that_must_not_meet_one_gets_a_bed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    Hurry(monkeypatch, 2)
    for _ in range(3):
        assert sorted(race(app, enemies(app))) == ["done", "unit_just_taken"]


@pytest.mark.only("postgresql")
def test_control_without_the_site_lock_they_meet(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite has no such arm: its one writer is the lock, and a second one is sent away by the database."""
    Hurry(monkeypatch, 2)
    without_site_locks(monkeypatch)
    assert race(app, enemies(app)) == ["done", "done"]


def test_eight_clicks_with_one_key_are_one_booking(app: Flask) -> None:
    with app.app_context():
        unit_id, coordinator = make.make_unit().id, make.make_user()
    nights = Nights(clock.shelter_day(), clock.shelter_day() + timedelta(days=7))
    heard: list[str] = []
    click = hold(unit_id, nights, coordinator, once=Once(key="o" * 20, fingerprint="f"))
    assert race(app, [lambda: heard.append(click())] * CLIENTS) == ["done"] * CLIENTS
    assert len(set(heard)) == 1
    assert count(app, Stay) == 1


def test_confirming_and_taking_a_hold_that_ran_out_is_decided_once(app: Flask) -> None:
    nights = Nights(clock.shelter_day(), clock.shelter_day() + timedelta(days=7))
    for _ in range(4):
        with app.app_context():
            unit_id, she, rival = make.make_unit().id, make.make_user(), make.make_user()
            placements.hold_units(segments=[Segment(unit_id, nights)], party=SHE, by=she.principal)
            stay_id = db.session.scalar(select(Placement.stay_id).where(Placement.unit_id == unit_id))
            past = clock.now() - timedelta(minutes=1)
            db.session.execute(update(Placement).where(Placement.stay_id == stay_id).values(held_until=past))
            db.session.commit()

        def confirm(stay_id: Any = stay_id, she: Account = she) -> None:
            placements.confirm_stay(stay_id=stay_id, expected_at=clock.now(), by=she.principal)

        outcomes = race(app, [confirm, hold(unit_id, nights, rival), placements.expire_holds])
        assert outcomes[2] == "done"
        assert sorted(outcomes[:2]) == ["done", "unit_just_taken"], outcomes
    assert double_booked(app) == 0


def test_random_holds_and_releases_leave_a_ledger_that_agrees(app: Flask) -> None:
    """Two units, eight clients, touching ends: no night twice, and every placement holds exactly its nights."""
    with app.app_context():
        units = [make.make_unit().id for _ in range(2)]
        coordinators = [make.make_user() for _ in range(CLIENTS)]
    first = clock.shelter_day()

    def work(seed: int) -> Callable[[], None]:
        def act() -> None:
            rnd, by = random.Random(seed), coordinators[seed]
            for _ in range(6):
                begin = rnd.randrange(0, 12)
                nights = Nights(first + timedelta(days=begin), first + timedelta(days=begin + rnd.randrange(1, 5)))
                with suppress(DomainError):
                    reference = hold(rnd.choice(units), nights, by)()
                    if rnd.random() < 0.4:
                        placements.release_hold(stay_id=stay_of(reference), by=by.principal)

        return act

    assert race(app, [work(n) for n in range(CLIENTS)]) == ["done"] * CLIENTS
    assert double_booked(app) == 0
    with app.app_context():
        kept: dict[int, set[date]] = {}
        for placement_id, night in db.session.execute(select(UnitNight.placement_id, UnitNight.night)):
            kept.setdefault(placement_id, set()).add(night)
        for placement in db.session.scalars(select(Placement)):
            planned = set(Nights(placement.arrive_on, placement.leave_on))
            assert kept.get(placement.id, set()) == (planned if placement.state == "held" else set())


def stay_of(reference: str) -> Any:
    return db.session.scalar(
        select(Stay.id)
        .join(Household, Household.id == Stay.household_id)
        .where(Household.reference == reference.rpartition("-")[0])
    )
