"""Who may do what. A person may have several roles; permissions are their union."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from uuid import UUID


class Role(StrEnum):
    COORDINATOR = "coordinator"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    REFERRER = "referrer"


class Permission(StrEnum):
    """`<resource>:<action>`, in alphabetical order."""

    AUDIT_READ = "audit:read"
    BOARD_VIEW = "board:view"
    EXCLUSIONS_SEE = "exclusions:see"  # which places safety withholds, not only how many
    HOUSEHOLDS_READ = "households:read"
    HOUSEHOLDS_WRITE = "households:write"
    LIMITS_DECIDE = "limits:decide"
    MESSAGES_READ = "messages:read"
    MESSAGES_STOP = "messages:stop"  # stop all texts of the house, and let them go again
    OCCUPANCY_VIEW = "occupancy:view"
    OPERATIONS_VIEW = "operations:view"
    SITES_LOCATE = "sites:locate"  # reveal directions, with a reason
    SITES_MANAGE = "sites:manage"
    SITES_VIEW = "sites:view"
    STAYS_IMPORT = "stays:import"
    STAYS_PLACE = "stays:place"  # find, hold, confirm, cancel, check in, check out
    STAYS_READ = "stays:read"
    TASKS_WORK = "tasks:work"
    TODAY_VIEW = "today:view"
    USERS_MANAGE = "users:manage"


P = Permission

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.COORDINATOR: frozenset(
        {
            P.BOARD_VIEW,
            P.HOUSEHOLDS_READ,
            P.HOUSEHOLDS_WRITE,
            P.MESSAGES_READ,
            P.MESSAGES_STOP,
            P.OCCUPANCY_VIEW,
            P.SITES_LOCATE,
            P.SITES_VIEW,
            P.STAYS_IMPORT,
            P.STAYS_PLACE,
            P.STAYS_READ,
            P.TASKS_WORK,
            P.TODAY_VIEW,
        }
    ),
    Role.MANAGER: frozenset(
        {
            P.BOARD_VIEW,
            P.LIMITS_DECIDE,
            P.MESSAGES_READ,  # those to themselves
            P.MESSAGES_STOP,
            P.OCCUPANCY_VIEW,
            P.OPERATIONS_VIEW,
            P.SITES_VIEW,
            P.TASKS_WORK,
            P.TODAY_VIEW,
        }
    ),
    Role.ADMINISTRATOR: frozenset(
        {
            P.EXCLUSIONS_SEE,
            P.MESSAGES_READ,
            P.MESSAGES_STOP,
            P.OPERATIONS_VIEW,
            P.SITES_LOCATE,
            P.SITES_MANAGE,
            P.SITES_VIEW,
            P.TASKS_WORK,
            P.TODAY_VIEW,
            P.USERS_MANAGE,
        }
    ),
    Role.AUDITOR: frozenset({P.AUDIT_READ, P.OCCUPANCY_VIEW, P.OPERATIONS_VIEW}),
    Role.REFERRER: frozenset(),
}


@dataclass(frozen=True)
class Principal:
    """Whoever acts: a signed-in person, or the system itself (jobs, commands) when `user_id` is None.

    `site_ids` are the sites where the person is a coordinator today.
    """

    user_id: UUID | None
    login: str
    name: str
    locale: str = "ko"
    roles: frozenset[Role] = frozenset()
    site_ids: frozenset[UUID] = frozenset()
    session_id: str | None = None
    address: str | None = field(default=None, compare=False)
    active_at: datetime | None = field(default=None, compare=False)  # last noted activity of the session

    @cached_property
    def permissions(self) -> frozenset[Permission]:
        if self.is_system:
            return frozenset(Permission)
        return frozenset().union(*(ROLE_PERMISSIONS[r] for r in self.roles))

    def can(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def is_system(self) -> bool:
        return self.user_id is None

    # What flask-login asks of a signed-in person.
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return self.session_id or ""


SYSTEM = Principal(user_id=None, login="system", name="system")
