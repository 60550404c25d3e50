"""The night sheets as pages to print: one of each site of one's own, and one over all sites."""

from __future__ import annotations

from uuid import UUID

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter.domain.permissions import Permission as P
from shelter.queries.sites import site_choices
from shelter.services import night_sheets
from shelter.web.access import requires
from shelter.web.tonight import bp


@bp.get("")
@requires(P.HOUSEHOLDS_READ)
def index() -> ResponseReturnValue:
    own = [site for site in site_choices() if site[0] in current_user.site_ids]
    return render_template("tonight/index.html", own=own)


@bp.get("/all")
@requires(P.HOUSEHOLDS_READ)
def overview() -> ResponseReturnValue:
    """Opening it is printing it: the access log says so."""
    return render_template("tonight/overview.html", found=night_sheets.open_overview(by=current_user))


@bp.get("/<uuid:site_id>")
@requires(P.HOUSEHOLDS_READ)
def sheet(site_id: UUID) -> ResponseReturnValue:
    """The same of one site, for whoever coordinates it."""
    found = night_sheets.open_sheet(site_id=site_id, by=current_user)
    return render_template("tonight/sheet.html", found=found, sheet=found.sites[0])
