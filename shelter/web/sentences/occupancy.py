"""Figures: what each is called, and how it is counted."""

from __future__ import annotations

from shelter.domain.occupancy import Figure, NightState
from shelter.domain.periods import Step
from shelter.web.language import lazy_gettext as _l

LABELS = {
    Step: {
        Step.DAY: _l("Day"),
        Step.WEEK: _l("Week"),
        Step.MONTH: _l("Month"),
        Step.YEAR: _l("Year"),
    },
    NightState: {
        NightState.OCCUPIED: _l("Occupied"),
        NightState.RESERVED: _l("Reserved"),
        NightState.HELD: _l("On hold"),
        NightState.CLOSED: _l("Closed"),
        NightState.FREE: _l("Free"),
        NightState.NOT_IN_SERVICE: _l("Not in service"),
    },
    # The one definition of each figure.
    Figure: {
        Figure.BED_NIGHTS: _l(
            "Units slept in, each night counted: one for a unit and a night, however many sleep there."
        ),
        Figure.PERSON_NIGHTS: _l("People who slept here, each night counted: three people for two nights are six."),
        Figure.OCCUPIED: _l(
            "Units of households that have checked in, from the night they really arrived. Nights ahead count while"
            " they are in the house and the unit is kept for them."
        ),
        Figure.RESERVED: _l(
            "Units booked for a household that is not there: not yet arrived, or arrived later than planned."
            " Not slept in, so no bed-night."
        ),
        Figure.HELD: _l("Units kept for a household while it is decided. A hold that has run out counts as free."),
        Figure.CLOSED: _l("Units out of use for repair, cleaning or another reason. They leave the occupancy rate."),
        Figure.FREE: _l("Units in service that nobody has: not occupied, reserved, held or closed."),
        Figure.NOT_IN_SERVICE: _l(
            "Nights before a unit came into service or after it went. They leave the occupancy rate."
        ),
        Figure.AVAILABLE: _l("Units that could be slept in: in service and not closed."),
        Figure.OCCUPANCY_RATE: _l(
            "Occupied unit-nights divided by available ones. Closed units and units not in service are left out."
        ),
        Figure.PEOPLE: _l("People in occupied units, each night counted once for every person."),
        Figure.LENGTH_OF_STAY_MEAN: _l("Nights from the first to the day of leaving, averaged over stays that ended."),
        Figure.LENGTH_OF_STAY_MEDIAN: _l("Half of the stays that ended were shorter, half were longer."),
        Figure.TURNAWAY_RATE: _l(
            "Requests that could not be met, divided by all requests: those and the households that were given a place."
        ),
    },
}
