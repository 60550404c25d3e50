"""Find and hold. Criteria live in a sealed draft and in the forms themselves, never in an address."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from shelter import clock, config
from shelter.domain import references, turnaways
from shelter.domain.errors import DatabaseBusy, DomainError, KeyReused, UnitJustTaken
from shelter.domain.matching import SAFETY_REASONS, Reason
from shelter.domain.nights import Nights
from shelter.domain.permissions import Permission as P
from shelter.domain.stays import TurnawayReason
from shelter.queries import find as queries
from shelter.queries import near_fits, visibility
from shelter.queries.vacancies import Criteria
from shelter.services import drafts, placements, searches
from shelter.services import turnaways as turnaway_services
from shelter.services.drafts import SavedDraft
from shelter.services.placements import Segment
from shelter.web.access import requires
from shelter.web.errors import sentence
from shelter.web.find.forms import FindForm, TurnawayForm
from shelter.web.forms import row_id
from shelter.web.language import gettext as _
from shelter.web.once import once_from

bp = Blueprint("find", __name__, url_prefix="/find")

PURPOSE = "find"
FORGET_AFTER = timedelta(hours=8)  # by then it is another caller
WITHOUT_PETS = " without-pets"
KEPT = {"csrf_token", "once", "segments", "reason"}  # all but these are criteria


@bp.get("")
@requires(P.STAYS_PLACE)
def show() -> ResponseReturnValue:
    """The criteria, and once they are known what fits them. `new`: another caller; `change`: all criteria again."""
    draft = None if {"new", "case"} & set(request.args) or "typed" in g else _fresh_draft()
    if draft is None:
        return _page(_empty_form())
    form = _form_of(draft)
    return _page(form, None if "change" in request.args else form.criteria(current_user), page=_page_number())


@bp.post("")
@requires(P.STAYS_PLACE)
def search() -> ResponseReturnValue:
    form = FindForm()
    criteria = form.criteria(current_user)
    if criteria is None:
        return _page(form), 422
    _keep(criteria)
    return redirect(url_for("find.show"), code=303)


@bp.post("/hold")
@requires(P.STAYS_PLACE)
def hold() -> ResponseReturnValue:
    """The first act: the place is hers while we talk. The criteria come with the button that was pressed."""
    form = FindForm()
    criteria, asked = form.criteria(current_user), request.form.get("segments", "")
    segments = _segments(asked.removesuffix(WITHOUT_PETS))
    if criteria is None or not segments:
        return _page(form), 422
    party = criteria.party
    try:
        reference = placements.hold_units(
            segments=segments,
            party=replace(party, pets=()) if asked.endswith(WITHOUT_PETS) else party,
            household=party.household_id,
            expected_leave_on=criteria.leave_on,
            by=current_user,
            once=once_from(),
        )
    except (KeyReused, DatabaseBusy):
        raise  # this page has held a place already: not once more by accident; or nothing can be held at all
    except DomainError as refused:
        _keep(criteria)
        return _page(form, criteria, refused=refused), 409 if isinstance(refused, UnitJustTaken) else 422
    return redirect(url_for("placements.held", reference=reference), code=303)


@bp.post("/turnaways")
@requires(P.STAYS_PLACE)
def record_turnaway() -> ResponseReturnValue:
    """No place was given: counted with a reason. The search is over then."""
    form, turnaway = FindForm(), TurnawayForm()
    criteria = form.criteria(current_user)
    if criteria is None or not turnaway.validate():
        if criteria is not None:
            _keep(criteria)  # what is shown again is a search like any other, and leaves its trace
        return _page(form, criteria), 422
    turnaway_services.record_turnaway(
        night=criteria.arrive_on,
        reason=TurnawayReason(turnaway.reason.data),
        party=criteria.party,
        by=current_user,
        once=once_from(),
    )
    drafts.forget_sent(purpose=PURPOSE, by=current_user)
    flash(_("The turnaway is recorded, without a name."), "success")
    return redirect(url_for("find.show"), code=303)


@bp.get("/not-fitting/<any({}):reason>".format(", ".join(reason.value for reason in Reason)))
@requires(P.STAYS_PLACE)
def not_fitting(reason: str) -> ResponseReturnValue:
    """The units that one reason keeps out of the search."""
    why, draft = Reason(reason), _fresh_draft()
    if why in SAFETY_REASONS and not current_user.can(P.EXCLUSIONS_SEE):
        abort(404)
    criteria = _form_of(draft).criteria(current_user) if draft else None
    if criteria is None:
        return redirect(url_for("find.show"))
    units = queries.kept_out(criteria, why, page=_page_number())
    return render_template("find/not_fitting.html", reason=why, units=units, criteria=criteria)


def _page(
    form: FindForm, criteria: Criteria | None = None, *, page: int = 1, refused: DomainError | None = None
) -> str:
    if criteria is None:
        return render_template("find/find.html", form=form, found=None)
    found = queries.search(criteria, page=page)
    turnaway = TurnawayForm(formdata=None)
    turnaway.reason.data = turnaways.likely_reason(found.counts, criteria.party, found.total).value
    return render_template(
        "find/find.html",
        form=form,
        found=found,
        near=near_fits.near(found) if page == 1 else None,
        turnaway=turnaway,
        refused=sentence(refused) if refused else None,
        kept=form.typed(),
        sees_withheld=current_user.can(P.EXCLUSIONS_SEE),
        hold_minutes=config.active().max_hold_minutes,
    )


def _empty_form() -> FindForm:
    """For a new caller, or for a `case` that was here before."""
    form = FindForm()
    if reference := request.args.get("case"):
        form.case.data = references.normalise(reference)
        if visibility.readable_household(form.case.data, current_user) is None:
            abort(404)
    return form


def _fresh_draft() -> SavedDraft | None:
    """What was searched for last, if that was for this night's callers."""
    draft = drafts.read_draft(purpose=PURPOSE, by=current_user)
    if draft is None or clock.now() - draft.saved_at > FORGET_AFTER:
        return None
    return None if _first_night(draft) < clock.shelter_day() else draft


def _first_night(draft: SavedDraft) -> date:
    return date.fromisoformat(dict(draft.body["fields"])["arrive_on"][0])


def _form_of(draft: SavedDraft) -> FindForm:
    fields = MultiDict([(name, value) for name, values in draft.body["fields"] for value in values])
    return FindForm(formdata=fields, meta={"csrf": False})


def _keep(criteria: Criteria) -> None:
    """The search as typed, and a trace of what is to be avoided when that has changed."""
    draft = _fresh_draft()
    before = _form_of(draft).criteria(current_user) if draft else None
    searches.note_exclusions(before=before.party if before else None, party=criteria.party, by=current_user)
    fields = [(name, values) for name, values in request.form.lists() if name not in KEPT]
    drafts.save_draft(purpose=PURPOSE, body={"fields": fields}, by=current_user)


def _segments(text: str) -> list[Segment]:
    """`unit:first night:day of leaving`, two of them joined by a space; nothing when it cannot be read."""
    try:
        parts = [part.split(":") for part in text.split()]
        return [Segment(row_id(unit), Nights(*map(date.fromisoformat, days))) for unit, *days in parts]
    except (ValueError, TypeError, DomainError):
        return []


def _page_number() -> int:
    return max(1, min(request.args.get("page", 1, type=int), 1000))
