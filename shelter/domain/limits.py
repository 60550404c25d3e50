"""How long a stay may last: calendar arithmetic under a policy, never 180 days."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar

from shelter.domain.errors import DomainError, PolicyIncomplete
from shelter.domain.permissions import Role

THRESHOLDS = (60, 30, 14, 7, 1)
NEVER_SILENT = 7  # from this threshold on a plan silences nothing


class CountingRule(StrEnum):
    """Which day is the first that counts."""

    CIVIL_CODE = "civil_code"  # the day after check-in: Korean Civil Code 157, 159, 160
    SAME_DAY = "same_day"  # the day of check-in


class ReadmissionRule(StrEnum):
    """What an earlier stay means for the limit of a new one."""

    RESET = "reset"
    CUMULATIVE = "cumulative"


@dataclass
class LeaveAfterLimit(DomainError):
    """The planned departure lies beyond the limit of the stay."""

    leave_on: date
    limit_on: date
    code: ClassVar[str] = "leave_after_limit"
    field: ClassVar[str | None] = "leave_on"


@dataclass(frozen=True, kw_only=True)
class StayPolicy:
    """The limit of a stay: months or days, never both; so the extension step. Raises PolicyIncomplete."""

    months: int | None = None
    days: int | None = None
    counting_rule: CountingRule = CountingRule.CIVIL_CODE
    extension_months: int | None = None
    extension_days: int | None = None
    max_extensions: int = 0
    decided_by: Role = Role.MANAGER
    thresholds: tuple[int, ...] = THRESHOLDS
    readmission_rule: ReadmissionRule = ReadmissionRule.RESET

    def __post_init__(self) -> None:
        if not _one_positive(self.months, self.days):
            raise PolicyIncomplete()
        if self.has_step and not _one_positive(self.extension_months, self.extension_days):
            raise PolicyIncomplete()
        object.__setattr__(self, "thresholds", tuple(sorted(self.thresholds, reverse=True)))

    @property
    def has_step(self) -> bool:
        return self.extension_months is not None or self.extension_days is not None


def _one_positive(months: int | None, days: int | None) -> bool:
    return (months is None) != (days is None) and (months or days or 0) > 0


def usual_thresholds(*, months: int | None = None, days: int | None = None) -> tuple[int, ...]:
    """The thresholds that make sense for a period: those within its second half."""
    length = (months or 0) * 30 + (days or 0)
    return tuple(n for n in THRESHOLDS if 2 * n <= length)


def limit_on(check_in_on: date, policy: StayPolicy, granted_steps: int = 0) -> date:
    """The latest permitted `leave_on`; the last night is the one before.

    `check_in_on` is the calendar day of the real check-in. Always from there with base plus granted: chaining
    would lose days at the ends of months. Whether a step may be granted is asked elsewhere. Raises
    PolicyIncomplete for steps of a policy that has none.
    """
    if granted_steps and not policy.has_step:
        raise PolicyIncomplete()
    months = (policy.months or 0) + granted_steps * (policy.extension_months or 0)
    days = (policy.days or 0) + granted_steps * (policy.extension_days or 0)
    start = check_in_on + timedelta(days=policy.counting_rule is CountingRule.CIVIL_CODE)
    return _last_day(start, months) + timedelta(days=days)


def _last_day(start: date, months: int) -> date:
    """The last day of so many months that begin on `start`: the day before the corresponding day.

    Without a corresponding day it is the last day of the last month. No months end the day before `start`.
    """
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    length = monthrange(year, month + 1)[1]
    if start.day > length:
        return date(year, month + 1, length)
    return date(year, month + 1, start.day) - timedelta(days=1)


def days_left(limit_on: date, today: date) -> int:
    """Negative once the limit has passed."""
    return (limit_on - today).days


def crossed_thresholds(policy: StayPolicy, limit_on: date, today: date) -> tuple[int, ...]:
    """All thresholds reached by now, widest first, those of missed nights too. 0 is the limit itself."""
    left = days_left(limit_on, today)
    return tuple(n for n in (*policy.thresholds, 0) if left <= n)


def tightest(thresholds: Iterable[int]) -> int | None:
    """The only one that is shown and counted."""
    return min(thresholds, default=None)


def is_silenced_by_plan(threshold: int, plan_on: date | None, today: date) -> bool:
    """A plan with a date silences the wider thresholds through that day; 7 days and less always speak."""
    return threshold > NEVER_SILENT and plan_on is not None and today <= plan_on


def check_leave_on(leave_on: date, limit_on: date) -> None:
    if leave_on > limit_on:
        raise LeaveAfterLimit(leave_on, limit_on)
