"""Sites: the list, the page of one, keeping it, and where it is."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_login import current_user

from shelter import clock
from shelter.domain import districts
from shelter.domain.permissions import Permission as P
from shelter.queries import sites as queries
from shelter.services import sites as services
from shelter.web.access import requires
from shelter.web.language import gettext as _
from shelter.web.once import once_from
from shelter.web.sites import bp
from shelter.web.sites.acts import found, is_done
from shelter.web.sites.forms import ReasonForm, SiteForm


@bp.get("")
@requires(P.SITES_VIEW)
def index() -> ResponseReturnValue:
    return render_template("sites/index.html", sites=queries.sites())


@bp.get("/<uuid:site_id>")
@requires(P.SITES_VIEW)
def show(site_id: UUID) -> ResponseReturnValue:
    site = found(queries.site(site_id))
    manages = current_user.can(P.SITES_MANAGE)
    return render_template(
        "sites/site.html",
        site=site,
        policies=queries.site_policies(site_id) if manages else [],
        coordinators=queries.site_coordinators(site_id) if manages else [],
        today=clock.today(),
    )


@bp.route("/new", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def new() -> ResponseReturnValue:
    form = SiteForm(is_new=True)
    if request.method == "GET":
        return render_template("sites/site_form.html", form=form, site=None)
    made: list[str] = []
    if not is_done(form, lambda: made.append(_create(form))):
        return render_template("sites/site_form.html", form=form, site=None), 422
    flash(_("The site is there. Add its rooms now."), "success")
    return redirect(url_for("sites.show", site_id=UUID(made[0])), code=303)


def _create(form: SiteForm) -> str:
    return services.create_site(
        code_name=form.code_name.data or "",
        district=form.district.data,
        directions=form.directions.data,
        night_line=form.night_line.data,
        is_overflow=form.is_overflow.data,
        by=current_user,
        once=once_from(form),
    )


@bp.route("/<uuid:site_id>/edit", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def edit(site_id: UUID) -> ResponseReturnValue:
    site = found(queries.site(site_id))
    form = SiteForm(is_new=False, data={"code_name": site.code_name, "is_overflow": site.is_overflow})
    if request.method == "GET":
        return render_template("sites/site_form.html", form=form, site=site)
    if not is_done(form, lambda: _change(site_id, form)):
        return render_template("sites/site_form.html", form=form, site=site), 422
    flash(_("Saved."), "success")
    return redirect(url_for("sites.show", site_id=site_id), code=303)


def _change(site_id: UUID, form: SiteForm) -> None:
    services.change_site(
        site_id=site_id,
        code_name=form.code_name.data or "",
        is_overflow=form.is_overflow.data,
        district=form.district.data or None,
        directions=form.directions.data or None,
        night_line=form.night_line.data or None,
        by=current_user,
    )


@bp.post("/<uuid:site_id>/pause")
@requires(P.SITES_MANAGE)
def pause(site_id: UUID) -> ResponseReturnValue:
    services.set_paused(site_id=site_id, is_paused=True, by=current_user)
    flash(_("Paused: nobody new is placed here. Who is here or booked stays."), "success")
    return redirect(url_for("sites.show", site_id=site_id), code=303)


@bp.post("/<uuid:site_id>/resume")
@requires(P.SITES_MANAGE)
def resume(site_id: UUID) -> ResponseReturnValue:
    services.set_paused(site_id=site_id, is_paused=False, by=current_user)
    flash(_("Open for new placements again."), "success")
    return redirect(url_for("sites.show", site_id=site_id), code=303)


@bp.route("/<uuid:site_id>/directions", methods=["GET", "POST"])
@requires(P.SITES_LOCATE)
def directions(site_id: UUID) -> ResponseReturnValue:
    """Asked with a reason; the answer to the POST is the only page that says where a site is."""
    site = found(queries.site(site_id))
    form = ReasonForm()
    if request.method == "GET":
        return render_template("sites/directions.html", form=form, site=site)
    seen: list[services.Whereabouts] = []
    if not is_done(form, lambda: seen.append(_reveal(site_id, form))):
        return render_template("sites/directions.html", form=form, site=site), 422
    place = seen[0]
    district = districts.name(place.district, str(get_locale())) if place.district else None
    return render_template("sites/whereabouts.html", site=site, place=place, district=district)


def _reveal(site_id: UUID, form: ReasonForm) -> services.Whereabouts:
    return services.reveal_directions(site_id=site_id, reason=form.reason.data or "", by=current_user)
