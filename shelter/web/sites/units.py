"""Rooms and units of a site."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter import clock
from shelter.domain.matching import Audience, PetsAllowed, Sharing
from shelter.domain.permissions import Permission as P
from shelter.domain.sites import unit_name, usual_audience
from shelter.queries import sites as queries
from shelter.services import units as services
from shelter.web.access import requires
from shelter.web.language import gettext as _
from shelter.web.once import once_from
from shelter.web.sites import bp
from shelter.web.sites.acts import found, is_done
from shelter.web.sites.forms import DayForm, RoomForm, UnitForm


@bp.route("/<uuid:site_id>/rooms/new", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def new_room(site_id: UUID) -> ResponseReturnValue:
    site = found(queries.site(site_id))
    form = RoomForm(data={"sharing": Sharing.HOUSEHOLD.value})
    made: list[str] = []
    if request.method == "POST" and is_done(form, lambda: made.append(_add_room(site_id, form))):
        flash(_("The room is there. Say now what can be booked in it."), "success")
        return redirect(url_for("sites.new_unit", room_id=int(made[0])), code=303)
    page = render_template("sites/room_form.html", form=form, site=site, room=None)
    return page, 200 if request.method == "GET" else 422


def _add_room(site_id: UUID, form: RoomForm) -> str:
    return services.add_room(
        site_id=site_id,
        label=form.label.data or "",
        floor=form.floor.data,
        sharing=Sharing(form.sharing.data),
        by=current_user,
        once=once_from(form),
    )


@bp.route("/rooms/<int:room_id>/edit", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def edit_room(room_id: int) -> ResponseReturnValue:
    page = found(queries.room(room_id))
    room = page.room
    form = RoomForm(data={"label": room.label, "floor": room.floor, "sharing": room.sharing.value})
    if request.method == "POST" and is_done(form, lambda: _change_room(room_id, form)):
        flash(_("Saved."), "success")
        return redirect(url_for("sites.show", site_id=page.site_id), code=303)
    site = found(queries.site(page.site_id))
    shown = render_template("sites/room_form.html", form=form, site=site, room=room)
    return shown, 200 if request.method == "GET" else 422


def _change_room(room_id: int, form: RoomForm) -> None:
    services.change_room(
        room_id=room_id,
        label=form.label.data or "",
        floor=form.floor.data,
        sharing=Sharing(form.sharing.data),
        by=current_user,
    )


@bp.route("/rooms/<int:room_id>/units/new", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def new_unit(room_id: int) -> ResponseReturnValue:
    page = found(queries.room(room_id))
    usual = {
        "audience": usual_audience(page.room.sharing).value,
        "accepts_older_boys": page.room.sharing is Sharing.HOUSEHOLD,
        "in_service_from": clock.shelter_day(),
    }
    form = UnitForm(data=usual)
    if request.method == "POST" and is_done(form, lambda: _add_unit(page.room, form)):
        flash(_("The unit can be booked now."), "success")
        return redirect(url_for("sites.show", site_id=page.site_id), code=303)
    shown = render_template("sites/unit_form.html", form=form, page=page, unit=None)
    return shown, 200 if request.method == "GET" else 422


def _add_unit(room: queries.RoomRow, form: UnitForm) -> None:
    services.add_unit(
        room_id=room.id,
        label=form.label.data or room.label,
        terms=_terms(form),
        by=current_user,
        once=once_from(form),
    )


@bp.route("/units/<int:unit_id>/edit", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def edit_unit(unit_id: int) -> ResponseReturnValue:
    page = found(queries.unit(unit_id))
    form = UnitForm(data=_as_typed(page))
    if request.method == "POST" and is_done(form, lambda: _change_unit(page, form)):
        flash(_("Saved."), "success")
        return redirect(url_for("sites.show", site_id=page.site_id), code=303)
    room = found(queries.room(page.room_id))
    shown = render_template("sites/unit_form.html", form=form, page=room, unit=page.unit)
    return shown, 200 if request.method == "GET" else 422


def _as_typed(page: queries.UnitPage) -> dict[str, Any]:
    unit = page.unit
    typed = {name: getattr(unit, name) for name in services.TERMS}
    return typed | {
        "label": "" if unit.label == page.room_label else unit.label,
        "audience": unit.audience.value,
        "pets_allowed": unit.pets_allowed.value,
    }


def _change_unit(page: queries.UnitPage, form: UnitForm) -> None:
    services.change_unit(
        unit_id=page.unit.id,
        label=form.label.data or page.room_label,
        terms=_terms(form),
        by=current_user,
    )


def _terms(form: UnitForm) -> services.UnitTerms:
    pets = PetsAllowed(form.pets_allowed.data)
    return services.UnitTerms(
        capacity=form.capacity.data,
        pets_allowed=pets,
        max_pets=form.max_pets.data,
        is_step_free=form.is_step_free.data,
        has_cot=form.has_cot.data,
        audience=Audience(form.audience.data),
        accepts_older_boys=form.accepts_older_boys.data,
        in_service_from=form.in_service_from.data,
        in_service_until=form.in_service_until.data,
    )


@bp.route("/units/<int:unit_id>/retire", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def retire_unit(unit_id: int) -> ResponseReturnValue:
    page = found(queries.unit(unit_id))
    form = DayForm(data={"until_on": clock.shelter_day()})
    if request.method == "POST" and is_done(form, lambda: _retire(unit_id, form)):
        flash(_("Out of service from that day on."), "success")
        return redirect(url_for("sites.show", site_id=page.site_id), code=303)
    shown = render_template(
        "sites/unit_retire.html", form=form, page=page, name=unit_name(page.room_label, page.unit.label)
    )
    return shown, 200 if request.method == "GET" else 422


def _retire(unit_id: int, form: DayForm) -> None:
    services.retire_unit(unit_id=unit_id, until_on=form.until_on.data, by=current_user)
