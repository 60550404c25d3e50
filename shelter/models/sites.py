"""Places: sites, their rooms and units, the policies that limit a stay, and closures."""

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
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shelter.domain.limits import CountingRule, ReadmissionRule
from shelter.domain.matching import Audience, PetsAllowed, Sharing
from shelter.domain.permissions import Role
from shelter.domain.stays import ClosureReason
from shelter.extensions import Model
from shelter.models.sealed import Sealed, SealedRow, sealed_column
from shelter.tables import Instant, coded


class Site(SealedRow):
    """A shelter location, shown by its code name. Where it is, is sealed."""

    __tablename__ = "site"

    code_name: Mapped[str] = mapped_column(String(40))
    district_sealed: Mapped[bytes | None] = sealed_column()
    district = Sealed[str]()  # a code of `domain/districts.py`
    directions_sealed: Mapped[bytes | None] = sealed_column()
    directions = Sealed[str]()
    night_line_sealed: Mapped[bytes | None] = sealed_column()
    night_line = Sealed[str]()  # the number staff of the site answer at night
    is_overflow: Mapped[bool] = mapped_column(default=False)  # a hotel or other temporary place
    is_paused: Mapped[bool] = mapped_column(default=False)  # for new placements
    created_at: Mapped[datetime] = mapped_column(Instant)

    rooms: Mapped[list[Room]] = relationship(order_by="Room.label", viewonly=True)
    policies: Mapped[list[StayPolicyVersion]] = relationship(order_by="StayPolicyVersion.effective_from", viewonly=True)

    __table_args__ = (UniqueConstraint("code_name"),)


class StayPolicyVersion(Model):
    """How long a stay may last at a site, from a day on. Months or days, never both."""

    __tablename__ = "stay_policy"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    effective_from: Mapped[date]
    months: Mapped[int | None] = mapped_column(SmallInteger)
    days: Mapped[int | None] = mapped_column(SmallInteger)
    counting_rule: Mapped[CountingRule] = mapped_column(coded(CountingRule, "counting_rule"))
    extension_months: Mapped[int | None] = mapped_column(SmallInteger)
    extension_days: Mapped[int | None] = mapped_column(SmallInteger)
    max_extensions: Mapped[int] = mapped_column(SmallInteger, default=0)
    decided_by: Mapped[Role] = mapped_column(coded(Role, "decided_by"), default=Role.MANAGER)
    thresholds: Mapped[list[int]] = mapped_column(JSON)
    readmission_rule: Mapped[ReadmissionRule] = mapped_column(coded(ReadmissionRule, "readmission_rule"))

    __table_args__ = (
        UniqueConstraint("site_id", "effective_from"),
        CheckConstraint("(months IS NULL) <> (days IS NULL)", name="months_or_days"),
        CheckConstraint("COALESCE(months, days) > 0", name="positive"),
        CheckConstraint("extension_months IS NULL OR extension_days IS NULL", name="one_extension_step"),
        CheckConstraint("max_extensions >= 0", name="extensions_not_negative"),
    )


class Room(Model):
    """A physical room of a site; its sharing rule says who may be in it together."""

    __tablename__ = "room"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    label: Mapped[str] = mapped_column(String(40))
    floor: Mapped[str | None] = mapped_column(String(20))
    sharing: Mapped[Sharing] = mapped_column(coded(Sharing, "sharing"))

    units: Mapped[list[Unit]] = relationship(order_by="Unit.label", viewonly=True)

    __table_args__ = (UniqueConstraint("site_id", "label"), UniqueConstraint("id", "site_id"))


class Unit(Model):
    """What can be booked: a whole room or apartment, or one bed of a shared room."""

    __tablename__ = "unit"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    room_id: Mapped[int]
    label: Mapped[str] = mapped_column(String(40))
    capacity: Mapped[int] = mapped_column(SmallInteger)
    pets_allowed: Mapped[PetsAllowed] = mapped_column(coded(PetsAllowed, "pets_allowed"))
    max_pets: Mapped[int] = mapped_column(SmallInteger, default=0)
    is_step_free: Mapped[bool] = mapped_column(default=False)
    has_cot: Mapped[bool] = mapped_column(default=False)
    audience: Mapped[Audience] = mapped_column(coded(Audience, "audience"))
    accepts_older_boys: Mapped[bool] = mapped_column(default=True)
    in_service_from: Mapped[date]
    in_service_until: Mapped[date | None]  # the first day it is no longer there
    cleaned_at: Mapped[datetime | None] = mapped_column(Instant)

    room: Mapped[Room] = relationship(viewonly=True)

    __table_args__ = (
        ForeignKeyConstraint(["room_id", "site_id"], ["room.id", "room.site_id"]),
        UniqueConstraint("room_id", "label"),
        CheckConstraint("capacity BETWEEN 1 AND 20", name="capacity"),
        CheckConstraint("max_pets BETWEEN 0 AND 10", name="max_pets"),
        CheckConstraint("(pets_allowed = 'none') = (max_pets = 0)", name="pets_and_number_agree"),
        CheckConstraint("in_service_until IS NULL OR in_service_until >= in_service_from", name="service_in_order"),
        Index(None, "site_id"),
    )


class Closure(Model):
    """Nights a unit is out of service. Open-ended ones run 180 days and are renewed by a task."""

    __tablename__ = "closure"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    from_on: Mapped[date]
    until_on: Mapped[date]  # the first night it can be slept in again
    is_open_ended: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[ClosureReason] = mapped_column(coded(ClosureReason, "reason"))
    note: Mapped[str | None] = mapped_column(String(200))
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (
        UniqueConstraint("id", "unit_id"),
        CheckConstraint("until_on >= from_on", name="in_order"),
        Index(None, "unit_id"),
    )
