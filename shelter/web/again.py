"""Nothing typed is lost when the database is away: the page that says so holds it, to be sent once more.

It holds the form's own key and token, so that it is the same act, sent by the same person who is still signed in.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from werkzeug.exceptions import HTTPException


@dataclass(frozen=True)
class Again:
    """The same request once more: a link, or a form with what was typed."""

    address: str
    fields: tuple[tuple[str, str], ...] = ()


def again() -> Again | None:
    """None where it must be typed again (passwords), chosen again (files), or did not come from a page of ours."""
    address = request.full_path if request.query_string else request.path
    if request.endpoint is None or address.startswith("//"):
        return None
    if request.method in ("GET", "HEAD"):
        return Again(address)
    try:
        fields, files = tuple(request.form.items(multi=True)), request.files
    except HTTPException:
        return None  # too large to be read at all
    is_ours = request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
    has_secret = request.blueprint in ("auth", "webhooks") or any("password" in name for name, _ in fields)
    return Again(address, fields) if is_ours and fields and not files and not has_secret else None
