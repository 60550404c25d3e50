"""What every form of this area does with a refusal: the page again, with all that was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import abort

from shelter.domain.errors import DomainError
from shelter.web.errors import STATUS, show
from shelter.web.forms import Form

Thing = TypeVar("Thing")


def is_done(form: Form, act: Callable[[], Any]) -> bool:
    """Do it when the form is right. False: the form says why not. What is no refusal of details is raised."""
    if not form.validate_on_submit():
        return False
    try:
        act()
    except DomainError as refused:
        if type(refused) in STATUS:
            raise
        show(refused, form)
        return False
    return True


def found(thing: Thing | None) -> Thing:
    if thing is None:
        abort(404)
    return thing
