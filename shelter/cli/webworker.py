"""gunicorn's worker, with an answer of ours for what never reaches the application."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import structlog
from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http import errors  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]
from werkzeug.exceptions import BadRequest

log = structlog.get_logger("web")
STATUS: dict[type[Exception], int] = {errors.LimitRequestLine: 414, errors.LimitRequestHeaders: 431}


class Worker(ThreadWorker):
    def load_wsgi(self) -> None:
        """What breaks off while the application reads it is a bad request too."""
        super().load_wsgi()
        self.wsgi.register_error_handler(
            errors.ParseException, lambda _: self.wsgi.handle_http_exception(BadRequest())
        )

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """A request that is no request: said in both languages, and logged without quoting it."""
        if not isinstance(exc, errors.ParseException):
            super().handle_error(req, client, addr, exc)
            return
        status = STATUS.get(type(exc), 400)
        log.info("a request could not be read", status=status)
        with suppress(Exception):  # whoever sent it may be gone
            util.write_nonblock(client, answer(self.wsgi, status))


def answer(app: Any, status: int) -> bytes:
    """The whole answer. Nobody knows who asks, so it is in Korean and English."""
    from shelter.web.errors import PAGES
    from shelter.web.headers import HEADERS
    from shelter.web.language import in_language

    said = []
    with app.app_context():
        for language in ("ko", "en"):
            with in_language(language):
                said.append([str(words) for words in PAGES.get(status, PAGES[400])])
        page = app.jinja_env.get_template("errors/standalone.html").render(
            language="ko", heading=" / ".join(s[0] for s in said), advice=[s[1] for s in said], code=status, again=None
        )
    body = page.encode()
    headers = HEADERS | {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {status} Refused", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
