"""Confirming a held place: when she comes, and whether anything is texted."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from wtforms import BooleanField, RadioField
from wtforms.validators import InputRequired, ValidationError

from shelter.domain.contacts import TextChoice
from shelter.web import formats
from shelter.web.errors import choices
from shelter.web.fields import DateTimeLocalField
from shelter.web.forms import OnceForm
from shelter.web.language import gettext as _
from shelter.web.language import lazy_gettext as _l


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

    def __init__(self, arrive_on: date, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arrive_on = arrive_on
        self.text.choices = choices(TextChoice)

    def validate_expected_at(self, field: Any) -> None:
        """From that day's midnight to the end of the next: a night's caller may come in the morning."""
        if field.data is None:  # what cannot be read has its sentence already
            return
        if not self.arrive_on <= field.data.date() <= self.arrive_on + timedelta(days=1):
            night = formats.night(self.arrive_on)
            raise ValidationError(
                _("The booking begins with this night: %(night)s. Enter when she comes.", night=night)
            )
