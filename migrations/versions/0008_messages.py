"""Texts

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "message",
        sa.Column(
            "direction",
            sa.Enum("out", "in", name="direction", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("dedupe_key", sa.String(length=120), nullable=False),
        sa.Column(
            "template",
            sa.Enum(
                "confirmed",
                "changed",
                "cancelled",
                "call_us",
                "digest",
                "escalation",
                name="template",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("stay_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("number_index", sa.String(length=64), nullable=True),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("is_asked_now", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "sending",
                "unknown",
                "sent",
                "delivered",
                "failed",
                "suppressed",
                "received",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "suppression",
            sa.Enum(
                "no_contact",
                "no_number",
                "danger_number",
                "no_consent",
                "consent_withdrawn",
                "consent_expired",
                "no_consent_abroad",
                "text_not_allowed",
                "call_not_allowed",
                "detail_none",
                "hours_never",
                "told_by_voice",
                "in_house",
                "purpose_passed",
                "number_changed",
                "not_mobile",
                "not_discreet",
                "too_many",
                "stopped",
                "recipient_inactive",
                name="suppression",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_id", sa.String(length=64), nullable=True),
        sa.Column("error_code", sa.String(length=40), nullable=True),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state_changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(state = 'suppressed') = (suppression IS NOT NULL)", name=op.f("ck_message_suppressed_with_reason")
        ),
        sa.CheckConstraint("language IN ('ko', 'en')", name=op.f("ck_message_language")),
        sa.CheckConstraint("household_id IS NULL OR user_id IS NULL", name=op.f("ck_message_one_recipient")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_message_created_by_id_user")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_message_household_id_household")),
        sa.ForeignKeyConstraint(["stay_id"], ["stay.id"], name=op.f("fk_message_stay_id_stay")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_message_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_message_dedupe_key")),
    )
    op.create_index(op.f("ix_message_household_id"), "message", ["household_id"], unique=False)
    op.create_index(op.f("ix_message_number_index_created_at"), "message", ["number_index", "created_at"], unique=False)
    op.create_index(op.f("ix_message_provider_id"), "message", ["provider_id"], unique=False)
    op.create_index(op.f("ix_message_state_not_before"), "message", ["state", "not_before"], unique=False)
    op.create_index(op.f("ix_message_stay_id"), "message", ["stay_id"], unique=False)


def downgrade() -> None:
    op.drop_table("message")
