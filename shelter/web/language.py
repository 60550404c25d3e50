"""Korean or English: the person's own choice, else the browser's, else Korean."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, has_request_context, request
from flask_login import current_user

from shelter.extensions import babel
from shelter.paths import PACKAGE

LANGUAGES = ("ko", "en")
COOKIE = "language"
CATALOGUES = PACKAGE / "translations"


def init_app(app: Flask) -> None:
    domains = sorted(path.stem for path in (CATALOGUES / "ko" / "LC_MESSAGES").glob("*.po")) or ["messages"]
    babel.init_app(
        app,
        default_locale="ko",
        default_domain=";".join(domains),
        default_translation_directories=";".join([str(Path(CATALOGUES))] * len(domains)),
        locale_selector=choose,
    )
    app.jinja_env.add_extension("jinja2.ext.i18n")


def choose() -> str:
    """The language of this request."""
    if not has_request_context():
        return "ko"
    if current_user.is_authenticated:
        return current_user.locale
    chosen = request.cookies.get(COOKIE)
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES) or "ko"
