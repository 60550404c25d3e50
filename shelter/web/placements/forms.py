"""Confirming a held place: when she comes, and whether anything is texted."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import DateTimeLocalField, RadioField
from wtforms.validators import InputRequired

from shelter.domain.contacts import TextChoice
from shelter.web.forms import OnceForm


class ConfirmForm(OnceForm):
    expected_at = DateTimeLocalField(
        _l("Expected at the door"),
        format="%Y-%m-%dT%H:%M",
        validators=[InputRequired(_l("Enter when she is expected."))],
    )
    text = RadioField(
        _l("Confirmation"),
        choices=[
            (TextChoice.BY_VOICE.value, _l("Told by voice, no text")),
            (TextChoice.ASKED_NOW.value, _l("Text now: she asks for it during this call")),
            (TextChoice.IN_SAFE_HOURS.value, _l("Text within her safe hours")),
        ],
        default=TextChoice.BY_VOICE.value,
    )
