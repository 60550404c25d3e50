"""The page everybody works from: the next act is the first thing seen, figures are the last."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter import clock
from shelter.domain.operations import unready
from shelter.domain.permissions import Permission as P
from shelter.domain.timetable import NIGHTLY
from shelter.queries import occupancy, operations, stay_facts
from shelter.queries import today as queries
from shelter.web.access import requires

bp = Blueprint("today", __name__)


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
        system=_system() if current_user.can(P.OPERATIONS_VIEW) else None,
        as_of=clock.now(),
    )


def _system() -> dict[str, Any]:
    """What is wrong with the system itself, and when the check of limits last ended well."""
    vitals, now = operations.read_vitals(), clock.now()
    nightly = next((job for job in vitals.jobs if job.timing.name == NIGHTLY), None)
    return {"wrong": unready(vitals, now, clock.timezone()), "nightly_at": nightly and nightly.last_good_at}
