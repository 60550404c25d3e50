"""After an outage: what was done on paper, entered with its real time."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter.domain import references
from shelter.domain.errors import DomainError, NotFound
from shelter.domain.permissions import Permission as P
from shelter.domain.placing import UnitFitsNoMore
from shelter.domain.stays_columns import HEADS, PETS
from shelter.queries import paper, stays
from shelter.queries.visibility import readable_household
from shelter.services import walk_ins
from shelter.web import errors
from shelter.web.access import requires
from shelter.web.language import gettext as _
from shelter.web.once import once_from
from shelter.web.stays.forms import instant
from shelter.web.tonight import bp
from shelter.web.tonight.forms import WalkInForm


@bp.get("/paper")
@requires(P.STAYS_PLACE)
def enter() -> ResponseReturnValue:
    """Everybody something may have happened to, each act one click away."""
    return render_template("tonight/enter.html", entries=paper.entries(current_user))


@bp.route("/paper/arrival", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def arrival() -> ResponseReturnValue:
    """Somebody came who was not expected; afterwards the intake is entered."""
    form = WalkInForm(stays.unit_choices())
    asks_again = False
    if form.validate_on_submit():
        try:
            reference = _record(form)
        except NotFound:
            form.case.errors = [_("There is no such case, or you may not see it. Check it against the paper.")]
        except DomainError as refused:
            errors.show(refused, form)
            asks_again = isinstance(refused, UnitFitsNoMore)
        else:
            flash(_("Recorded. Go on with the intake from the paper."), "success")
            return redirect(url_for("placements.take_in", reference=reference), code=303)
    page = render_template(
        "tonight/arrival.html", form=form, heads=list(HEADS), pets=list(PETS), asks_again=asks_again
    )
    return page, 422 if form.errors else 200


def _record(form: WalkInForm) -> str:
    arrived_at = instant(form.arrived_at.data)
    assert arrived_at is not None
    household = _household(form.case.data or "")
    return walk_ins.record_walk_in(
        unit_id=form.unit_id.data,
        arrived_at=arrived_at,
        household=household,
        party=None if household else form.party,
        leave_on=form.leave_on.data,
        reason=form.reason.data or "",
        accepts_misfit=form.accepts_misfit.data,
        by=current_user,
        once=once_from(form),
    )


def _household(said: str) -> UUID | None:
    """The household of a case as written on paper, with or without the number of the stay."""
    if not said.strip():
        return None
    try:
        reference = references.split_stay_reference(said)[0]
    except references.ReferenceNotValid:
        reference = references.parse(said)
    found = readable_household(reference, current_user)
    if found is None:
        raise NotFound()
    return found
