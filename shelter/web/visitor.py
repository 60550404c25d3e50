"""Who is asking: the cookie's random token, looked up by its hash on every request."""

from __future__ import annotations

from flask import Flask, Request
from flask_login import AnonymousUserMixin

from shelter import clock, config
from shelter.config import Settings
from shelter.domain.permissions import Principal
from shelter.extensions import login_manager
from shelter.queries import people
from shelter.services.sign_in import hash_token


def init_app(app: Flask, settings: Settings) -> None:
    login_manager.session_protection = None  # our sessions are rows; see services/sign_in.py
    login_manager.anonymous_user = AnonymousUserMixin
    login_manager.init_app(app, add_context_processor=True)

    # Another program's "remember me" cookie on this host must not keep ours from being looked at.
    app.config["REMEMBER_COOKIE_NAME"] = f"{settings.cookie_name}-never"

    @login_manager.request_loader
    def load(request: Request) -> Principal | None:
        token = request.cookies.get(config.active().cookie_name)
        if not token:
            return None
        return people.principal_of(hash_token(token), clock.now(), address=request.remote_addr)
