"""What is asked about a household, in the order a coordinator asks it on the telephone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask_babel import get_locale
from wtforms import (
    BooleanField,
    FieldList,
    FormField,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms import Form as PlainForm
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional

from shelter.domain import references
from shelter.domain.districts import DISTRICTS
from shelter.domain.errors import DomainError
from shelter.domain.intake import AGREEMENT, ContactTold, ExclusionsTold, Intake, PersonTold, PetTold
from shelter.domain.matching import AgeBand, PetSize, Sex, Species
from shelter.domain.messages import Detail
from shelter.domain.stays import ExclusionRelation
from shelter.gateways import phones
from shelter.services.households import Record
from shelter.services.record_versions import changed_parts, typed_parts
from shelter.web.errors import choices, sentence
from shelter.web.forms import OnceForm
from shelter.web.language import lazy_gettext as _l

YES_NO = [SelectChoice("yes", _l("Yes")), SelectChoice("no", _l("No")), SelectChoice("", _l("Not asked yet"))]
ANSWERS = {"yes": True, "no": False, "": None}
# Nothing chosen is an answer; blanks that no browser sends are none.
LEFT_OUT = Optional(strip_whitespace=False)
LANGUAGES = [SelectChoice("ko", "한국어"), SelectChoice("en", "English")]


def answer(value: bool | None) -> str:
    return {True: "yes", False: "no", None: ""}[value]


def districts() -> list[SelectChoice]:
    is_korean = str(get_locale()) == "ko"
    return [SelectChoice(one.code, one.ko if is_korean else one.en) for one in DISTRICTS]


class PersonForm(PlainForm):
    id = HiddenField()
    sex = SelectField(_l("Sex"), validators=[LEFT_OUT])
    age_band = SelectField(_l("Age"), validators=[LEFT_OUT])
    name = StringField(_l("Name"), validators=[Length(max=80)])
    is_allergic_to_dogs = BooleanField(_l("Allergic to dogs"))
    is_allergic_to_cats = BooleanField(_l("Allergic to cats"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sex.choices = [SelectChoice("", _l("Nobody")), *choices(Sex)]
        self.age_band.choices = choices(AgeBand)


class PetForm(PlainForm):
    id = HiddenField()
    species = SelectField(_l("Kind"), validators=[LEFT_OUT])
    size = SelectField(_l("Size"), validators=[LEFT_OUT])
    name = StringField(_l("Name"), validators=[Length(max=80)])
    is_vaccinated = SelectField(_l("Vaccinated"), choices=YES_NO, default="", validators=[LEFT_OUT])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.species.choices = [SelectChoice("", _l("None")), *choices(Species)]
        self.size.choices = choices(PetSize)


class DistrictForm(PlainForm):
    district = SelectField(_l("District"), validators=[LEFT_OUT])
    relation = SelectField(_l("Why"), validators=[LEFT_OUT])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.district.choices = [SelectChoice("", _l("None")), *districts()]
        self.relation.choices = [SelectChoice("", "–"), *choices(ExclusionRelation)]


class IntakeForm(OnceForm):
    """Nothing is required but heads; what was not asked is not allowed."""

    version = HiddenField()  # of the record it was filled in from
    can_call = RadioField(_l("Is it safe to call her?"), choices=YES_NO, default="", validators=[LEFT_OUT])
    can_text = RadioField(_l("Is it safe to text her?"), choices=YES_NO, default="", validators=[LEFT_OUT])
    number = StringField(_l("Number that is safe"), validators=[Length(max=40)])
    who_answers = StringField(_l("Who may answer"), validators=[Length(max=120)])
    from_time = TimeField(_l("Safe from"), validators=[Optional()])
    until_time = TimeField(_l("Safe until"), validators=[Optional()])
    language = RadioField(_l("Language of texts"), choices=LANGUAGES, default="ko")
    detail = RadioField(_l("What may a text say?"), default=Detail.NONE.value)
    has_consented = BooleanField(_l("She agrees to receive texts"))
    has_consented_abroad = BooleanField(_l("She agrees that the texts pass through a company abroad"))
    other_way = StringField(_l("The agreed other way"), validators=[Length(max=200)])
    danger_numbers = TextAreaField(_l("Numbers never to be called or texted"), validators=[Length(max=400)])
    code_word = StringField(_l("Code word"), validators=[Length(max=60)])
    # As many as Find lets somebody place in two rooms; empty rows are offered up to a few less.
    people = FieldList(FormField(PersonForm), _l("People"), max_entries=100)
    pets = FieldList(FormField(PetForm), _l("Pets"), max_entries=40)
    needs_step_free = BooleanField(_l("Step-free"))
    needs_cot = BooleanField(_l("Cot"))
    notes = TextAreaField(_l("What the site must know"), validators=[Length(max=600)])
    districts = FieldList(FormField(DistrictForm), _l("Districts where she must not be"), max_entries=12)
    sites = SelectMultipleField(_l("Sites where she must not be"))
    households = StringField(_l("Households she must not meet"), validators=[Length(max=200)])

    def __init__(self, sites: list[tuple[UUID, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.detail.choices = choices(Detail)
        self.sites.choices = [SelectChoice(str(site_id), name) for site_id, name in sites]
        self._sites = sites
        self.changed: frozenset[str] = frozenset()  # parts of the record that were, since it was filled in

    def show(self, record: Record) -> None:
        """Fill in what is known."""
        intake, contact = record.intake, record.intake.contact
        self.version.data = record.version
        self.can_call.data, self.can_text.data = answer(contact.can_call), answer(contact.can_text)
        self.number.data = phones.grouped(contact.number) if contact.number else ""
        self.who_answers.data, self.other_way.data = contact.who_answers, contact.other_way
        self.from_time.data, self.until_time.data = contact.from_time, contact.until_time
        self.language.data, self.detail.data = contact.language, contact.detail.value
        self.has_consented.data = contact.has_consented
        self.has_consented_abroad.data = contact.has_consented_abroad
        self.danger_numbers.data = "\n".join(phones.grouped(number) for number in contact.danger_numbers)
        self.code_word.data = contact.code_word
        for person in intake.people:
            self.people.append_entry(
                {
                    "id": str(person.id or ""),
                    "sex": person.sex.value,
                    "age_band": person.age_band.value,
                    "name": person.name,
                    "is_allergic_to_dogs": Species.DOG in person.allergies,
                    "is_allergic_to_cats": Species.CAT in person.allergies,
                }
            )
        for pet in intake.pets:
            self.pets.append_entry(
                {
                    "id": str(pet.id or ""),
                    "species": pet.species.value,
                    "size": pet.size.value,
                    "name": pet.name,
                    "is_vaccinated": answer(pet.is_vaccinated),
                }
            )
        self.needs_step_free.data, self.needs_cot.data = intake.needs_step_free, intake.needs_cot
        self.notes.data = intake.notes
        for code, relation in intake.exclusions.districts:
            self.districts.append_entry({"district": code, "relation": relation and relation.value})
        self.sites.data = [str(site) for site in intake.exclusions.sites]
        self.households.data = ", ".join(intake.exclusions.households)

    def compare(self, record: Record) -> None:
        """What it was filled in with may not be what is saved any more."""
        self.changed = changed_parts(self.version.data or "", record.version)

    def bring_together(self, record: Record, typed: Intake, changed: frozenset[str]) -> None:
        """The record was changed meanwhile: what is saved now comes to where nothing was typed.

        Where something was, it stays, and nothing that keeps her safe is lost: numbers and places to keep away from
        are of both, and so are the people; she agrees, and may be called or texted, when both say so.
        """
        saved = type(self)(self._sites, formdata=None)
        saved.show(record)
        mine = typed_parts(self.version.data or "", record.id, typed)
        shown = {field.name: both(field, saved[field.name]) for field in self if (both := BOTH.get(field.name))}
        for name in changed & set(self._fields):
            if name not in mine:
                self[name].process(None, saved[name].data)
            elif name in shown:
                self[name].process(None, shown[name])
        if AGREEMENT in changed:
            self.has_consented.data = self.has_consented.data and saved.has_consented.data
        self.version.data, self.changed = record.version, changed

    @property
    def names_of_changed(self) -> list[str]:
        """As the page calls them, in its order."""
        asked = {"has_consented" if part == AGREEMENT else part for part in self.changed}
        return [str(field.label.text) for field in self if field.name in asked]

    def add_empty_rows(self) -> None:
        """One more person, pet and district can always be typed, without JavaScript."""
        for rows, most, key in ((self.people, 20, "sex"), (self.pets, 10, "species"), (self.districts, 12, "district")):
            if len(rows) < most and (not len(rows) or rows[-1][key].data):
                rows.append_entry()

    def told(self, known: Intake) -> Intake | None:
        """What was typed, as the rules take it; None when a field cannot be read (its error says so)."""
        number = self._number()
        danger = self._danger_numbers()
        households = self._households()
        if self.number.errors or self.danger_numbers.errors or self.households.errors:
            return None
        return Intake(
            people=tuple(self._people(known)),
            pets=tuple(self._pets(known)),
            needs_step_free=self.needs_step_free.data,
            needs_cot=self.needs_cot.data,
            notes=_text(self.notes.data),
            contact=ContactTold(
                can_call=ANSWERS[self.can_call.data or ""],
                can_text=ANSWERS[self.can_text.data or ""],
                number=number,
                danger_numbers=danger,
                from_time=self.from_time.data,
                until_time=self.until_time.data,
                language=self.language.data,
                detail=Detail(self.detail.data),
                has_consented=self.has_consented.data,
                has_consented_abroad=self.has_consented_abroad.data,
                code_word=_text(self.code_word.data),
                who_answers=_text(self.who_answers.data),
                other_way=_text(self.other_way.data),
            ),
            exclusions=ExclusionsTold(
                districts=tuple(
                    (row.district.data, ExclusionRelation(row.relation.data) if row.relation.data else None)
                    for row in self.districts
                    if row.district.data
                ),
                sites=tuple(UUID(site) for site in self.sites.data or ()),
                households=households,
            ),
        )

    def _people(self, known: Intake) -> list[PersonTold]:
        ids = {str(person.id): person for person in known.people}
        told = []
        for row in self.people:
            if not row.sex.data:
                continue
            before = ids.get(row["id"].data or "")
            allergies = [
                s
                for s, field in ((Species.DOG, row.is_allergic_to_dogs), (Species.CAT, row.is_allergic_to_cats))
                if field.data
            ]
            told.append(
                PersonTold(
                    id=before.id if before else None,
                    sex=Sex(row.sex.data),
                    age_band=AgeBand(row.age_band.data or AgeBand.ADULT),
                    name=_text(row["name"].data),
                    allergies=tuple(allergies),
                    notes=before.notes if before else None,
                )
            )
        return told

    def _pets(self, known: Intake) -> list[PetTold]:
        ids = {str(pet.id): pet for pet in known.pets}
        told = []
        for row in self.pets:
            if not row.species.data:
                continue
            before = ids.get(row["id"].data or "")
            told.append(
                PetTold(
                    id=before.id if before else None,
                    species=Species(row.species.data),
                    size=PetSize(row.size.data or PetSize.SMALL),
                    name=_text(row["name"].data),
                    is_vaccinated=ANSWERS[row.is_vaccinated.data or ""],
                    notes=before.notes if before else None,
                )
            )
        return told

    def _number(self) -> str | None:
        if not _text(self.number.data):
            return None
        try:
            return phones.parse(self.number.data).e164
        except DomainError as refused:
            self.number.errors = [sentence(refused)]
            return None

    def _danger_numbers(self) -> tuple[str, ...]:
        numbers = []
        for line in (self.danger_numbers.data or "").replace(",", "\n").splitlines():
            if not line.strip():
                continue
            try:
                numbers.append(phones.parse(line).e164)
            except DomainError as refused:
                self.danger_numbers.errors = [f"{line.strip()}: {sentence(refused)}"]
        return tuple(dict.fromkeys(numbers))

    def _households(self) -> tuple[str, ...]:
        found = []
        for word in (self.households.data or "").replace(",", " ").split():
            canonical = references.normalise(word)
            if references.is_valid(canonical):
                found.append(canonical)
            else:
                self.households.errors = [_l("%(word)s is no case reference: check each character.", word=word)]
        return tuple(dict.fromkeys(found))


def _members_of_both(typed: Any, saved: Any) -> list[Any]:
    """Who was added here or there; who was taken out there is gone."""
    here, there = {row["id"].data for row in typed}, {row["id"].data for row in saved}
    kept = [row.data for row in typed if not row["id"].data or row["id"].data in there]
    return [*kept, *(row.data for row in saved if row["id"].data not in here)]


def _districts_of_both(typed: Any, saved: Any) -> list[Any]:
    here = {row["district"].data for row in typed}
    return [*typed.data, *(row.data for row in saved if row["district"].data not in here)]


def _lines_of_both(typed: Any, saved: Any) -> str:
    return "\n".join(dict.fromkeys([*(typed.data or "").splitlines(), *(saved.data or "").splitlines()]))


def _more_careful(typed: Any, saved: Any) -> str:
    return min(typed.data or "", saved.data or "", key=("no", "", "yes").index)


# What is shown where something else was typed and saved.
BOTH: dict[str, Callable[[Any, Any], Any]] = {
    "can_call": _more_careful,
    "can_text": _more_careful,
    "has_consented": lambda typed, saved: typed.data and saved.data,
    "has_consented_abroad": lambda typed, saved: typed.data and saved.data,
    "danger_numbers": _lines_of_both,
    "people": _members_of_both,
    "pets": _members_of_both,
    "districts": _districts_of_both,
    "sites": lambda typed, saved: list({*(typed.data or ()), *(saved.data or ())}),
    "households": lambda typed, saved: f"{typed.data or ''} {saved.data or ''}".strip(),
}


def _text(value: str | None) -> str | None:
    return (value or "").strip() or None
