"""Rules of places: what a site, a unit, a policy and a closure must keep to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from shelter.domain import districts
from shelter.domain.errors import DomainError, PolicyIncomplete
from shelter.domain.limits import StayPolicy
from shelter.domain.matching import Audience, PetsAllowed, Sharing

BEGINNING = date(2000, 1, 1)  # from when a site's first policy holds: stays of before this system count too
OPEN_ENDED = timedelta(days=180)  # "until further notice"
RENEWAL_NOTICE = timedelta(days=14)
FARTHEST_BACK = timedelta(days=31)  # a closure recorded late
LONGEST_CLOSURE = timedelta(days=730)
SHORTEST_REASON = 15
FIRST_POLICY = StayPolicy(months=6, extension_months=3, max_extensions=2)


@dataclass
class CodeNameTaken(DomainError):
    code: ClassVar[str] = "code_name_taken"
    field: ClassVar[str | None] = "code_name"


@dataclass
class CodeNameTells(DomainError):
    """It names a district: whoever reads a list would know where the site is."""

    code: ClassVar[str] = "code_name_tells"
    field: ClassVar[str | None] = "code_name"


@dataclass
class DistrictNotKnown(DomainError):
    code: ClassVar[str] = "district_not_known"
    field: ClassVar[str | None] = "district"


@dataclass
class NightLineNotValid(DomainError):
    code: ClassVar[str] = "night_line_not_valid"
    field: ClassVar[str | None] = "night_line"


@dataclass
class ReasonTooShort(DomainError):
    shortest: int
    code: ClassVar[str] = "reason_too_short"
    field: ClassVar[str | None] = "reason"


@dataclass
class PolicyTooEarly(DomainError):
    """A new version would change what was promised for days gone by."""

    code: ClassVar[str] = "policy_too_early"
    field: ClassVar[str | None] = "effective_from"


@dataclass
class ThresholdsNotValid(DomainError):
    """Whole days, at least one, all within the length of a stay."""

    longest: int
    code: ClassVar[str] = "thresholds_not_valid"
    field: ClassVar[str | None] = "thresholds"


@dataclass
class ExtensionStepMissing(DomainError):
    code: ClassVar[str] = "extension_step_missing"
    field: ClassVar[str | None] = "extension_length"


@dataclass
class PolicyTooLong(DomainError):
    code: ClassVar[str] = "policy_too_long"
    field: ClassVar[str | None] = "length"


@dataclass
class PersonCannotCoordinate(DomainError):
    """Not an active account with the coordinator's role."""

    code: ClassVar[str] = "person_cannot_coordinate"
    field: ClassVar[str | None] = "user"


@dataclass
class DaysNotInOrder(DomainError):
    """The end is before the beginning."""

    code: ClassVar[str] = "days_not_in_order"
    field: ClassVar[str | None] = "until_on"


@dataclass
class CoordinatorTwice(DomainError):
    code: ClassVar[str] = "coordinator_twice"
    field: ClassVar[str | None] = "from_on"


@dataclass
class RoomLabelTaken(DomainError):
    code: ClassVar[str] = "room_label_taken"
    field: ClassVar[str | None] = "label"


@dataclass
class UnitLabelTaken(DomainError):
    code: ClassVar[str] = "unit_label_taken"
    field: ClassVar[str | None] = "label"


@dataclass
class PetsAndNumberDisagree(DomainError):
    code: ClassVar[str] = "pets_and_number_disagree"
    field: ClassVar[str | None] = "max_pets"


@dataclass
class SharingAndAudienceDiffer(DomainError):
    code: ClassVar[str] = "sharing_and_audience_differ"
    field: ClassVar[str | None] = "audience"


@dataclass
class ServiceNotInOrder(DomainError):
    code: ClassVar[str] = "service_not_in_order"
    field: ClassVar[str | None] = "in_service_until"


@dataclass
class UnitHasNights(DomainError):
    """Somebody is booked past the day the unit is to go."""

    references: list[str]
    last_night: date
    code: ClassVar[str] = "unit_has_nights"
    field: ClassVar[str | None] = "in_service_until"


@dataclass
class UnitHasEarlierNights(DomainError):
    """Somebody is booked, or slept there, before the day the unit is to come into service."""

    references: list[str]
    first_night: date
    code: ClassVar[str] = "unit_has_earlier_nights"
    field: ClassVar[str | None] = "in_service_from"


