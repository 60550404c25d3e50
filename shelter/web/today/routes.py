"""The page everybody works from: the next act is the first thing seen, figures are the last."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter import clock
from shelter.domain.permissions import Permission as P
from shelter.domain.timetable import NIGHTLY
from shelter.queries import clockwork, occupancy, stay_facts
from shelter.queries import today as queries
from shelter.web.access import requires

bp = Blueprint("today", __name__)

NIGHTLY_IS_OLD = timedelta(hours=26)


@bp.get("/")
@requires(P.TODAY_VIEW)
def show() -> ResponseReturnValue:
    """Late arrivals, red tasks, holds, arrivals and departures, limits, figures: each for whom it concerns."""
    return _page(only_mine=False)


@bp.get("/mine")
@requires(P.TODAY_VIEW)
def mine() -> ResponseReturnValue:
    """The same, of one's own stays alone."""
    return _page(only_mine=True)


def _page(*, only_mine: bool) -> str:
    return render_template(
        "today/show.html",
        page=queries.today(current_user, only_mine=only_mine),
        only_mine=only_mine,
        requests=stay_facts.waiting_requests(current_user),
        free=occupancy.tonight_by_kind() if current_user.can(P.OCCUPANCY_VIEW) else None,
        operations=_operations() if current_user.can(P.OPERATIONS_VIEW) else None,
        as_of=clock.now(),
    )


def _operations() -> dict[str, Any]:
    """Is the clockwork alive, and when did the nightly job last end well?"""
    now = clock.now()
    nightly_at = clockwork.last_done_at(NIGHTLY)
    return {
        "readiness": clockwork.readiness(now),
        "nightly_at": nightly_at,
        "is_old": nightly_at is None or now - nightly_at > NIGHTLY_IS_OLD,
        "hours": None if nightly_at is None else int((now - nightly_at).total_seconds() // 3600),
    }
