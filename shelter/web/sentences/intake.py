"""What an intake refuses, and what to do."""

from __future__ import annotations

from shelter.domain.contacts import TextChoice
from shelter.web.language import lazy_gettext as _l

SENTENCES = {
    "nobody_in_household": _l("At least one person must come. Choose the sex of the first person."),
    "number_both_ways": _l("One number cannot be safe and never to be used at once. Take it out of one of the two."),
    "number_needed": _l("She may be called or texted: enter the number for it, or answer no to both."),
    "other_way_needed": _l("Neither call nor text is allowed. Enter the other way you agreed with her."),
    "changed_meanwhile": _l(
        "This record was changed meanwhile. Nothing was saved yet. What you typed is still here; where you had changed"
        " nothing, what is saved now stands. Check it, then save again."
    ),
    "excludes_itself": _l("A household cannot be kept away from itself. Check the case reference."),
    "no_such_household": _l("There is no case %(reference)s. Check each character."),
}

LABELS = {
    TextChoice: {
        TextChoice.BY_VOICE: _l("Told by voice, no text"),
        TextChoice.ASKED_NOW: _l("Text now: she asks for it during this call"),
        TextChoice.IN_SAFE_HOURS: _l("Text within her safe hours"),
    },
}
