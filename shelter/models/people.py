"""Staff: who they are, what they may do, and their sessions."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shelter.domain.permissions import Role
from shelter.extensions import Model
from shelter.models.sealed import Sealed, SealedRow, sealed_column
from shelter.tables import Instant, coded


class User(SealedRow):
    """A member of staff. One person, one account."""

    __tablename__ = "user"

    login: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(80))
    locale: Mapped[str] = mapped_column(String(2), default="ko")
    phone_sealed: Mapped[bytes | None] = sealed_column()
    phone = Sealed[str]()  # E.164, for digests
    password_hash: Mapped[str | None] = mapped_column(String(200))
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_signed_in_at: Mapped[datetime | None] = mapped_column(Instant)

    roles: Mapped[list[UserRole]] = relationship(cascade="all, delete-orphan", lazy="selectin")
    memberships: Mapped[list[SiteMembership]] = relationship(cascade="all, delete-orphan", lazy="select")

    __table_args__ = (
        UniqueConstraint("login"),
        CheckConstraint("login = lower(login)", name="login_lower"),
        CheckConstraint("locale IN ('ko', 'en')", name="locale"),
    )


class UserRole(Model):
    __tablename__ = "user_role"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[Role] = mapped_column(coded(Role, "role"), primary_key=True)


class SiteMembership(Model):
    """Who coordinates a site, from a day until a day (half-open; no end while it lasts)."""

    __tablename__ = "site_membership"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    from_on: Mapped[date]
    until_on: Mapped[date | None]

    __table_args__ = (
        UniqueConstraint("user_id", "site_id", "from_on"),
        CheckConstraint("until_on IS NULL OR until_on >= from_on", name="in_order"),
        Index(None, "site_id"),
    )


class SignInSession(Model):
    """A signed-in browser. The cookie holds a random token; the row holds only its hash."""

    __tablename__ = "sign_in_session"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_active_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    address: Mapped[str | None] = mapped_column(String(45))

    __table_args__ = (Index(None, "user_id"),)


class LinkPurpose(StrEnum):
    INVITATION = "invitation"
    RESET = "reset"


class OneTimeLink(Model):
    """An invitation or a password reset: usable once, until it expires; only its hash is kept."""

    __tablename__ = "one_time_link"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    purpose: Mapped[LinkPurpose] = mapped_column(coded(LinkPurpose, "purpose"))
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (Index(None, "user_id"),)


class Throttle(Model):
    """Failed tries of one kind for one subject (a hash: neither login nor address is kept)."""

    __tablename__ = "throttle"

    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    first_at: Mapped[datetime] = mapped_column(Instant)
    blocked_until: Mapped[datetime | None] = mapped_column(Instant)


class Draft(SealedRow):
    """Something typed and not yet sent, kept for its user alone: find criteria, an intake, an expired POST."""

    __tablename__ = "draft"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(120))
    body_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    body = Sealed[dict]()
    saved_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (UniqueConstraint("user_id", "purpose"),)


class IdempotentAct(Model):
    """An act done once under a key of the person's browser: a replay returns `result`, another body is refused."""

    __tablename__ = "idempotent_act"

    user_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    result: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Instant)
