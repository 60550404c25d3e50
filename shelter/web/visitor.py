"""Who is asking: the cookie's random token, looked up by its hash on every request."""

from __future__ import annotations

import hashlib

from flask import Flask, Request, g, request
from flask_login import AnonymousUserMixin

from shelter import clock
from shelter.config import Settings
from shelter.domain.permissions import Principal
from shelter.extensions import login_manager
from shelter.queries import people


def init_app(app: Flask, settings: Settings) -> None:
    login_manager.session_protection = None  # our sessions are rows; see services/sign_in.py
    login_manager.anonymous_user = AnonymousUserMixin
    login_manager.init_app(app, add_context_processor=True)

    @login_manager.request_loader
    def load(request: Request) -> Principal | None:
        token = request.cookies.get(settings.cookie_name)
        return people.principal_of(hash_token(token), clock.now(), address=request.remote_addr) if token else None

    @app.before_request
    def _note_token() -> None:
        g.session_token = request.cookies.get(settings.cookie_name)


def hash_token(token: str) -> str:
    """What the table keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
