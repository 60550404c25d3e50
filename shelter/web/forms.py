"""The base of all forms, and the token that shows a POST comes from a page of ours.

A form reopens with what was typed before a session ended (`web/auth/expired.py`): nothing else is asked of it
than to be constructed on GET as on POST.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from flask import Flask, Request, g, request, session
from flask_babel import get_locale
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.datastructures import ImmutableMultiDict
from wtforms import HiddenField
from wtforms.i18n import get_translations

from shelter.web import language
from shelter.web.converters import LARGEST_ID
from shelter.web.once import FIELD, new_once

OWNER = "of"
# What no keyboard types, no page can show and PostgreSQL does not store; tab and line breaks stay.
CONTROLS = dict.fromkeys([*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])


LONGEST_NAME = 100


class Named(ImmutableMultiDict[str, str]):
    """Fields and parameters of a request as they came; a part without a name is none."""

    def __init__(self, mapping: Any = None) -> None:
        if isinstance(mapping, Iterable) and not hasattr(mapping, "items"):
            mapping = [(name, value) for name, value in mapping if name is not None]
        super().__init__(mapping)


class Typed(Named):
    """The same without control characters; those with names no page of ours gives go."""

    def __init__(self, mapping: Any = None) -> None:
        if isinstance(mapping, Iterable) and not hasattr(mapping, "items"):
            mapping = [
                (name, _readable(value))
                for name, value in mapping
                if name is not None and name.isascii() and len(name) <= LONGEST_NAME
            ]
        super().__init__(mapping)


def _readable(value: Any) -> Any:
    return value.translate(CONTROLS) if isinstance(value, str) else value


def row_id(said: Any) -> int:
    """The id a choice stands for; 0 for none. ValueError for what no table can number."""
    number = int(said or 0)
    if not 0 <= number <= LARGEST_ID:
        raise ValueError(number)
    return number


class TypedRequest(Request):
    is_json = False  # no page of ours sends it: what says that it is, is not read

    @property
    def parameter_storage_class(self) -> type[ImmutableMultiDict[str, str]]:  # type: ignore[override]
        """What the provider signed is taken as it came."""
        return Named if self.path.startswith("/webhooks/") else Typed


@cache
def _own_words(language: str) -> Any:
    """What WTForms itself says ("Not a valid choice"): read from its files once, not for every page."""
    return get_translations([language])


class Form(FlaskForm):
    class Meta(FlaskForm.Meta):
        def get_translations(self, form: Any) -> Any:
            return _own_words(str(get_locale()))

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            sent = super().wrap_formdata(form, formdata)
            typed = g.get("typed")
            if sent is None and formdata is not None and typed is not None and _is_for(form, typed):
                g.is_typed_shown = True
                return typed
            return sent

    @property
    def has_what_was_typed(self) -> bool:
        """Filled in with what was typed before the session ended: not to be filled in with what is saved."""
        return bool(g.get("is_typed_shown"))


class OnceForm(Form):
    """A form whose act must happen once, however often it is sent."""

    once = HiddenField(default=new_once)


def _is_for(form: Any, typed: Any) -> bool:
    names = {name.split("-")[0] for name in typed} - {"csrf_token", FIELD}
    return bool(names & set(form._fields))


def init_app(app: Flask) -> None:
    """To be called before the token is checked."""
    app.request_class = TypedRequest

    @app.before_request
    def _token_of_one_person() -> None:
        # The token lives in a signed cookie of its own and survives signing in again as the same person: a
        # page left open can still be sent. For anybody else there is a new one.
        if request.endpoint in (None, "static") or not current_user.is_authenticated:
            return
        if session.get(OWNER) != current_user.user_id.hex:
            session.clear()
            session[OWNER] = current_user.user_id.hex
        language.remember()
