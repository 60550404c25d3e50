"""Which limit holds: the policy of a site in force on a day, and what it gives a household."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select

from shelter.domain import limits
from shelter.domain.limits import ReadmissionRule, StayPolicy
from shelter.domain.stays import StayState
from shelter.extensions import db
from shelter.models.sites import StayPolicyVersion
from shelter.models.stays import Placement, Stay

LOOK_BACK = timedelta(days=365)


_VERSIONS = select(StayPolicyVersion).where(StayPolicyVersion.site_id == bindparam("site")).limit(1)
_IN_FORCE = _VERSIONS.where(StayPolicyVersion.effective_from <= bindparam("on")).order_by(
    StayPolicyVersion.effective_from.desc()
)
_FIRST = _VERSIONS.order_by(StayPolicyVersion.effective_from)


def in_force(site_id: UUID, on: date) -> StayPolicyVersion:
    """The site's policy version in force on that day; before the first one, the first."""
    found = db.session.scalar(_IN_FORCE, {"site": site_id, "on": on})
    return found or db.session.scalars(_FIRST, {"site": site_id}).one()


def rules(version: StayPolicyVersion) -> StayPolicy:
    """The version as the domain knows it."""
    return replace(
        _of_the_limit(version),
        decided_by=version.decided_by,
        thresholds=tuple(version.thresholds),
        readmission_rule=version.readmission_rule,
    )


def _of_the_limit(version: Any) -> StayPolicy:
    """What of a version, or of a row with these columns, says when a stay ends."""
    return StayPolicy(
        months=version.months,
        days=version.days,
        counting_rule=version.counting_rule,
        extension_months=version.extension_months,
        extension_days=version.extension_days,
        max_extensions=version.max_extensions,
    )


def limit_for(
    version: StayPolicyVersion,
    check_in_on: date,
    *,
    household_id: UUID | None = None,
    granted_steps: int = 0,
    of_stay: UUID | None = None,
) -> date:
    """`limit_on` of a stay that begins on that calendar day; projected while the day is only planned.

    `of_stay`: the stay itself, which is not one of the earlier ones, ended or not.
    """
    limit = limits.limit_on(check_in_on, _of_the_limit(version), granted_steps)
    earlier = earlier_nights(version, check_in_on, household_id, but=of_stay)
    return max(limit - timedelta(days=earlier), check_in_on + timedelta(days=1)) if earlier else limit


def earlier_nights(
    version: StayPolicyVersion, check_in_on: date, household_id: UUID | None, *, but: UUID | None = None
) -> int:
    """Nights of the household's stays that ended in the twelve months before, where the policy counts them."""
    if version.readmission_rule is not ReadmissionRule.CUMULATIVE or household_id is None:
        return 0
    since = check_in_on - LOOK_BACK
    spans = db.session.execute(
        select(func.min(Placement.occupied_from), func.max(Placement.leave_on))
        .join(Stay, Stay.id == Placement.stay_id)
        .where(
            Stay.household_id == household_id,
            Stay.id.is_distinct_from(but),
            Stay.state == StayState.ENDED,
            Placement.occupied_from.is_not(None),
            Placement.occupied_from < check_in_on,
        )
        .group_by(Stay.id)
    )
    nights = [_days(max(begin, since), min(end, check_in_on)) for begin, end in spans if begin and end]
    return sum(nights)


def _days(begin: date, end: date) -> int:
    return max(0, (end - begin).days)
