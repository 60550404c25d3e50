"""Signing in and out, the session, the own account, one-time links, quick exit."""

from flask import Blueprint

bp = Blueprint("auth", __name__)

from shelter.web.auth import account, routes  # noqa: E402, F401  they register their views
