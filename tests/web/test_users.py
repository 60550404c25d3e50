"""Staff as administrators keep it: invited, given roles and sites, closed."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from shelter import clock
from shelter.domain.permissions import Role
from shelter.extensions import db
from shelter.models.sites import Site
from tests.support.pages import PageClient, page_of
from tests.support.people import Account, create_user
from tests.support.people import sign_in as open_session

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture
def boss(client: PageClient, app: Flask) -> Account:
    account = create_user(app, roles={Role.ADMINISTRATOR}, login="boss")
    return open_session(client, user=account)


@pytest.fixture
def magnolia(app: Flask) -> str:
    with app.app_context():
        site = Site(code_name="Magnolia", created_at=clock.now())
        db.session.add(site)
        db.session.commit()
        return str(site.id)


def fields(client: PageClient, path: str, action: str | None = None) -> dict[str, Any]:
    page = page_of(client.get(path))
    return page.fields(next(f for f in page.all("form") if f.get("action") == (action or path)))


def send(client: PageClient, path: str, action: str | None = None, **typed: Any) -> TestResponse:
    return client.post(action or path, data=fields(client, path, action) | typed)


def invite(client: PageClient, **typed: Any) -> TestResponse:
    return send(client, "/users/invite", **({"login": "jiwoo", "name": "Jiwoo", "roles": ["coordinator"]} | typed))


def test_the_link_is_shown_once(client: PageClient, boss: Account, magnolia: str) -> None:
    response = invite(client, sites=[magnolia])
    assert response.status_code == 303
    first = page_of(client.get(response.location))
    assert "http://localhost:8000/link/" in first.text
    assert "Magnolia" in first.text
    again = page_of(client.get(response.location))
    assert "/link/" not in again.text
    assert "No password has been chosen yet" in again.text


def test_a_second_click_makes_no_second_account(client: PageClient, boss: Account) -> None:
    sent = fields(client, "/users/invite") | {"login": "jiwoo", "name": "Jiwoo", "roles": ["coordinator"]}
    first, second = client.post("/users/invite", data=sent), client.post("/users/invite", data=sent)
    assert first.location == second.location
    assert client.post("/users/invite", data=sent | {"name": "Other"}).status_code == 409


def test_a_refusal_keeps_what_was_typed(client: PageClient, boss: Account) -> None:
    response = invite(client, login="boss", phone="02-123-4567")
    assert response.status_code == 422
    page = page_of(response)
    assert "in use" in page.text
    assert page.by_id("phone").get("value") == "02-123-4567"  # type: ignore[union-attr]
    assert page.fields(next(f for f in page.all("form") if f.get("action") == "/users/invite"))["roles"]


def test_roles_and_details_are_changed_with_a_history(client: PageClient, app: Flask, boss: Account) -> None:
    path = f"/users/{create_user(app, login='minseo').id}"
    assert send(client, path, name="Min Seo", roles=["coordinator", "manager"]).status_code == 303
    page = page_of(client.get(path))
    assert page.h1 == "Min Seo"
    assert "Coordinator → Coordinator, Manager" in page.text
    refused = send(client, path, roles=[])
    assert refused.status_code == 422
    assert "at least one role" in page_of(refused).text


def test_sites_are_added_and_ended(client: PageClient, app: Flask, boss: Account, magnolia: str) -> None:
    path = f"/users/{create_user(app, login='minseo').id}"
    added = send(client, path, f"{path}/sites", site=magnolia, from_on="2030-01-01", until_on="2030-02-01")
    assert added.status_code == 303
    twice = send(client, path, f"{path}/sites", site=magnolia, from_on="2030-01-15")
    assert twice.status_code == 422
    page = page_of(client.get(path))
    end = next(f for f in page.all("form") if f.get("action", "").endswith("/end"))
    assert client.post(end.get("action", ""), data=page.fields(end)).status_code == 303


def test_an_unknown_site_is_no_choice(client: PageClient, app: Flask, boss: Account, magnolia: str) -> None:
    path = f"/users/{create_user(app, login='minseo').id}"
    for wrong in ("x", "00000000-0000-7000-8000-000000000000", ""):
        assert send(client, path, f"{path}/sites", site=wrong, from_on="2030-01-01").status_code == 422


def test_an_account_is_closed_and_opened_again(client: PageClient, app: Flask, boss: Account) -> None:
    path = f"/users/{create_user(app, login='minseo', name='Min Seo').id}"
    assert send(client, f"{path}/deactivate").status_code == 303
    assert "closed" in page_of(client.get(path)).text
    opened = client.post(f"{path}/reactivate", data=fields(client, path, f"{path}/reactivate"))
    assert "/link/" in page_of(client.get(opened.location)).text


def test_the_last_administrator_is_told_why_not(client: PageClient, boss: Account) -> None:
    refused = send(client, f"/users/{boss.id}/deactivate")
    assert refused.status_code == 422
    assert "last administrator" in page_of(refused).text


def test_the_list_shows_state_and_no_number(client: PageClient, app: Flask, boss: Account) -> None:
    create_user(app, login="minseo", phone="+821012345678")
    page = page_of(client.get("/users"))
    assert "1234" not in page.text
    assert ["Boss", "boss", "Administrator", "–", "never", "Active"] in page.rows()


def test_somebody_who_is_not_there_is_a_404(client: PageClient, boss: Account) -> None:
    assert client.get("/users/00000000-0000-7000-8000-000000000000").status_code == 404
