"""How long a stay may last: calendar arithmetic under a policy, not a number of days.

Counting rules: `civil_code` is Korean Civil Code 157, 159 and 160 (the day of check-in is not counted; the period
ends the day before the day that corresponds to its first day, or on the last day of the last month if there is no
such day); `same_day` is the same with the day of check-in counted.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from shelter.domain.errors import PastTheLimit, PolicyIncomplete
from shelter.domain.permissions import Role

DEFAULT_THRESHOLDS = (60, 30, 14, 7, 1)
NEVER_SILENCED = frozenset({7, 1, 0})  # a plan with a date does not silence these
REACHED = 0


class CountingRule(StrEnum):
    CIVIL_CODE = "civil_code"
    SAME_DAY = "same_day"


class ReadmissionRule(StrEnum):
    """How an earlier stay counts for the next one."""

    RESET = "reset"  # the clock starts anew
    CUMULATIVE = "cumulative"  # earlier nights of the last twelve months are taken off


@dataclass(frozen=True, slots=True)
class StayPolicy:
    """Months or days, never both; extensions in steps of the same kind. Raises PolicyIncomplete."""

    months: int | None = 6
    days: int | None = None
    counting_rule: CountingRule = CountingRule.CIVIL_CODE
    extension_months: int | None = None
    extension_days: int | None = None
    max_extensions: int = 0
    decided_by: Role = Role.MANAGER
    thresholds: tuple[int, ...] = DEFAULT_THRESHOLDS
    readmission_rule: ReadmissionRule = ReadmissionRule.RESET

    def __post_init__(self) -> None:
        if (self.months is None) == (self.days is None) or (self.months or self.days or 0) <= 0:
            raise PolicyIncomplete()
        if self.extension_months is not None and self.extension_days is not None:
            raise PolicyIncomplete()


def limit_on(check_in_on: date, policy: StayPolicy, granted_steps: int = 0) -> date:
    """The latest permitted `leave_on`; the last night is the one before.

    `check_in_on` is the calendar day of the real check-in. Base and granted steps are added up first and counted
    from that day once: limits are never chained.
    """
    months = (policy.months or 0) + granted_steps * (policy.extension_months or 0)
    days = (policy.days or 0) + granted_steps * (policy.extension_days or 0)
    first = check_in_on
    if policy.counting_rule is CountingRule.CIVIL_CODE:
        first += timedelta(days=1)
    return _last_day_of_months(first, months) + timedelta(days=days)


def _last_day_of_months(first: date, months: int) -> date:
    """Last day of a period of whole months that begins on `first` (Civil Code 160); the day before it for none."""
    index = first.year * 12 + first.month - 1 + months
    year, month = index // 12, index % 12 + 1
    last_of_month = calendar.monthrange(year, month)[1]
    if first.day > last_of_month:
        return date(year, month, last_of_month)
    return date(year, month, first.day) - timedelta(days=1)


def days_left(limit: date, today: date) -> int:
    """Negative when the limit has passed."""
    return (limit - today).days


def crossed_thresholds(thresholds: Iterable[int], limit: date, today: date) -> tuple[int, ...]:
    """All thresholds reached by now, widest first; 0 is the limit itself. `<=`: a night missed is caught up."""
    left = days_left(limit, today)
    return tuple(sorted({n for n in (*thresholds, REACHED) if left <= n}, reverse=True))


def tightest(thresholds: Iterable[int]) -> int | None:
    """Of several crossed at once, the one that is shown and counted."""
    return min(thresholds, default=None)


def is_silenced_by_plan(threshold: int, plan_on: date | None, today: date) -> bool:
    """A plan with a date silences the wider thresholds until that date; 7, 1 and the limit itself never."""
    return threshold not in NEVER_SILENCED and plan_on is not None and today <= plan_on


def check_leave_on(leave_on: date, limit: date) -> None:
    """Raises PastTheLimit."""
    if leave_on > limit:
        raise PastTheLimit(limit_on=limit)
