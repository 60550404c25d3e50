from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from shelter import clock
from shelter.domain.messages import MessageState
from shelter.domain.permissions import Permission
from shelter.queries import operations
from shelter.version import __version__
from shelter.web.access import requires
from shelter.web.operations import words

bp = Blueprint("operations", __name__, url_prefix="/operations")
# The states of a text that may stay what it is for long.
UNDER_WAY = (MessageState.QUEUED, MessageState.UNKNOWN)


@bp.get("")
@requires(Permission.OPERATIONS_VIEW)
def show() -> ResponseReturnValue:
    now = clock.now()
    return render_template(
        "operations/show.html",
        state=operations.operations(now),
        zone=clock.timezone(),
        version=__version__,
        words=words,
        under_way=UNDER_WAY,
    )
