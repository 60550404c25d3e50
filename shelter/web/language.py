"""Korean or English: the person's own choice, else the browser's, else Korean.

Texts come from here, not from flask_babel: a page asks for some two hundred, and which catalogue they come from is
settled once per request.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from flask import Flask, g, has_request_context, request, session
from flask_babel import LazyString, force_locale, get_translations
from flask_login import current_user
from markupsafe import Markup

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
    app.jinja_env.globals.update(_=_markup, gettext=_markup, ngettext=_markup_of_number)


def choose() -> str:
    """The language of this request."""
    if not has_request_context():
        return "ko"
    if current_user.is_authenticated:
        return current_user.locale
    chosen = request.cookies.get(COOKIE)
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES) or "ko"


def remember() -> None:
    """For pages that must be said when nobody can be looked up."""
    if session.get(COOKIE) != current_user.locale:
        session[COOKIE] = current_user.locale


def without_database() -> str:
    """The language of this request, from what the browser brings alone."""
    person = g.get("_login_user")
    for chosen in (getattr(person, "locale", None), session.get(COOKIE), request.cookies.get(COOKIE)):
        if chosen in LANGUAGES:
            return str(chosen)
    return request.accept_languages.best_match(LANGUAGES) or "ko"


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """Texts, dates and numbers of this language, whoever is asking."""
    before = g.pop("texts", None)
    with force_locale(code):
        try:
            yield
        finally:
            g.texts = before
            if before is None:
                del g.texts


def gettext(said: str, /, **values: Any) -> str:
    """The text in the reader's language, with `%(name)s` filled in when values are given."""
    text = _texts().gettext(said)
    return text % values if values else text


def ngettext(one: str, many: str, num: int, /, **values: Any) -> str:
    """The same by number, which is `%(num)s` in the text."""
    return _texts().ngettext(one, many, num) % {"num": num, **values}


def lazy_gettext(said: str, /, **values: Any) -> LazyString:
    """For what is written before anybody asks: translated each time it is shown."""
    return LazyString(gettext, said, **values)


def _texts() -> NullTranslations:
    try:
        return g.texts
    except AttributeError:
        g.texts = get_translations()
        return g.texts
    except RuntimeError:  # nobody is asking: a text as it stands in the code
        return NullTranslations()


def _markup(said: str, /, **values: Any) -> Markup:
    """For templates: texts are ours and may hold markup, values are escaped."""
    text = Markup(_texts().gettext(said))  # noqa: S704
    return text % values if values or "%" in text else text


def _markup_of_number(one: str, many: str, num: int, /, **values: Any) -> Markup:
    return Markup(_texts().ngettext(one, many, num)) % {"num": num, **values}  # noqa: S704
