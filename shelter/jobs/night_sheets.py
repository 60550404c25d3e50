"""A night sheet as one file that needs nothing else: no server, no network, no other file."""

from __future__ import annotations

from pathlib import Path

from flask import current_app
from flask_babel import force_locale
from markupsafe import Markup

from shelter.queries.tonight import SiteSheet, Tonight


def as_file(found: Tonight, sheet: SiteSheet | None, language: str) -> str:
    """One site's sheet, or the overview of all. Within an application context."""
    looks = Path(str(current_app.static_folder), "css", "tonight.css").read_text(encoding="utf-8")
    style = Markup(f"<style>\n{looks}</style>")  # noqa: S704
    template = current_app.jinja_env.get_template("tonight/file.html")
    # A context of its own: what was remembered of another language does not reach into this one.
    with current_app.app_context(), force_locale(language):
        return template.render(found=found, sheet=sheet, language=language, style=style)
