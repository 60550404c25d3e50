"""How a refusal, a reason or a coded value is said, Korean and English: for pages, commands and jobs alike.

The sentences themselves are in `web/sentences/`, by subject.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time
from enum import StrEnum
from time import monotonic
from typing import Any

import structlog
from flask import (
    Flask,
    Response,
    current_app,
    flash,
    got_request_exception,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from wtforms.fields import SelectChoice

from shelter.database import UNAVAILABLE, is_full
from shelter.domain.errors import (
    ConstraintRefused,
    DatabaseBusy,
    DatabaseFull,
    DomainError,
    KeyReused,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
)
from shelter.domain.people import TooManyTries
from shelter.web import access, formats, language
from shelter.web.again import again
from shelter.web.language import gettext as _
from shelter.web.language import in_language
from shelter.web.language import lazy_gettext as _l
from shelter.web.sentences import CONSTRAINTS, LABELS, REASONS, SENTENCES
from shelter.web.sentences.audit import ACTIONS

log = structlog.get_logger("web")

STATUS: dict[type[DomainError], int] = {
    NotPermitted: 403,
    NotFound: 404,
    KeyReused: 409,
    TooManyTries: 429,
    DatabaseBusy: 503,
    DatabaseFull: 503,
    OutcomeUnknown: 503,
}
OTHERWISE = 422
LONGEST_HEARD, SECONDS_HEARD = 32 * 1024 * 1024, 10
# Heading and what to do, for each answer that is not what was asked for.
PAGES: dict[int, tuple[Any, Any]] = {
    400: (
        _l("This could not be read"),
        _l("The form was incomplete or came from another page. Go back, open the page again and send it once more."),
    ),
    403: (_l("You may not open this page"), SENTENCES["not_permitted"]),
    404: (
        _l("Nothing was found here"),
        _l("There is no such page, or you may not see it. Check the address."),
    ),
    405: (_l("This does not work this way"), _l("Go back and use the buttons on the page.")),
    409: (_l("This was already done"), SENTENCES["key_reused"]),
    413: (_l("That is too much at once"), _l("The file or the text is too large. Send less.")),
    422: (_l("This cannot be done"), _l("Go back, check the details and try again.")),
    429: (_l("Too many tries"), _l("Wait a moment, then try again.")),
    500: (
        _l("Something went wrong here"),
        _l(
            "It has been noted. Look whether it was done before you try again. If it happens again, tell your"
            " administrator."
        ),
    ),
    503: (
        _l("The system cannot answer at the moment"),
        _l("Nothing was changed. Try again in a minute. If it is urgent, use the paper sheet for an outage."),
    ),
}


def sentence(error: DomainError) -> str:
    """What a refusal says to people, and what to do."""
    if isinstance(error, ConstraintRefused) and error.name in CONSTRAINTS:
        return str(CONSTRAINTS[error.name])
    return _fill(SENTENCES.get(error.code, SENTENCES["refused"]), error.params)


def reason(item: Any) -> str:
    """Why a unit fits or does not, what to beware of: anything with a `code` and `params` of its own."""
    return _fill(REASONS[item.code], item.params)


def label(member: StrEnum | None) -> str:
    """A coded value in words; a dash for none."""
    return formats.NOTHING if member is None else str(LABELS[type(member)][member])


def action_words(action: str) -> str:
    """What an entry of the access log says was done."""
    return str(ACTIONS.get(action, action))


def choices(codes: type[StrEnum]) -> list[SelectChoice]:
    """For a select or radio field: code and words, in the order of the codes."""
    return [SelectChoice(member.value, LABELS[codes][member]) for member in codes]


def say(error: DomainError, locale: str = "ko") -> str:
    """The same sentence outside a request: commands and jobs, within an application context."""
    with in_language(locale):
        return sentence(error)


def show(error: DomainError, form: Any) -> None:
    """Put the sentence beside the field it belongs to, or at the top of the form.

    What no correction of the form can mend is raised again: its page says it.
    """
    if isinstance(error, NotPermitted | NotFound | KeyReused | DatabaseBusy):
        raise error
    field = form[error.field] if error.field and error.field in form else None
    if field is not None:
        field.errors = [*field.errors, sentence(error)]
    else:
        form.form_errors.append(sentence(error))


def _fill(words: Any, params: Mapping[str, Any]) -> str:
    said = {name: _readable(value) for name, value in params.items()}
    return str(words) % said if said else str(words)


def _readable(value: Any) -> Any:
    match value:
        case StrEnum() if type(value) in LABELS:
            return label(value)
        case datetime():
            return formats.moment(value)
        case date():
            return formats.on(value)
        case time():
            return formats.at(value)
        case list() | tuple() | set() | frozenset():
            return ", ".join(str(_readable(each)) for each in value)
        case _:
            return value


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(sentence=sentence, reason=reason, action_words=action_words)
    app.jinja_env.filters["label"] = label
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _dead_token)
    app.register_error_handler(DomainError, _refused)
    for kind in UNAVAILABLE:
        app.register_error_handler(kind, _unavailable)
    app.register_error_handler(Exception, _broken)
    app.after_request(_hear_out)


def _http(error: HTTPException) -> Any:
    if error.response is not None or error.code is None or error.code < 400:
        return error
    heading, advice = PAGES.get(error.code, PAGES[400])
    answer = _not_there(heading, advice) if error.code == 404 else _page(error.code, heading, advice)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _hear_out(answer: Response) -> Response:
    """What is still coming is read and thrown away: a browser cut off while it sends never shows the answer."""
    coming = request.content_length or (request.environ.get("wsgi.input_terminated") and LONGEST_HEARD)
    if answer.status_code < 300 or "form" in vars(request) or not coming:
        return answer
    left, until = min(coming, LONGEST_HEARD), monotonic() + SECONDS_HEARD
    with suppress(Exception):  # whoever sent it may be gone, or never sent it whole
        while left > 0 and monotonic() < until:
            part = request.environ["wsgi.input"].read(min(left, 65_536))
            left -= len(part) or left
    return answer


def _refused(error: DomainError) -> Response:
    status = STATUS.get(type(error), OTHERWISE)
    heading, advice = PAGES[status][0], sentence(error)
    answer = _not_there(heading, advice) if status == 404 else _page(status, heading, advice)
    if isinstance(error, DatabaseBusy):
        answer.headers["Retry-After"] = "5"
        if isinstance(error, DatabaseFull):
            log.error("the disk of the database is full", exc_info=error, endpoint=request.endpoint)
        else:
            log.error("the database did not answer in time", exc_info=error, endpoint=request.endpoint)
    if isinstance(error, TooManyTries):
        answer.headers["Retry-After"] = str(error.wait_seconds)
    return answer


def _dead_token(error: CSRFError) -> Any:
    """The page was open for too long, or is not ours: nothing typed is lost, and nothing is done."""
    from shelter.web.auth.expired import reopen_with_fresh_token

    if reopened := reopen_with_fresh_token():
        return reopened
    if request.endpoint == "auth.sign_in" and "HX-Request" not in request.headers:
        flash(_("This page was open for too long. Please sign in now."), "info")
        return redirect(url_for("auth.sign_in"), code=303)
    return _http(error)


def _unavailable(error: Exception) -> Response:
    if is_full(error):
        full = DatabaseFull()
        full.__cause__ = error
        return _refused(full)
    log.error("the database does not answer", exc_info=error, endpoint=request.endpoint)
    answer = _page(503, *PAGES[503])
    answer.headers["Retry-After"] = "5"
    return answer


def _broken(error: Exception) -> Response:
    got_request_exception.send(current_app._get_current_object(), exception=error)  # type: ignore[attr-defined]
    log.error("a view failed", exc_info=error, endpoint=request.endpoint, method=request.method)
    return _standalone(500)


def _not_there(heading: Any, advice: Any) -> Response:
    try:
        access.note_hidden()
    except DomainError as error:
        return _refused(error)
    except UNAVAILABLE as error:
        return _unavailable(error)
    return _page(404, heading, advice)


def _page(status: int, heading: Any, advice: Any) -> Response:
    is_partial = "HX-Request" in request.headers
    if status >= 500:
        return _standalone(status, advice, "errors/fragment.html" if is_partial else "errors/standalone.html")
    if is_partial:
        return make_response(render_template("errors/fragment.html", advice=advice), status)
    return make_response(render_template("errors/error.html", heading=heading, advice=advice, code=status), status)


def _standalone(status: int, advice: Any = None, template: str = "errors/standalone.html") -> Response:
    """Without the database, and without anything that could fail again."""
    chosen = language.without_database()
    with in_language(chosen):
        heading, usual = PAGES[status]
        page = current_app.jinja_env.get_template(template).render(
            language=chosen,
            heading=str(heading),
            advice=str(advice or usual),
            code=status,
            again=again() if status == 503 else None,
        )
    return make_response(page, status)
