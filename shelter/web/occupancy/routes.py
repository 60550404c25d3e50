"""Occupancy pages. The address holds a step, a day and a site's id; every figure says how it is counted."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_login import current_user

from shelter import clock
from shelter.domain.occupancy import Figure, NightState
from shelter.domain.periods import Period, Step, is_thinkable, period
from shelter.domain.permissions import Permission as P
from shelter.queries import occupancy as queries
from shelter.queries import turnaways
from shelter.services.occupancy_export import export_occupancy
from shelter.web import formats
from shelter.web.access import requires
from shelter.web.errors import label
from shelter.web.occupancy import export
from shelter.web.occupancy.chart import chart

bp = Blueprint("occupancy", __name__, url_prefix="/occupancy")


@bp.app_template_global("definition_of")
def _definition_of(figure: str) -> str:
    return label(Figure(figure))


@bp.app_template_filter("night_state")
def _night_state(state: str) -> str:
    return label(NightState(state))


@bp.app_template_filter("percent")
def percent(share: float | None) -> str:
    """`87 %`; a dash where there was nothing to divide by."""
    return formats.NOTHING if share is None else f"{share * 100:.0f} %"


@bp.get("")
@requires(P.OCCUPANCY_VIEW)
def show() -> ResponseReturnValue:
    """Free tonight, then the chosen period: figures, trend, by site and kind, turnaways."""
    wanted, site_id = _wanted()
    found = queries.occupancy(wanted, site_id)
    site_name = dict(found.sites).get(site_id) if site_id else None
    if site_id and site_name is None:
        abort(404)
    return render_template(
        "occupancy/show.html",
        found=found,
        period=wanted,
        title=period_title(wanted),
        site_id=site_id,
        site_name=site_name,
        chart=chart(found.parts),
        free=queries.tonight_by_kind([site_id] if site_id else None),
        turnaways=turnaways.turnaways(wanted) if site_id is None and found.has_data else None,
        steps=list(Step),
        this_day=clock.shelter_day(),
    )


@bp.get("/export/<any(xlsx, csv):kind>")
@requires(P.OCCUPANCY_VIEW)
def download(kind: str) -> ResponseReturnValue:
    """The table of the period as a file; who took it is written down."""
    wanted, site_id = _wanted()
    found = export_occupancy(wanted, site_id, by=current_user)
    content, mimetype = export.write(found, kind, str(get_locale()))
    answer = Response(content, mimetype=mimetype)
    name = f"occupancy-{wanted.first.isoformat()}-{wanted.last.isoformat()}.{kind}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _wanted() -> tuple[Period, UUID | None]:
    """This month of all sites, or what the address says; 404 for what is no day, step or id."""
    try:
        step = Step(request.args.get("step", Step.MONTH))
        on = date.fromisoformat(request.args["on"]) if request.args.get("on") else clock.shelter_day()
        site_id = UUID(request.args["site"]) if request.args.get("site") else None
    except ValueError:
        abort(404)
    if not is_thinkable(on):
        abort(404)
    return period(step, on), site_id


def period_title(of: Period) -> str:
    """`2026년 11월`, `Nov 2026`; a week by its days."""
    match of.step:
        case Step.DAY:
            return formats.night(of.first)
        case Step.WEEK:
            return f"{formats.on(of.first)} – {formats.on(of.last)}"
        case Step.MONTH:
            return formats.month(of.first, with_year=True)
        case Step.YEAR:
            return f"{of.first.year}년" if str(get_locale()) == "ko" else str(of.first.year)
