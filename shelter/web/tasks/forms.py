"""Doing a task: a note, and a list to tick off where the task has one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from wtforms import SelectMultipleField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import Length

from shelter.domain.tasks import Check
from shelter.services.tasks import LONGEST_NOTE
from shelter.web.errors import label
from shelter.web.forms import OnceForm
from shelter.web.language import lazy_gettext as _l


class DoneForm(OnceForm):
    checks = SelectMultipleField(_l("Before this is done"), coerce=Check, validate_choice=False)
    note = TextAreaField(
        _l("What came of it"),
        description=_l("Kept sealed. No addresses."),
        validators=[Length(max=LONGEST_NOTE)],
    )

    def __init__(self, points: Collection[Check], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checks.choices = [SelectChoice(point.value, label(point)) for point in points]
        if not points:
            del self.checks

    def checked(self) -> list[Check]:
        return list(self.checks.data or []) if "checks" in self else []
