"""Every macro in every state, on two pages without a database: what the macro and browser tests look at."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import Flask, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import Babel, get_locale
from flask_wtf import CSRFProtect, FlaskForm
from jinja2 import StrictUndefined
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    HiddenField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import InputRequired, Length

from shelter.paths import PACKAGE, resource_dir
from shelter.web import assets, formats
from shelter.web.headers import CONTENT_SECURITY_POLICY

ELSEWHERE = '<!DOCTYPE html><title>weather</title><link rel="icon" href="/static/img/favicon.svg"><p>Sunny'
CATALOGUES = PACKAGE / "translations"


def choices(**labels: str) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in labels.items()]


class Form(FlaskForm):
    """One field of each kind."""

    once = HiddenField()
    name = StringField("Name", [InputRequired(), Length(max=60)], description="As she wants to be called")
    number = StringField("Number")
    password = PasswordField("Password")
    adults = IntegerField("Women", default=1)
    children = IntegerField("Children under 10", default=2)
    on = DateField("Arrival")
    at = TimeField("Time")
    moment = DateTimeLocalField("Checked in at")
    kind = SelectField("Kind", choices=choices(family="Family", single="Single room"))
    may_call = RadioField("May we call her?", [InputRequired()], choices=choices(yes="Yes", no="No"))
    pets = RadioField("Pets", choices=choices(none="None", small="Small", any="Large"))
    needs = SelectMultipleField("Needs", choices=choices(steps="Step-free", cot="Cot"))
    is_told = BooleanField("Told by voice, no text")
    note = TextAreaField("Note", [Length(max=500)])


def gallery(**overrides: Any) -> Flask:
    """The app; `/` shows forms, `/components` the rest, `/signed-out` a page for nobody in particular."""
    app = Flask("gallery", template_folder=str(resource_dir("templates")), static_folder=str(resource_dir("static")))
    app.config.update(SECRET_KEY="gallery", WTF_CSRF_TIME_LIMIT=None, TESTING=True)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.globals.pop("config")
    csrf = CSRFProtect(app)
    domains = sorted(path.stem for path in (CATALOGUES / "ko" / "LC_MESSAGES").glob("*.po")) or ["messages"]
    Babel(
        app,
        default_domain=";".join(domains),
        default_translation_directories=";".join([str(CATALOGUES)] * len(domains)),
        locale_selector=lambda: request.accept_languages.best_match(("ko", "en")) or "ko",
    )
    assets.init_app(app)
    formats.init_app(app)
    loader = app.jinja_loader
    assert loader is not None
    loader.searchpath.append(str(Path(__file__).parent / "templates"))  # type: ignore[attr-defined]

    @app.context_processor
    def shared() -> dict[str, Any]:
        person = SimpleNamespace(is_authenticated=True, name="정하늘 Ha-neul Jeong")
        nobody = SimpleNamespace(is_authenticated=False)
        is_in = request.path != "/signed-out"
        return {
            "language": str(get_locale()),
            "here": "/",
            "is_demo": True,
            "quick_exit_url": "/elsewhere",
            "idle_minutes": 10,
            "alive_url": "/session/alive",
            "current_user": person if is_in else nobody,
            "navigation": navigation(app) if is_in else [],
        } | overrides

    def leave() -> ResponseReturnValue:
        return "", 204

    def again() -> ResponseReturnValue:
        return ("", 204) if request.form["password"] == "right" else ("No.", 422)

    def page(template: str) -> Any:
        def show() -> ResponseReturnValue:
            form = Form(meta={"csrf": False})
            if request.method == "POST":
                form.validate()
            if "flash" in request.args:
                flash("Saved.", "success")
            return render_template(template, form=form, **SAMPLES)

        return show

    app.add_url_rule("/", "today.show", page("gallery_forms.html"), methods=["GET", "POST"])
    app.add_url_rule("/part", "part", page("gallery_part.html"))
    app.add_url_rule("/components", "components", page("gallery_components.html"))
    app.add_url_rule("/signed-out", "signed_out", page("gallery_forms.html"))
    app.add_url_rule("/login", "auth.sign_in", again, methods=["POST"])
    app.add_url_rule("/exit", "auth.quick_exit", csrf.exempt(leave), methods=["GET", "POST"])
    app.add_url_rule("/sign-out", "auth.sign_out", lambda: ("", 204), methods=["POST"])
    app.add_url_rule("/session/alive", "auth.alive", lambda: ("", 204), methods=["POST"])
    app.add_url_rule("/language/<code>", "auth.set_language", lambda code: ("", 204), methods=["POST"])
    app.add_url_rule("/account", "auth.account", lambda: "", methods=["GET"])
    app.add_url_rule("/drafts/x", "drafts.save", lambda: ("", 204), methods=["POST"])
    app.add_url_rule("/elsewhere", "elsewhere", lambda: ELSEWHERE)

    @app.after_request
    def policy(response: Any) -> Any:
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return app


def navigation(app: Flask) -> list[dict[str, Any]]:
    korean = ("오늘", "방 찾기", "입소", "배정 현황표", "입소 현황", "문자", "시설", "직원")
    english = ("Today", "Find a place", "Stays", "Board", "Occupancy", "Messages", "Sites", "Staff")
    labels = korean if str(get_locale()) == "ko" else english
    return [{"href": f"/?{i}", "label": label, "is_current": i == 0} for i, label in enumerate(labels)]


SAMPLES: dict[str, Any] = {
    "night": date(2026, 3, 10),
    "instant": datetime(2026, 3, 10, 5, 5, tzinfo=UTC),
    "page": SimpleNamespace(number=4, size=20, total=187),
    "entries": [
        {
            "title": "입소 처리 Checked in",
            "at": datetime(2026, 3, 10, 5, 5, tzinfo=UTC),
            "by": "정하늘",
            "text": "2 people, 1 dog",
        },
        {"title": "배정 확정 Confirmed", "at": datetime(2026, 3, 10, 3, 1, tzinfo=UTC), "by": "정하늘"},
        {"title": "가배정 Held", "at": datetime(2026, 3, 10, 2, 40, tzinfo=UTC)},
    ],
}
