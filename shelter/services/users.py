"""Accounts of staff: inviting, changing, closing. Nobody sets another one's password."""

from __future__ import annotations

from shelter.domain.permissions import Principal
from shelter.extensions import db
from shelter.models.people import User
from shelter.services.unit_of_work import unit_of_work


def change_language(*, locale: str, by: Principal) -> None:
    """Korean or English for this person's pages from now on."""
    with unit_of_work(by):
        db.session.get_one(User, by.user_id).locale = locale
