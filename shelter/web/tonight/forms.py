"""Somebody who came without a booking, as it stands on paper."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wtforms import BooleanField, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from shelter.domain.matching import Party
from shelter.domain.stays_columns import HEADS, PETS
from shelter.domain.stays_file import MOST_HEADS, MOST_PETS
from shelter.queries.stays import UnitChoice
from shelter.web.fields import DateField, DateTimeLocalField
from shelter.web.forms import OnceForm, row_id
from shelter.web.language import gettext as _
from shelter.web.language import lazy_gettext as _l
from shelter.web.stays.forms import CHOOSE, MOMENT, NEEDED, options


def _heads(label: Any) -> IntegerField:
    return IntegerField(label, [Optional(), NumberRange(0, MOST_HEADS)], default=0)


def _pets(label: Any) -> IntegerField:
    return IntegerField(label, [Optional(), NumberRange(0, MOST_PETS)], default=0)


class WalkInForm(OnceForm):
    """Heads and pets are named by their columns in a list of stays."""

    unit_id = SelectField(_l("Room"), coerce=row_id)
    arrived_at = DateTimeLocalField(_l("Came at"), [InputRequired(NEEDED)], format=MOMENT)
    women, men = _heads(_l("Women")), _heads(_l("Men"))
    older_boys, girls = _heads(_l("Boys 10 and over")), _heads(_l("Girls"))
    boys, infants = _heads(_l("Boys under 10")), _heads(_l("Infants"))
    small_dogs, large_dogs = _pets(_l("Small dogs")), _pets(_l("Larger dogs"))
    cats, other_pets = _pets(_l("Cats")), _pets(_l("Other animals"))
    case = StringField(
        _l("Case"),
        [Length(max=40)],
        description=_l("Only if they were here before, or held a room: then who they are is known already."),
    )
    leave_on = DateField(_l("Planned day of leaving"), [Optional()], description=_l("Empty: the limit."))
    reason = StringField(_l("Why it is entered late"), [InputRequired(NEEDED), Length(max=300)])
    accepts_misfit = BooleanField(_l("It is so all the same: they have slept there"))

    def __init__(self, units: Iterable[UnitChoice], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unit_id.choices = options([("", _l("Choose a room")), *((unit.id, unit.name) for unit in units)])
        if not self.is_submitted() and not self.reason.data:
            self.reason.data = _("Entered from paper")

    def validate_unit_id(self, field: Any) -> None:
        if not field.data:
            field.errors = [*field.errors, CHOOSE]

    @property
    def party(self) -> Party:
        people = tuple(who for code, who in HEADS.items() for _n in range(self[code].data or 0))
        pets = tuple(animal for code, animal in PETS.items() for _n in range(self[code].data or 0))
        return Party(people=people, pets=pets, is_family=len(people) > 1)
