"""The lists of stays, and the page of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter.domain.errors import DomainError
from shelter.domain.permissions import Permission as P
from shelter.domain.placing import UnitFitsNoMore
from shelter.queries import stay_facts, stays
from shelter.queries.stay_facts import StayFacts
from shelter.queries.stays import StayList
from shelter.services import stay_records
from shelter.web import errors
from shelter.web.access import requires
from shelter.web.forms import Form
from shelter.web.language import lazy_gettext as _l
from shelter.web.stays import bp, words
from shelter.web.stays.forms import ArrivalForm

TABS = {
    StayList.RUNNING: _l("Running"),
    StayList.MINE: _l("Mine"),
    StayList.NEAR_LIMIT: _l("Near the limit"),
    StayList.PAST: _l("Past"),
}


@bp.get("")
@requires(P.STAYS_READ)
def index() -> ResponseReturnValue:
    return _list(StayList.RUNNING)


@bp.get("/list/<any('mine', 'near-limit', 'past'):which>")
@requires(P.STAYS_READ)
def some(which: str) -> ResponseReturnValue:
    return _list(StayList(which))


def _list(which: StayList) -> str:
    counts = stays.count_stays(current_user)
    number = request.args.get("page", 1, type=int)
    page = stays.list_stays(which, current_user, number=number, total=counts.get(which))
    tabs = [
        {
            "href": url_for("stays.index") if tab is StayList.RUNNING else url_for("stays.some", which=tab.value),
            "label": f"{label} ({counts[tab]})" if tab in counts else label,
            "is_current": tab is which,
        }
        for tab, label in TABS.items()
    ]
    waiting = stay_facts.waiting_requests(current_user)
    return render_template("stays/index.html", page=page, tabs=tabs, which=which, waiting=waiting)


@bp.get("/<stay:reference>")
@requires(P.STAYS_READ)
def show(reference: str) -> ResponseReturnValue:
    record = stay_records.open_stay(reference=reference, by=current_user)
    return render_template(
        "stays/show.html",
        record=record,
        facts=record.facts,
        act=words.next_act(record),
        acts=words.other_acts(record),
        days=words.days_left(record.facts.counting),
        counted=words.counted(record.facts.counting),
        events=[words.event(event, record.facts) for event in record.events],
        corrections=words.corrections(record.facts),
    )


def facts_or_404(reference: str) -> StayFacts:
    known = stay_facts.readable_facts(reference, current_user)
    if known is None:
        abort(404)
    return known


def is_done(form: Form, act: Callable[[], Any]) -> bool:
    """Do it when the form is right. False: the form says why not, with all that was typed."""
    if not form.validate_on_submit():
        return False
    try:
        act()
    except DomainError as refused:
        if type(refused) in errors.STATUS:
            raise
        errors.show(refused, form)
        if isinstance(form, ArrivalForm):
            form.asks_again = isinstance(refused, UnitFitsNoMore)
        return False
    return True


def page(template: str, form: Form, facts: StayFacts, **more: Any) -> ResponseReturnValue:
    """The form's page; 422 when it was sent and refused."""
    said = render_template(f"stays/{template}.html", form=form, facts=facts, is_paper=is_from_paper(), **more)
    return said, 422 if form.errors else 200


def is_from_paper() -> bool:
    """One of many acts of a night on paper: it leads back to their list."""
    return bool(request.values.get("paper"))


def back_to(facts: StayFacts, said: str) -> ResponseReturnValue:
    flash(said, "success")
    if is_from_paper():
        return redirect(url_for("tonight.enter"), code=303)
    return redirect(url_for("stays.show", reference=facts.reference), code=303)


def confirm_page(form: Form, facts: StayFacts, **said: Any) -> ResponseReturnValue:
    """A short "do you really" with a reason, if one is asked for."""
    return page("confirm", form, facts, **said)
