"""The life of a stay: what is refused in it, what is wrong in a list of stays, and its codes in words."""

from __future__ import annotations

from shelter.domain.stays import (
    CancelReason,
    Destination,
    ExitReason,
    ExtensionDecision,
    PlacementState,
    StayState,
)
from shelter.web.language import lazy_gettext as _l

SENTENCES = {
    "reason_missing": _l("Say why. It stands in the history with your name."),
    "in_the_future": _l("This lies in the future. Record what has happened; plans are made elsewhere."),
    "too_long_ago": _l("This is too long ago to be meant. Check the year."),
    "before_arrival": _l("This is before they arrived. Check the day and the time."),
    "in_another_stay": _l(
        "They were in the house in another stay at that time, %(reference)s. Look at both, and correct the wrong one."
    ),
    "nights_taken": _l(
        "The room is not free on %(nights)s of these nights, the first on %(first_night)s. Nothing was changed."
        " Choose other days or another room."
    ),
    "unit_still_occupied": _l(
        "Somebody is still checked in to this room. Check them out or move them first, or move these."
    ),
    "arrived_after_leaving": _l(
        "The room was booked until %(leave_on)s only. Change the day of leaving first, then check in."
    ),
    "leaves_too_early": _l(
        "The earliest day is %(earliest_on)s. If they have left already, check them out and give the real time."
    ),
    "nothing_to_do": _l("This was done already, or somebody has changed the stay meanwhile. Look at it again."),
    "date_has_passed": _l("This day has passed. Choose one that lies ahead."),
    "same_unit": _l("They are in this room already. Choose another."),
    "not_a_coordinator": _l("Choose two different coordinators with active accounts."),
    "extension_not_offered": _l("This stay's rules know no extension."),
    "extensions_used_up": _l("All %(most)s extensions were granted. There is no further one."),
    "extension_already_decided": _l("Somebody has decided meanwhile. Look at the stay again."),
    "not_yours_to_decide": _l("The rules of this stay leave this to somebody else: %(decided_by)s."),
    "leave_after_limit": _l(
        "The limit is %(limit_on)s: %(leave_on)s lies beyond it. Choose an earlier day, or ask for an extension."
    ),
    "nights_empty": _l("The day of leaving must come after the first night."),
    "move_not_allowed": _l("This is not possible any more: somebody has changed the stay. Look at it again."),
}

# What is wrong with a line of a list of stays; the page puts line and column in front.
REASONS = {
    "stays_no_headings": _l(
        "No line with headings was found. One of the first lines must name the columns: at least Site, Room and"
        " Check-in. The template has all of them."
    ),
    "stay_differs": _l("This is not the same as on line %(first)s of the same case. Say it once, or alike."),
    "cell_not_time": _l("“%(value)s” is not a time of day. Write it like 14:30, or leave it empty."),
    "day_not_yet": _l("This day lies ahead. Only stays that are running are brought in."),
    "room_days_not_in_order": _l("They left this room before they came. Correct one of the days."),
    "room_before_check_in": _l("This is before the check-in of the stay. Correct one of the days."),
    "room_gap": _l("The rooms before reach to %(reached)s only. Nights between are missing: correct the days."),
    "heads_missing": _l("Who is in this room now? Fill in at least one of the columns for people."),
    "stay_is_over": _l(
        "Every room of this stay has an end: it is over. Leave it out, or clear the end of the last room."
    ),
    "leave_before_arrival": _l("They leave before they came. Correct one of the days."),
    "site_not_known": _l("There is no site of this name. Bring the list of units in first, or correct the name."),
    "room_not_known": _l("This site has no room of this name. Correct it."),
    "bed_not_known": _l("This room has no such bed, or it is booked by beds: name the bed."),
    "room_taken": _l(
        "Somebody else has this room on the night of %(night)s. Correct the room, or end the other stay first."
    ),
    "room_given_up": _l(
        "This room goes out of service on %(day)s. Correct the room, or write a planned day of leaving until then."
    ),
    "responsible_not_known": _l("There is no coordinator of this name. Write the sign-in name, or leave it empty."),
    "responsible_not_one": _l("Several coordinators have this name. Write the sign-in name."),
    "extension_not_offered": SENTENCES["extension_not_offered"],
}

