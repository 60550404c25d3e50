"""Closures of a site's units."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter import clock
from shelter.domain.permissions import Permission as P
from shelter.domain.sites import OPEN_ENDED, unit_name
from shelter.domain.stays import ClosureReason
from shelter.queries import sites as queries
from shelter.services import closures as services
from shelter.web.access import requires
from shelter.web.language import gettext as _
from shelter.web.language import ngettext
from shelter.web.once import once_from
from shelter.web.sites import bp
from shelter.web.sites.acts import found, is_done
from shelter.web.sites.forms import ClosureForm, ConfirmForm, DayForm


@bp.get("/<uuid:site_id>/closures")
@requires(P.SITES_MANAGE)
def closures(site_id: UUID) -> ResponseReturnValue:
    """Past ones included."""
    site = found(queries.site(site_id))
    return render_template("sites/closures.html", site=site, closures=queries.closures(site_id))


@bp.route("/<uuid:site_id>/closures/new", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def new_closure(site_id: UUID) -> ResponseReturnValue:
    site = found(queries.site(site_id))
    form = ClosureForm(data={"from_on": clock.shelter_day(), "units": []})
    form.units.choices = _units(site, clock.shelter_day())
    if request.method == "POST" and is_done(form, lambda: _close(form)):
        chosen = len(form.units.data)
        flash(ngettext("%(num)s unit closed.", "%(num)s units closed.", chosen), "success")
        return redirect(url_for("sites.show", site_id=site_id), code=303)
    page = render_template("sites/closure_form.html", form=form, site=site)
    return page, 200 if request.method == "GET" else 422


def _units(site: queries.SitePage, night: date) -> list[tuple[int, str]]:
    return [
        (unit.id, unit_name(room.label, unit.label))
        for room in site.rooms
        for unit in room.units
        if not unit.is_gone(night)
    ]


def _close(form: ClosureForm) -> None:
    services.close_units(
        unit_ids=form.units.data,
        from_on=form.from_on.data,
        until_on=form.until_on.data,
        reason=ClosureReason(form.reason.data),
        note=form.note.data,
        by=current_user,
        once=once_from(form),
    )


@bp.route("/closures/<int:closure_id>/end", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def end_closure(closure_id: int) -> ResponseReturnValue:
    closure = found(queries.closure(closure_id))
    form = DayForm(data={"until_on": max(clock.shelter_day(), closure.from_on)})
    if request.method == "POST" and is_done(form, lambda: _end(closure_id, form)):
        flash(_("The unit can be booked again from that night on."), "success")
        return redirect(url_for("sites.show", site_id=closure.site_id), code=303)
    page = render_template("sites/closure_end.html", form=form, closure=closure, name=_name(closure))
    return page, 200 if request.method == "GET" else 422


def _end(closure_id: int, form: DayForm) -> None:
    services.end_closure(closure_id=closure_id, until_on=form.until_on.data, by=current_user)


@bp.route("/closures/<int:closure_id>/renew", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def renew_closure(closure_id: int) -> ResponseReturnValue:
    closure = found(queries.closure(closure_id))
    form = ConfirmForm()
    if request.method == "POST" and is_done(form, lambda: _renew(closure_id, form)):
        flash(_("Closed for another 180 days."), "success")
        return redirect(url_for("sites.show", site_id=closure.site_id), code=303)
    page = render_template(
        "sites/closure_renew.html",
        form=form,
        closure=closure,
        name=_name(closure),
        new_until=closure.until_on + OPEN_ENDED,
    )
    return page, 200 if request.method == "GET" else 422


def _renew(closure_id: int, form: ConfirmForm) -> None:
    services.renew_closure(closure_id=closure_id, by=current_user, once=once_from(form))


def _name(closure: queries.ClosureRow) -> str:
    return unit_name(closure.room, closure.unit)
