"""The operators' page: all is well, or what is wrong and what to do, before anything else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

from shelter import clock
from shelter.domain.operations import Finding, Trouble
from shelter.domain.permissions import Role
from shelter.domain.stays import PlacementState
from shelter.domain.timetable import NIGHTLY, TIMETABLE
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.sites import Site
from shelter.services import clockwork
from shelter.web.errors import reason
from shelter.web.operations import words
from shelter.web.sentences.operations import ADVICE, JOBS
from tests.conftest import Clock
from tests.factories import make_stay
from tests.support.pages import Page, PageClient, page_of, spoken
from tests.support.people import sign_in
from tests.support.statements import count_statements
from tests.support.texts import make_textable_stay, queue
from tests.web.test_health import figures, tick


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs write files beside the program."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def page(client: PageClient, frozen_clock: Clock) -> Callable[..., Page]:
    def look(locale: str = "en", role: Role = Role.ADMINISTRATOR) -> Page:
        sign_in(client, role=role, locale=locale)
        return page_of(client.get("/operations"))

    return look


def notices(page: Page) -> list[str]:
    return [spoken(element) for element in page.all("div") if "app-notice" in element.get("class", "").split()]


def test_the_first_thing_seen_is_that_all_is_well(app: Flask, page: Callable[..., Page]) -> None:
    tick(app)
    seen = page()
    (notice,) = notices(seen)
    assert notice.startswith("All is well")
    assert seen.text.index("All is well") < seen.text.index("Since the last good check of limits")
    assert "모두 정상입니다" in page("ko").text


def test_or_what_is_wrong_and_what_to_do(app: Flask, page: Callable[..., Page], frozen_clock: Clock) -> None:
    never = notices(page())
    assert never[0].startswith("The clockwork has never run")
    assert "flask scheduler run" in never[0]
    assert never[1].startswith("There is no backup.")

    tick(app)
    frozen_clock.forward(minutes=3)
    (silent,) = notices(page())
    assert silent.startswith("The clockwork stands still since Tue 10 Mar, 12:00")

    with app.app_context():
        clockwork.beat("here:1")
    frozen_clock.forward(minutes=3)
    with app.app_context():
        clockwork.beat("here:1")
    assert any("flask jobs run expire-holds" in said for said in notices(page()))
    assert any("flask jobs run expire-holds" in said for said in notices(page("ko")))


def test_a_job_that_failed_is_seen_at_its_row(app: Flask, page: Callable[..., Page], frozen_clock: Clock) -> None:
    tick(app)
    with app.app_context():
        run_id = clockwork.begin_run(NIGHTLY, clock.now())
        assert run_id is not None
        clockwork.end_run(run_id, error=OSError("Kim Haneul, 010-1234-5678"))
    seen = page()
    assert notices(seen)[0].startswith(f"{NIGHTLY} failed (OSError)")
    (row,) = [row for row in seen.rows() if NIGHTLY in row[0]]
    assert (row[1], row[-1]) == ("failed", "1")
    assert "Kim" not in seen.text


def test_every_job_has_its_last_good_run_and_its_next(app: Flask, page: Callable[..., Page]) -> None:
    tick(app)
    rows = page().rows()[1:]
    assert len(rows) == len(TIMETABLE)
    (nightly,) = [row for row in rows if NIGHTLY in row[0]]
    assert nightly[1:] == ["well", "Tue 10 Mar, 12:00", "Wed 11 Mar, 02:30", "daily 02:30", "–"]
    (texts,) = [row for row in rows if "deliver-messages" in row[0]]
    assert texts[1:] == ["well", "not noted", "–", "every 5 s", "–"]


def test_what_is_due_and_what_is_under_way(app: Flask, page: Callable[..., Page], frozen_clock: Clock) -> None:
    with app.app_context():
        make_stay(state=PlacementState.IN_HOUSE, limit_on=clock.today() + timedelta(days=7))
        make_stay(state=PlacementState.HELD, held_until=clock.now() + timedelta(minutes=10))
        queue(make_textable_stay())
        queue(make_textable_stay("+821012345679"))
    tick(app)
    frozen_clock.forward(minutes=1)
    seen = page().text
    assert "new flags: 4, stays: 1" in seen
    assert "2 texts are due" in seen
    assert "9.0 MB" in seen


def ages(page: Page) -> dict[str, str]:
    """The figures of the page by what they are about."""
    found = {}
    for element in page.all("div"):
        if element.get("class") == "app-figure":
            label, value = (spoken(part) for part in list(element)[:2])
            found[label] = value
    return found


def test_how_old_the_last_good_check_and_the_oldest_text_are(
    app: Flask, page: Callable[..., Page], client: PageClient, frozen_clock: Clock
) -> None:
    """A run that failed since then makes the check no younger, nor does a later text the oldest one."""
    tick(app)
    frozen_clock.forward(hours=25, minutes=13)
    with app.app_context():
        queue(make_textable_stay())
    frozen_clock.forward(minutes=40)
    with app.app_context():
        queue(make_textable_stay("+821012345679"))
        run_id = clockwork.begin_run(NIGHTLY, clock.now())
        assert run_id is not None
        clockwork.end_run(run_id, error=OSError())
    frozen_clock.forward(minutes=7)
    for locale, check, text, since in (
        ("en", "Since the last good check of limits", "Oldest text due", ("26 h", "47 min")),
        ("ko", "마지막 기한 확인 후", "가장 오래 밀린 문자", ("26시간", "47분")),
    ):
        shown = ages(page(locale))
        assert (shown[check], shown[text]) == since
    told = figures(client.get("/metrics").text)
    assert told["shelter_nightly_run_age_seconds"] == 26 * 3600
    assert told["shelter_oldest_message_due_seconds"] == 47 * 60


def test_nobody_is_named(app: Flask, page: Callable[..., Page]) -> None:
    with app.app_context():
        stay = make_stay(state=PlacementState.IN_HOUSE, limit_on=clock.today())
        household = db.session.get_one(Household, stay.household_id).reference
        sites = [site.code_name for site in db.session.query(Site)]
    tick(app)
    seen = page()
    assert household not in seen.html
    assert not [site for site in sites if site in seen.html]


def test_the_number_of_statements_does_not_grow(app: Flask, client: PageClient, frozen_clock: Clock) -> None:
    sign_in(client, role=Role.ADMINISTRATOR)
    client.get("/operations")
    with count_statements() as few:
        client.get("/operations")
    with app.app_context():
        for n in range(3):
            make_stay()
            queue(make_textable_stay(f"+82101234567{n}"))
    with count_statements() as many:
        client.get("/operations")
    assert many.total == few.total


def test_whoever_may_see_it_finds_the_way(app: Flask, page: Callable[..., Page], client: PageClient) -> None:
    tick(app)
    for role in (Role.MANAGER, Role.ADMINISTRATOR, Role.AUDITOR):
        assert page(role=role).links()["System"] == "/operations"
    sign_in(client, role=Role.COORDINATOR)
    assert "System" not in page_of(client.get("/")).links()


def test_today_tells_managers_and_leads_there(app: Flask, client: PageClient, frozen_clock: Clock) -> None:
    sign_in(client, role=Role.MANAGER)
    assert "The clockwork has never run" in page_of(client.get("/")).text
    tick(app)
    seen = page_of(client.get("/"))
    assert "Everything runs. The nightly check of limits last ended well Tue 10 Mar, 12:00." in seen.text
    assert seen.links()["How the system is"] == "/operations"


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("locale", ["en", "ko"])
def test_everything_that_can_be_wrong_is_said_with_what_to_do(context: Flask, locale: str) -> None:
    names = ("found", "wanted", "since", "due", "job", "number", "percent", "error", "setting", "value")
    params = dict.fromkeys(names, "7")
    with context.test_request_context(), force_locale(locale):
        for trouble in Trouble:
            said = [reason(Finding(trouble, params)), words.advice(Finding(trouble, params))]
            assert all(len(words) > 5 and "%" not in words.replace("7 %", "") for words in said), said


def test_every_job_has_words() -> None:
    assert {timing.name for timing in TIMETABLE} == set(JOBS)
    assert set(ADVICE) == set(Trouble)
