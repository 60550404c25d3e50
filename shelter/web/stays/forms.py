"""Forms of the life of a stay. Times are the shelter's wall clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flask import request
from flask_wtf.file import FileField, FileRequired
from wtforms import (
    BooleanField,
    FieldList,
    FormField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms import Form as PlainForm
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput

from shelter import clock
from shelter.domain.stays import CancelReason, Destination, ExitReason
from shelter.domain.stays_file import MOST_EXTENSIONS, MOST_HEADS, MOST_PETS
from shelter.queries.stays import RoomView, UnitChoice
from shelter.web.errors import choices
from shelter.web.fields import DateField, DateTimeLocalField
from shelter.web.forms import Form, OnceForm, row_id
from shelter.web.language import gettext as _
from shelter.web.language import lazy_gettext as _l

NEEDED = _l("Fill this in.")
CHOOSE = _l("Choose one.")
NOW, EARLIER = "now", "earlier"
MOMENT = "%Y-%m-%dT%H:%M"
SET_BY_HOLDS = frozenset({CancelReason.HOLD_EXPIRED, CancelReason.HOLD_RELEASED})


def options(pairs: Iterable[tuple[Any, Any]]) -> list[SelectChoice]:
    return [SelectChoice(str(value), words) for value, words in pairs]


def wall(moment: datetime | None) -> datetime | None:
    """An instant as a form shows it."""
    return clock.local(moment).replace(tzinfo=None) if moment else None


def instant(said: datetime | None) -> datetime | None:
    """What a form says, as an instant."""
    return said.replace(tzinfo=clock.timezone()) if said else None


class ReasonForm(OnceForm):
    reason = StringField(_l("Why"), [InputRequired(NEEDED), Length(max=300)])


class RoomsForm(OnceForm):
    """Which rooms of the stay are meant; asked only when there are several."""

    rooms = SelectMultipleField(_l("Rooms"), option_widget=CheckboxInput(), coerce=row_id, validate_choice=False)

    def offer(self, rooms: Iterable[RoomView], chosen: Iterable[RoomView] | None = None) -> None:
        rooms = list(rooms)
        self.rooms.choices = [SelectChoice(room.placement_id, room.name) for room in rooms]
        if not self.is_submitted() and not self.rooms.data:
            self.rooms.data = [room.placement_id for room in (rooms if chosen is None else chosen)]

    @property
    def room_ids(self) -> list[int] | None:
        """None when there was nothing to choose."""
        return list(self.rooms.data or []) if len(self.rooms.choices) > 1 else None

    def validate_rooms(self, field: Any) -> None:
        offered = {choice.value for choice in field.choices}
        if len(offered) > 1 and (not field.data or not set(field.data) <= offered):
            field.errors = [*field.errors, CHOOSE]


def from_paper() -> dict[str, Any]:
    """What `MomentForm` begins with when a night on paper is entered."""
    return {"when": EARLIER, "reason": _("Entered from paper")} if request.args.get("paper") else {}


class MomentForm(RoomsForm):
    """When it happened: now, or earlier, with a reason."""

    when = RadioField(
        _l("When"),
        choices=options([(NOW, _l("Now")), (EARLIER, _l("Earlier"))]),
        default=NOW,
    )
    happened_at = DateTimeLocalField(_l("Real day and time"), [Optional()], format=MOMENT)
    reason = StringField(_l("Why it is entered late"), [Length(max=300)])

    @property
    def moment(self) -> datetime | None:
        """None: now."""
        return instant(self.happened_at.data) if self.when.data == EARLIER else None

    def validate_happened_at(self, field: Any) -> None:
        if self.when.data == EARLIER and field.data is None and not field.errors:
            field.errors = [*field.errors, NEEDED]


class ArrivalForm(MomentForm):
    """Into a room in which somebody else may be meanwhile."""

    accepts_misfit = BooleanField(_l("I know that this room is not right in everything"))
    asks_again = False  # once it was refused for that


class CorrectionForm(OnceForm):
    happened_at = DateTimeLocalField(_l("Real day and time"), [InputRequired(NEEDED)], format=MOMENT)
    reason = StringField(_l("Why it is corrected"), [InputRequired(NEEDED), Length(max=300)])

    @property
    def moment(self) -> datetime:
        said = instant(self.happened_at.data)
        assert said is not None
        return said


class ExitFields(OnceForm):
    exit_reason = RadioField(_l("Why they leave"), [InputRequired(CHOOSE)])
    destination = RadioField(_l("Where to"), [InputRequired(CHOOSE)], description=_l("Never an address."))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.exit_reason.choices = choices(ExitReason)
        self.destination.choices = choices(Destination)


class CheckOutForm(MomentForm, ExitFields):
    pass


class CorrectDepartureForm(CorrectionForm, ExitFields):
    pass


class LeaveDateForm(RoomsForm):
    leave_on = DateField(_l("Day of leaving"), [InputRequired(NEEDED)])


class UndoCheckOutForm(ReasonForm):
    leave_on = DateField(_l("Day of leaving"), [InputRequired(NEEDED)])


class CancelForm(MomentForm):
    cancel_reason = RadioField(_l("Why"), [InputRequired(CHOOSE)])
    note = TextAreaField(_l("Note"), [Length(max=500)], description=_l("No names, numbers or places."))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cancel_reason.choices = [c for c in choices(CancelReason) if c.value not in SET_BY_HOLDS]


class PlanForm(OnceForm):
    plan_on = DateField(
        _l("Date of the plan"),
        [Optional()],
        description=_l("Reminders about the limit rest until this day, except in the last week."),
    )
    plan = TextAreaField(
        _l("Exit plan"),
        [Length(max=2000)],
        description=_l("Managers who decide about the limit read it: no names, numbers or places."),
    )
    expected_leave_on = DateField(
        _l("Expected to leave"), [Optional()], description=_l("Only an expectation: it frees no night.")
    )


class ResponsibleForm(OnceForm):
    responsible_id = SelectField(_l("Responsible coordinator"), [InputRequired(CHOOSE)])
    substitute_id = SelectField(_l("Substitute"))

    def __init__(self, people: Iterable[tuple[Any, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        people = list(people)
        self.responsible_id.choices = options([("", _l("Choose one")), *people])
        self.substitute_id.choices = options([("", _l("Nobody")), *people])


class RequestForm(OnceForm):
    reason = TextAreaField(
        _l("Why they need longer"),
        [InputRequired(NEEDED), Length(max=1000)],
        description=_l("Whoever decides reads it: no names, numbers or places."),
    )


class DecisionForm(OnceForm):
    decision = RadioField(
        _l("Decision"),
        [InputRequired(CHOOSE)],
        choices=options([("granted", _l("Grant")), ("refused", _l("Refuse"))]),
    )
    reason = TextAreaField(
        _l("Reason"), [Length(max=500)], description=_l("Needed for a refusal. No names, numbers or places.")
    )


class TransferForm(OnceForm):
    placement_id = SelectField(_l("From room"), coerce=row_id, validate_choice=False)
    to_unit_id = SelectField(_l("To room"), [InputRequired(CHOOSE)], coerce=row_id, validate_choice=False)
    from_night = DateField(_l("From which night"), [InputRequired(NEEDED)])
    moved_time = TimeField(
        _l("Time of the move"),
        [Optional()],
        description=_l("Only if they have moved already. After midnight it is still that night."),
    )
    reason = StringField(_l("Why"), [Length(max=300)], description=_l("Needed when the move was before tonight."))

    accepts_misfit = BooleanField(_l("I know that this room is not right in everything"))

    @property
    def moved_at(self) -> datetime | None:
        """The time said, in the night said."""
        if self.moved_time.data is None or self.from_night.data is None:
            return None
        return clock.in_night(self.from_night.data, self.moved_time.data)

    def offer(self, here: Iterable[RoomView], groups: Mapping[str, list[tuple[int, str]]]) -> None:
        """Rooms by heading; with one heading there is nothing to accept."""
        self.placement_id.choices = [SelectChoice(room.placement_id, room.name) for room in here]
        first = SelectChoice("", _l("Choose a room"))
        rooms = [
            SelectChoice(unit_id, name, optgroup=heading)
            for heading, units in groups.items()
            for unit_id, name in units
        ]
        self.to_unit_id.choices = [first, *rooms]
        self.has_misfits = len(groups) > 1 or (len(groups) == 1 and _("Rooms that fit") not in groups)

    def validate_to_unit_id(self, field: Any) -> None:
        if not field.data and not field.errors:
            field.errors = [*field.errors, CHOOSE]


class ListForm(Form):
    file = FileField(_l("The file"), [FileRequired(_l("Choose a file."))])


class ConfirmForm(OnceForm):
    """Bring in what was shown."""


class EarlierRoomForm(PlainForm):
    unit_id = SelectField(_l("Earlier room"), coerce=row_id)
    since = DateField(_l("From"), [Optional()])
    until = DateField(_l("Until"), [Optional()])


def _heads(label: Any) -> IntegerField:
    return IntegerField(label, [Optional(), NumberRange(0, MOST_HEADS)], default=0)


def _pets(label: Any) -> IntegerField:
    return IntegerField(label, [Optional(), NumberRange(0, MOST_PETS)], default=0)


class RecordForm(OnceForm):
    """A running stay; heads and pets are named by their columns."""

    unit_id = SelectField(_l("Room they are in"), [InputRequired(CHOOSE)], coerce=row_id)
    check_in = DateField(_l("Real check-in"), [InputRequired(NEEDED)])
    check_in_time = TimeField(
        _l("Time"), [Optional()], description=_l("Only if it was after midnight for the night before.")
    )
    women, men = _heads(_l("Women")), _heads(_l("Men"))
    older_boys, girls = _heads(_l("Boys 10 and over")), _heads(_l("Girls"))
    boys, infants = _heads(_l("Boys under 10")), _heads(_l("Infants"))
    small_dogs, large_dogs = _pets(_l("Small dogs")), _pets(_l("Larger dogs"))
    cats, other_pets = _pets(_l("Cats")), _pets(_l("Other animals"))
    leave_on = DateField(_l("Planned day of leaving"), [Optional()], description=_l("Empty: the limit."))
    extensions = IntegerField(_l("Extensions granted so far"), [Optional(), NumberRange(0, MOST_EXTENSIONS)], default=0)
    limit_on = DateField(
        _l("Limit in the old list"),
        [Optional()],
        description=_l("You are told when it was counted otherwise."),
    )
    room_from = DateField(
        _l("In this room since"), [Optional()], description=_l("Only if they were in other rooms before.")
    )
    earlier = FieldList(FormField(EarlierRoomForm), min_entries=2, max_entries=2)
    responsible = SelectField(_l("Responsible coordinator"))
    case = StringField(
        _l("Number in the old list"), [Length(max=40)], description=_l("Kept sealed with the household.")
    )

    def __init__(self, units: Iterable[UnitChoice], people: Iterable[tuple[Any, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        rooms = [(unit.id, unit.name) for unit in units]
        self.unit_id.choices = options([("", _l("Choose a room")), *rooms])
        for entry in self.earlier:
            entry.form.unit_id.choices = options([("0", _l("None")), *rooms])
        self.responsible.choices = options([("", _l("Nobody yet")), *people])

    def validate_unit_id(self, field: Any) -> None:
        if not field.data:
            field.errors = [*field.errors, CHOOSE]
