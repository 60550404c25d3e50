"""One stay without anything sealed: what its forms and decisions need. `services/stay_records.py` opens the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select

from shelter import clock
from shelter.domain import limits
from shelter.domain.limits import CountingRule
from shelter.domain.permissions import Permission, Principal, Role
from shelter.domain.references import split_stay_reference, stay_reference
from shelter.domain.stays import CancelReason, Destination, ExitReason, ExtensionDecision, PlacementState, StayState
from shelter.extensions import db
from shelter.models.households import Household
from shelter.models.people import User, UserRole
from shelter.models.sites import StayPolicyVersion
from shelter.models.stays import Extension, Stay, StayEvent
from shelter.queries.stays import RoomView, rooms_of
from shelter.queries.visibility import readable, readable_stay


@dataclass(frozen=True)
class Counting:
    """How the days left were counted."""

    rule: CountingRule
    check_in_on: date  # the planned day while `is_projected`
    is_projected: bool
    months: int | None
    days: int | None
    granted: int
    extension_months: int | None
    extension_days: int | None
    max_extensions: int
    decided_by: Role
    limit_on: date
    days_left: int

    @property
    def can_be_extended(self) -> bool:
        return bool(self.extension_months or self.extension_days) and self.granted < self.max_extensions


@dataclass(frozen=True)
class StayFacts:
    """A stay without anything sealed: what forms and decisions need."""

    stay_id: UUID
    reference: str
    household: str
    household_id: UUID
    state: StayState
    checked_in_at: datetime | None
    ended_at: datetime | None
    exit_reason: ExitReason | None
    destination: Destination | None
    cancel_reason: CancelReason | None
    expected_leave_on: date | None
    plan_on: date | None
    responsible_id: UUID | None
    substitute_id: UUID | None
    is_imported: bool
    sheet_limit_on: date | None
    has_open_request: bool
    counting: Counting
    rooms: tuple[RoomView, ...]

    def in_state(self, *states: PlacementState) -> tuple[RoomView, ...]:
        return tuple(room for room in self.rooms if room.state in states)

    @property
    def here(self) -> tuple[RoomView, ...]:
        return self.in_state(PlacementState.IN_HOUSE)

    @property
    def expected(self) -> tuple[RoomView, ...]:
        return self.in_state(PlacementState.BOOKED, PlacementState.NO_SHOW)

    @property
    def held(self) -> tuple[RoomView, ...]:
        return self.in_state(PlacementState.HELD)

    @property
    def due_first(self) -> tuple[RoomView, ...]:
        """The expected rooms somebody arriving now comes to."""
        tonight, expected = clock.shelter_day(), self.expected
        first = min((room.arrive_on for room in expected), default=tonight)
        now = tuple(room for room in expected if room.arrive_on <= tonight < room.leave_on)
        return now or tuple(room for room in expected if room.arrive_on == first)

    @property
    def next_rooms(self) -> tuple[tuple[RoomView, RoomView], ...]:
        """Planned moves: where they are, and the room that is booked from then on."""
        booked = self.in_state(PlacementState.BOOKED)
        return tuple((old, new) for old in self.here for new in booked if old.leave_on <= new.arrive_on)[: len(booked)]


def readable_facts(reference: str, by: Principal) -> StayFacts | None:
    """None: there is none, or this person may not know of it."""
    household, number = split_stay_reference(reference)
    stay_id = readable_stay(household, number, by)
    return facts(stay_id) if stay_id else None


def decidable_facts(reference: str, by: Principal) -> StayFacts | None:
    """For whoever decides about limits: stays with an open request or one they decided, or at their limit.

    Coordinators only what they may read.
    """
    if not by.can(Permission.LIMITS_DECIDE):
        return readable_facts(reference, by)
    household, number = split_stay_reference(reference)
    asked = select(Extension.stay_id).where(
        or_(Extension.decision == ExtensionDecision.REQUESTED, Extension.decided_by_id == by.user_id)
    )
    wanted = (
        Household.reference == household,
        Stay.number == number,
        Stay.state == StayState.IN_HOUSE,
        or_(Stay.id.in_(asked), Stay.limit_on <= clock.today()),
    )
    stay_id = db.session.scalar(_of_household(select(Stay.id)).where(*wanted))
    return facts(stay_id) if stay_id else readable_facts(reference, by)


def facts(stay_id: UUID) -> StayFacts:
    """The stay as it is now."""
    rows = (
        _of_household(select(Stay, Household.reference, StayPolicyVersion))
        .join(StayPolicyVersion, StayPolicyVersion.id == Stay.policy_id)
        .where(Stay.id == stay_id)
        .execution_options(populate_existing=True)
    )
    stay, household, policy = db.session.execute(rows).one()
    decisions = list(db.session.scalars(select(Extension.decision).where(Extension.stay_id == stay_id)))
    return StayFacts(
        stay_id=stay.id,
        reference=stay_reference(household, stay.number),
        household=household,
        household_id=stay.household_id,
        state=stay.state,
        checked_in_at=stay.checked_in_at,
        ended_at=stay.ended_at,
        exit_reason=stay.exit_reason,
        destination=stay.destination,
        cancel_reason=stay.cancel_reason,
        expected_leave_on=stay.expected_leave_on,
        plan_on=stay.plan_on,
        responsible_id=stay.responsible_id,
        substitute_id=stay.substitute_id,
        is_imported=stay.is_imported,
        sheet_limit_on=stay.sheet_limit_on,
        has_open_request=ExtensionDecision.REQUESTED in decisions,
        counting=_counting(stay, policy, decisions.count(ExtensionDecision.GRANTED)),
        rooms=tuple(rooms_of([stay_id])[stay_id]),
    )


def _counting(stay: Stay, policy: StayPolicyVersion, granted: int) -> Counting:
    begins = clock.day_of(stay.checked_in_at) if stay.checked_in_at else stay.arrive_on
    return Counting(
        rule=policy.counting_rule,
        check_in_on=begins,
        is_projected=stay.checked_in_at is None,
        months=policy.months,
        days=policy.days,
        granted=granted,
        extension_months=policy.extension_months,
        extension_days=policy.extension_days,
        max_extensions=policy.max_extensions,
        decided_by=policy.decided_by,
        limit_on=stay.limit_on,
        days_left=limits.days_left(stay.limit_on, clock.today()),
    )


def planned_before_leaving(stay_id: UUID) -> date | None:
    """Until when the rooms were planned when the last ones left."""
    last = (
        select(StayEvent.data)
        .where(StayEvent.stay_id == stay_id, StayEvent.kind == "checked_out")
        .order_by(StayEvent.at.desc())
        .limit(1)
    )
    data = db.session.scalar(last) or {}
    return date.fromisoformat(data["planned"]) if "planned" in data else None


class Coordinator(NamedTuple):
    id: UUID
    name: str
    login: str


def coordinators() -> list[Coordinator]:
    """Who may answer for a stay: active coordinators by name."""
    rows = (
        select(User.id, User.name, User.login)
        .join(UserRole, UserRole.user_id == User.id)
        .where(User.is_active, UserRole.role == Role.COORDINATOR)
        .order_by(User.name)
    )
    return [Coordinator(*row) for row in db.session.execute(rows)]


@dataclass(frozen=True)
class WaitingRequest:
    """An extension somebody has to decide about; a reference and dates."""

    reference: str
    requested_at: datetime
    limit_on: date
    days_left: int


def waiting_requests(by: Principal) -> list[WaitingRequest]:
    """Open requests this person may decide about, the nearest limit first."""
    if not by.can(Permission.LIMITS_DECIDE) and not by.can(Permission.STAYS_PLACE):
        return []
    asked = list(db.session.scalars(select(Extension.stay_id).where(Extension.decision == ExtensionDecision.REQUESTED)))
    if not asked:
        return []  # as a rule: and whose record may be read is the costly question
    seen: list[ColumnElement[bool]] = [Stay.id.in_(asked), StayPolicyVersion.decided_by.in_(list(by.roles))]
    if not by.can(Permission.LIMITS_DECIDE):
        seen.append(readable(by))
    rows = db.session.execute(
        _of_household(select(Household.reference, Stay.number, Stay.limit_on, Extension.requested_at))
        .join(Extension, Extension.stay_id == Stay.id)
        .join(StayPolicyVersion, StayPolicyVersion.id == Stay.policy_id)
        .where(
            Extension.decision == ExtensionDecision.REQUESTED,
            Stay.state == StayState.IN_HOUSE,
            *seen,
        )
        .order_by(Stay.limit_on, Extension.requested_at)
    )
    today = clock.today()
    return [
        WaitingRequest(stay_reference(ref, number), at, limit, limits.days_left(limit, today))
        for ref, number, limit, at in rows
    ]


def _of_household(chosen: Select) -> Select:
    return chosen.select_from(Stay).join(Household, Household.id == Stay.household_id)
