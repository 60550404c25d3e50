"""Taking the figures of a period out of the house: counts only, and who took them is written down."""

from __future__ import annotations

from uuid import UUID

from shelter.domain.errors import NotFound, NotPermitted
from shelter.domain.periods import Period
from shelter.domain.permissions import Permission, Principal
from shelter.queries.occupancy import Occupancy, occupancy
from shelter.services.unit_of_work import unit_of_work


def export_occupancy(period: Period, site_id: UUID | None = None, *, by: Principal) -> Occupancy:
    """The figures as the page shows them. Raises NotPermitted, NotFound."""
    if not by.can(Permission.OCCUPANCY_VIEW):
        raise NotPermitted()
    with unit_of_work(by) as work:
        found = occupancy(period, site_id)
        if site_id is not None and site_id not in dict(found.sites):
            raise NotFound()
        work.record(
            "occupancy.exported",
            subject=f"site:{site_id}" if site_id else None,
            first=period.first.isoformat(),
            last=period.last.isoformat(),
        )
    return found
