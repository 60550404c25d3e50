from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter.domain import references
from shelter.domain.permissions import Permission
from shelter.queries.audit import Criteria
from shelter.services import audit_trail, drafts
from shelter.web.access import requires
from shelter.web.audit.codes import details_of
from shelter.web.audit.forms import FilterForm

bp = Blueprint("audit", __name__, url_prefix="/audit")
DRAFT = "audit"


@bp.get("")
@requires(Permission.AUDIT_READ)
def index() -> ResponseReturnValue:
    kept = drafts.read_draft(purpose=DRAFT, by=current_user)
    asked = kept.body if kept else {}
    criteria = _criteria(asked)
    number = request.args.get("page", 1, type=int)
    lines = audit_trail.read_trail(criteria=criteria, number=number, by=current_user)
    form = FilterForm(
        data={**asked, "from_on": criteria.from_on, "until_on": criteria.until_on},
        formdata=None,
    )
    return render_template("audit/index.html", form=form, lines=lines, details_of=details_of)


@bp.post("")
@requires(Permission.AUDIT_READ)
def choose() -> ResponseReturnValue:
    form = FilterForm()
    if not form.validate():
        lines = audit_trail.read_trail(criteria=Criteria(), by=current_user)
        return render_template("audit/index.html", form=form, lines=lines, details_of=details_of), 422
    body = {
        "user": form.user.data or "",
        "household": references.normalise(form.household.data or ""),
        "from_on": _text(form.from_on.data),
        "until_on": _text(form.until_on.data),
        "only_looks": form.only_looks.data,
    }
    drafts.save_draft(purpose=DRAFT, body=body, by=current_user)
    return redirect(url_for("audit.index"), code=303)


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""


def _criteria(asked: dict[str, Any]) -> Criteria:
    days = {name: date.fromisoformat(asked[name]) for name in ("from_on", "until_on") if asked.get(name)}
    return Criteria(
        user_id=UUID(asked["user"]) if asked.get("user") else None,
        household=asked.get("household") or None,
        only_looks=bool(asked.get("only_looks")),
        **days,
    )
