"""What every page shows around its own content: navigation by permission, banner, language, rights in templates."""

from __future__ import annotations

from typing import Any

from flask import Flask, request, url_for
from flask_babel import get_locale
from flask_login import current_user

from shelter import clock
from shelter.config import Settings
from shelter.domain.permissions import Permission as P
from shelter.web.language import lazy_gettext as _l
from shelter.web.once import new_once

NAVIGATION = (
    ("today.show", _l("Today"), P.TODAY_VIEW),
    ("find.show", _l("Find a place"), P.STAYS_PLACE),
    ("stays.index", _l("Stays"), P.STAYS_READ),
    ("board.index", _l("Board"), P.BOARD_VIEW),
    ("occupancy.show", _l("Occupancy"), P.OCCUPANCY_VIEW),
    ("messages.index", _l("Messages"), P.MESSAGES_READ),
    ("sites.index", _l("Sites"), P.SITES_VIEW),
    ("users.index", _l("Staff"), P.USERS_MANAGE),
    ("audit.index", _l("Access log"), P.AUDIT_READ),
    ("operations.show", _l("System"), P.OPERATIONS_VIEW),
)


def init_app(app: Flask, settings: Settings) -> None:
    @app.context_processor
    def _shared() -> dict[str, Any]:
        return {
            "can": can,
            "navigation": navigation() if current_user.is_authenticated else [],
            "is_demo": settings.is_demo,
            "is_console_gateway": settings.sms_gateway == "console",
            "here": request.path if request.path.isprintable() else "/",
            "quick_exit_url": settings.quick_exit_url,
            "language": str(get_locale()),
            "new_once": new_once,
            "now": clock.now(),
            "tonight": clock.shelter_day(),
        }


def can(permission: str) -> bool:
    """May the person reading this page do it?"""
    return current_user.is_authenticated and current_user.can(P(permission))


def navigation() -> list[dict[str, Any]]:
    area = request.blueprint
    return [
        {"href": url_for(endpoint), "label": label, "is_current": endpoint.split(".")[0] == area}
        for endpoint, label, permission in NAVIGATION
        if current_user.can(permission)
    ]
