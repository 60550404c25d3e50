"""Places: sites, units, closures, and lists that bring them in."""

from __future__ import annotations

from shelter.domain.limits import CountingRule, ReadmissionRule
from shelter.domain.matching import Audience, PetsAllowed, Sharing
from shelter.domain.stays import ClosureReason
from shelter.web.language import lazy_gettext as _l

SENTENCES = {
    "code_name_taken": _l("There is a site with this code name already. Choose another."),
    "code_name_tells": _l("A code name must not say where the site is. Choose a word that is no place."),
    "district_not_known": _l("Choose a district from the list, or write its code or its name."),
    "night_line_not_valid": _l("This is not a telephone number. Write it like 02-1234-5678."),
    "reason_too_short": _l(
        "Write in at least %(shortest)s characters why you need the directions. Whoever reviews the access log"
        " will read it."
    ),
    "policy_too_early": _l(
        "A change holds from today at the earliest; where one already holds from today, from tomorrow."
    ),
    "policy_incomplete": _l("Give the length in months or in days, and extensions in the same kind."),
    "policy_too_long": _l("A stay may last at most 36 months or 1096 days."),
    "extension_step_missing": _l("Say how long one extension lasts, or allow none."),
    "thresholds_not_valid": _l(
        "Write days like 60, 30, 14, 7, 1: at most ten of them, each between 1 and %(longest)s."
    ),
    "person_cannot_coordinate": _l("Choose somebody with an active account and the role of coordinator."),
    "coordinator_twice": _l("This person coordinates the site on some of these days already."),
    "days_not_in_order": _l("The last day must come after the first day."),
    "room_label_taken": _l("This site has a room of this name already. Choose another."),
    "unit_label_taken": _l("This room has a bed of this name already. Choose another."),
    "pets_and_number_disagree": _l("Where pets are allowed say how many, and where none are leave the number 0."),
    "sharing_and_audience_differ": _l("A room for women has no bed for men, and the other way round."),
    "service_not_in_order": _l("The day it goes out of service must not be before the day it comes into service."),
    "unit_has_nights": _l(
        "Nights after that day are booked, the last one on %(last_night)s: %(references)s. Move or end these"
        " first, or choose a later day."
    ),
    "unit_has_earlier_nights": _l(
        "Nights before that day are booked or were slept there, the first one on %(first_night)s: %(references)s."
        " Choose that day or an earlier one."
    ),
    "capacity_below_people": _l("More people than that are booked there: %(references)s. Move them first."),
    "closure_too_far_back": _l("A closure can be recorded back to %(earliest)s, not further."),
    "closure_too_long": _l(
        "A closure can reach to %(latest)s at most. Choose “until further notice” if you do not know."
    ),
    "nights_are_booked": _l(
        "Nothing was closed, because nights are booked between %(first_night)s and %(last_night)s. Units:"
        " %(units)s. Stays: %(references)s. Move these first, or choose other days."
    ),
    "already_closed": _l("Nothing was closed, because these are closed on some of the days already: %(units)s."),
    "no_unit_chosen": _l("Choose at least one unit."),
    "closure_over": _l("This closure ends earlier than that, or cannot be renewed. Look at it again."),
    "list_refused": _l("Nothing was brought in: %(count)s problems. Correct them in the file and choose it again."),
    "file_too_large": _l("The file is too large. Up to %(megabytes)s MB can be read."),
    "file_too_long": _l("The file is too long. Up to %(rows)s lines and %(columns)s columns can be read."),
    "file_empty": _l("The file is empty. Choose another."),
    "file_old_or_locked": _l(
        "This is an old Excel file (.xls), or it has a password. Save it as .xlsx without a password."
    ),
    "file_quotes_broken": _l(
        "The file cannot be read from line %(line)s on: a quotation mark is opened and not closed. Save it as .xlsx"
        " or correct the line."
    ),
    "file_unreadable": _l("This file cannot be read. Save it as .xlsx, or as CSV (UTF-8), and choose it again."),
}

