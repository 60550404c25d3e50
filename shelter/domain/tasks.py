"""Work for a person that no state implies by itself; whatever can be derived (late arrivals, limits) is not a task."""

from __future__ import annotations

from enum import StrEnum


class TaskKind(StrEnum):
    CALL = "call"  # a text failed or was unwise, and calling is allowed
    OTHER_WAY = "other_way"  # neither call nor text is allowed: use the agreed other way
    COLLISION = "collision"  # somebody still in the house, and the next household holds the night
    CLOSURE_RENEWAL = "closure_renewal"  # "until further notice" nears its 180 days
    DUPLICATE_NUMBER = "duplicate_number"  # the same number in two cases: for an administrator
    IMPORT_DIFFERENCE = "import_difference"  # the old sheet counted another limit
    NO_SHOW = "no_show"  # a safety event with a checklist
    UNREACHABLE_SITE = "unreachable_site"  # nobody at a site could be texted about its limits
