"""Who is placed together, how they may be reached, and where they must never be."""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shelter.domain.matching import AgeBand, PetSize, Sex, Species
from shelter.domain.messages import Detail
from shelter.domain.stays import ExclusionRelation
from shelter.models.sealed import Sealed, SealedRow, sealed_column
from shelter.tables import Instant, coded


class Household(SealedRow):
    """The people and pets placed together."""

    __tablename__ = "household"

    reference: Mapped[str] = mapped_column(String(7))
    needs_step_free: Mapped[bool] = mapped_column(default=False)
    needs_cot: Mapped[bool] = mapped_column(default=False)
    notes_sealed: Mapped[bytes | None] = sealed_column()
    notes = Sealed[str]()
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)

    people: Mapped[list[Person]] = relationship(order_by="Person.position", cascade="all, delete-orphan")
    pets: Mapped[list[Pet]] = relationship(order_by="Pet.position", cascade="all, delete-orphan")
    contact: Mapped[SafeContact | None] = relationship(cascade="all, delete-orphan")
    numbers: Mapped[list[ContactNumber]] = relationship(order_by="ContactNumber.id", cascade="all, delete-orphan")
    exclusions: Mapped[list[SafetyExclusion]] = relationship(
        foreign_keys="SafetyExclusion.household_id", order_by="SafetyExclusion.id", cascade="all, delete-orphan"
    )

    __table_args__ = (UniqueConstraint("reference"), Index(None, "created_by_id"))


class Person(SealedRow):
    __tablename__ = "person"

    household_id: Mapped[UUID] = mapped_column(ForeignKey("household.id", ondelete="CASCADE"))
    position: Mapped[int]
    sex: Mapped[Sex] = mapped_column(coded(Sex, "sex"))
    age_band: Mapped[AgeBand] = mapped_column(coded(AgeBand, "age_band"))
    allergies: Mapped[list[str]] = mapped_column(JSON, default=list)  # species codes that matter for matching
    name_sealed: Mapped[bytes | None] = sealed_column()
    name = Sealed[str]()
    notes_sealed: Mapped[bytes | None] = sealed_column()
    notes = Sealed[str]()

    __table_args__ = (UniqueConstraint("household_id", "position"),)


class Pet(SealedRow):
    __tablename__ = "pet"

    household_id: Mapped[UUID] = mapped_column(ForeignKey("household.id", ondelete="CASCADE"))
    position: Mapped[int]
    species: Mapped[Species] = mapped_column(coded(Species, "species"))
    size: Mapped[PetSize] = mapped_column(coded(PetSize, "size"))
    is_vaccinated: Mapped[bool | None]
    name_sealed: Mapped[bytes | None] = sealed_column()
    name = Sealed[str]()
    notes_sealed: Mapped[bytes | None] = sealed_column()
    notes = Sealed[str]()

    __table_args__ = (UniqueConstraint("household_id", "position"),)


class SafeContact(SealedRow):
    """How she may be reached. May she be called, may she be texted: asked apart; unknown is no."""

    __tablename__ = "safe_contact"

    household_id: Mapped[UUID] = mapped_column(ForeignKey("household.id", ondelete="CASCADE"))
    can_call: Mapped[bool | None]
    can_text: Mapped[bool | None]
    from_time: Mapped[time | None]  # her own hours, wall clock
    until_time: Mapped[time | None]
    language: Mapped[str] = mapped_column(String(2), default="ko")
    detail: Mapped[Detail] = mapped_column(coded(Detail, "detail"), default=Detail.NONE)
    consented_at: Mapped[datetime | None] = mapped_column(Instant)
    has_consented_abroad: Mapped[bool] = mapped_column(default=False)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    reconfirm_on: Mapped[date | None]
    code_word_sealed: Mapped[bytes | None] = sealed_column()
    code_word = Sealed[str]()
    who_answers_sealed: Mapped[bytes | None] = sealed_column()
    who_answers = Sealed[str]()
    other_way_sealed: Mapped[bytes | None] = sealed_column()
    other_way = Sealed[str]()  # the agreed way when neither call nor text is allowed
    updated_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (
        UniqueConstraint("household_id"),
        CheckConstraint("language IN ('ko', 'en')", name="language"),
    )


class NumberKind(StrEnum):
    ALLOWED = "allowed"
    DANGER = "danger"


class ContactNumber(SealedRow):
    """A number she may be reached at, or one that must never be called or texted by anybody."""

    __tablename__ = "contact_number"

    household_id: Mapped[UUID] = mapped_column(ForeignKey("household.id", ondelete="CASCADE"))
    kind: Mapped[NumberKind] = mapped_column(coded(NumberKind, "kind"))
    number_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    number = Sealed[str]()  # E.164
    number_index: Mapped[str] = mapped_column(String(64))  # keyring.index("phone", E.164)

    __table_args__ = (UniqueConstraint("household_id", "number_index"), Index(None, "number_index"))


class ExclusionKind(StrEnum):
    DISTRICT = "district"
    SITE = "site"
    HOUSEHOLD = "household"


class SafetyExclusion(SealedRow):
    """Hard: never here, never near them. One of a district (sealed), a site, another household."""

    __tablename__ = "safety_exclusion"

    household_id: Mapped[UUID] = mapped_column(ForeignKey("household.id", ondelete="CASCADE"))
    kind: Mapped[ExclusionKind] = mapped_column(coded(ExclusionKind, "kind"))
    relation: Mapped[ExclusionRelation | None] = mapped_column(coded(ExclusionRelation, "relation"))
    district_sealed: Mapped[bytes | None] = sealed_column()
    district = Sealed[str]()
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"))
    other_household_id: Mapped[UUID | None] = mapped_column(ForeignKey("household.id", ondelete="CASCADE"))
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (
        CheckConstraint(
            "(kind = 'district') = (district_sealed IS NOT NULL)"
            " AND (kind = 'site') = (site_id IS NOT NULL)"
            " AND (kind = 'household') = (other_household_id IS NOT NULL)",
            name="one_target",
        ),
        CheckConstraint("other_household_id IS NULL OR other_household_id <> household_id", name="not_itself"),
        Index(None, "household_id"),
        Index(None, "other_household_id"),
    )
