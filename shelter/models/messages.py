"""Texts: a row before they are a call. Number and body are sealed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shelter.domain.messages import MessageState, Suppression, Template
from shelter.models.sealed import Sealed, SealedRow, sealed_column
from shelter.tables import Instant, coded


class Direction(StrEnum):
    OUT = "out"
    IN = "in"


class Message(SealedRow):
    """One SMS. An outgoing one is decided in one transaction and sent by the dispatcher in others."""

    __tablename__ = "message"

    direction: Mapped[Direction] = mapped_column(coded(Direction, "direction"), default=Direction.OUT)
    dedupe_key: Mapped[str] = mapped_column(String(120))
    template: Mapped[Template | None] = mapped_column(coded(Template, "template"))
    language: Mapped[str] = mapped_column(String(2), default="ko")
    household_id: Mapped[UUID | None] = mapped_column(ForeignKey("household.id"))  # to a guest
    stay_id: Mapped[UUID | None] = mapped_column(ForeignKey("stay.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))  # to staff
    number_sealed: Mapped[bytes | None] = sealed_column()
    number = Sealed[str]()  # E.164
    number_index: Mapped[str | None] = mapped_column(String(64))
    body_sealed: Mapped[bytes | None] = sealed_column()
    body = Sealed[str]()
    is_asked_now: Mapped[bool] = mapped_column(default=False)  # she asked for it during the call: no quiet hours
    state: Mapped[MessageState] = mapped_column(coded(MessageState, "state"))
    suppression: Mapped[Suppression | None] = mapped_column(coded(Suppression, "suppression"))
    not_before: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)  # its purpose has passed
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    claimed_at: Mapped[datetime | None] = mapped_column(Instant)
    provider_id: Mapped[str | None] = mapped_column(String(64))
    error_code: Mapped[str | None] = mapped_column(String(40))
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    state_changed_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (
        UniqueConstraint("dedupe_key"),
        CheckConstraint("household_id IS NULL OR user_id IS NULL", name="one_recipient"),
        CheckConstraint("(state = 'suppressed') = (suppression IS NOT NULL)", name="suppressed_with_reason"),
        CheckConstraint("language IN ('ko', 'en')", name="language"),
        Index(None, "state", "not_before"),
        Index(None, "stay_id"),
        Index(None, "household_id"),
        Index(None, "number_index", "created_at"),
        Index(None, "provider_id"),
    )
