"""Night sheets, and what was done on paper entered afterwards."""

from flask import Blueprint

bp = Blueprint("tonight", __name__, url_prefix="/tonight")

from shelter.web.tonight import paper, routes  # noqa: E402, F401  they register
