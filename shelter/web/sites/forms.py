from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import get_locale
from flask_wtf.file import FileField, FileRequired
from wtforms import (
    BooleanField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput

from shelter.domain import districts
from shelter.domain.limits import CountingRule, ReadmissionRule
from shelter.domain.matching import Audience, PetsAllowed, Sharing
from shelter.domain.permissions import Role
from shelter.domain.sites import SHORTEST_REASON
from shelter.domain.stays import ClosureReason
from shelter.web.errors import choices, label
from shelter.web.fields import DateField
from shelter.web.forms import Form, OnceForm, row_id
from shelter.web.language import lazy_gettext as _l

NEEDED = _l("Fill this in.")
CHOOSE = _l("Choose one.")


def _pairs(pairs: Iterable[tuple[str, Any]]) -> list[SelectChoice]:
    return [SelectChoice(value, words) for value, words in pairs]


def _strip(text: str | None) -> str | None:
    return text.strip() if text else text


class SiteForm(OnceForm):
    """`is_new` decides whether a district must be chosen: later an empty field keeps what is there."""

    code_name = StringField(
        _l("Code name"),
        [InputRequired(NEEDED), Length(max=40)],
        filters=[_strip],
        description=_l("A flower, a bird: nothing that says where it is."),
    )
    district = SelectField(_l("District"))
    directions = TextAreaField(_l("Directions"), [Length(max=2000)])
    night_line = StringField(_l("Night line"), [Length(max=30)], filters=[_strip])
    is_overflow = BooleanField(_l("Overflow place (a hotel or another temporary place)"))

    def __init__(self, *, is_new: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        first = _l("Choose a district") if is_new else _l("Kept as it is")
        self.district.choices = _pairs([("", first), *districts.choices(str(get_locale()))])
        self.is_new = is_new

    def validate_district(self, field: Any) -> None:
        if self.is_new and not field.data:
            field.errors = [*field.errors, CHOOSE]


class ReasonForm(Form):
    reason = TextAreaField(
        _l("Why do you need them?"),
        [InputRequired(NEEDED), Length(max=500)],
        description=_l(
            "At least %(shortest)s characters. It is kept in the access log with your name.",
            shortest=SHORTEST_REASON,
        ),
    )


class PolicyForm(OnceForm):
    effective_from = DateField(_l("For check-ins from"), [InputRequired(NEEDED)])
    length = IntegerField(_l("A stay lasts"), [InputRequired(NEEDED), NumberRange(1, 1096)])
    unit = RadioField(
        _l("Counted in"),
        [InputRequired(CHOOSE)],
        choices=[SelectChoice("months", _l("Months")), SelectChoice("days", _l("Days"))],
        default="months",
    )
    counting_rule = RadioField(_l("How it is counted"), [InputRequired(CHOOSE)])
    max_extensions = IntegerField(_l("Extensions at most"), [InputRequired(NEEDED), NumberRange(0, 12)])
    extension_length = IntegerField(
        _l("One extension lasts"),
        [Optional(), NumberRange(1, 366)],
        description=_l("In the same kind: months or days."),
    )
    decided_by = RadioField(_l("Who decides about extensions"), [InputRequired(CHOOSE)])
    thresholds = StringField(
        _l("Remind coordinators when so many days are left"),
        [InputRequired(NEEDED), Length(max=80)],
    )
    readmission_rule = RadioField(_l("When she comes back later"), [InputRequired(CHOOSE)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.counting_rule.choices = choices(CountingRule)
        self.readmission_rule.choices = choices(ReadmissionRule)
        self.decided_by.choices = _pairs((role.value, label(role)) for role in (Role.MANAGER, Role.COORDINATOR))


class CoordinatorForm(OnceForm):
    user = SelectField(_l("Coordinator"), [InputRequired(CHOOSE)])
    from_on = DateField(_l("First day"), [InputRequired(NEEDED)])
    until_on = DateField(_l("Until"), [Optional()], description=_l("The first day without the site. Empty: no end."))


class DayForm(Form):
    """One day on which something ends."""

    until_on = DateField(_l("From which day"), [InputRequired(NEEDED)])


class RoomForm(OnceForm):
    label = StringField(_l("Room"), [InputRequired(NEEDED), Length(max=40)], filters=[_strip])
    floor = StringField(_l("Floor"), [Length(max=20)], filters=[_strip])
    sharing = RadioField(_l("Who may be in it together"), [InputRequired(CHOOSE)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sharing.choices = choices(Sharing)


class UnitForm(OnceForm):
    label = StringField(
        _l("Bed"),
        [Length(max=40)],
        filters=[_strip],
        description=_l("Leave it empty when the room is booked as a whole."),
    )
    capacity = IntegerField(_l("Capacity"), [InputRequired(NEEDED), NumberRange(1, 20)], default=1)
    audience = RadioField(_l("Who it is for"), [InputRequired(CHOOSE)])
    pets_allowed = RadioField(_l("Pets"), [InputRequired(CHOOSE)], default=PetsAllowed.NONE.value)
    max_pets = IntegerField(_l("Number of pets at most"), [InputRequired(NEEDED), NumberRange(0, 10)], default=0)
    is_step_free = BooleanField(_l("Step-free (a wheelchair can enter)"))
    has_cot = BooleanField(_l("Cot"))
    accepts_older_boys = BooleanField(_l("Boys of 10 and more may come along"))
    in_service_from = DateField(_l("In service from"), [InputRequired(NEEDED)])
    in_service_until = DateField(
        _l("In service until"),
        [Optional()],
        description=_l("The first day it is no longer there. Empty: no end."),
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.audience.choices = choices(Audience)
        self.pets_allowed.choices = choices(PetsAllowed)


class ClosureForm(OnceForm):
    units = SelectMultipleField(_l("Which units"), option_widget=CheckboxInput(), coerce=row_id, validate_choice=False)
    from_on = DateField(_l("Closed from"), [InputRequired(NEEDED)])
    until_on = DateField(
        _l("Can be used again from"), [Optional()], description=_l("Empty: until further notice (180 days).")
    )
    reason = SelectField(_l("Reason"), [InputRequired(CHOOSE)])
    note = StringField(_l("Note"), [Length(max=200)], filters=[_strip], description=_l("No names, numbers or places."))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason.choices = [SelectChoice("", _l("Choose a reason")), *choices(ClosureReason)]


class ListForm(Form):
    file = FileField(_l("File"), [FileRequired(_l("Choose a file."))])


class ConfirmForm(OnceForm):
    """An act without further questions."""
