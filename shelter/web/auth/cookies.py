"""The cookie that holds the session's random token, and what leaves with it."""

from __future__ import annotations

from flask import session
from werkzeug.wrappers import Response

from shelter import config


def give(response: Response, token: str) -> None:
    """A browser-session cookie: closing the browser signs out as well."""
    settings = config.active()
    response.set_cookie(
        settings.cookie_name, token, secure=settings.is_https, httponly=True, samesite="Strict", path="/"
    )


def take(response: Response) -> None:
    """Nothing of the session stays in the browser: cookie, form token, cache, storage."""
    settings = config.active()
    session.clear()
    response.delete_cookie(settings.cookie_name, secure=settings.is_https, httponly=True, samesite="Strict", path="/")
    response.headers["Clear-Site-Data"] = '"*"'