@dataclass
class CapacityBelowPeople(DomainError):
    references: list[str]
    code: ClassVar[str] = "capacity_below_people"
    field: ClassVar[str | None] = "capacity"


@dataclass
class ClosureTooFarBack(DomainError):
    earliest: date
    code: ClassVar[str] = "closure_too_far_back"
    field: ClassVar[str | None] = "from_on"


@dataclass
class ClosureTooLong(DomainError):
    """Or too far ahead: no day of it may lie past this one."""

    latest: date
    code: ClassVar[str] = "closure_too_long"
    field: ClassVar[str | None] = "until_on"


@dataclass
class NightsAreBooked(DomainError):
    """Nothing was closed: these households hold nights in these units."""

    references: list[str]
    units: list[str]
    first_night: date
    last_night: date
    code: ClassVar[str] = "nights_are_booked"


@dataclass
class AlreadyClosed(DomainError):
    units: list[str]
    code: ClassVar[str] = "already_closed"


@dataclass
class NothingChosen(DomainError):
    code: ClassVar[str] = "no_unit_chosen"
    field: ClassVar[str | None] = "units"


@dataclass
class ClosureOver(DomainError):
    """It has ended already, or is not of the kind that is renewed."""

    code: ClassVar[str] = "closure_over"


def check_code_name(code_name: str) -> None:
    """Raises CodeNameTells."""
    if districts.is_named_in(code_name):
        raise CodeNameTells()


def check_district(code: str) -> None:
    """Raises DistrictNotKnown."""
    if not districts.is_district(code):
        raise DistrictNotKnown()


def check_reason(reason: str) -> str:
    """Why somebody must know, in words. Raises ReasonTooShort."""
    said = " ".join(reason.split())
    if len(said) < SHORTEST_REASON or len(set(said)) < SHORTEST_REASON // 3:
        raise ReasonTooShort(SHORTEST_REASON)
    return said


def check_policy(policy: StayPolicy) -> None:
    """Raises PolicyTooLong, ExtensionStepMissing, ThresholdsNotValid or PolicyIncomplete."""
    length = policy.days or (policy.months or 0) * 30
    if (policy.months or 0) > 36 or (policy.days or 0) > 1096:
        raise PolicyTooLong()
    step = policy.extension_days or policy.extension_months
    if policy.max_extensions and not step:
        raise ExtensionStepMissing()
    if (policy.days is None) != (policy.extension_days is None) and step:
        raise PolicyIncomplete()
    thresholds = policy.thresholds
    if not thresholds or len(thresholds) > 10 or not all(1 <= n < max(length, 2) for n in thresholds):
        raise ThresholdsNotValid(longest=length - 1)


def check_unit(
    *,
    pets_allowed: PetsAllowed,
    max_pets: int,
    audience: Audience,
    sharing: Sharing,
    in_service_from: date,
    in_service_until: date | None,
) -> None:
    """Raises PetsAndNumberDisagree, SharingAndAudienceDiffer or ServiceNotInOrder."""
    if (pets_allowed is PetsAllowed.NONE) != (max_pets == 0):
        raise PetsAndNumberDisagree()
    if is_contradiction(sharing, audience):
        raise SharingAndAudienceDiffer()
    if in_service_until is not None and in_service_until < in_service_from:
        raise ServiceNotInOrder()


def is_contradiction(sharing: Sharing | None, audience: Audience | None) -> bool:
    """A bed for men in a room for women, or the other way round."""
    return (sharing, audience) in ((Sharing.WOMEN, Audience.MEN), (Sharing.MEN, Audience.WOMEN))


def usual_audience(sharing: Sharing) -> Audience:
    """Who a new unit is for, when nobody says."""
    return Audience.MEN if sharing is Sharing.MEN else Audience.WOMEN


def unit_name(room: str, label: str) -> str:
    """As people call it: the room, with the bed behind it where there is one."""
    return room if room == label else f"{room}-{label}"


def natural(label: str) -> tuple:
    """2 before 10."""
    parts: list[tuple[int, int, str]] = []
    digits = ""
    for sign in label + "\0":
        if sign.isdecimal():
            digits += sign
            continue
        if digits:
            parts.append((0, int(digits), ""))
            digits = ""
        parts.append((1, 0, sign))
    return tuple(parts)
