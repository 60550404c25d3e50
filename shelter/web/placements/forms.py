"""Confirming a held place: when she comes, and whether anything is texted."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateTimeLocalField, RadioField
from wtforms.validators import InputRequired

from shelter.domain.contacts import TextChoice
from shelter.web.errors import choices
from shelter.web.forms import OnceForm


class ConfirmForm(OnceForm):
    expected_at = DateTimeLocalField(
        _l("Expected at the door"),
        format="%Y-%m-%dT%H:%M",
        validators=[InputRequired(_l("Enter when she is expected."))],
    )
    text = RadioField(
        _l("Confirmation"),
        default=TextChoice.BY_VOICE.value,
    )
    accepts_misfit = BooleanField(_l("Confirm all the same: I have thought about this"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.text.choices = choices(TextChoice)
