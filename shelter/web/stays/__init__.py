"""Stays: lists, the page of one, everything that happens between the door and the way out, and going live."""

from flask import Blueprint

bp = Blueprint("stays", __name__, url_prefix="/stays")

from shelter.web.stays import (  # noqa: E402, F401  they register
    arrivals,
    departures,
    extensions,
    imports,
    plans,
    routes,
    transfers,
)
