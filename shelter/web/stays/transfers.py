"""Another room, now or planned; and the planned move that has happened."""

from __future__ import annotations

from datetime import date

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter import clock
from shelter.domain.nights import DAY
from shelter.domain.permissions import Permission as P
from shelter.domain.placing import GONE, NEVER_SET_ASIDE
from shelter.queries import find, parties
from shelter.queries.stay_facts import StayFacts
from shelter.queries.stays import RoomView
from shelter.services import transfers
from shelter.web.access import requires
from shelter.web.errors import label
from shelter.web.language import gettext as _
from shelter.web.once import once_from
from shelter.web.stays import bp
from shelter.web.stays.forms import ArrivalForm, TransferForm, from_paper
from shelter.web.stays.routes import back_to, facts_or_404, is_done, page

FEW = 3


@bp.route("/<stay:reference>/transfer", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def transfer(reference: str) -> ResponseReturnValue:
    """Only rooms that fit are offered; the night can be changed and the list asked for again."""
    facts = facts_or_404(reference)
    rooms = facts.here or facts.expected
    if not rooms and request.method == "GET":
        return redirect(url_for("stays.show", reference=reference))
    tonight = clock.shelter_day()
    first = max([tonight, *(room.arrive_on for room in rooms if room in facts.expected)])
    form = TransferForm(from_night=first, reason=from_paper().get("reason"))
    asked = [room for room in rooms if room.placement_id == form.placement_id.data]
    chosen = next(iter([*asked, *rooms]), None)
    offers = _offers(facts, chosen, form.from_night.data or tonight) if chosen else {}
    form.offer(rooms, offers)
    if "look" in request.form:
        return page("transfer", form, facts, tonight=tonight)

    def act() -> None:
        transfers.transfer(
            stay_id=facts.stay_id,
            placement_id=chosen.placement_id if chosen else None,
            to_unit_id=form.to_unit_id.data,
            from_night=form.from_night.data,
            moved_at=form.moved_at,
            reason=form.reason.data,
            accepts_misfit=bool(form.accepts_misfit.data),
            by=current_user,
            once=once_from(form),
        )

    if is_done(form, act):
        is_planned = form.from_night.data > tonight or not facts.here
        return back_to(facts, _("The move is planned.") if is_planned else _("They have moved. The old room is free."))
    return page("transfer", form, facts, tonight=tonight)


def _offers(facts: StayFacts, room: RoomView, night: date) -> dict[str, list[tuple[int, str]]]:
    """Rooms by heading, from that night until the planned day of leaving: those that fit, best first.

    Where these are few, those a person may choose knowingly as well, with what is not right.
    """
    leave_on = max(min(room.leave_on, facts.counting.limit_on), night + DAY)
    party = parties.party_of(facts.household_id)
    criteria = find.Criteria(arrive_on=night, leave_on=leave_on, party=party)
    found = find.search(criteria)
    fitting = [
        (offer.unit.unit_id, f"{offer.unit.site_name} {offer.unit.unit_label}")
        for offer in found.offers
        if offer.unit.unit_id != room.unit_id and offer.leave_on >= leave_on
    ]
    groups = {_("Rooms that fit"): fitting}
    if len(fitting) < FEW:
        for why in found.counts.keys() - GONE - NEVER_SET_ASIDE:
            units = find.kept_out(criteria, why).units
            groups[label(why)] = [(u.unit_id, f"{u.site_name} {u.unit_label}") for u in units]
    return {heading: units for heading, units in groups.items() if units}


@bp.route("/<stay:reference>/move", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def move_in(reference: str) -> ResponseReturnValue:
    facts = facts_or_404(reference)
    if not facts.next_rooms and request.method == "GET":
        return redirect(url_for("stays.show", reference=reference))
    form = ArrivalForm(**from_paper())
    form.offer([])
    old, new = facts.next_rooms[0] if facts.next_rooms else (None, None)

    def act() -> None:
        transfers.move_in(
            stay_id=facts.stay_id,
            from_placement_id=old.placement_id if old else 0,
            to_placement_id=new.placement_id if new else 0,
            moved_at=form.moment,
            reason=form.reason.data,
            accepts_misfit=form.accepts_misfit.data,
            by=current_user,
            once=once_from(form),
        )

    if is_done(form, act):
        return back_to(facts, _("They have moved. The old room is free."))
    if old is None:  # somebody else has done it
        return redirect(url_for("stays.show", reference=reference), code=303)
    return page("move_in", form, facts, old=old, new=new)