LABELS = {
    StayState: {
        StayState.OPEN: _l("Expected"),
        StayState.IN_HOUSE: _l("In the house"),
        StayState.ENDED: _l("Ended"),
        StayState.CANCELLED: _l("Cancelled"),
    },
    PlacementState: {
        PlacementState.HELD: _l("Held"),
        PlacementState.BOOKED: _l("Booked"),
        PlacementState.IN_HOUSE: _l("In the house"),
        PlacementState.ENDED: _l("Left"),
        PlacementState.EXPIRED: _l("Hold ran out"),
        PlacementState.CANCELLED: _l("Cancelled"),
        PlacementState.NO_SHOW: _l("Did not arrive"),
        PlacementState.MOVED: _l("Moved on"),
    },
    ExtensionDecision: {
        ExtensionDecision.REQUESTED: _l("Waiting for a decision"),
        ExtensionDecision.GRANTED: _l("Granted"),
        ExtensionDecision.REFUSED: _l("Refused"),
    },
    CancelReason: {
        CancelReason.FOUND_OTHER: _l("Found another safe place"),
        CancelReason.WENT_HOME: _l("Went home"),
        CancelReason.CHANGED_MIND: _l("Changed her mind"),
        CancelReason.NO_CONTACT: _l("Cannot be reached any more"),
        CancelReason.NO_SHOW: _l("Did not arrive"),
        CancelReason.SAFETY: _l("The place is not safe for her"),
        CancelReason.SITE_CANNOT: _l("The site cannot take them"),
        CancelReason.HOLD_EXPIRED: _l("The hold ran out"),
        CancelReason.HOLD_RELEASED: _l("The hold was released"),
        CancelReason.BY_MISTAKE: _l("Entered by mistake"),
        CancelReason.OTHER: _l("Another reason"),
    },
    ExitReason: {
        ExitReason.PLANNED: _l("As planned"),
        ExitReason.OWN_WISH: _l("Her own wish"),
        ExitReason.OTHER_PROGRAMME: _l("To another programme"),
        ExitReason.SAFETY_MOVE: _l("The place was no longer safe"),
        ExitReason.LIMIT: _l("The limit was reached"),
        ExitReason.HOSPITAL: _l("To hospital"),
        ExitReason.RULES: _l("Asked to leave"),
        ExitReason.UNANNOUNCED: _l("Left without a word"),
        ExitReason.DIED: _l("Died"),
        ExitReason.OTHER: _l("Another reason"),
    },
    Destination: {
        Destination.OWN_HOME: _l("Her own home, without the perpetrator"),
        Destination.NEW_HOME: _l("A new home"),
        Destination.PUBLIC_HOUSING: _l("Public housing"),
        Destination.FAMILY: _l("With family"),
        Destination.FRIENDS: _l("With friends"),
        Destination.OTHER_SHELTER: _l("Another emergency shelter"),
        Destination.LONG_TERM_SHELTER: _l("A long-term shelter"),
        Destination.TEMPORARY_LODGING: _l("Temporary lodging"),
        Destination.INSTITUTION: _l("Hospital or treatment"),
        Destination.ABROAD: _l("Abroad"),
        Destination.PERPETRATOR: _l("Back to the perpetrator's home"),
        Destination.UNKNOWN: _l("Not known"),
        Destination.OTHER: _l("Elsewhere"),
    },
}

CONSTRAINTS = {
    "uq_extension_one_open_per_stay": _l("An extension has been asked for already. It waits for a decision."),
    "uq_stay_one_running_per_household": _l("This household has another stay that is running. End that one first."),
}
