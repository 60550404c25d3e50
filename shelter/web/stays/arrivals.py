"""Check-in and its corrections; the household that does not come."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter.domain.permissions import Permission as P
from shelter.services import arrivals
from shelter.services.arrivals import Arrival
from shelter.web import formats
from shelter.web.access import requires
from shelter.web.forms import OnceForm
from shelter.web.language import gettext as _
from shelter.web.language import ngettext
from shelter.web.once import once_from
from shelter.web.stays import bp
from shelter.web.stays.forms import ArrivalForm, CorrectionForm, MomentForm, ReasonForm, from_paper, wall
from shelter.web.stays.routes import back_to, confirm_page, facts_or_404, is_done, page


@bp.route("/<stay:reference>/check-in", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def check_in(reference: str) -> ResponseReturnValue:
    facts = facts_or_404(reference)
    if not facts.expected and request.method == "GET":
        return redirect(url_for("stays.show", reference=reference))
    form = ArrivalForm(**from_paper())
    form.offer(facts.expected, facts.due_first)
    came: list[Arrival] = []

    def act() -> None:
        came.append(
            arrivals.check_in(
                stay_id=facts.stay_id,
                placement_ids=form.room_ids,
                arrived_at=form.moment,
                reason=form.reason.data,
                accepts_misfit=form.accepts_misfit.data,
                by=current_user,
                once=once_from(form),
            )
        )

    if is_done(form, act):
        tell_of(came[0])
        return back_to(facts, _("They are checked in."))
    return page("check_in", form, facts)


def tell_of(arrival: Arrival) -> None:
    """Nights that went or were added: the coordinator is told, in so many words."""
    if arrival.nights_dropped and arrival.limit_on:
        flash(
            ngettext(
                "%(num)s planned night lay past the limit of %(limit)s and was given up.",
                "%(num)s planned nights lay past the limit of %(limit)s and were given up.",
                arrival.nights_dropped,
                limit=formats.on(arrival.limit_on),
            ),
            "warning",
        )
    if arrival.nights_added:
        flash(
            ngettext(
                "%(num)s night before the planned ones was added.",
                "%(num)s nights before the planned ones were added.",
                arrival.nights_added,
            ),
            "info",
        )


def tell_of_running(running: Arrival | None) -> None:
    """The correction of an earlier stay has moved the limit of the one that runs."""
    if running is not None and running.limit_on:
        said = _("The limit of the running stay %(reference)s is %(limit)s now: nights of earlier stays are taken off.",
                 reference=running.reference, limit=formats.on(running.limit_on))  # fmt: skip
        flash(said, "warning")
        tell_of(running)


@bp.route("/<stay:reference>/check-in/correct", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def correct_arrival(reference: str) -> ResponseReturnValue:
    facts = facts_or_404(reference)
    if facts.checked_in_at is None and request.method == "GET":
        return redirect(url_for("stays.show", reference=reference))
    form = CorrectionForm(happened_at=wall(facts.checked_in_at))
    came: list[Arrival] = []

    def act() -> None:
        came.append(
            arrivals.correct_arrival(
                stay_id=facts.stay_id,
                arrived_at=form.moment,
                reason=str(form.reason.data),
                by=current_user,
                once=once_from(form),
            )
        )

    if is_done(form, act):
        tell_of(came[0])
        tell_of_running(came[0].running)
        return back_to(facts, _("The check-in was corrected; limit and nights were worked out anew."))
    return page("correct_arrival", form, facts)


@bp.route("/<stay:reference>/check-in/undo", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def undo_check_in(reference: str) -> ResponseReturnValue:
    facts = facts_or_404(reference)
    form = ReasonForm()

    def act() -> None:
        arrivals.undo_check_in(
            stay_id=facts.stay_id, reason=str(form.reason.data), by=current_user, once=once_from(form)
        )

    if is_done(form, act):
        return back_to(facts, _("The check-in was taken back. They are expected again."))
    return confirm_page(
        form,
        facts,
        heading=_("Take the check-in back"),
        explanation=_(
            "They were checked in by mistake: the stay is as it was before, the room waits for them, and the clock"
            " starts again when they really come."
        ),
        yes=_("Take it back"),
    )


@bp.route("/<stay:reference>/no-show", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def no_show(reference: str) -> ResponseReturnValue:
    facts = facts_or_404(reference)
    if not facts.expected:
        return redirect(url_for("stays.show", reference=reference))
    form = MomentForm(**from_paper())
    form.offer([])

    def act() -> None:
        arrivals.mark_no_show(
            stay_id=facts.stay_id,
            noticed_at=form.moment,
            reason=form.reason.data,
            by=current_user,
            once=once_from(form),
        )

    if is_done(form, act):
        return back_to(facts, _("Noted. The room is kept until somebody decides."))
    return page("no_show", form, facts)


@bp.route("/<stay:reference>/expect-again", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def expect_again(reference: str) -> ResponseReturnValue:
    facts = facts_or_404(reference)
    form = OnceForm()

    def act() -> None:
        arrivals.expect_again(stay_id=facts.stay_id, by=current_user, once=once_from(form))

    if is_done(form, act):
        return back_to(facts, _("They are expected again."))
    return confirm_page(
        form,
        facts,
        heading=_("They will come after all"),
        explanation=_("Somebody has heard of them. The room waits for them as before."),
        yes=_("Expect them again"),
        style="primary",
    )
