"""How long a stay may last: calendar arithmetic under a policy, never 180 days."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar

from shelter.domain.errors import DomainError
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
class PolicyNotValid(DomainError):
    """The policy contradicts itself; `why` is a PolicyFlaw."""

    why: PolicyFlaw
    code: ClassVar[str] = "policy_not_valid"
    field: ClassVar[str | None] = "policy"


class PolicyFlaw(StrEnum):
    LENGTH = "length"  # months or days, one of them, above zero
    STEP = "step"  # an extension step in months or days, never both, above zero
    STEP_MISSING = "step_missing"  # extensions without a step
    THRESHOLDS = "thresholds"  # whole days above zero, each once


@dataclass
class LeaveAfterLimit(DomainError):
    """The planned departure lies beyond the limit of the stay."""

    leave_on: date
    limit_on: date
    code: ClassVar[str] = "leave_after_limit"
    field: ClassVar[str | None] = "leave_on"


@dataclass
class NoExtensionLeft(DomainError):
    """All extensions the policy knows have been granted."""

    granted: int
    max_extensions: int
    code: ClassVar[str] = "no_extension_left"


@dataclass(frozen=True, kw_only=True)
class StayPolicy:
    """The limit of a stay. Months or days, never both; thresholds are kept widest first."""

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
        if (self.months is None) == (self.days is None) or not _positive(self.months, self.days):
            raise PolicyNotValid(PolicyFlaw.LENGTH)
        if self.extension_months is not None and self.extension_days is not None:
            raise PolicyNotValid(PolicyFlaw.STEP)
        if not _positive(self.extension_months, self.extension_days) or self.max_extensions < 0:
            raise PolicyNotValid(PolicyFlaw.STEP)
        if self.max_extensions and not self.has_step:
            raise PolicyNotValid(PolicyFlaw.STEP_MISSING)
        if len(set(self.thresholds)) != len(self.thresholds) or not _positive(*self.thresholds):
            raise PolicyNotValid(PolicyFlaw.THRESHOLDS)
        object.__setattr__(self, "thresholds", tuple(sorted(self.thresholds, reverse=True)))

    @property
    def has_step(self) -> bool:
        return self.extension_months is not None or self.extension_days is not None


def _positive(*numbers: int | None) -> bool:
    return all(number is None or number > 0 for number in numbers)


def usual_thresholds(*, months: int | None = None, days: int | None = None) -> tuple[int, ...]:
    """The thresholds that make sense for a period: those within its second half."""
    length = (months or 0) * 30 + (days or 0)
    return tuple(n for n in THRESHOLDS if 2 * n <= length)


def limit_on(check_in_on: date, policy: StayPolicy, granted_steps: int = 0) -> date:
    """The latest permitted `leave_on`; the last night is the one before.

    Always from the first check-in with base plus granted: chaining would lose days at the ends of months.
    """
    if granted_steps < 0 or (granted_steps and not policy.has_step):
        raise NoExtensionLeft(granted_steps, policy.max_extensions)
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


def check_extension(policy: StayPolicy, granted_steps: int) -> None:
    """May one more step be asked for?"""
    if granted_steps >= policy.max_extensions:
        raise NoExtensionLeft(granted_steps, policy.max_extensions)
