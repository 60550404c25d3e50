"""Hold, intake, confirmation, arrival card: the pages of one booking, by stay reference."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from shelter import clock
from shelter.domain.contacts import Contact, TextChoice, may_call, may_text
from shelter.domain.errors import DatabaseBusy, DomainError, UnitJustTaken
from shelter.domain.messages import Detail, Template, render
from shelter.domain.permissions import Permission as P
from shelter.domain.placing import NEVER_SET_ASIDE, NothingHeld, UnitFitsNoMore
from shelter.queries import households as queries
from shelter.queries import messages
from shelter.queries.households import Booking
from shelter.queries.sites import site_choices
from shelter.services import drafts, placements
from shelter.services import households as records
from shelter.web.access import requires
from shelter.web.auth.activity import long_form
from shelter.web.errors import sentence, show
from shelter.web.households.forms import IntakeForm
from shelter.web.households.saving import is_saved
from shelter.web.language import gettext as _
from shelter.web.once import once_from
from shelter.web.placements.forms import ConfirmForm
from shelter.web.stays.routes import is_from_paper

bp = Blueprint("placements", __name__, url_prefix="/stays/<stay:reference>")


def booking_or_404(reference: str) -> Booking:
    booking = queries.booking(reference, current_user)
    if booking is None or not booking.places:
        abort(404)
    return booking


@bp.get("/hold")
@requires(P.STAYS_PLACE)
def held(reference: str) -> ResponseReturnValue:
    """Until when the place is kept, and what comes next."""
    booking = booking_or_404(reference)
    if booking.is_confirmed:
        return redirect(url_for("stays.show", reference=reference))
    return render_template("placements/held.html", booking=booking, minutes_left=minutes_left(booking))


def minutes_left(booking: Booking) -> int:
    if booking.held_until is None:
        return 0
    return max(0, int((booking.held_until - clock.now()).total_seconds() // 60))


@bp.post("/hold/renew")
@requires(P.STAYS_PLACE)
def renew(reference: str) -> ResponseReturnValue:
    booking = booking_or_404(reference)
    return _do(lambda: placements.renew_hold(stay_id=booking.stay_id, by=current_user, once=once_from()), reference)


@bp.post("/hold/on-the-way")
@requires(P.STAYS_PLACE)
def on_the_way(reference: str) -> ResponseReturnValue:
    booking = booking_or_404(reference)
    return _do(
        lambda: placements.mark_on_the_way(stay_id=booking.stay_id, by=current_user, once=once_from()), reference
    )


@bp.post("/hold/release")
@requires(P.STAYS_PLACE)
def release(reference: str) -> ResponseReturnValue:
    booking = booking_or_404(reference)
    placements.release_hold(stay_id=booking.stay_id, by=current_user, once=once_from())
    flash(_("The place is free again. What you typed to find it is kept."))
    return redirect(url_for("find.show"), code=303)


def _do(act: Any, reference: str) -> ResponseReturnValue:
    """An act on the hold, then its page again, refused or not."""
    try:
        act()
    except DatabaseBusy:
        raise
    except DomainError as refused:
        booking = booking_or_404(reference)
        page = render_template(
            "placements/held.html", booking=booking, minutes_left=minutes_left(booking), refused=sentence(refused)
        )
        return page, 422
    return redirect(url_for("placements.held", reference=reference), code=303)


@bp.route("/intake", methods=["GET", "POST"])
@requires(P.HOUSEHOLDS_WRITE)
@long_form
def take_in(reference: str) -> ResponseReturnValue:
    """Contact first, then people and pets, then where she must never be."""
    booking = booking_or_404(reference)
    purpose = f"intake:{reference}"
    record = records.open_record(household_id=booking.household_id, page="intake", by=current_user)
    if request.method == "POST":
        form = IntakeForm(site_choices())
        form.compare(record)
        told = form.told(record.intake) if form.validate() else None
        if told is not None and "more" not in request.form and is_saved(form, told, booking.household_id, "intake"):
            drafts.forget_sent(purpose=purpose, by=current_user)
            if same := queries.same_number(booking.household_id, current_user):
                flash(_("The same number stands in: %(cases)s", cases=", ".join(same)), "warning")
            to = "placements.confirm" if booking.is_held else "stays.show"
            return redirect(url_for(to, reference=reference), code=303)
        form.add_empty_rows()
        status = 200 if "more" in request.form and not form.errors else 422
        return _intake_page(form, booking, None), status
    form = IntakeForm(site_choices())
    draft = None if form.has_what_was_typed else drafts.read_draft(purpose=purpose, by=current_user)
    if draft is not None:
        form = IntakeForm(site_choices(), formdata=MultiDict(draft.body))
    if draft is not None or form.has_what_was_typed:
        form.compare(record)
    else:
        form.show(record)
    form.add_empty_rows()
    return _intake_page(form, booking, draft.saved_at if draft else None)


def _intake_page(form: IntakeForm, booking: Booking, draft_saved_at: datetime | None) -> str:
    return render_template(
        "placements/intake.html",
        form=form,
        booking=booking,
        draft_saved_at=draft_saved_at,
        previews=previews(booking),
    )


def previews(booking: Booking) -> dict[str, str]:
    """What the phone would show, by level of detail: the coordinator reads it to her."""
    return {
        level.value: render(Template.CONFIRMED, level, "ko", date=booking.arrive_on)
        for level in (Detail.CALL_US, Detail.DATE_ONLY)
    }


@bp.post("/intake/draft")
@requires(P.HOUSEHOLDS_WRITE)
def keep_draft(reference: str) -> ResponseReturnValue:
    """What is being typed, kept as it is typed."""
    booking_or_404(reference)
    body = {name: values for name, values in request.form.lists() if name not in ("csrf_token", "once")}
    drafts.save_draft(purpose=f"intake:{reference}", body=body, by=current_user)
    return "", 204


@bp.post("/intake/draft/drop")
@requires(P.HOUSEHOLDS_WRITE)
def drop_draft(reference: str) -> ResponseReturnValue:
    """Back to what is saved."""
    booking_or_404(reference)
    drafts.drop_draft(purpose=f"intake:{reference}", by=current_user)
    return redirect(url_for("placements.take_in", reference=reference), code=303)


@bp.route("/confirm", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def confirm(reference: str) -> ResponseReturnValue:
    """The last look before the place is hers."""
    booking = booking_or_404(reference)
    form = ConfirmForm(booking.arrive_on)
    may_accept, is_sent = False, form.validate_on_submit()
    if booking.is_confirmed and not is_sent:
        return redirect(url_for("placements.card", reference=reference))
    if is_sent:  # also once it is confirmed: its key says whether this is the same act
        local = form.expected_at.data.replace(tzinfo=clock.timezone())
        try:
            placements.confirm_stay(
                stay_id=booking.stay_id,
                expected_at=local,
                text=TextChoice(form.text.data),
                accepts_misfit=form.accepts_misfit.data,
                by=current_user,
                once=once_from(form),
            )
        except UnitJustTaken as lost:
            flash(sentence(lost), "warning")
            return redirect(url_for("tonight.enter" if is_from_paper() else "find.show"), code=303)
        except NothingHeld as gone:
            if booking_or_404(reference).is_confirmed:  # from another page
                return redirect(url_for("placements.card", reference=reference), code=303)
            show(gone, form)
        except DomainError as refused:
            show(refused, form)
            may_accept = isinstance(refused, UnitFitsNoMore) and refused.reason not in NEVER_SET_ASIDE
        else:
            if is_from_paper():  # they are in the house: nobody needs a card for the door
                return redirect(url_for("stays.check_in", reference=reference, paper=1), code=303)
            return redirect(url_for("placements.card", reference=reference), code=303)
    if not form.is_submitted() and form.expected_at.data is None:
        form.expected_at.data = usual_arrival(booking)
    record = records.open_record(household_id=booking.household_id, page="confirm", by=current_user)
    page = render_template(
        "placements/confirm.html",
        form=form,
        booking=booking,
        record=record,
        minutes_left=minutes_left(booking),
        text=text_advice(record.contact),
        preview=_preview(record, booking),
        may_accept=may_accept,
        is_paper=is_from_paper(),
    )
    return page, 422 if form.errors else 200


def usual_arrival(booking: Booking) -> datetime:
    """Two hours from now for tonight, on the quarter; else three in the afternoon of the day."""
    now = clock.local(clock.now())
    if booking.arrive_on <= clock.shelter_day():
        soon = now + timedelta(hours=2)
        return soon.replace(minute=soon.minute // 15 * 15, second=0, microsecond=0, tzinfo=None)
    return datetime.combine(booking.arrive_on, time(15))


def text_advice(contact: Contact | None) -> dict[str, Any]:
    """What the rules say of a text now and within her hours."""
    local = clock.local(clock.now())
    now, later = may_text(contact, local, is_asked_now=True), may_text(contact, local)
    return {"suppression": now.suppression, "not_before": later.not_before, "later_suppression": later.suppression}


def _preview(record: records.Record, booking: Booking) -> str | None:
    contact = record.intake.contact
    if contact.detail is Detail.NONE:
        return None
    return render(Template.CONFIRMED, contact.detail, contact.language, date=booking.arrive_on)


@bp.get("/arrival-card")
@requires(P.STAYS_PLACE)
def card(reference: str) -> ResponseReturnValue:
    """Who comes when: for the site's door, to be read or printed."""
    booking = booking_or_404(reference)
    if not booking.is_confirmed:
        return redirect(url_for("placements.held", reference=reference))
    opened = records.open_arrival_card(stay_id=booking.stay_id, by=current_user)
    return render_template(
        "placements/card.html",
        booking=booking,
        card=opened,
        call=may_call(opened.contact, clock.local(clock.now())),
        is_unread=booking.is_card_unread(clock.now()),
        texts=messages.of_stay(booking.stay_id),
    )


@bp.post("/arrival-card/received")
@requires(P.STAYS_PLACE)
def received(reference: str) -> ResponseReturnValue:
    booking = booking_or_404(reference)
    records.receive_arrival_card(stay_id=booking.stay_id, by=current_user, once=once_from())
    return redirect(url_for("placements.card", reference=reference), code=303)
