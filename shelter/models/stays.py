"""Stays, their placements in units, the ledger of nights, and what happened when."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shelter.domain.stays import (
    CancelReason,
    Destination,
    ExitReason,
    ExtensionDecision,
    PlacementState,
    StayState,
    TurnawayReason,
)
from shelter.domain.tasks import TaskKind
from shelter.extensions import Model
from shelter.models.households import Household
from shelter.models.sealed import Sealed, SealedRow, sealed_column
from shelter.models.sites import StayPolicyVersion, Unit
from shelter.tables import Instant, coded


class Stay(SealedRow):
    """A household's continuous time in the programme; it owns the clock. `<household>-<number>`."""

    __tablename__ = "stay"

    household_id: Mapped[UUID] = mapped_column(ForeignKey("household.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[StayState] = mapped_column(coded(StayState, "state"), default=StayState.OPEN)
    arrive_on: Mapped[date]  # planned first night; the first real one after check-in
    policy_id: Mapped[int] = mapped_column(ForeignKey("stay_policy.id"))  # frozen at check-in
    limit_on: Mapped[date]  # latest permitted leave_on: projected until check-in, then frozen
    checked_in_at: Mapped[datetime | None] = mapped_column(Instant)
    expected_leave_on: Mapped[date | None]  # a plan beside the blocked nights; touches nothing
    plan_on: Mapped[date | None]  # the exit plan's date; silences the wider thresholds until then
    plan_sealed: Mapped[bytes | None] = sealed_column()
    plan = Sealed[str]()
    responsible_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    substitute_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    exit_reason: Mapped[ExitReason | None] = mapped_column(coded(ExitReason, "exit_reason"))
    destination: Mapped[Destination | None] = mapped_column(coded(Destination, "destination"))
    cancel_reason: Mapped[CancelReason | None] = mapped_column(coded(CancelReason, "cancel_reason"))
    is_imported: Mapped[bool] = mapped_column(default=False)  # running before this system was
    sheet_limit_on: Mapped[date | None]  # what the old sheet said
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)

    household: Mapped[Household] = relationship()
    policy: Mapped[StayPolicyVersion] = relationship(viewonly=True)
    placements: Mapped[list[Placement]] = relationship(order_by="Placement.id", back_populates="stay")
    extensions: Mapped[list[Extension]] = relationship(order_by="Extension.requested_at")

    __table_args__ = (
        UniqueConstraint("household_id", "number"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("(state IN ('in_house', 'ended')) = (checked_in_at IS NOT NULL)", name="checked_in"),
        CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("(state = 'cancelled') = (cancel_reason IS NOT NULL)", name="cancelled_with_reason"),
        Index(
            "uq_stay_one_running_per_household",
            "household_id",
            unique=True,
            sqlite_where=text("state IN ('open', 'in_house')"),
            postgresql_where=text("state IN ('open', 'in_house')"),
        ),
        Index(None, "state", "limit_on"),
        Index(None, "responsible_id"),
        Index(None, "arrive_on"),
    )


class Placement(Model):
    """One unit, from a night to a day, within a stay. A hold is a placement with `held_until`."""

    __tablename__ = "placement"

    id: Mapped[int] = mapped_column(primary_key=True)
    stay_id: Mapped[UUID] = mapped_column(ForeignKey("stay.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    state: Mapped[PlacementState] = mapped_column(coded(PlacementState, "state"))
    arrive_on: Mapped[date]
    leave_on: Mapped[date]
    people: Mapped[int] = mapped_column(SmallInteger)
    held_until: Mapped[datetime | None] = mapped_column(Instant)
    is_renewed: Mapped[bool] = mapped_column(default=False)
    is_on_the_way: Mapped[bool] = mapped_column(default=False)  # such a hold is never released unasked
    expected_at: Mapped[datetime | None] = mapped_column(Instant)  # when she is expected at the door
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    received_at: Mapped[datetime | None] = mapped_column(Instant)  # the site has read the arrival card
    received_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    arrived_at: Mapped[datetime | None] = mapped_column(Instant)
    occupied_from: Mapped[date | None]  # first night really slept here: the operating night of the arrival
    left_at: Mapped[datetime | None] = mapped_column(Instant)
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)

    stay: Mapped[Stay] = relationship(back_populates="placements")
    unit: Mapped[Unit] = relationship(viewonly=True)
    members: Mapped[list[PlacementMember]] = relationship(cascade="all, delete-orphan")

    __table_args__ = (
        UniqueConstraint("id", "unit_id"),
        CheckConstraint("leave_on > arrive_on", name="nights"),
        CheckConstraint("people > 0", name="people"),
        CheckConstraint("state <> 'held' OR held_until IS NOT NULL", name="held_until"),
        CheckConstraint(
            "state NOT IN ('in_house', 'ended', 'moved') OR occupied_from IS NOT NULL", name="occupied_from"
        ),
        Index(None, "stay_id"),
        Index(None, "unit_id", "arrive_on"),
        Index(None, "state", "leave_on"),
        Index(None, "state", "held_until"),
    )


class PlacementMember(Model):
    """Who sleeps in which of a household's placements."""

    __tablename__ = "placement_member"

    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)

    __table_args__ = (Index(None, "person_id"),)


class UnitNight(Model):
    """The ledger. One row is one unit on one night, with exactly one owner: the key refuses a second."""

    __tablename__ = "unit_night"

    unit_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    night: Mapped[date] = mapped_column(primary_key=True)
    placement_id: Mapped[int | None]
    closure_id: Mapped[int | None]
    people: Mapped[int] = mapped_column(SmallInteger, default=0)

    __table_args__ = (
        CheckConstraint("(placement_id IS NULL) <> (closure_id IS NULL)", name="one_owner"),
        CheckConstraint("(placement_id IS NULL AND people = 0) OR people > 0", name="people_of_a_placement"),
        ForeignKeyConstraint(["unit_id"], ["unit.id"]),
        ForeignKeyConstraint(["placement_id", "unit_id"], ["placement.id", "placement.unit_id"]),
        ForeignKeyConstraint(["closure_id", "unit_id"], ["closure.id", "closure.unit_id"]),
        Index(None, "placement_id"),
        Index(None, "closure_id"),
        Index(None, "night"),
        {"sqlite_with_rowid": False},
    )


class Extension(SealedRow):
    """A prolongation asked for and decided; granted ones count from the first check-in, never chained."""

    __tablename__ = "extension"

    stay_id: Mapped[UUID] = mapped_column(ForeignKey("stay.id"))
    reason_sealed: Mapped[bytes | None] = sealed_column()
    reason = Sealed[str]()
    decision: Mapped[ExtensionDecision] = mapped_column(
        coded(ExtensionDecision, "decision"), default=ExtensionDecision.REQUESTED
    )
    requested_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    requested_at: Mapped[datetime] = mapped_column(Instant)
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        CheckConstraint("(decision = 'requested') = (decided_at IS NULL)", name="decided"),
        Index(
            "uq_extension_one_open_per_stay",
            "stay_id",
            unique=True,
            sqlite_where=text("decision = 'requested'"),
            postgresql_where=text("decision = 'requested'"),
        ),
        Index(None, "stay_id"),
    )


class StayFlag(Model):
    """A threshold crossed: once per stay, limit and threshold. 0 is the limit itself."""

    __tablename__ = "stay_flag"

    id: Mapped[int] = mapped_column(primary_key=True)
    stay_id: Mapped[UUID] = mapped_column(ForeignKey("stay.id"))
    limit_on: Mapped[date]
    threshold: Mapped[int] = mapped_column(SmallInteger)
    raised_on: Mapped[date]
    is_tightest: Mapped[bool]  # of those raised together: the one shown, counted and texted
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("message.id"))  # the digest that told of it
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)
    acknowledged_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))

    __table_args__ = (
        UniqueConstraint("stay_id", "limit_on", "threshold"),
        CheckConstraint("threshold >= 0", name="threshold"),
        Index(None, "message_id"),
    )


