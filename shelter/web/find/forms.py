"""For whom a place is sought: heads first, the rest folded away."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from flask_babel import get_locale
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.csrf.core import CSRFTokenField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from shelter import clock
from shelter.domain import districts, references
from shelter.domain.errors import DomainError, NotFound
from shelter.domain.intake import NoSuchHousehold
from shelter.domain.matching import AgeBand, Animal, Party, PartyEmpty, PetSize, Sex, Someone, Species
from shelter.domain.nights import NightsEmpty
from shelter.domain.permissions import Principal
from shelter.domain.placing import NightHasPassed, NightTooFar
from shelter.domain.stays import TurnawayReason
from shelter.queries import parties, visibility
from shelter.queries.sites import site_choices
from shelter.queries.vacancies import Criteria
from shelter.web.errors import choices, sentence, show
from shelter.web.fields import DateField
from shelter.web.forms import Form
from shelter.web.language import gettext as _
from shelter.web.language import lazy_gettext as _l

FARTHEST = timedelta(days=365)
# A child's sex matters to no rule and is asked at the intake.
HEADS: dict[str, Someone] = {
    "women": (Sex.FEMALE, AgeBand.ADULT),
    "men": (Sex.MALE, AgeBand.ADULT),
    "older_boys": (Sex.MALE, AgeBand.OLDER_BOY),
    "children": (Sex.OTHER, AgeBand.CHILD),
    "infants": (Sex.OTHER, AgeBand.INFANT),
}
PETS: dict[str, Animal] = {
    "small_dogs": (Species.DOG, PetSize.SMALL),
    "large_dogs": (Species.DOG, PetSize.LARGE),
    "cats": (Species.CAT, PetSize.SMALL),
    "other_pets": (Species.OTHER, PetSize.SMALL),
}
FOLDED = ("allergic_to", "districts", "sites", "households")
LIMIT, FOR_NIGHTS, UNTIL_DAY = "limit", "nights", "day"


def _heads(label: Any, most: int = 20) -> IntegerField:
    return IntegerField(label, default=0, validators=[Optional(), NumberRange(0, most)])


class LateChoices(SelectMultipleField):
    """Whose choices are made once they are asked for: most searches tick none of them."""

    make: Callable[[], list[SelectChoice]] | None = None

    @property
    def choices(self) -> Any:
        if self.make is not None:
            self._choices, self.make = self.make(), None
        return self._choices

    @choices.setter
    def choices(self, choices: Any) -> None:
        self._choices = choices


class FindForm(Form):
    case = HiddenField()  # of a household that was here before: its record says who comes
    arrive_on = DateField(_l("First night"), default=clock.shelter_day, validators=[InputRequired()])
    until = RadioField(
        _l("Until when"),
        choices=[
            SelectChoice(LIMIT, _l("As long as the limit allows")),
            SelectChoice(FOR_NIGHTS, _l("For a number of nights")),
            SelectChoice(UNTIL_DAY, _l("Until a day")),
        ],
        default=LIMIT,
    )
    nights = IntegerField(_l("Nights"), validators=[Optional(), NumberRange(1, 731)])
    leave_on = DateField(_l("Day of leaving"), validators=[Optional()])
    women = IntegerField(_l("Women"), default=1, validators=[Optional(), NumberRange(0, 20)])
    men = _heads(_l("Men"))
    older_boys = _heads(_l("Boys 10 or older"))
    children = _heads(_l("Other children"))
    infants = _heads(_l("Infants"))
    small_dogs = _heads(_l("Small dogs"), 10)
    large_dogs = _heads(_l("Large dogs"), 10)
    cats = _heads(_l("Cats"), 10)
    other_pets = _heads(_l("Other small animals"), 10)
    needs_step_free = BooleanField(_l("Step-free"))
    needs_cot = BooleanField(_l("Cot"))
    allergic_to = LateChoices(_l("Somebody is allergic to"))
    districts = LateChoices(_l("Districts where she must not be"))
    sites = LateChoices(_l("Sites where she must not be"))
    households = StringField(_l("Households she must not meet"), validators=[Length(max=200)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.allergic_to.make = partial(choices, Species)
        self.districts.make = lambda: [SelectChoice(*pair) for pair in districts.choices(str(get_locale()))]
        self.sites.make = lambda: [SelectChoice(str(site_id), name) for site_id, name in site_choices()]

    @property
    def has_more(self) -> bool:
        """Is anything set, or wrong, in the part that is folded away?"""
        return any(self[name].data or self[name].errors for name in FOLDED)

    def folded(self) -> list[tuple[str, str]]:
        """What is set there, to be carried along."""
        return [pair for pair in self.typed() if pair[0] in FOLDED]

    def typed(self) -> list[tuple[str, str]]:
        """Every criterion that is set, as a browser would send it."""
        pairs = []
        for field in self:
            if isinstance(field, CSRFTokenField) or field.data in (None, False, "", []):
                continue
            values = field.data if isinstance(field.data, list) else [field.data]
            pairs += [(field.name, "y" if value is True else str(value)) for value in values]
        return pairs

    def criteria(self, by: Principal) -> Criteria | None:
        """What to search for; None when something cannot be read or is refused (the fields say so).

        NotFound for a case this person may not know of.
        """
        if not self.validate() or not self._says_until_when():
            return None
        try:
            party = self._party_of_case(by) if self.case.data else self._party()
            return Criteria(arrive_on=self._first_night(), leave_on=self._leave_on(), party=party)
        except NotFound:
            raise
        except references.ReferenceNotValid:
            return None
        except DomainError as refused:
            show(refused, self)
            return None

    def _first_night(self) -> date:
        first, tonight = self.arrive_on.data, clock.shelter_day()
        if first < tonight:
            raise NightHasPassed(first)
        if first > tonight + FARTHEST:
            raise NightTooFar(tonight + FARTHEST)
        return first

    def _leave_on(self) -> date | None:
        first = self.arrive_on.data
        match self.until.data:
            case "nights":
                return first + timedelta(days=self.nights.data)
            case "day":
                if self.leave_on.data <= first:
                    raise NightsEmpty(first, self.leave_on.data)
                return min(self.leave_on.data, first + 2 * FARTHEST)
            case _:
                return None

    def _says_until_when(self) -> bool:
        asked = {FOR_NIGHTS: self.nights, UNTIL_DAY: self.leave_on}.get(self.until.data)
        if asked is None or asked.data is not None:
            return True
        asked.errors = [_("Enter this, or choose another answer to “Until when”.")]
        return False

    def _party_of_case(self, by: Principal) -> Party:
        household_id = visibility.readable_household(references.normalise(self.case.data), by)
        if household_id is None:
            raise NotFound()
        return parties.party_of(household_id)

    def _party(self) -> Party:
        people = tuple(someone for name, someone in HEADS.items() for _n in range(self[name].data or 0))
        if not people:
            raise PartyEmpty()
        return Party(
            people=people,
            pets=tuple(animal for name, animal in PETS.items() for _n in range(self[name].data or 0)),
            needs_step_free=self.needs_step_free.data,
            needs_cot=self.needs_cot.data,
            allergies=frozenset(Species(code) for code in self.allergic_to.data or ()),
            excluded_districts=frozenset(self.districts.data or ()),
            excluded_sites=frozenset(UUID(site) for site in self.sites.data or ()),
            must_not_meet=self._households(),
        )

    def _households(self) -> frozenset[UUID]:
        words = [word for word in re.split(r"[,;\n]+", self.households.data or "") if word.strip()]
        try:
            said = [references.parse(word) for word in words]
        except references.ReferenceNotValid as refused:
            self.households.errors = [sentence(refused)]
            raise
        known = parties.ids_of(said)
        for reference in said:
            if reference not in known:
                raise NoSuchHousehold(reference)
        return frozenset(known.values())


class TurnawayForm(Form):
    reason = SelectField(_l("Why no place was given"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reason.choices = choices(TurnawayReason)
