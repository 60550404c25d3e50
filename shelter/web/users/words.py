"""What a line of an account's history says."""

from __future__ import annotations

from shelter.domain.permissions import Role
from shelter.queries.people import AccountChange
from shelter.web.errors import label
from shelter.web.language import gettext as _
from shelter.web.language import lazy_gettext as _l

FIELDS = {"name": _l("Name"), "phone": _l("Telephone"), "locale": _l("Language")}


def change_words(change: AccountChange) -> str | None:
    """Roles before and after; of other changes which fields, never a number."""
    match change.action:
        case "user.roles_changed":
            before, after = (_roles(change.details[side]) for side in ("before", "after"))
            return _("%(before)s → %(after)s", before=before, after=after)
        case "user.invited":
            return _roles(change.details["roles"])
        case "user.changed":
            return ", ".join(str(FIELDS[name]) for name in change.details["after"])
    return None


def _roles(codes: list[str]) -> str:
    return ", ".join(label(Role(code)) for code in codes)
