"""Places: sites by code name, their rooms and units, closures, policies, and lists that bring them in."""

from flask import Blueprint

bp = Blueprint("sites", __name__, url_prefix="/sites")

from shelter.web.sites import closures, imports, routes, terms, units  # noqa: E402, F401  they register
