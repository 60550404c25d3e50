"""Only what a person does keeps a session alive: opening a page, sending a form, typing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app, request, url_for
from flask_login import current_user

from shelter import config
from shelter.services import sign_in

View = TypeVar("View", bound=Callable[..., Any])


def long_form(view: View) -> View:
    """Mark a page that is typed into for long, on the phone: it is given the longer idle limit."""
    view.is_long_form = True  # type: ignore[attr-defined]
    return view


def is_long_form() -> bool:
    return getattr(current_app.view_functions.get(request.endpoint or ""), "is_long_form", False)


def note_activity() -> None:
    """Before each request. A partial page may be fetched by a timer, so it does not count."""
    if request.endpoint in (None, "static", "auth.alive") or not current_user.is_authenticated:
        return
    is_page = request.method in ("GET", "HEAD")
    if is_page and "HX-Request" in request.headers:
        return
    kind = is_long_form() if is_page else None
    sign_in.touch(session_id=current_user.session_id, by=current_user, is_long_form=kind)


def for_templates() -> dict[str, Any]:
    """What the warning before the end of the session needs to know."""
    settings = config.active()
    if is_long_form():
        return {
            "idle_minutes": settings.session_intake_idle_minutes,
            "alive_url": url_for("auth.alive", form="long"),
        }
    return {"idle_minutes": settings.session_idle_minutes, "alive_url": url_for("auth.alive")}
