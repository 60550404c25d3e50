"""The pages: one package per area, registered here; what every answer shares is in the modules beside."""

from __future__ import annotations

from typing import cast

from flask import Flask
from werkzeug.utils import import_string

from shelter.config import Settings
from shelter.extensions import QuietlyClosed, csrf, db
from shelter.web import access, assets, errors, formats, forms, headers, language, shell, visitor
from shelter.web.converters import CONVERTERS
from shelter.web.health import tally

# Each area offers `bp`, a blueprint. In the order of the navigation, then the rest.
AREAS = (
    "today",
    "find",
    "placements",
    "stays",
    "households",
    "board",
    "occupancy",
    "tonight",
    "messages",
    "tasks",
    "sites",
    "users",
    "audit",
    "operations",
    "auth",
    "webhooks",
    "health",
)


def init_app(app: Flask, settings: Settings) -> None:
    app.url_map.converters.update(CONVERTERS)
    assets.init_app(app)
    language.init_app(app)
    visitor.init_app(app, settings)
    access.init_app(app)  # before csrf: an anonymous POST is sent to sign in, not told of a token
    forms.init_app(app)
    csrf.init_app(app)
    headers.init_app(app, settings)
    formats.init_app(app)
    shell.init_app(app, settings)
    errors.init_app(app)
    app.teardown_request(_end_transaction)
    for area in AREAS:
        app.register_blueprint(import_string(f"shelter.web.{area}:bp"))
    tally.init_app(app)


def _end_transaction(_error: BaseException | None) -> None:
    """Within the request, while somebody waits for its answer: a database that stands still is given no longer."""
    cast(QuietlyClosed, db.session()).end_transaction()
