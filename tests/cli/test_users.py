"""`flask users`: accounts made and links printed without a browser."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from shelter import clock
from shelter.domain.permissions import Role
from shelter.extensions import db
from shelter.models.sites import Site
from shelter.queries import people
from shelter.services import users
from tests.support.people import create_user

pytestmark = pytest.mark.only("sqlite")
LINK = re.compile(r"http://localhost:8000/link/([\w-]{43})\n")


def test_the_printed_link_opens_the_account(app: Flask) -> None:
    with app.app_context():
        db.session.add(Site(code_name="Magnolia", created_at=clock.now()))
        db.session.commit()
    args = ["users", "create", "Jiwoo", "--name", "Jiwoo Han", "--role", "coordinator", "--site", "Magnolia"]
    said = app.test_cli_runner().invoke(args=args)
    assert said.exit_code == 0, said.output
    found = LINK.search(said.output)
    assert found is not None
    with app.app_context():
        users.use_link(token=found[1], password="eleven patient herons at noon", address=None)
        [member] = people.staff()
        assert (member.login, member.roles) == ("jiwoo", {Role.COORDINATOR})
        assert [m.code_name for m in member.memberships] == ["Magnolia"]


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["jiwoo", "--name", "J", "--role", "coordinator", "--site", "Nowhere"], "There is no site Nowhere"),
        (["ji woo", "--name", "J", "--role", "manager"], "without spaces"),
        (["boss", "--name", "J", "--role", "manager"], "in use"),
        (["jiwoo", "--name", "J", "--role", "manager", "--phone", "x"], "not a telephone number"),
    ],
)
def test_a_refusal_is_a_sentence_and_exit_code_1(app: Flask, args: list[str], sentence: str) -> None:
    create_user(app, login="boss", roles={Role.ADMINISTRATOR})
    said = app.test_cli_runner().invoke(args=["users", "create", *args])
    assert said.exit_code == 1
    assert sentence in said.output


def test_an_unknown_role_is_a_wrong_call(app: Flask) -> None:
    said = app.test_cli_runner().invoke(args=["users", "create", "x", "--name", "X", "--role", "king"])
    assert said.exit_code == 2


def test_a_lost_link_is_replaced(app: Flask) -> None:
    create_user(app, login="minseo")
    said = app.test_cli_runner().invoke(args=["users", "link", "minseo"])
    assert LINK.search(said.output)
    assert app.test_cli_runner().invoke(args=["users", "link", "nobody"]).exit_code == 1


def test_the_list_names_everybody(app: Flask) -> None:
    create_user(app, login="minseo", name="Min Seo")
    said = app.test_cli_runner().invoke(args=["users", "list"])
    assert re.search(r"minseo\s+active\s+coordinator\s+Min Seo", said.output)
