"""Searches that name places to avoid leave a trace: trying districts one by one would map the network."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from shelter import clock
from shelter.domain.matching import Party
from shelter.domain.permissions import Principal
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.services.unit_of_work import unit_of_work

ACTION = "find.exclusions_changed"
COUNTED_OVER = timedelta(hours=24)


def note_exclusions(*, before: Party | None, party: Party, by: Principal) -> None:
    """An audit entry when what is to be avoided is not what it was, with how often that happened within a day."""
    if exclusions(party) == (exclusions(before) if before else ([], [], [])):
        return
    with unit_of_work(by) as work:
        earlier = db.session.scalar(
            select(func.count())
            .select_from(AuditEntry)
            .where(
                AuditEntry.user_id == by.user_id,
                AuditEntry.at > clock.now() - COUNTED_OVER,
                AuditEntry.action == ACTION,
            )
        )
        districts, sites, households = exclusions(party)
        work.record(ACTION, districts=districts, sites=sites, households=households, count=(earlier or 0) + 1)


def exclusions(party: Party) -> tuple[list[str], list[str], list[str]]:
    """Districts, sites and households, in order."""
    return (
        sorted(party.excluded_districts),
        sorted(str(site) for site in party.excluded_sites),
        sorted(str(household) for household in party.must_not_meet),
    )
