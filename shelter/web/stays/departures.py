"""Leaving, its corrections, another day of leaving, and bookings that are not needed."""

from __future__ import annotations

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter.domain.permissions import Permission as P
from shelter.domain.stays import CancelReason, Destination, ExitReason, StayState
from shelter.queries import stay_facts
from shelter.services import departures
from shelter.services.departures import Departure
from shelter.web import formats
from shelter.web.access import requires
from shelter.web.language import gettext as _
from shelter.web.once import once_from
from shelter.web.stays import bp
from shelter.web.stays.arrivals import tell_of_running
from shelter.web.stays.forms import (
    CancelForm,
    CheckOutForm,
    CorrectDepartureForm,
    LeaveDateForm,
    UndoCheckOutForm,
    from_paper,
    wall,
)
from shelter.web.stays.routes import back_to, facts_or_404, is_done, page


@bp.route("/<stay:reference>/check-out", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def check_out(reference: str) -> ResponseReturnValue:
    facts = facts_or_404(reference)
    if not facts.here and request.method == "GET":
        return redirect(url_for("stays.show", reference=reference))
    form = CheckOutForm(**from_paper())
    form.offer(facts.here)
    left: list[Departure] = []

    def act() -> None:
        left.append(
            departures.check_out(
                stay_id=facts.stay_id,
                placement_ids=form.room_ids,
                left_at=form.moment,
                exit_reason=ExitReason(form.exit_reason.data),
                destination=Destination(form.destination.data),
                reason=form.reason.data,
                by=current_user,
                once=once_from(form),
            )
        )

    if is_done(form, act):
        if left[0].is_over:
            return back_to(facts, _("They are checked out. The stay has ended."))
        return back_to(facts, _("These rooms are free. The others stay on."))
    return page("check_out", form, facts)


@bp.route("/<stay:reference>/check-out/correct", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def correct_departure(reference: str) -> ResponseReturnValue:
    facts = facts_or_404(reference)
    if facts.state is not StayState.ENDED and request.method == "GET":
        return redirect(url_for("stays.show", reference=reference))
    form = CorrectDepartureForm(
        happened_at=wall(facts.ended_at), exit_reason=facts.exit_reason, destination=facts.destination
    )

    left: list[Departure] = []

    def act() -> None:
        left.append(
            departures.correct_departure(
                stay_id=facts.stay_id,
                left_at=form.moment,
                exit_reason=ExitReason(form.exit_reason.data),
                destination=Destination(form.destination.data),
                reason=str(form.reason.data),
                by=current_user,
                once=once_from(form),
            )
        )

    if is_done(form, act):
        tell_of_running(left[0].running)
        return back_to(facts, _("The check-out was corrected."))
    return page("correct_departure", form, facts)


@bp.route("/<stay:reference>/check-out/undo", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def undo_check_out(reference: str) -> ResponseReturnValue:
    facts = facts_or_404(reference)
    if facts.state is not StayState.ENDED and request.method == "GET":
        return redirect(url_for("stays.show", reference=reference))
    form = UndoCheckOutForm(leave_on=stay_facts.planned_before_leaving(facts.stay_id))

    def act() -> None:
        departures.undo_check_out(
            stay_id=facts.stay_id,
            leave_on=form.leave_on.data,
            reason=str(form.reason.data),
            by=current_user,
            once=once_from(form),
        )

    if is_done(form, act):
        return back_to(facts, _("The check-out was taken back. They are in the house."))
    return page("undo_check_out", form, facts)


@bp.route("/<stay:reference>/leave-date", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def leave_date(reference: str) -> ResponseReturnValue:
    facts = facts_or_404(reference)
    rooms = facts.here + facts.expected
    if not rooms and request.method == "GET":
        return redirect(url_for("stays.show", reference=reference))
    last = max((room.leave_on for room in rooms), default=None)
    form = LeaveDateForm(leave_on=last)
    form.offer(rooms, [room for room in rooms if room.leave_on == last])

    def act() -> None:
        departures.change_leave_on(
            stay_id=facts.stay_id,
            leave_on=form.leave_on.data,
            placement_ids=form.room_ids,
            by=current_user,
            once=once_from(form),
        )

    if is_done(form, act):
        return back_to(facts, _("They are planned to leave on %(day)s.", day=formats.on(form.leave_on.data)))
    return page("leave_date", form, facts)


@bp.route("/<stay:reference>/cancel", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def cancel(reference: str) -> ResponseReturnValue:
    facts = facts_or_404(reference)
    rooms = facts.held + facts.expected
    if not rooms and request.method == "GET":
        return redirect(url_for("stays.show", reference=reference))
    form = CancelForm(**from_paper())
    form.offer(rooms)

    def act() -> None:
        every = [room.placement_id for room in rooms]
        chosen = form.room_ids or every
        is_whole = facts.state is StayState.OPEN and set(chosen) == set(every)
        departures.cancel(
            stay_id=facts.stay_id,
            reason=CancelReason(form.cancel_reason.data),
            text=form.note.data,
            placement_ids=None if is_whole else chosen,
            cancelled_at=form.moment,
            late_because=form.reason.data,
            by=current_user,
            once=once_from(form),
        )

    if is_done(form, act):
        return back_to(facts, _("Cancelled. The room is free."))
    return page("cancel", form, facts)
