"""Finding and holding a place: why a unit fits or does not, what is refused on the way, who is placed."""

from __future__ import annotations

from shelter.domain.matching import AgeBand, Merit, PetSize, Reason, Sex, Species, UnitKind
from shelter.domain.stays import TurnawayReason
from shelter.web.language import lazy_gettext as _l

SENTENCES = {
    "unit_just_taken": _l("That room was just taken. Choose another: everything you entered is kept."),
    "unit_fits_no_more": _l("That room does not fit any more: %(reason)s. Choose another."),
    "party_empty": _l("Enter who needs a place: at least one person."),
    "already_placed": _l(
        "This household has a running stay, %(reference)s. Open that stay: its days count on, also in another room."
    ),
    "night_has_passed": _l("The night of %(night)s is over. Choose tonight or a later night."),
    "night_too_far": _l("Choose a night until %(latest)s: nobody can say yet what is free after that."),
    "hold_ran_out": _l(
        "This hold has run out and cannot be renewed. Confirm it now: that works as long as nobody has taken the room."
    ),
    "hold_already_renewed": _l("A hold can be renewed once. Confirm it, or let the room go and search again."),
    "nothing_held": _l("This hold was confirmed, released or replaced meanwhile. Look at the stay before you go on."),
    "too_many_units": _l("Hold at most two rooms at once. Hold the others for the same stay afterwards."),
    "reference_not_valid": _l(
        "This is not a case reference. It has six characters and a check character: read it again, one by one."
    ),
}

LABELS = {
    Sex: {Sex.FEMALE: _l("Female"), Sex.MALE: _l("Male"), Sex.OTHER: _l("Other or not stated")},
    AgeBand: {
        AgeBand.ADULT: _l("Adult"),
        AgeBand.OLDER_BOY: _l("Boy, 10 or older"),
        AgeBand.CHILD: _l("Child"),
        AgeBand.INFANT: _l("Infant"),
    },
    Species: {Species.DOG: _l("Dog"), Species.CAT: _l("Cat"), Species.OTHER: _l("Other animal")},
    PetSize: {PetSize.SMALL: _l("Small"), PetSize.LARGE: _l("Large")},
    UnitKind: {
        UnitKind.SINGLE: _l("Single room"),
        UnitKind.FAMILY: _l("Family room"),
        UnitKind.SHARED: _l("Bed in a shared room"),
    },
    # Said of a unit, and in front of a count of units.
    Reason: {
        Reason.NOT_IN_SERVICE: _l("not in service on these nights"),
        Reason.CLOSED: _l("closed on some of these nights"),
        Reason.TAKEN: _l("taken on some of these nights"),
        Reason.OVERDUE: _l("somebody is still in it past the planned day"),
        Reason.SITE_PAUSED: _l("the site is paused for new placements"),
        Reason.TOO_SMALL: _l("too small"),
        Reason.AUDIENCE: _l("for others (women, men or families)"),
        Reason.OLDER_BOY: _l("no boys of 10 or older"),
        Reason.NOT_STEP_FREE: _l("not step-free"),
        Reason.NO_COT: _l("no cot"),
        Reason.PETS_NOT_ALLOWED: _l("no pets"),
        Reason.PET_TOO_LARGE: _l("small pets only"),
        Reason.TOO_MANY_PETS: _l("too many pets"),
        Reason.SHARING_WOMEN: _l("a shared room for women only"),
        Reason.SHARING_MEN: _l("a shared room for men only"),
        Reason.SHARED_ROOM_CHILDREN: _l("no children in this shared room"),
        Reason.ROOM_OF_ANOTHER_HOUSEHOLD: _l("another household has the room"),
        Reason.ALLERGY: _l("an allergy to pets in the room"),
        Reason.MUST_NOT_MEET: _l("somebody there whom they must not meet"),
        Reason.WITHHELD_FOR_SAFETY: _l("withheld for safety"),
    },
    Merit: {
        Merit.EXACT: _l("exactly their size"),
        Merit.SPARE: _l("larger than needed"),
        Merit.PETS_WELCOME: _l("pets welcome"),
        Merit.STEP_FREE: _l("step-free"),
        Merit.COT: _l("with a cot"),
        Merit.OLDER_BOY_WELCOME: _l("boys of 10 or older welcome"),
        Merit.OWN_ROOM: _l("a room of their own"),
        Merit.ALONE_IN_ROOM: _l("nobody else in the shared room so far"),
        Merit.SHARED_ROOM: _l("shared with others"),
        Merit.ASK_SITE: _l("ask the site first: a rule by sex applies"),
        Merit.PET_PLACE_SPENT: _l("uses up a pet-friendly room"),
        Merit.STEP_FREE_SPENT: _l("uses up a step-free room"),
    },
    TurnawayReason: {
        TurnawayReason.NO_SPACE: _l("Nothing free"),
        TurnawayReason.NO_FAMILY_UNIT: _l("No room large enough"),
        TurnawayReason.NO_PET_UNIT: _l("No room for the pets"),
        TurnawayReason.NO_STEP_FREE: _l("No step-free room"),
        TurnawayReason.NO_UNIT_FOR_MEN: _l("No room for men"),
        TurnawayReason.OLDER_BOY: _l("No room for a boy of 10 or older"),
        TurnawayReason.SHARING: _l("Only beds in shared rooms were left"),
        TurnawayReason.SAFETY: _l("Nothing safe for her was free"),
        TurnawayReason.OUTSIDE_PROGRAMME: _l("Not within the programme"),
        TurnawayReason.DECLINED_OFFER: _l("She declined what was offered"),
        TurnawayReason.CALL_LOST: _l("The line broke off"),
        TurnawayReason.OTHER: _l("Another reason"),
    },
}

CONSTRAINTS = {
    "ck_placement_nights": _l("The day of leaving must come after the first night."),
    "ck_turnaway_heads": SENTENCES["party_empty"],
}
