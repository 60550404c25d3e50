"""Two act on one stay, or on one room, at the same instant: one consistent outcome, a sentence for the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, update

from shelter import clock
from shelter.domain.errors import DomainError
from shelter.domain.intake import Intake, PersonTold
from shelter.domain.matching import AgeBand, Party, Sex
from shelter.domain.nights import Nights
from shelter.domain.permissions import Role
from shelter.domain.stays import KEEPS_NIGHTS, RUNNING, CancelReason, ClosureReason, Destination, ExitReason
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.sites import Site, Unit
from shelter.models.stays import Placement, Stay
from shelter.queries.ledger_check import Checked, differences
from shelter.services import arrivals, closures, departures, intake, overstays, placements, transfers, units, walk_ins
from shelter.services.placements import Segment
from shelter.services.unit_of_work import UnitOfWork
from tests import factories as make
from tests.support.figures import CONTROL, Figures
from tests.support.people import Account

pytestmark = pytest.mark.slow

WHAT = "two or three acts on one stay at once"
P = {state.value: state for state in KEEPS_NIGHTS}
SHE = Party(people=((Sex.FEMALE, AgeBand.ADULT),))
Act = Callable[[], Any]


class Scene:
    """One house with two rooms, one household, and whoever works tonight."""

    def __init__(self, app: Flask, state: str, *, overdue: bool = False, is_expired: bool = False) -> None:
        self.app = app
        with app.app_context():
            db.session.get_one(Installation, 1).live_from = date(2020, 1, 1)
            db.session.commit()
            site: Site = make.make_site()
            rooms: list[Unit] = [make.make_unit(site=site), make.make_unit(site=site)]
            self.unit, self.other = rooms[0].id, rooms[1].id
            self.she: Account = make.make_user(sites=[site.id])
            self.rival = make.make_user(sites=[site.id])
            self.admin = make.make_user(Role.ADMINISTRATOR)
            first = clock.shelter_day() - timedelta(days=3 if state == "in_house" else 0)
            self.nights = Nights(clock.shelter_day(), clock.shelter_day() + timedelta(days=5))
            stay = make.make_stay(
                rooms[0], state=P[state], arrive_on=first, responsible=self.she,
                leave_on=clock.shelter_day() if overdue else self.nights.leave_on,
            )  # fmt: skip
            if is_expired:
                past = clock.now() - timedelta(minutes=1)
                db.session.execute(update(Placement).where(Placement.stay_id == stay.id).values(held_until=past))
            self.stay: UUID = stay.id
            self.household: UUID = stay.household_id
            self.placement: int = db.session.scalars(select(Placement.id)).all()[-1]
            db.session.commit()

    def acts(self) -> dict[str, Act]:
        by, stay = self.she.principal, self.stay
        return {
            "confirm": lambda: placements.confirm_stay(stay_id=stay, expected_at=clock.now(), by=by),
            "release": lambda: placements.release_hold(stay_id=stay, by=by),
            "renew": lambda: placements.renew_hold(stay_id=stay, by=by),
            "expire": placements.expire_holds,
            "intake": lambda: intake.save_intake(household_id=self.household, intake=FOUR, by=by),
            "check_in": lambda: arrivals.check_in(stay_id=stay, by=by),
            "cancel": lambda: departures.cancel(stay_id=stay, reason=CancelReason.OTHER, by=by),
            "check_out": lambda: departures.check_out(
                stay_id=stay, exit_reason=ExitReason.PLANNED, destination=Destination.FAMILY, by=by
            ),
            "transfer": lambda: transfers.transfer(
                stay_id=stay, to_unit_id=self.other, from_night=clock.shelter_day(), accepts_misfit=True, by=by
            ),
            "longer": lambda: departures.change_leave_on(
                stay_id=stay, leave_on=self.nights.leave_on + timedelta(days=3), by=by
            ),
            "roll": overstays.roll_overstays,
            "hold": lambda: self.hold(self.unit),
            "hold other": lambda: self.hold(self.other),
            "close": lambda: self.close(self.unit),
            "close other": lambda: self.close(self.other),
        }

    def hold(self, unit: int) -> str:
        return placements.hold_units(segments=[Segment(unit, self.nights)], party=SHE, by=self.rival.principal)

    def close(self, unit: int) -> int:
        return closures.close_units(
            unit_ids=[unit],
            from_on=self.nights.arrive_on,
            until_on=self.nights.leave_on,
            reason=ClosureReason.REPAIR,
            by=self.admin.principal,
        )

    def race(self, *names: str) -> list[str]:
        acts, start = self.acts(), threading.Barrier(len(names))
        outcomes = ["crashed"] * len(names)

        def run(number: int) -> None:
            with self.app.app_context():
                start.wait(10)
                try:
                    acts[names[number]]()
                    outcomes[number] = "done"
                except DomainError as refused:
                    outcomes[number] = refused.code
                finally:
                    db.session.remove()

        threads = [threading.Thread(target=run, args=(number,)) for number in range(len(names))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return outcomes

    def check(self) -> None:
        """Whatever came of it: stay, placements and nights say the same."""
        with self.app.app_context():
            assert [str(found) for found in differences(Checked())] == []
            for stay in db.session.scalars(select(Stay)):
                kept = [p for p in stay.placements if p.state in KEEPS_NIGHTS]
                assert stay.state in RUNNING or not kept
                assert len(kept) <= 1
                for placement in kept:
                    assert placement.people == len(placement.members)


FOUR = Intake(people=tuple(PersonTold(sex=Sex.FEMALE, age_band=AgeBand.ADULT) for _ in range(4)))

RACES = [
    ("held", {}, ("confirm", "release"), 1),
    ("held", {}, ("confirm", "confirm"), 1),
    ("held", {}, ("release", "renew"), None),
    ("held", {"is_expired": True}, ("confirm", "expire", "hold"), None),
    ("held", {"is_expired": True}, ("renew", "expire", "close"), None),
    ("held", {"is_expired": True}, ("intake", "hold", "expire"), None),
    ("held", {}, ("confirm", "intake", "release"), None),
    ("booked", {}, ("check_in", "cancel"), 1),
    ("booked", {}, ("check_in", "check_in"), 1),
    ("booked", {}, ("check_in", "transfer", "hold other"), None),
    ("in_house", {}, ("check_out", "transfer"), None),
    ("in_house", {}, ("transfer", "hold other", "close other"), None),
    ("in_house", {}, ("check_out", "check_out"), 1),
    ("in_house", {}, ("longer", "check_out"), None),
    ("in_house", {"overdue": True}, ("roll", "hold", "close"), None),
    ("in_house", {"overdue": True}, ("check_out", "hold", "roll"), None),
]


@pytest.mark.parametrize(("state", "how", "names", "winners"), RACES, ids=lambda value: str(value))
def test_of_two_acts_at_once_each_is_done_whole_or_refused(
    app: Flask,
    is_proof: bool,
    figures: Figures,
    state: str,
    how: dict[str, bool],
    names: tuple[str, ...],
    winners: int | None,
) -> None:
    for _round in range(20 if is_proof else 3):
        scene = Scene(app, state, **how)
        outcomes = scene.race(*names)
        assert "crashed" not in outcomes
        assert "database_busy" not in outcomes
        assert "constraint_refused" not in outcomes
        done = outcomes.count("done")
        figures(WHAT, races=1, acts=len(names), done=done, refused_with_a_sentence=len(names) - done)
        if winners is not None:
            assert outcomes.count("done") == winners, outcomes
        scene.check()


def test_who_has_not_left_is_never_sold_or_closed_over(app: Flask) -> None:
    for _round in range(3):
        outcomes = Scene(app, "in_house", overdue=True).race("roll", "hold", "close")
        assert outcomes[0] == "done"
        assert "done" not in outcomes[1:]


@pytest.mark.only("postgresql")
def test_control_without_locks_the_same_races_end_badly(
    app: Flask, figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's one writer is the lock; on PostgreSQL two must be able to win where one may."""
    monkeypatch.setattr(UnitOfWork, "lock", lambda work, **rows: None)
    meet, real = threading.Barrier(2), placements._latest_hold

    def slowly(stay: Stay) -> list[Placement]:
        held = real(stay)
        meet.wait(5)
        return held

    monkeypatch.setattr(placements, "_latest_hold", slowly)
    outcomes = Scene(app, "held").race("confirm", "release")
    figures(WHAT, arm=CONTROL, races=1, acts=2, done=outcomes.count("done"))
    assert outcomes == ["done", "done"]


