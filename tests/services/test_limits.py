"""Who nears the limit: every threshold once, whatever happened in between."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from shelter import clock
from shelter.domain.limits import THRESHOLDS
from shelter.domain.stays import PlacementState, StayState
from shelter.extensions import db
from shelter.models.stays import Stay, StayFlag
from shelter.services import limits
from shelter.services.limits import flag_stays_nearing_limit
from tests.conftest import Clock
from tests.factories import make_site, make_stay, make_unit
from tests.support.statements import count_statements

pytestmark = pytest.mark.usefixtures("context", "frozen_clock")
TODAY = date(2026, 3, 10)


def in_house(days_left: int, **more: object) -> Stay:
    """A stay that reaches its limit in so many days."""
    limit_on = TODAY + timedelta(days=days_left)
    arrive_on = min(limit_on, TODAY) - timedelta(days=30)
    return make_stay(
        state=PlacementState.IN_HOUSE,
        arrive_on=arrive_on,
        leave_on=arrive_on + timedelta(days=7),
        limit_on=limit_on,
        **more,
    )


def flags(stay: Stay) -> list[tuple[int, bool]]:
    rows = select(StayFlag.threshold, StayFlag.is_tightest).where(StayFlag.stay_id == stay.id)
    return [tuple(row) for row in db.session.execute(rows.order_by(StayFlag.threshold.desc()))]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("days_left", "crossed"),
    [
        (61, []),
        (60, [(60, True)]),
        (31, [(60, True)]),
        (30, [(60, False), (30, True)]),
        (7, [(60, False), (30, False), (14, False), (7, True)]),
        (1, [(60, False), (30, False), (14, False), (7, False), (1, True)]),
        (0, [(60, False), (30, False), (14, False), (7, False), (1, False), (0, True)]),
        (-40, [(60, False), (30, False), (14, False), (7, False), (1, False), (0, True)]),
    ],
)
def test_all_crossed_thresholds_are_recorded_and_one_is_the_tightest(
    days_left: int, crossed: list[tuple[int, bool]]
) -> None:
    stay = in_house(days_left)
    assert flag_stays_nearing_limit(TODAY)["flags"] == len(crossed)
    assert flags(stay) == crossed


def test_a_second_run_adds_nothing() -> None:
    stay = in_house(30)
    flag_stays_nearing_limit(TODAY)
    assert flag_stays_nearing_limit(TODAY) == {"stays": 0, "flags": 0}
    assert len(flags(stay)) == 2


def test_nights_without_the_job_are_caught_up() -> None:
    """Down from the day before the 14th to the day after: the threshold is there, and once."""
    stay = in_house(15)
    flag_stays_nearing_limit(TODAY)
    flag_stays_nearing_limit(TODAY + timedelta(days=3))
    assert flags(stay) == [(60, False), (30, True), (14, True)]


def test_day_by_day_and_all_at_once_record_the_same_thresholds() -> None:
    daily, late = in_house(20), in_house(20)
    for n in range(30):
        flag_stays_nearing_limit(TODAY + timedelta(days=n))
    assert [n for n, _ in flags(daily)] == [n for n, _ in flags(late)] == [*THRESHOLDS, 0]


def test_thresholds_are_those_of_the_policy() -> None:
    unit = make_unit(site=make_site(days=30, thresholds=[10, 3]))
    stay = in_house(9, unit=unit)
    flag_stays_nearing_limit(TODAY)
    assert flags(stay) == [(10, True)]


def test_a_prolonged_stay_is_flagged_anew_for_its_new_limit() -> None:
    stay = in_house(7)
    flag_stays_nearing_limit(TODAY)
    stay.limit_on += timedelta(days=90)
    db.session.commit()
    flag_stays_nearing_limit(TODAY)
    assert len(flags(stay)) == 4
    flag_stays_nearing_limit(stay.limit_on - timedelta(days=60))
    assert len(flags(stay)) == 5


@pytest.mark.parametrize("state", [PlacementState.BOOKED, PlacementState.ENDED, PlacementState.CANCELLED])
def test_only_who_is_in_the_house_is_flagged(state: PlacementState) -> None:
    stay = make_stay(state=state, limit_on=TODAY)
    flag_stays_nearing_limit(TODAY)
    assert flags(stay) == []


def test_nobody_is_checked_out_and_no_unit_is_freed_at_the_limit() -> None:
    stay = in_house(-5)
    placement = stay.placements[0]
    flag_stays_nearing_limit(TODAY)
    db.session.refresh(stay)
    db.session.refresh(placement)
    assert (stay.state, placement.state) == (StayState.IN_HOUSE, PlacementState.IN_HOUSE)


def test_the_job_says_as_much_for_three_stays_as_for_thirty() -> None:
    said = []
    for number in (3, 30):
        for _ in range(number):
            in_house(20)
        with count_statements() as counted:
            flag_stays_nearing_limit(TODAY)
        said.append(counted.total)
    assert said[0] == said[1] <= 5


def together(app: Flask, runs: int) -> None:
    """The job in several threads, each with its own connection, all beginning at the same moment."""
    barrier = threading.Barrier(runs)
    failed: list[BaseException] = []

    def run() -> None:
        with app.app_context():
            try:
                barrier.wait()
                flag_stays_nearing_limit(clock.today())
            except BaseException as error:
                failed.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run) for _ in range(runs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_several_at_once_record_everything_once(context: Flask) -> None:
    stays = [in_house(n) for n in (0, 1, 7, 14, 30, 60)]
    db.session.commit()
    together(context, 4)
    assert [len(flags(stay)) for stay in stays] == [6, 5, 4, 3, 2, 1]


def test_a_run_killed_half_way_is_finished_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    stays = [in_house(0) for _ in range(6)]
    insert, calls = limits._insert, Counter[str]()

    def dying(rows: list[dict]) -> int:  # type: ignore[type-arg]
        calls["chunks"] += 1
        if calls["chunks"] == 3:
            raise Killed()
        return insert(rows)

    monkeypatch.setattr(limits, "AT_ONCE", 2)
    monkeypatch.setattr(limits, "_insert", dying)
    with pytest.raises(Killed):
        flag_stays_nearing_limit(TODAY)
    assert sum(len(flags(stay)) for stay in stays) == 4 * 6, "what was committed stands"
    monkeypatch.setattr(limits, "_insert", insert)
    flag_stays_nearing_limit(TODAY)
    assert [len(flags(stay)) for stay in stays] == [6] * 6
    tightest = select(StayFlag.stay_id).where(StayFlag.is_tightest)
    assert sorted(db.session.scalars(tightest), key=str) == sorted((s.id for s in stays), key=str)


def test_the_night_job_is_right_in_any_zone(frozen_clock: Clock) -> None:
    """The day is the shelter's: 02:30 in Seoul is still yesterday in UTC."""
    frozen_clock.set("2026-03-10 02:30")
    assert clock.today() == TODAY
    stay = in_house(30)
    flag_stays_nearing_limit(clock.today())
    assert len(flags(stay)) == 2
