"""The board of a site. The address holds the site's id, the first night and how many, nothing else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter import clock
from shelter.domain.nights import Nights
from shelter.domain.periods import EARLIEST, LATEST, is_thinkable
from shelter.domain.permissions import Permission as P
from shelter.queries import board as queries
from shelter.queries.occupancy import sites
from shelter.web.access import requires

bp = Blueprint("board", __name__, url_prefix="/board")

LENGTHS = (14, 28)


@bp.get("")
@requires(P.BOARD_VIEW)
def index() -> ResponseReturnValue:
    """The site chosen from the list; else the first of one's own, or the first there is."""
    if chosen := request.args.get("site"):
        try:
            site_id = UUID(chosen)
        except ValueError:
            abort(404)
        nights = _nights()
        query: dict[str, Any] = {"nights": len(nights), "from": nights.arrive_on.isoformat()}
        return redirect(url_for("board.show", site_id=site_id, **query))
    there = sites()
    if not there:
        return render_template("board/empty.html")
    own = [site_id for site_id, _name in there if site_id in current_user.site_ids]
    return redirect(url_for("board.show", site_id=(own or [there[0][0]])[0]))


@bp.get("/<uuid:site_id>")
@requires(P.BOARD_VIEW)
def show(site_id: UUID) -> ResponseReturnValue:
    nights = _nights()
    board = queries.board(site_id, nights, current_user)
    if board is None:
        abort(404)
    there = sites()
    own = [site for site in there if site[0] in current_user.site_ids]
    return render_template(
        "board/show.html",
        board=board,
        own=own,
        others=[site for site in there if site not in own],
        lengths=LENGTHS,
        days=list(nights),
        previous=_shifted(nights, -1),
        following=_shifted(nights, 1),
        today=clock.shelter_day(),
    )


def _nights() -> Nights:
    """From `from`, else from the day before tonight; `nights` of them."""
    try:
        first = date.fromisoformat(request.args["from"]) if "from" in request.args else None
        length = int(request.args.get("nights", LENGTHS[0]))
    except ValueError:
        abort(404)
    if length not in LENGTHS or (first is not None and not is_thinkable(first)):
        abort(404)
    first = first or clock.shelter_day() - timedelta(days=1)
    return Nights(first, first + timedelta(days=length))


def _shifted(nights: Nights, direction: int) -> date | None:
    first = nights.arrive_on + direction * timedelta(days=len(nights))
    return first if EARLIEST <= first <= LATEST else None
