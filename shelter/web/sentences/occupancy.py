"""What a unit is on a night."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from shelter.domain.occupancy import NightState

LABELS = {
    NightState: {
        NightState.OCCUPIED: _l("Occupied"),
        NightState.RESERVED: _l("Reserved"),
        NightState.HELD: _l("Held"),
        NightState.CLOSED: _l("Closed"),
        NightState.FREE: _l("Free"),
        NightState.NOT_IN_SERVICE: _l("Not in service"),
    },
}
