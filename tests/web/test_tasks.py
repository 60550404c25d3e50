"""Tasks: for whom they are, done once, taken back; never a channel she forbade."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, g
from sqlalchemy import select

from shelter import clock
from shelter.domain.permissions import Role
from shelter.domain.tasks import Check, TaskKind
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.models.households import ContactNumber, Household, NumberKind, SafeContact
from shelter.models.sites import Site
from shelter.models.stays import Stay, StayEvent, Task
from tests.conftest import Clock
from tests.factories import make_household, make_site, make_stay, make_unit, make_user
from tests.support.pages import Page, PageClient, page_of
from tests.support.people import Account, sign_in
from tests.support.statements import count_statements


@pytest.fixture
def site(context: Flask, frozen_clock: Clock) -> Site:
    return make_site("Magnolia")


@pytest.fixture
def coordinator(site: Site) -> Account:
    return make_user(sites=[site])


def make_task(kind: TaskKind, stay: Stay | None = None, **more: Any) -> Task:
    now = clock.now()
    task = Task(
        kind=kind,
        dedupe_key=f"{kind}:{db.session.query(Task).count()}",
        stay_id=stay.id if stay else None,
        household_id=stay.household_id if stay else None,
        created_at=now,
        due_at=now,
        **more,
    )
    db.session.add(task)
    db.session.commit()
    return task


def fresh() -> None:
    g.pop("_login_user", None)
    db.session.rollback()


def look(client: PageClient, path: str) -> Page:
    fresh()
    return page_of(client.get(path))


def send(client: PageClient, task: Task, **more: Any) -> Any:
    path = f"/tasks/{task.id}"
    fields = look(client, path).fields(form_of(look(client, path), path))
    fresh()
    return client.post(path, data={**fields, **more})


def form_of(page: Page, action: str) -> Any:
    return next(form for form in page.all("form") if form.get("action") == action)


def test_a_task_is_done_with_a_note_that_is_sealed(client: PageClient, site: Site, coordinator: Account) -> None:
    stay = make_stay(make_unit(site=site))
    task = make_task(TaskKind.CALL, stay)
    sign_in(client, user=coordinator)
    answer = send(client, task, note="Reached her, all is well.")
    assert (answer.status_code, answer.location) == (303, "/")
    fresh()
    db.session.refresh(task)
    assert task.done_by_id == coordinator.id
    assert task.note == "Reached her, all is well."
    assert b"Reached" not in (task.note_sealed or b"")
    events = list(db.session.scalars(select(StayEvent.kind).where(StayEvent.stay_id == stay.id)))
    assert events == ["task_done"]
    assert "Reached her" in look(client, f"/tasks/{task.id}").text
    fresh()
    assert "task.opened" in set(db.session.scalars(select(AuditEntry.action)))


def test_done_and_taken_back(client: PageClient, site: Site, coordinator: Account) -> None:
    task = make_task(TaskKind.CALL, make_stay(make_unit(site=site)))
    sign_in(client, user=coordinator)
    send(client, task)
    page = look(client, "/tasks")
    assert "Done since yesterday" in page.text
    path = f"/tasks/{task.id}/reopen"
    fields = page.fields(form_of(page, path))
    fresh()
    assert client.post(path, data=fields).status_code == 303
    fresh()
    db.session.refresh(task)
    assert task.done_at is None
    fresh()
    assert client.post(path, data=fields).status_code == 303  # the same click again is the same act


def test_what_somebody_else_has_done_is_told(client: PageClient, site: Site, coordinator: Account) -> None:
    task = make_task(TaskKind.CALL, make_stay(make_unit(site=site)))
    sign_in(client, user=coordinator)
    path = f"/tasks/{task.id}"
    fields = look(client, path).fields(form_of(look(client, path), path))
    task.done_at = clock.now()
    db.session.commit()
    fresh()
    answer = client.post(path, data=fields)
    assert answer.status_code == 422
    assert "somebody has changed the stay meanwhile" in page_of(answer).text


def test_a_no_show_is_done_only_when_every_point_was_thought_of(
    client: PageClient, site: Site, coordinator: Account
) -> None:
    task = make_task(TaskKind.NO_SHOW, make_stay(make_unit(site=site)))
    sign_in(client, user=coordinator)
    answer = send(client, task, checks=[Check.ASKED_SITE], note="The site has not seen her.")
    assert answer.status_code == 422
    page = page_of(answer)
    assert "Go through every point of the list" in page.text
    assert "The site has not seen her." in page.html
    assert [e.get("value") for e in page.all("input") if e.get("checked") is not None] == ["asked_site"]
    assert send(client, task, checks=[c.value for c in Check]).status_code == 303


def test_a_call_that_was_forbidden_since_is_not_proposed(client: PageClient, site: Site, coordinator: Account) -> None:
    stay = make_stay(make_unit(site=site))
    task = make_task(TaskKind.CALL, stay)
    db.session.add(SafeContact(household_id=stay.household_id, can_call=False, updated_at=clock.now()))
    db.session.commit()
    sign_in(client, user=coordinator)
    page = look(client, f"/tasks/{task.id}")
    assert page.h1 == "Tell her by the agreed other way"
    assert "Never call, never text" in page.text
    assert "Call her" not in look(client, "/").text


def test_an_allowed_call_leads_to_the_number(client: PageClient, site: Site, coordinator: Account) -> None:
    stay = make_stay(make_unit(site=site))
    task = make_task(TaskKind.CALL, stay)
    row = ContactNumber(household_id=stay.household_id, kind=NumberKind.ALLOWED, number_index="n")
    row.number = "+821000001234"
    db.session.add_all([row, SafeContact(household_id=stay.household_id, can_call=True, updated_at=clock.now())])
    db.session.commit()
    reference = db.session.get_one(Household, stay.household_id).reference
    sign_in(client, user=coordinator)
    page = look(client, f"/tasks/{task.id}")
    assert page.links()["Open the record"] == f"/households/{reference}"
    assert "1234" not in page.text


FOR_WHOM = {
    TaskKind.DUPLICATE_NUMBER: Role.ADMINISTRATOR,
    TaskKind.CLOSURE_RENEWAL: Role.ADMINISTRATOR,
    TaskKind.UNREACHABLE_SITE: Role.MANAGER,
    TaskKind.CALL: Role.COORDINATOR,
    TaskKind.NO_SHOW: Role.COORDINATOR,
    TaskKind.COLLISION: Role.COORDINATOR,
    TaskKind.OTHER_WAY: Role.COORDINATOR,
    TaskKind.IMPORT_DIFFERENCE: Role.COORDINATOR,
}


@pytest.mark.parametrize("kind", list(TaskKind))
def test_each_task_is_for_those_who_can_do_it(client: PageClient, site: Site, kind: TaskKind) -> None:
    stay = make_stay(make_unit(site=site)) if FOR_WHOM[kind] is Role.COORDINATOR else None
    task = make_task(kind, stay, site_id=site.id)
    for role in (Role.COORDINATOR, Role.MANAGER, Role.ADMINISTRATOR):
        sign_in(client, user=make_user(role, sites=[site] if role is Role.COORDINATOR else []))
        fresh()
        assert client.get(f"/tasks/{task.id}").status_code == (200 if role is FOR_WHOM[kind] else 404), role


def test_a_coordinator_of_another_site_finds_nothing(client: PageClient, site: Site) -> None:
    task = make_task(TaskKind.CALL, make_stay(make_unit(site=site)))
    sign_in(client, user=make_user(sites=[make_site()]))
    fresh()
    assert client.get(f"/tasks/{task.id}").status_code == 404
    assert f"/tasks/{task.id}" not in look(client, "/tasks").links().values()


def test_an_administrator_is_told_which_cases_share_a_number_and_whom_to_ask(client: PageClient, site: Site) -> None:
    first, second = make_user(name="Erste"), make_user(name="Zweite")
    one, other = make_household(by=first), make_household(by=second)
    task = make_task(TaskKind.DUPLICATE_NUMBER, data={"other_household_id": other.id.hex})
    task.household_id = one.id
    db.session.commit()
    sign_in(client, user=make_user(Role.ADMINISTRATOR))
    text = look(client, f"/tasks/{task.id}").text
    for household in (one, other):
        assert db.session.get_one(Household, household.id).reference in text
    assert "Erste" in text
    assert "Zweite" in text


def test_the_number_of_statements_does_not_grow(client: PageClient, site: Site, coordinator: Account) -> None:
    sign_in(client, user=coordinator)
    said = []
    for number in (3, 27):
        for _ in range(number):
            make_task(TaskKind.CALL, make_stay(make_unit(site=site)))
            make_task(TaskKind.COLLISION, make_stay(make_unit(site=site)), done_at=clock.now())
        fresh()
        with count_statements() as counted:
            client.get("/tasks")
        said.append(counted.total)
    assert said[0] == said[1]
