from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter.domain.messages import MessageState
from shelter.domain.permissions import Permission as P
from shelter.queries import messages as texts
from shelter.services import messages
from shelter.web.access import requires
from shelter.web.language import gettext as _
from shelter.web.language import lazy_gettext as _l

bp = Blueprint("messages", __name__, url_prefix="/messages")
S = MessageState
# What the tabs gather; the first one everything.
TABS = {
    "all": (_l("All"), frozenset[MessageState]()),
    "failed": (_l("Failed"), frozenset({S.FAILED})),
    "unknown": (_l("Outcome unknown"), frozenset({S.UNKNOWN})),
    "queued": (_l("Queued"), frozenset({S.QUEUED, S.SENDING})),
    "sent": (_l("Sent"), frozenset({S.SENT, S.DELIVERED})),
    "not-sent": (_l("Not sent"), frozenset({S.SUPPRESSED})),
    "received": (_l("Came in"), frozenset({S.RECEIVED})),
}


@bp.get("")
@requires(P.MESSAGES_READ)
def index() -> ResponseReturnValue:
    return _list("all")


@bp.get("/list/<any('failed', 'unknown', 'queued', 'sent', 'not-sent', 'received'):which>")
@requires(P.MESSAGES_READ)
def some(which: str) -> ResponseReturnValue:
    return _list(which)


def _list(which: str) -> str:
    counts = texts.counts_by_state(current_user)
    number = request.args.get("page", 1, type=int)
    page = messages.read_texts(states=TABS[which][1], number=number, by=current_user)
    tabs = [
        {
            "href": url_for("messages.index") if tab == "all" else url_for("messages.some", which=tab),
            "label": f"{label} ({sum(n for state, n in counts.items() if not states or state in states)})",
            "is_current": tab == which,
        }
        for tab, (label, states) in TABS.items()
    ]
    return render_template("messages/index.html", page=page, tabs=tabs, stopped_at=texts.texts_stopped_at())


@bp.route("/stop", methods=["GET", "POST"])
@requires(P.MESSAGES_STOP)
def stop() -> ResponseReturnValue:
    if request.method == "GET":
        return render_template("messages/stop.html")
    messages.stop_all_texts(by=current_user)
    flash(_("All texts are stopped. Nothing leaves until somebody lets them go again."), "warning")
    return redirect(url_for("messages.index"), code=303)


@bp.post("/resume")
@requires(P.MESSAGES_STOP)
def resume() -> ResponseReturnValue:
    messages.resume_texts(by=current_user)
    flash(_("Texts leave again. What was not sent meanwhile stays unsent: see the tasks."), "success")
    return redirect(url_for("messages.index"), code=303)
