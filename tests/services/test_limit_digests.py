"""The digests: each coordinator one text in the morning, each flag told once, whatever dies in between."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from shelter.domain.messages import MessageState, Suppression, Template
from shelter.domain.permissions import Role
from shelter.domain.refusals import Refusal
from shelter.domain.stays import PlacementState
from shelter.domain.tasks import TaskKind
from shelter.extensions import db
from shelter.gateways.sms import PermanentRefusal
from shelter.gateways.sms.recorded import RecordedGateway
from shelter.models.messages import Message
from shelter.models.people import User
from shelter.models.sites import Site
from shelter.models.stays import Stay, StayFlag, Task
from shelter.services import limits
from shelter.services.delivery import deliver_due
from shelter.services.limits import flag_stays_nearing_limit, send_limit_digests
from tests.conftest import Clock
from tests.factories import make_contact, make_household, make_site, make_stay, make_unit, make_user
from tests.support.figures import CONTROL, Figures
from tests.support.people import Account

pytestmark = pytest.mark.usefixtures("context")
TODAY = date(2026, 3, 10)
_phones = iter(range(10_000_000, 20_000_000))


@pytest.fixture(autouse=True)
def morning(frozen_clock: Clock) -> Clock:
    frozen_clock.set("2026-03-10 08:30")
    return frozen_clock


@pytest.fixture
def site() -> Site:
    return make_site()


def coordinator(*sites: Site, role: Role = Role.COORDINATOR, **more: Any) -> Account:
    return make_user(role, sites=sites, **({"phone": f"+8210{next(_phones)}", "locale": "ko"} | more))


def near(days_left: int, responsible: Account | None, site: Site, **more: Any) -> Stay:
    """In the house, so many days before the limit, and flagged."""
    limit_on = TODAY + timedelta(days=days_left)
    arrive_on = min(limit_on, TODAY) - timedelta(days=30)
    stay = make_stay(
        make_unit(site=site),
        state=PlacementState.IN_HOUSE,
        arrive_on=arrive_on,
        leave_on=arrive_on + timedelta(days=7),
        limit_on=limit_on,
        responsible=responsible,
        **more,
    )
    flag_stays_nearing_limit(TODAY)
    return stay


def texts() -> list[tuple[str | None, str | None]]:
    """Who is told what, in the order of the numbers."""
    rows = db.session.scalars(select(Message).order_by(Message.id).execution_options(populate_existing=True))
    return sorted((m.number, m.body) for m in rows)


def told(n: int, m: int) -> str:
    return f"기한 임박 {n}건, 기한 도달 {m}건입니다. 오늘 접속해 확인해 주세요."


def number(account: Account) -> str | None:
    return db.session.get_one(User, account.id).phone


def open_tasks() -> list[tuple[TaskKind, Any]]:
    return [(t.kind, t.site_id) for t in db.session.scalars(select(Task).where(Task.done_at.is_(None)))]


def test_each_coordinator_gets_one_text_about_all_of_theirs(site: Site) -> None:
    first, second = coordinator(site), coordinator(site)
    for days_left in (60, 14, 0):
        near(days_left, first, site)
    near(1, second, site)
    assert send_limit_digests(TODAY) == {"stays": 4, "texts": 2, "tasks": 0}
    assert texts() == sorted([(number(first), told(2, 1)), (number(second), told(1, 0))])


def test_a_number_that_cannot_be_read_stops_nobody_elses_digest(site: Site) -> None:
    broken, other = coordinator(site), coordinator(site)
    near(14, broken, site)
    near(1, other, site)
    db.session.execute(update(User).where(User.id == broken.id).values(phone_sealed=b"moved"))
    db.session.commit()
    assert send_limit_digests(TODAY) == {"stays": 2, "texts": 1, "tasks": 0}
    assert texts() == [(number(other), told(2, 0))]


def test_a_flag_is_told_once(site: Site) -> None:
    near(14, coordinator(site), site)
    send_limit_digests(TODAY)
    assert send_limit_digests(TODAY) == {"stays": 0, "texts": 0, "tasks": 0}
    assert send_limit_digests(TODAY + timedelta(days=1)) == {"stays": 0, "texts": 0, "tasks": 0}
    assert len(texts()) == 1


def test_the_next_threshold_is_told_again(site: Site) -> None:
    stay = near(14, coordinator(site), site)
    send_limit_digests(TODAY)
    flag_stays_nearing_limit(stay.limit_on - timedelta(days=7))
    assert send_limit_digests(stay.limit_on - timedelta(days=7))["texts"] == 1


def test_after_three_days_without_it_there_is_one_text(site: Site) -> None:
    stay = near(15, coordinator(site), site)
    flag_stays_nearing_limit(stay.limit_on - timedelta(days=7))
    assert send_limit_digests(stay.limit_on - timedelta(days=7))["texts"] == 1
    assert texts()[0][1] == told(1, 0)
    assert db.session.scalar(select(StayFlag.id).where(StayFlag.message_id.is_(None))) is None


def test_it_is_written_in_the_language_of_the_reader(site: Site) -> None:
    near(14, coordinator(site, locale="en"), site)
    send_limit_digests(TODAY)
    assert texts()[0][1] == "1 near limit, 0 at limit. Please sign in and check today."


def test_a_plan_silences_all_but_the_last_week(site: Site) -> None:
    who = coordinator(site)
    stay = near(14, who, site, plan_on=TODAY + timedelta(days=5))
    assert send_limit_digests(TODAY)["texts"] == 0
    assert send_limit_digests(TODAY + timedelta(days=6))["texts"] == 1, "the plan's day has passed"
    other = near(7, who, site, plan_on=TODAY + timedelta(days=5))
    assert send_limit_digests(TODAY)["texts"] == 1
    assert stay.id != other.id


def test_flags_of_a_limit_that_moved_are_not_told(site: Site) -> None:
    stay = near(7, coordinator(site), site)
    stay.limit_on += timedelta(days=90)
    db.session.commit()
    assert send_limit_digests(TODAY)["texts"] == 0


def test_the_substitute_hears_where_the_responsible_cannot(site: Site) -> None:
    away, substitute = coordinator(site, phone=None), coordinator(site)
    near(14, away, site, substitute_id=substitute.id)
    send_limit_digests(TODAY)
    assert [to for to, _ in texts()] == [number(substitute)]


@pytest.mark.parametrize("phone", [None, "+82221001234"], ids=["no number", "a landline"])
def test_all_coordinators_of_the_site_hear_where_neither_can(site: Site, phone: str | None) -> None:
    colleagues = [coordinator(site), coordinator(site)]
    coordinator(make_site())
    near(14, coordinator(site, phone=phone), site)
    assert send_limit_digests(TODAY) == {"stays": 1, "texts": 2, "tasks": 0}
    assert [to for to, _ in texts()] == sorted(str(number(c)) for c in colleagues)
    assert send_limit_digests(TODAY)["texts"] == 0


def test_nobody_responsible_is_nobody_forgotten(site: Site) -> None:
    colleague = coordinator(site)
    near(14, None, site)
    send_limit_digests(TODAY)
    assert [to for to, _ in texts()] == [number(colleague)]


def test_a_closed_account_is_not_texted(site: Site) -> None:
    left, manager = coordinator(site), coordinator(role=Role.MANAGER)
    near(14, left, site)
    db.session.execute(update(User).where(User.id == left.id).values(is_active=False))
    db.session.commit()
    assert send_limit_digests(TODAY) == {"stays": 1, "texts": 1, "tasks": 1}
    assert [to for to, _ in texts()] == [number(manager)]
    assert open_tasks() == [(TaskKind.UNREACHABLE_SITE, site.id)]


def test_a_site_nobody_can_be_reached_for_is_a_task_even_without_managers(site: Site) -> None:
    near(14, None, site)
    assert send_limit_digests(TODAY) == {"stays": 1, "texts": 0, "tasks": 1}
    assert send_limit_digests(TODAY + timedelta(days=1)) == {"stays": 1, "texts": 0, "tasks": 0}, "and stays due"
    assert open_tasks() == [(TaskKind.UNREACHABLE_SITE, site.id)]


def test_a_danger_number_is_nobody_to_text(site: Site) -> None:
    who = coordinator(site)
    make_contact(make_household(), danger=[str(number(who))])
    near(14, who, site)
    assert send_limit_digests(TODAY) == {"stays": 1, "texts": 0, "tasks": 1}


def test_nothing_is_texted_at_night(site: Site, morning: Clock) -> None:
    morning.set("2026-03-10 23:00")
    near(14, coordinator(site), site)
    send_limit_digests(TODAY)
    gateway = RecordedGateway()
    assert deliver_due(gateway) == {"held_back": 1}
    morning.set("2026-03-11 08:00")
    assert deliver_due(gateway) == {"sent": 1}


def test_a_digest_about_nobody_any_more_does_not_go(site: Site) -> None:
    stay = near(14, coordinator(site), site)
    send_limit_digests(TODAY)
    stay.limit_on += timedelta(days=90)
    db.session.commit()
    assert deliver_due(RecordedGateway()) == {"held_back": 1}
    assert db.session.scalar(select(Message.suppression)) is Suppression.PURPOSE_PASSED


def test_a_digest_that_failed_goes_to_the_managers_visibly(site: Site) -> None:
    near(14, coordinator(site), site)
    send_limit_digests(TODAY)
    gateway = RecordedGateway()
    gateway.faults.append(PermanentRefusal(Refusal.HANDSET_UNKNOWN))
    assert deliver_due(gateway) == {"failed": 1}
    assert open_tasks() == [(TaskKind.UNREACHABLE_SITE, site.id)]


def test_a_number_changed_since_is_the_one_texted(site: Site) -> None:
    who = coordinator(site)
    near(14, who, site)
    send_limit_digests(TODAY)
    db.session.get_one(User, who.id).phone = "+821099990000"
    db.session.commit()
    gateway = RecordedGateway()
    deliver_due(gateway)
    assert [sent.number for sent in gateway.sent] == ["+821099990000"]


# Exactly once ------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    pass


@pytest.mark.parametrize("at", ["queue_staff_message", "raise_unreachable"])
def test_killed_between_flag_and_text_nothing_is_lost_or_doubled(
    site: Site, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    who = coordinator(site)
    near(14, who, site)
    near(0, who, site)
    act = getattr(limits, at)

    def dying(*arguments: Any, **named: Any) -> Any:
        act(*arguments, **named)
        raise Killed()

    monkeypatch.setattr(limits, at, dying)
    with pytest.raises(Killed):
        send_limit_digests(TODAY)
    assert texts() == []
    monkeypatch.setattr(limits, at, act)
    send_limit_digests(TODAY)
    assert [body for _, body in texts()] == [told(1, 1)]


def together(app: Flask, runs: int) -> None:
    barrier = threading.Barrier(runs)
    failed: list[BaseException] = []

    def run() -> None:
        with app.app_context():
            try:
                barrier.wait()
                send_limit_digests(TODAY)
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


@pytest.mark.slow
def test_several_at_once_tell_each_flag_once(context: Flask, site: Site, figures: Figures) -> None:
    people = [coordinator(site) for _ in range(4)]
    for n in range(12):
        near(14, people[n % 4], site)
    together(context, 4)
    figures("digests: four runs at once for four people", texts=len(texts()))
    assert Counter(body for _, body in texts()) == {told(3, 0): 4}


@pytest.mark.slow
def test_without_the_lock_and_the_key_several_at_once_tell_twice(
    context: Flask, site: Site, figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: flags read before the transaction, and a key that says nothing of them."""
    people = [coordinator(site) for _ in range(4)]
    for n in range(12):
        near(14, people[n % 4], site)
    db.session.rollback()
    seen = limits._untold(TODAY)
    db.session.rollback()
    numbers = iter(range(1_000))
    queue = limits.queue_staff_message

    def without_key(*arguments: Any, **named: Any) -> Any:
        return queue(*arguments, **(named | {"cause": f"{next(numbers)}"}))

    monkeypatch.setattr(limits, "_untold", lambda today: seen)
    monkeypatch.setattr(limits, "queue_staff_message", without_key)
    together(context, 4)
    figures("digests: four runs at once for four people", arm=CONTROL, texts=len(texts()))
    assert len(texts()) > 4


def test_every_state_of_a_digest_is_one_of_ours(site: Site) -> None:
    near(14, coordinator(site), site)
    send_limit_digests(TODAY)
    (message,) = db.session.scalars(select(Message))
    assert (message.template, message.state, message.household_id) == (Template.DIGEST, MessageState.QUEUED, None)
