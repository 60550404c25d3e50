"""Nothing typed is lost: a POST with a dead session or a dead token becomes an encrypted draft of its person.

After signing in, the page it came from reopens with everything typed (`web/forms.py`); where there is no such
page, because it was a button, `/resume/<draft>` offers to press it again. What was kept goes when it is sent.
"""

from __future__ import annotations

import hashlib
from uuid import UUID

from flask import Response, current_app, flash, g, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from shelter import clock, config
from shelter.domain.errors import DomainError
from shelter.domain.permissions import Principal
from shelter.queries import people
from shelter.services import drafts
from shelter.services.drafts import SavedDraft
from shelter.services.sign_in import hash_token
from shelter.web.language import gettext as _

PARAMETER = "typed"
LONGEST_PATH = 200


def keep_what_was_typed() -> UUID | None:
    """The draft's id, if this request is a POST of somebody whose session timed out within the last day."""
    token = request.cookies.get(config.active().cookie_name)
    if not token or not _is_worth_keeping():
        return None
    user_id = people.owner_of_dead_session(hash_token(token), clock.now())
    return _keep(Principal(user_id=user_id, login="", name="")) if user_id else None


def reopen_with_fresh_token() -> Response | None:
    """A signed-in person sent a page with a dead token: the same page again, with a new one."""
    if not current_user.is_authenticated or not _is_worth_keeping():
        return None
    draft_id = _keep(current_user)
    draft = drafts.read_draft(by=current_user, draft_id=draft_id) if draft_id else None
    return redirect(way_back(draft), code=303) if draft else None  # type: ignore[return-value]


def _is_worth_keeping() -> bool:
    is_ours = request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
    is_act = request.method == "POST" and request.endpoint and request.blueprint not in ("auth", "webhooks")
    return bool(is_ours and is_act and request.form and len(request.path) <= LONGEST_PATH)


def _keep(by: Principal) -> UUID | None:
    kept = [(n, v) for n, v in request.form.lists() if n != "csrf_token" and "password" not in n]
    purpose = "post:" + hashlib.sha256(request.path.encode()).hexdigest()[:32]
    try:
        return drafts.save_draft(purpose=purpose, body={"path": request.path, "fields": kept}, by=by)
    except DomainError:
        return None  # too large, or the database is busy: signing in matters more


def way_back(draft: SavedDraft) -> str:
    """The page that was typed into, or the one that offers the button again."""
    path = draft.body["path"]
    try:
        current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:
        return url_for("auth.resume", draft_id=draft.id)
    return f"{path}?{PARAMETER}={draft.id}"


def fields_of(draft: SavedDraft) -> MultiDict[str, str]:
    return MultiDict([(name, value) for name, values in draft.body["fields"] for value in values])


def bring_back() -> None:
    """Before each request: what was typed, for the form on this page."""
    asked = request.args.get(PARAMETER)
    if request.method != "GET" or not asked or not current_user.is_authenticated:
        return
    draft = drafts.read_draft(by=current_user, draft_id=_uuid(asked)) if _uuid(asked) else None
    if draft and draft.body.get("path") == request.path:
        g.typed, g.typed_id = fields_of(draft), draft.id
        flash(_("What you typed is here again. It has not been sent: check it and send it."), "info")


def after(response: Response) -> Response:
    """After each request: forget what is sent now; offer the button where no form took what was typed."""
    if "typed" in g and response.status_code == 200:
        session["typed"] = [str(g.typed_id), request.path]
        if not g.get("is_typed_shown"):
            return redirect(url_for("auth.resume", draft_id=g.typed_id), code=303)  # type: ignore[return-value]
    if request.method == "POST" and response.status_code in (302, 303) and current_user.is_authenticated:
        draft_id, path = session.get("typed", (None, None))
        if draft_id and path == request.path:
            session.pop("typed")
            drafts.forget_sent(by=current_user, draft_id=_uuid(draft_id))
    return response


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