def meanwhile(app: Flask, monkeypatch: pytest.MonkeyPatch, at: tuple[Any, str], first: Act, second: Act) -> list[Any]:
    """`second` begins when `first` holds its locks and has come to the function named; what became of both."""
    reached, real, outcomes = threading.Event(), getattr(*at), [None, None]

    def slowly(*said: Any, **more: Any) -> Any:
        found = real(*said, **more)
        reached.set()
        time.sleep(0.5)
        return found

    def run(number: int, act: Act) -> None:
        with app.app_context():
            try:
                outcomes[number] = act()
            except DomainError as refused:
                outcomes[number] = refused.code
            finally:
                db.session.remove()

    def run_second() -> None:
        reached.wait(10)
        run(1, second)

    monkeypatch.setattr(*at, slowly)
    other = threading.Thread(target=run_second)
    other.start()
    run(0, first)
    other.join(60)
    return outcomes


@pytest.mark.only("postgresql")
def test_nobody_walks_into_a_room_that_is_given_up_just_then(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        unit, by, admin = make.make_unit().id, make.make_user().principal, make.make_user(Role.ADMINISTRATOR).principal
        until, now = clock.shelter_day() + timedelta(days=2), clock.now()
        db.session.rollback()
    outcomes = meanwhile(
        app, monkeypatch, (units, "check_bookings"),
        lambda: units.retire_unit(unit_id=unit, until_on=until, by=admin),
        lambda: walk_ins.record_walk_in(unit_id=unit, arrived_at=now, party=SHE, reason="paper", by=by),
    )  # fmt: skip
    assert outcomes == [None, "nights_taken"]


@pytest.mark.only("postgresql")
def test_a_closure_renewed_just_then_needs_no_task(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        admin, today = make.make_user(Role.ADMINISTRATOR).principal, clock.today()
        ends = today + timedelta(days=5)
        closure = make.make_closure(make.make_unit(), from_on=today, until_on=ends, is_open_ended=True).id
        db.session.rollback()
    outcomes = meanwhile(
        app, monkeypatch, (closures, "_check_free"),
        lambda: closures.renew_closure(closure_id=closure, by=admin),
        closures.raise_closure_renewals,
    )  # fmt: skip
    assert outcomes == [None, 0]