# What is wrong with a line of a list; the page puts line and column in front.
REASONS = {
    "sheet_no_headings": _l(
        "No line with headings was found. One of the first lines must name the columns: at least Site, Room and"
        " Capacity. The template has all of them."
    ),
    "sheet_heading_repeated": _l("Two columns have this heading. Delete or rename one."),
    "sheet_heading_missing": _l("This column is missing. Add it."),
    "sheet_no_lines": _l("There is nothing under the headings."),
    "cell_missing": _l("This must not be empty. Fill it in; if the line is a total or a note, delete it."),
    "cell_formula": _l("This is a formula whose value the file does not have. Copy the column and paste it as values."),
    "cell_error": _l("The cell shows an error. Write the value itself."),
    "cell_too_long": _l("This is too long. Use at most %(longest)s characters."),
    "cell_not_yes_no": _l("“%(value)s” is neither yes nor no. Write yes or no, O or X."),
    "cell_not_number": _l("“%(value)s” is not a whole number from %(lowest)s to %(highest)s."),
    "cell_not_date": _l("“%(value)s” is not a day. Write it like 2026-03-10."),
    "not_sharing": _l("“%(value)s” is not known. Write one household, women, men or any."),
    "not_pets_allowed": _l("“%(value)s” is not known. Write none, small or any."),
    "not_audience": _l("“%(value)s” is not known. Write women, men, families or any."),
    "cell_differs": _l(
        "This is not the same as on line %(first)s. What belongs to a site or a room must be the same on all its"
        " lines, or empty."
    ),
    "line_repeated": _l("The same room and bed stand on line %(first)s already. Delete one of the lines."),
    "room_whole_and_by_bed": _l(
        "On line %(first)s this room is listed differently: once whole and once by beds. Name every bed, or none."
    ),
    "room_is_there_otherwise": _l(
        "Room “%(value)s” is here already, whole instead of by beds or the other way round. Take its present units"
        " out of service first."
    ),
    "district_missing": _l("This site is new: say in which district it is, or “outside”."),
    "pets_number_without_pets": _l("No pets are allowed here, but a number is given. Correct one of the two."),
    "pets_without_number": _l("Pets are allowed here, but their number is 0. Correct one of the two."),
    **{
        code: SENTENCES[code]
        for code in (
            "code_name_taken",
            "code_name_tells",
            "district_not_known",
            "night_line_not_valid",
            "sharing_and_audience_differ",
            "service_not_in_order",
            "pets_and_number_disagree",
            "unit_has_nights",
            "unit_has_earlier_nights",
            "capacity_below_people",
        )
    },
}

LABELS = {
    Sharing: {
        Sharing.HOUSEHOLD: _l("One household"),
        Sharing.WOMEN: _l("Shared, women"),
        Sharing.MEN: _l("Shared, men"),
        Sharing.ANY: _l("Shared, anyone"),
    },
    PetsAllowed: {
        PetsAllowed.NONE: _l("No pets"),
        PetsAllowed.SMALL: _l("Small pets"),
        PetsAllowed.ANY: _l("Any pets"),
    },
    Audience: {
        Audience.WOMEN: _l("Women"),
        Audience.MEN: _l("Men"),
        Audience.FAMILY: _l("Families"),
        Audience.ANY: _l("Anyone"),
    },
    CountingRule: {
        CountingRule.CIVIL_CODE: _l("Civil Code (the day of check-in is not counted)"),
        CountingRule.SAME_DAY: _l("The day of check-in is counted"),
    },
    ReadmissionRule: {
        ReadmissionRule.RESET: _l("Every stay counts anew"),
        ReadmissionRule.CUMULATIVE: _l("Nights of the last twelve months are taken off"),
    },
    ClosureReason: {
        ClosureReason.REPAIR: _l("Repair"),
        ClosureReason.DEEP_CLEANING: _l("Deep cleaning"),
        ClosureReason.PESTS: _l("Pests"),
        ClosureReason.INSPECTION: _l("Inspection"),
        ClosureReason.STAFFING: _l("Not enough staff"),
        ClosureReason.SAFETY: _l("Safety"),
        ClosureReason.OTHER_USE: _l("Used otherwise"),
        ClosureReason.OTHER: _l("Other"),
    },
}

CONSTRAINTS = {
    "uq_site_code_name": SENTENCES["code_name_taken"],
    "uq_room_site_id_label": SENTENCES["room_label_taken"],
    "uq_unit_room_id_label": SENTENCES["unit_label_taken"],
    "uq_stay_policy_site_id_effective_from": SENTENCES["policy_too_early"],
    "uq_task_dedupe_key": _l("This task is there already."),
    "ck_closure_in_order": SENTENCES["days_not_in_order"],
    "ck_site_membership_in_order": SENTENCES["days_not_in_order"],
    "ck_stay_policy_extensions_not_negative": SENTENCES["extension_step_missing"],
    "ck_stay_policy_months_or_days": SENTENCES["policy_incomplete"],
    "ck_stay_policy_one_extension_step": SENTENCES["policy_incomplete"],
    "ck_stay_policy_positive": SENTENCES["policy_incomplete"],
    "ck_unit_capacity": _l("A unit has room for 1 to 20 people."),
    "ck_unit_max_pets": _l("A unit takes at most 10 pets."),
    "ck_unit_pets_and_number_agree": SENTENCES["pets_and_number_disagree"],
    "ck_unit_service_in_order": SENTENCES["service_not_in_order"],
}