class StayEvent(SealedRow):
    """The history of a stay, in the order it happened; `data` holds codes and dates, the note is sealed."""

    __tablename__ = "stay_event"

    stay_id: Mapped[UUID] = mapped_column(ForeignKey("stay.id"))
    at: Mapped[datetime] = mapped_column(Instant)  # when it was recorded
    happened_at: Mapped[datetime] = mapped_column(Instant)  # when it really was; earlier for a late entry
    by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict] = mapped_column(JSON, default=dict)
    note_sealed: Mapped[bytes | None] = sealed_column()
    note = Sealed[str]()

    __table_args__ = (Index(None, "stay_id", "at"),)


class Turnaway(Model):
    """A request we could not meet: counted with a reason, without an identity."""

    __tablename__ = "turnaway"

    id: Mapped[int] = mapped_column(primary_key=True)
    night: Mapped[date]
    reason: Mapped[TurnawayReason] = mapped_column(coded(TurnawayReason, "reason"))
    adults: Mapped[int] = mapped_column(SmallInteger)
    minors: Mapped[int] = mapped_column(SmallInteger)
    pets: Mapped[int] = mapped_column(SmallInteger)
    recorded_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    recorded_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (
        CheckConstraint("adults >= 0 AND minors >= 0 AND adults + minors > 0 AND pets >= 0", name="heads"),
        Index(None, "night"),
    )


class Task(SealedRow):
    """Something a person must do. `dedupe_key` keeps one for one cause."""

    __tablename__ = "task"

    kind: Mapped[TaskKind] = mapped_column(coded(TaskKind, "kind"))
    dedupe_key: Mapped[str] = mapped_column(String(120))
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"))
    household_id: Mapped[UUID | None] = mapped_column(ForeignKey("household.id"))
    stay_id: Mapped[UUID | None] = mapped_column(ForeignKey("stay.id"))
    placement_id: Mapped[int | None] = mapped_column(ForeignKey("placement.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))  # whose, when it is one person's
    data: Mapped[dict] = mapped_column(JSON, default=dict)
    note_sealed: Mapped[bytes | None] = sealed_column()
    note = Sealed[str]()
    created_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    done_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))

    __table_args__ = (
        UniqueConstraint("dedupe_key"),
        Index(None, "done_at", "due_at"),
        Index(None, "stay_id"),
        Index(None, "household_id"),
        Index(None, "site_id"),
    )
