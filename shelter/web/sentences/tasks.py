"""Work for a person, as its headline."""

from __future__ import annotations

from shelter.domain.tasks import Check, TaskKind
from shelter.web.language import lazy_gettext as _l

SENTENCES = {
    "checks_missing": _l("Go through every point of the list, then tick it off."),
}

LABELS = {
    TaskKind: {
        TaskKind.CALL: _l("Call her"),
        TaskKind.OTHER_WAY: _l("Tell her by the agreed other way"),
        TaskKind.COLLISION: _l("The next household is expected and somebody has not left yet"),
        TaskKind.CLOSURE_RENEWAL: _l("A closure ends soon: renew it or open the room"),
        TaskKind.DUPLICATE_NUMBER: _l("One number in two cases: check whether they are the same"),
        TaskKind.IMPORT_DIFFERENCE: _l("The old sheet counted another limit: check it"),
        TaskKind.NO_SHOW: _l("Did not arrive: go through the checklist"),
        TaskKind.UNREACHABLE_SITE: _l("Nobody of a site can be texted about its limits"),
    },
    Check: {
        Check.ASKED_SITE: _l("The site was asked: is she at the door, or has she gone somewhere else?"),
        Check.TRIED_HER: _l("She was tried, only in a way she allowed"),
        Check.ASKED_REFERRER: _l("Whoever referred her was asked (police, hotline, agency)"),
        Check.JUDGED_DANGER: _l("It was judged whether she is in danger now; if so the police know"),
        Check.DECIDED_ROOM: _l("It was decided what happens to the room: kept until when, or given up"),
    },
}
