"""Who did or saw what. Entries are chained by a keyed hash; see `services/audit.py`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Integer, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from shelter.extensions import Model
from shelter.models.sealed import Sealed, SealedRow, sealed_column
from shelter.tables import Instant


class AuditEntry(SealedRow):
    """One act or one look. `user_id` and `household_id` carry no foreign key: entries outlive what they name."""

    __tablename__ = "audit_entry"

    chain: Mapped[int] = mapped_column(Integer)
    seq: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(Instant)
    user_id: Mapped[UUID | None] = mapped_column(Uuid)
    address: Mapped[str | None] = mapped_column(String(45))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str | None] = mapped_column(String(80))  # kind:reference-or-id, never a name
    household_id: Mapped[UUID | None] = mapped_column(Uuid)  # whose data
    details_sealed: Mapped[bytes | None] = sealed_column()
    details = Sealed[dict]()  # before, after, reason
    mac: Mapped[bytes] = mapped_column(LargeBinary)
    resealed_mac: Mapped[bytes | None] = mapped_column(LargeBinary)  # the details are under another key since

    __table_args__ = (
        UniqueConstraint("chain", "seq"),
        Index(None, "household_id", "at"),
        Index(None, "user_id", "at"),
        Index(None, "at"),
    )


class AuditHead(Model):
    """The last entry of each chain; locked while the next ones are written."""

    __tablename__ = "audit_head"

    chain: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    mac: Mapped[bytes] = mapped_column(LargeBinary)
