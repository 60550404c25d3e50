"""The outbox: a text is decided in the transaction that causes it, once, and says nothing to a stranger."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from shelter import clock
from shelter.domain.contacts import TextChoice
from shelter.domain.errors import NotPermitted
from shelter.domain.messages import Detail, MessageState, Suppression, Template
from shelter.domain.permissions import SYSTEM, Role
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.messages import Direction, Message
from shelter.models.stays import Stay
from shelter.services.messages import queue_message, resume_texts, stop_all_texts, store_inbound
from shelter.services.unit_of_work import unit_of_work
from tests.conftest import Clock
from tests.factories import make_contact, make_household, make_site, make_stay, make_unit, make_user

pytestmark = pytest.mark.usefixtures("context", "frozen_clock")

CONFIRMED = "3월 10일(화) 예약 확인되었습니다. 문의는 알려드린 번호로 전화 주세요."
LEAST = "요청하신 건 확인되었습니다. 문의는 알려드린 번호로 전화 주세요."


@pytest.fixture
def stay() -> Stay:
    return make_stay(household=make_household())


def queue(stay: Stay, template: Template = Template.CONFIRMED, **how: Any) -> Message:
    """One text about the stay, in a transaction of its own."""
    with unit_of_work(SYSTEM) as work:
        stay = db.session.get_one(Stay, stay.id)
        message = queue_message(work, stay=stay, template=template, cause=how.pop("cause", "test"), **how)
    return message


def household_of(stay: Stay) -> Household:
    return db.session.get_one(Household, stay.household_id)


def test_a_text_is_a_row_with_everything_the_call_needs(stay: Stay) -> None:
    make_contact(household_of(stay))
    message = queue(stay)
    assert (message.state, message.suppression) == (MessageState.QUEUED, None)
    assert (message.number, message.body) == ("+821012345678", CONFIRMED)
    assert message.not_before == clock.now()
    assert message.expires_at > clock.now()


def test_number_and_text_are_sealed(stay: Stay) -> None:
    make_contact(household_of(stay))
    message = queue(stay)
    raw = repr(db.session.execute(select(Message.__table__)).all())
    assert message.number is not None
    assert message.number[1:] not in raw
    assert CONFIRMED not in raw


def test_the_same_cause_is_the_same_text(stay: Stay) -> None:
    make_contact(household_of(stay))
    assert queue(stay, cause="confirm").id == queue(stay, cause="confirm").id
    assert queue(stay, cause="confirm").id != queue(stay, cause="other").id


def test_what_is_rolled_back_leaves_no_text(stay: Stay) -> None:
    make_contact(household_of(stay))
    with pytest.raises(ZeroDivisionError), unit_of_work(SYSTEM) as work:
        queue_message(work, stay=db.session.get_one(Stay, stay.id), template=Template.CONFIRMED, cause="x")
        raise ZeroDivisionError
    assert db.session.scalar(select(Message.id)) is None


@pytest.mark.parametrize(
    ("agreed", "why"),
    [
        ({"can_text": None}, Suppression.TEXT_NOT_ALLOWED),
        ({"can_text": False}, Suppression.TEXT_NOT_ALLOWED),
        ({"consented_at": None}, Suppression.NO_CONSENT),
        ({"has_consented_abroad": False}, Suppression.NO_CONSENT_ABROAD),
        ({"detail": Detail.NONE}, Suppression.DETAIL_NONE),
        ({"reconfirm_on": date(2026, 3, 10)}, Suppression.CONSENT_EXPIRED),
        ({"number": ""}, Suppression.NO_NUMBER),
        ({"number": "+82221001234"}, Suppression.NOT_MOBILE),
        ({"number": "+447400123456"}, Suppression.NOT_MOBILE),
        ({"from_time": time(22), "until_time": time(5)}, Suppression.HOURS_NEVER),
    ],
)
def test_no_safe_contact_no_message(stay: Stay, agreed: dict[str, Any], why: Suppression) -> None:
    make_contact(household_of(stay), **agreed)
    message = queue(stay)
    assert (message.state, message.suppression) == (MessageState.SUPPRESSED, why)
    assert message.number is None
    assert message.body is None


def test_nothing_asked_nothing_sent(stay: Stay) -> None:
    assert queue(stay).suppression is Suppression.NO_CONTACT


def test_a_danger_number_of_anybody_is_texted_by_nobody(stay: Stay) -> None:
    make_contact(household_of(stay), "+821012345678")
    make_contact(make_household(), "+821055556666", danger=["+821012345678"])
    assert queue(stay).suppression is Suppression.DANGER_NUMBER


def test_told_by_voice_leaves_a_row_that_says_so(stay: Stay) -> None:
    make_contact(household_of(stay))
    assert queue(stay, choice=TextChoice.BY_VOICE).suppression is Suppression.TOLD_BY_VOICE


@pytest.mark.parametrize(
    ("now", "choice", "not_before"),
    [
        ("2026-03-10 20:59", TextChoice.IN_SAFE_HOURS, "2026-03-10 20:59"),
        ("2026-03-10 21:00", TextChoice.ASKED_NOW, "2026-03-10 21:00"),
        ("2026-03-10 06:00", TextChoice.IN_SAFE_HOURS, "2026-03-10 08:00"),
        ("2026-03-10 06:00", TextChoice.ASKED_NOW, "2026-03-10 06:00"),
    ],
)
def test_quiet_hours_hold_unless_she_asks_for_it_now(
    stay: Stay, frozen_clock: Clock, now: str, choice: TextChoice, not_before: str
) -> None:
    make_contact(household_of(stay))
    frozen_clock.set(now)
    message = queue(stay, choice=choice)
    assert clock.local(message.not_before).replace(tzinfo=None) == datetime.fromisoformat(not_before)


def test_her_own_hours_hold_too(stay: Stay) -> None:
    make_contact(household_of(stay), from_time=time(13), until_time=time(15))
    assert clock.local(queue(stay).not_before).time() == time(13)


def test_a_text_that_would_come_too_late_does_not_go(stay: Stay, frozen_clock: Clock) -> None:
    """Decided at 21:30 for tonight; the night hours end when the night does."""
    make_contact(household_of(stay))
    frozen_clock.set("2026-03-10 21:30")
    assert queue(stay).suppression is Suppression.PURPOSE_PASSED


def test_the_level_of_detail_decides_what_it_says(stay: Stay) -> None:
    make_contact(household_of(stay), detail=Detail.CALL_US)
    assert queue(stay).body == LEAST


def test_a_name_that_the_date_would_spell_is_not_spelt(stay: Stay) -> None:
    household = household_of(stay)
    make_contact(household, language="en")
    household.people[0].name = "Mar"
    db.session.commit()
    assert queue(stay).body == "Your request is confirmed. Questions? Call the number we gave you."


def test_what_cannot_be_said_discreetly_is_not_said(stay: Stay) -> None:
    household = household_of(stay)
    make_contact(household)
    household.people[0].name = "문의"
    db.session.commit()
    assert queue(stay).suppression is Suppression.NOT_DISCREET


@pytest.mark.parametrize("template", [Template.CONFIRMED, Template.CHANGED, Template.CANCELLED, Template.CALL_US])
@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("detail", [Detail.CALL_US, Detail.DATE_ONLY])
def test_no_text_holds_anything_of_the_household(template: Template, language: str, detail: Detail) -> None:
    site = make_site("Magnolia", night_line="+82221001234", directions="지하철 3번 출구")
    household = make_household(women=1, children=1)
    household.people[0].name, household.people[1].name = "정하늘", "Sora"
    make_contact(household, language=language, detail=detail)
    stay = make_stay(make_unit(site=site, label="302"), household=household)
    when = clock.instant(date(2026, 3, 11), 21)
    body = queue(stay, template, before=when if template is Template.CALL_US else None).body
    assert body
    for secret in ("Magnolia", "302", "정하늘", "Sora", household.reference, "출구", "1234"):
        assert secret not in body


def test_call_us_without_a_time_says_no_time(stay: Stay) -> None:
    make_contact(household_of(stay))
    assert queue(stay, Template.CALL_US).body == "통화 가능하실 때 알려드린 번호로 전화 부탁드립니다."


def test_stop_all_texts_stops_the_next_one(stay: Stay) -> None:
    make_contact(household_of(stay))
    coordinator = make_user()
    stop_all_texts(by=coordinator.principal)
    assert queue(stay, cause="1").suppression is Suppression.STOPPED
    resume_texts(by=coordinator.principal)
    assert queue(stay, cause="2").suppression is None


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.REFERRER])
def test_not_everybody_stops_the_texts(role: Role) -> None:
    with pytest.raises(NotPermitted):
        stop_all_texts(by=make_user(role).principal)


def test_what_comes_in_is_kept_once_and_does_nothing() -> None:
    for _ in range(3):
        store_inbound(provider_id="SM1", number="+821012345678", body="STOP")
    (message,) = db.session.scalars(select(Message))
    assert (message.direction, message.state) == (Direction.IN, MessageState.RECEIVED)
    assert (message.number, message.body) == ("+821012345678", "STOP")


def test_a_purpose_ends(stay: Stay) -> None:
    make_contact(household_of(stay))
    assert queue(stay).expires_at == clock.cutover_instant(date(2026, 3, 11))
    assert queue(stay, Template.CHANGED).expires_at == clock.now() + timedelta(hours=24)
