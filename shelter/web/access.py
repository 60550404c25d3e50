"""Closed unless opened: every view states its permission, or why it is public. One hook enforces it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter.domain.permissions import Permission
from shelter.services import audit_trail

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Access:
    """What a view asks for: one of the permissions; none of them means any signed-in person."""

    any_of: frozenset[Permission] = frozenset()
    public_because: str | None = None


def requires(*any_of: Permission) -> Callable[[View], View]:
    """Only for those who hold one of the permissions."""

    def mark(view: View) -> View:
        view.access = Access(any_of=frozenset(any_of))  # type: ignore[attr-defined]
        return view

    if not any_of:
        raise TypeError("name a permission, or use @signed_in")
    return mark


def signed_in(view: View) -> View:
    """For every signed-in person, whatever the roles."""
    view.access = Access()  # type: ignore[attr-defined]
    return view


def public(*, because: str) -> Callable[[View], View]:
    """For everybody; the reason is listed by the architecture test."""

    def mark(view: View) -> View:
        view.access = Access(public_because=because)  # type: ignore[attr-defined]
        return view

    return mark


def init_app(app: Flask) -> None:
    app.before_request(_enforce)


def _enforce() -> ResponseReturnValue | None:
    view = current_app.view_functions.get(request.endpoint or "")
    access: Access | None = getattr(view, "access", None)
    if access is not None and access.public_because:
        return None
    if not current_user.is_authenticated:
        return sign_in_first()
    if view is None:
        return None  # 404 or 405: flask says so
    if access is None:
        abort(403)
    if access.any_of and not access.any_of & current_user.permissions:
        audit_trail.record_refusal(by=current_user, endpoint=request.endpoint or "")
        abort(403)
    return None


def note_hidden() -> None:
    """Before a 404 is said: a walk through references leaves a trace. Whether the record is hidden or there is none,
    the same is done, so that both answers take equally long.
    """
    reference = (request.view_args or {}).get("reference")
    if reference and current_user.is_authenticated:
        audit_trail.record_hidden(by=current_user, endpoint=request.endpoint or "", reference=reference)


def sign_in_first() -> ResponseReturnValue:
    """Anonymous: to the sign-in page, alike for every path that is not public; 401 for a partial page."""
    from shelter.web.auth.expired import keep_what_was_typed

    draft = keep_what_was_typed()
    target = url_for("auth.sign_in", next=_way_back(), draft=draft)
    if request.headers.get("HX-Request"):
        return "", 401, {"HX-Redirect": target}
    return redirect(target, code=303 if request.method != "GET" else 302)


def _way_back() -> str | None:
    """The path only: a query could hold what must not be in a URL."""
    return request.path if request.method in ("GET", "HEAD") and request.path != "/" else None
