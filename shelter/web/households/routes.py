from __future__ import annotations

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter import clock
from shelter.domain.contacts import may_call, may_text
from shelter.domain.permissions import Permission as P
from shelter.queries import households as queries
from shelter.queries import visibility
from shelter.queries.sites import site_choices
from shelter.services import households as records
from shelter.services import intake
from shelter.web.access import requires
from shelter.web.auth.activity import long_form
from shelter.web.households.forms import IntakeForm
from shelter.web.households.saving import is_saved
from shelter.web.households.words import heads_in_words, needs_in_words
from shelter.web.language import gettext as _

bp = Blueprint("households", __name__, url_prefix="/households/<household:reference>")
bp.add_app_template_filter(heads_in_words, "heads")
bp.add_app_template_filter(needs_in_words, "needs")


def _readable(reference: str) -> UUID:
    household_id = visibility.readable_household(reference, current_user)
    if household_id is None:
        abort(404)
    return household_id


@bp.get("")
@requires(P.HOUSEHOLDS_READ)
def show_household(reference: str) -> ResponseReturnValue:
    """The record, opened: contact first."""
    household_id = _readable(reference)
    record = records.open_record(household_id=household_id, page="household", by=current_user)
    local = clock.local(clock.now())
    return render_template(
        "households/show.html",
        record=record,
        call=may_call(record.contact, local),
        text=may_text(record.contact, local),
        stays=queries.household_stays(household_id),
        same=queries.same_number(household_id, current_user),
        site_names={str(site_id): name for site_id, name in site_choices()},
    )


@bp.route("/edit", methods=["GET", "POST"])
@requires(P.HOUSEHOLDS_WRITE)
@long_form
def edit(reference: str) -> ResponseReturnValue:
    """The same questions as at intake."""
    household_id = _readable(reference)
    record = records.open_record(household_id=household_id, page="edit", by=current_user)
    form = IntakeForm(site_choices())
    status = 200
    if request.method == "POST":
        form.compare(record)
        told = form.told(record.intake) if form.validate() else None
        status = 422
        if told is not None and "more" in request.form:
            status = 200
        elif told is not None and is_saved(form, told, household_id, "edit"):
            flash(_("Saved."))
            return redirect(url_for("households.show_household", reference=reference), code=303)
    elif form.has_what_was_typed:
        form.compare(record)
    else:
        form.show(record)
    form.add_empty_rows()
    return render_template("households/edit.html", form=form, reference=reference, previews={}), status


@bp.post("/withdraw-consent")
@requires(P.HOUSEHOLDS_WRITE)
def withdraw_consent(reference: str) -> ResponseReturnValue:
    intake.withdraw_consent(household_id=_readable(reference), by=current_user)
    flash(_("No text goes to her from now on."))
    return redirect(url_for("households.show_household", reference=reference), code=303)


@bp.post("/reconfirm-consent")
@requires(P.HOUSEHOLDS_WRITE)
def reconfirm_consent(reference: str) -> ResponseReturnValue:
    intake.reconfirm_consent(household_id=_readable(reference), by=current_user)
    flash(_("Noted that she still agrees to texts."))
    return redirect(url_for("households.show_household", reference=reference), code=303)
