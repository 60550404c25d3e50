from __future__ import annotations

from typing import Any

from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional, ValidationError

from shelter.domain import references
from shelter.queries import people
from shelter.web.fields import DateField
from shelter.web.forms import Form
from shelter.web.language import lazy_gettext as _l


class FilterForm(Form):
    user = SelectField(_l("Person"))
    household = StringField(_l("Household"), [Length(max=12)])
    from_on = DateField(_l("From"), [Optional()])
    until_on = DateField(_l("Until"), [Optional()])
    only_looks = BooleanField(_l("Only records opened"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        everybody = [SelectChoice(str(member.id), f"{member.name} ({member.login})") for member in people.staff()]
        self.user.choices = [SelectChoice("", _l("Everybody")), *everybody]

    def validate_household(self, field: StringField) -> None:
        if field.data and not references.is_valid(references.normalise(field.data)):
            raise ValidationError(_l("This is not a reference. It has six characters and a check character."))
