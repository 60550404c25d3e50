"""Nothing typed is lost when a session or a token dies in the middle of a form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask, redirect, render_template_string, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import InputRequired

from shelter.domain.permissions import Role
from shelter.extensions import db
from shelter.models.people import Draft
from shelter.web.access import signed_in
from shelter.web.forms import OnceForm
from shelter.web.once import once_from
from tests.conftest import Clock
from tests.support.pages import PageClient, page_of
from tests.support.people import PASSWORD, create_user

pytestmark = pytest.mark.only("sqlite")
PAGE = """{% extends "layouts/page.html" %}{% set heading = "Probe" %}
{% from "components/forms.html" import post_form, text, textarea, checkbox, submit, post_button %}
{% block content %}{% call post_form("/probe", form) %}
{{ text(form.title) }}{{ textarea(form.notes) }}{{ checkbox(form.is_urgent) }}{{ submit("Send") }}
{% endcall %}
{{ post_button("/probe/act", "Act", once=new_once(), fields={"nights": "3"}) }}{% endblock %}"""


class ProbeForm(OnceForm):
    title = StringField("Title", validators=[InputRequired()])
    notes = TextAreaField("Notes")
    is_urgent = BooleanField("Urgent")


@pytest.fixture
def done() -> list[Any]:
    return []


@pytest.fixture
def probe(make_app: Callable[..., Flask], done: list[Any]) -> PageClient:
    bp = Blueprint("probe", __name__)

    @bp.route("/probe", methods=["GET", "POST"])
    @signed_in
    def show() -> ResponseReturnValue:
        form = ProbeForm()
        if form.validate_on_submit():
            once = once_from(form)
            if once.key not in [key for key, _ in done]:
                done.append((once.key, dict(form.data)))
            return redirect("/probe", code=303)
        return render_template_string(PAGE, form=form), 422 if request.method == "POST" else 200

    @bp.post("/probe/act")
    @signed_in
    def act() -> ResponseReturnValue:
        done.append((once_from().key, dict(request.form)))
        return redirect("/probe", code=303)

    app = make_app()
    app.testing = True
    app.test_client_class = PageClient
    app.register_blueprint(bp)
    create_user(app, login="minseo", roles={Role.COORDINATOR})
    create_user(app, login="other", roles={Role.COORDINATOR})
    client = app.test_client()
    assert isinstance(client, PageClient)
    return client


def sign_in(client: PageClient, login: str = "minseo", path: str = "/login") -> str:
    page = page_of(client.get(path))
    form = next(f for f in page.all("form") if f.get("action") == "/login")
    response = client.post("/login", data=page.fields(form) | {"login": login, "password": PASSWORD})
    assert response.status_code == 303
    return str(response.location)


def fields(client: PageClient, path: str = "/probe", action: str = "/probe") -> dict[str, Any]:
    page = page_of(client.get(path))
    form = next(f for f in page.all("form") if f.get("action") == action)
    return page.fields(form)


TYPED = {"title": "Two nights\nand more", "notes": "할머니 댁 근처는 안 됨 <b>&", "is_urgent": "y"}


def drafts(client: PageClient) -> int:
    with client.application.app_context():
        return db.session.scalar(select(func.count()).select_from(Draft)) or 0


def test_a_form_sent_too_late_reopens_with_everything_typed(
    probe: PageClient, done: list[Any], frozen_clock: Clock
) -> None:
    sign_in(probe)
    sent = fields(probe) | TYPED
    frozen_clock.forward(minutes=11)
    refused = probe.post("/probe", data=sent)
    assert refused.status_code == 303
    assert "draft=" in refused.location
    assert "kept" in page_of(probe.get(refused.location, headers={"Accept-Language": "en"})).text
    back = sign_in(probe, path=refused.location)
    assert back.startswith("/probe?typed=")
    assert "has not been sent" in page_of(probe.get(back)).text
    again = fields(probe, back)
    assert {name: value for name, value in again.items() if name != "csrf_token"} == {
        name: value for name, value in sent.items() if name != "csrf_token"
    }
    assert done == []
    assert probe.post("/probe", data=again).status_code == 303
    assert [body["notes"] for _, body in done] == [TYPED["notes"]]
    assert drafts(probe) == 0


def test_sending_it_twice_is_one_act(probe: PageClient, done: list[Any], frozen_clock: Clock) -> None:
    sign_in(probe)
    sent = fields(probe) | TYPED
    frozen_clock.forward(minutes=11)
    back = sign_in(probe, path=probe.post("/probe", data=sent).location)
    again = fields(probe, back)
    probe.post("/probe", data=again)
    probe.post("/probe", data=again)
    assert len(done) == 1


def test_it_is_kept_sealed(probe: PageClient, frozen_clock: Clock) -> None:
    sign_in(probe)
    sent = fields(probe) | TYPED
    frozen_clock.forward(minutes=11)
    probe.post("/probe", data=sent)
    with probe.application.app_context():
        draft = db.session.scalars(select(Draft)).one()
        assert "할머니".encode() not in draft.body_sealed
        assert "probe" not in draft.purpose


def test_nobody_else_gets_it(probe: PageClient, done: list[Any], frozen_clock: Clock) -> None:
    sign_in(probe)
    sent = fields(probe) | TYPED
    frozen_clock.forward(minutes=11)
    refused = probe.post("/probe", data=sent)
    draft_id = refused.location.rpartition("draft=")[2]
    assert "typed" not in sign_in(probe, "other", path=refused.location)
    page = page_of(probe.get(f"/probe?typed={draft_id}"))
    assert "할머니" not in page.text
    assert probe.get(f"/resume/{draft_id}").status_code == 404


def test_a_button_pressed_too_late_is_offered_again(probe: PageClient, done: list[Any], frozen_clock: Clock) -> None:
    sign_in(probe)
    sent = fields(probe, action="/probe/act")
    frozen_clock.forward(minutes=11)
    back = sign_in(probe, path=probe.post("/probe/act", data=sent).location)
    assert back.startswith("/resume/")
    again = fields(probe, back, action="/probe/act")
    assert done == []
    assert probe.post("/probe/act", data=again).status_code == 303
    assert [body["nights"] for _, body in done] == ["3"]
    assert drafts(probe) == 0


def test_a_dead_token_of_somebody_signed_in_costs_one_click(probe: PageClient, done: list[Any]) -> None:
    sign_in(probe)
    refused = probe.post("/probe", data=fields(probe) | TYPED | {"csrf_token": "dead"})
    assert refused.status_code == 303
    assert refused.location.startswith("/probe?typed=")
    assert done == []
    again = fields(probe, refused.location)
    assert again["notes"] == TYPED["notes"]
    probe.post("/probe", data=again)
    assert len(done) == 1


def test_a_post_from_another_site_is_not_kept(probe: PageClient) -> None:
    sign_in(probe)
    response = probe.post("/probe", data=TYPED | {"csrf_token": "dead"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 400
    assert drafts(probe) == 0


def test_a_post_of_a_stranger_is_not_kept(probe: PageClient) -> None:
    response = probe.post("/probe", data=TYPED)
    assert response.location == "/login"
    assert drafts(probe) == 0


def test_a_session_that_was_ended_on_purpose_keeps_nothing(probe: PageClient) -> None:
    sign_in(probe)
    sent = fields(probe) | TYPED
    cookie = probe.get_cookie("shelter")
    assert cookie is not None
    probe.post("/logout", data={"csrf_token": sent["csrf_token"]})
    probe.set_cookie("shelter", cookie.value)
    assert probe.post("/probe", data=sent).location == "/login"
    assert drafts(probe) == 0


def test_passwords_are_never_kept(probe: PageClient, frozen_clock: Clock) -> None:
    sign_in(probe)
    sent = fields(probe) | TYPED | {"password": "eleven patient herons", "new_password": "x"}
    frozen_clock.forward(minutes=11)
    probe.post("/probe", data=sent)
    with probe.application.app_context():
        body = db.session.scalars(select(Draft)).one().body
        assert "herons" not in str(body)
        assert body is not None
        assert {name for name, _ in body["fields"]} == {"once", *TYPED}


def test_a_page_left_open_can_be_sent_after_signing_in_again(
    probe: PageClient, done: list[Any], frozen_clock: Clock
) -> None:
    sign_in(probe)
    sent = fields(probe) | TYPED
    frozen_clock.forward(minutes=11)
    sign_in(probe)  # in another tab
    assert probe.post("/probe", data=sent).status_code == 303
    assert len(done) == 1


def test_a_partial_page_is_sent_to_sign_in_with_what_was_typed(probe: PageClient, frozen_clock: Clock) -> None:
    sign_in(probe)
    sent = fields(probe) | TYPED
    frozen_clock.forward(minutes=11)
    response = probe.post("/probe", data=sent, headers={"HX-Request": "true"})
    assert response.status_code == 401
    assert "draft=" in response.headers["HX-Redirect"]
