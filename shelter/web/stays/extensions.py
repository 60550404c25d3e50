"""Asking for an extension, and deciding about it: a reference, dates, composition and plan, never a name."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter.domain.permissions import Permission as P
from shelter.queries import stay_facts
from shelter.services import extensions, stay_records
from shelter.services.extensions import Decided
from shelter.web import formats
from shelter.web.access import requires
from shelter.web.language import gettext as _
from shelter.web.once import once_from
from shelter.web.stays import bp, words
from shelter.web.stays.forms import DecisionForm, RequestForm
from shelter.web.stays.routes import back_to, facts_or_404, is_done, page


@bp.route("/<stay:reference>/extension", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def extension(reference: str) -> ResponseReturnValue:
    facts = facts_or_404(reference)
    form = RequestForm()

    def act() -> None:
        extensions.request_extension(
            stay_id=facts.stay_id, reason=str(form.reason.data), by=current_user, once=once_from(form)
        )

    if is_done(form, act):
        return back_to(facts, _("The extension is asked for. It waits for a decision."))
    return page("extension", form, facts, counted=words.counted(facts.counting))


@bp.get("/extensions")
@requires(P.LIMITS_DECIDE, P.STAYS_PLACE)
def waiting() -> ResponseReturnValue:
    """What waits for this person's decision."""
    return render_template("stays/waiting.html", waiting=stay_facts.waiting_requests(current_user))


@bp.route("/<stay:reference>/extension/decision", methods=["GET", "POST"])
@requires(P.LIMITS_DECIDE, P.STAYS_PLACE)
def decide(reference: str) -> ResponseReturnValue:
    record = stay_records.open_decision(reference=reference, by=current_user)
    facts = record.facts
    form = DecisionForm()
    done: list[Decided] = []

    def act() -> None:
        done.append(
            extensions.decide_extension(
                stay_id=facts.stay_id,
                is_granted=form.decision.data == "granted",
                reason=form.reason.data,
                by=current_user,
                once=once_from(form),
            )
        )

    if is_done(form, act):
        if form.decision.data != "granted":
            said = _("Refused. The limit stays.")
        elif done[0].is_longer:
            said = _("Granted. Limit and planned leaving are now %(day)s.", day=formats.on(done[0].limit_on))
        else:
            said = _("Granted. The limit is now %(day)s.", day=formats.on(done[0].limit_on))
        if current_user.can(P.STAYS_READ):
            return back_to(facts, said)
        flash(said, "success")
        return redirect(url_for("stays.waiting"), code=303)
    days, counted = words.days_left(facts.counting), words.counted(facts.counting)
    return page("decision", form, facts, record=record, days=days, counted=counted)
