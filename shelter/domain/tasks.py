"""Work for a person that no state implies by itself; whatever can be derived (late arrivals, limits) is not a task."""

from __future__ import annotations

from enum import StrEnum

from shelter.domain.permissions import Permission


class TaskKind(StrEnum):
    CALL = "call"  # a text failed or was unwise, and calling is allowed
    OTHER_WAY = "other_way"  # neither call nor text is allowed: use the agreed other way
    COLLISION = "collision"  # somebody still in the house, and the next household holds the night
    CLOSURE_RENEWAL = "closure_renewal"  # "until further notice" nears its 180 days
    DUPLICATE_NUMBER = "duplicate_number"  # the same number in two cases: for an administrator
    IMPORT_DIFFERENCE = "import_difference"  # the old sheet counted another limit
    NO_SHOW = "no_show"  # a safety event with a checklist
    UNREACHABLE_SITE = "unreachable_site"  # nobody at a site could be texted about its limits


# Whose work it is. Tasks about a household are for those who may read it, nobody else.
FOR_WHOM: dict[TaskKind, Permission] = {
    TaskKind.CLOSURE_RENEWAL: Permission.SITES_MANAGE,
    TaskKind.DUPLICATE_NUMBER: Permission.USERS_MANAGE,
    TaskKind.UNREACHABLE_SITE: Permission.LIMITS_DECIDE,
}
ABOUT_A_HOUSEHOLD = frozenset(TaskKind) - FOR_WHOM.keys()
URGENT = frozenset({TaskKind.NO_SHOW, TaskKind.CALL, TaskKind.OTHER_WAY, TaskKind.COLLISION, TaskKind.UNREACHABLE_SITE})


class Check(StrEnum):
    """What is done when somebody expected does not come, in this order; nothing of it by a channel she forbade."""

    ASKED_SITE = "asked_site"  # is she at the door, or at another site?
    TRIED_HER = "tried_her"  # only in a way she allowed
    ASKED_REFERRER = "asked_referrer"  # the police or the agency that called us
    JUDGED_DANGER = "judged_danger"  # is she in danger now? then the police
    DECIDED_ROOM = "decided_room"  # keep it, until when, or give it up


def checklist(kind: TaskKind) -> tuple[Check, ...]:
    """What a person ticks off before the task is done."""
    return tuple(Check) if kind is TaskKind.NO_SHOW else ()
