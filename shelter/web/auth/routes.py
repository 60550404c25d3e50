"""The door: in, out, quickly out, and back to what was typed."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from flask import (
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter import clock, config
from shelter.domain.people import SignInRefused, TooManyTries
from shelter.domain.permissions import Principal
from shelter.extensions import csrf
from shelter.queries import people
from shelter.services import drafts, users
from shelter.services import sign_in as sessions
from shelter.web import language, shell
from shelter.web.access import public, signed_in
from shelter.web.auth import activity, bp, cookies, expired
from shelter.web.auth.forms import SignInForm
from shelter.web.errors import sentence, show

bp.before_app_request(activity.note_activity)
bp.before_app_request(expired.bring_back)
bp.after_app_request(expired.after)
bp.app_context_processor(activity.for_templates)


@bp.route("/login", methods=["GET", "POST"])
@public(because="whoever wants to sign in is not signed in yet")
def sign_in() -> ResponseReturnValue:
    form = SignInForm()
    if request.method == "GET":
        if current_user.is_authenticated:
            return redirect(first_page(current_user))
        form.next.data, form.draft.data = request.args.get("next"), request.args.get("draft")
        return render_template("auth/sign_in.html", form=form)
    if not form.validate_on_submit():
        return _again(form, 422)
    try:
        token = sessions.sign_in(login=form.login.data, password=form.password.data, address=request.remote_addr)
    except (SignInRefused, TooManyTries) as refused:
        return _again(form, 422, refused)
    return _enter(token, form)


def _again(form: SignInForm, status: int, refused: SignInRefused | TooManyTries | None = None) -> Response:
    if refused:
        show(refused, form)
    if _is_over_a_page():  # the form in the dialog over a page left open: one sentence is enough
        said = sentence(refused) if refused else next(iter(form.errors.values()))[0]
        response = make_response(str(said), status, {"Content-Type": "text/plain; charset=utf-8"})
    else:
        response = make_response(render_template("auth/sign_in.html", form=form), status)
    if isinstance(refused, TooManyTries):
        response.status_code = 429
        response.headers["Retry-After"] = str(refused.wait_seconds)
    return response


def _enter(token: str, form: SignInForm) -> ResponseReturnValue:
    """A new session in the cookie, and where the person wanted to go."""
    by = people.principal_of(sessions.hash_token(token), clock.now())
    if by is None:
        abort(503)
    if _is_over_a_page():
        response = Response(status=204)
        if session.get("of") != by.user_id.hex:  # type: ignore[union-attr]
            response.headers["HX-Redirect"] = first_page(by)
    else:
        response = redirect(_wanted(by, form), code=303)  # type: ignore[assignment]
    cookies.give(response, token)
    return response


def _wanted(by: Principal, form: SignInForm) -> str:
    try:
        draft = drafts.read_draft(by=by, draft_id=UUID(form.draft.data)) if form.draft.data else None
    except ValueError:
        draft = None
    if draft and "path" in draft.body:
        return expired.way_back(draft)
    return own_path(form.next.data) or first_page(by)


def _is_over_a_page() -> bool:
    return "HX-Request" in request.headers


def first_page(by: Principal) -> str:
    """The first page this person may see."""
    for endpoint, _label, permission in shell.NAVIGATION:
        if by.can(permission):
            return url_for(endpoint)
    return url_for("auth.account")


def own_path(text: str | None) -> str | None:
    """A path on this site, or None: never a way to another one, never a query."""
    if not text or not text.startswith("/") or text.startswith(("//", "/\\")) or not text.isprintable():
        return None
    parts = urlsplit(text)
    return None if parts.scheme or parts.netloc or "\\" in parts.path else parts.path


@bp.post("/logout")
@signed_in
def sign_out() -> ResponseReturnValue:
    sessions.sign_out(session_id=current_user.session_id, by=current_user)
    response = redirect(url_for("auth.sign_in"), code=303)
    cookies.take(response)
    return response


@bp.route("/exit", methods=["GET", "POST"])
@csrf.exempt
@public(because="quick exit must work for everybody, at once, without JavaScript; all it does is to sign out")
def quick_exit() -> ResponseReturnValue:
    if current_user.is_authenticated:
        sessions.sign_out(session_id=current_user.session_id, by=current_user)
    is_beacon = request.method == "POST"
    address = config.active().quick_exit_url
    response = make_response("", 204) if is_beacon else make_response(redirect(address, code=303))
    cookies.take(response)
    return response


@bp.post("/session/alive")
@signed_in
def alive() -> ResponseReturnValue:
    """The person typed or clicked. `form=long` while an intake is open."""
    is_long = request.args.get("form") == "long"
    sessions.touch(session_id=current_user.session_id, by=current_user, is_long_form=is_long)
    return Response(status=204)


@bp.post("/language/<any(ko, en):code>")
@public(because="the sign-in page can be read in both languages")
def set_language(code: str) -> ResponseReturnValue:
    if current_user.is_authenticated:
        users.change_language(locale=code, by=current_user)
    response = redirect(own_path(request.form.get("next")) or "/", code=303)
    response.set_cookie(
        language.COOKIE,
        code,
        max_age=365 * 86_400,
        secure=config.active().is_https,
        httponly=True,
        samesite="Strict",
    )
    return response


@bp.route("/resume/<uuid:draft_id>")
@signed_in
def resume(draft_id: UUID) -> ResponseReturnValue:
    """What was sent with a dead session, when it was a button: press it again."""
    draft = drafts.read_draft(by=current_user, draft_id=draft_id)
    if draft is None or "path" not in draft.body:
        abort(404)
    session["typed"] = [str(draft.id), draft.body["path"]]
    return render_template("auth/resume.html", path=draft.body["path"], fields=expired.fields_of(draft))
