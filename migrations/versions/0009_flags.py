"""Thresholds crossed, and tasks

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stay_flag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stay_id", sa.Uuid(), nullable=False),
        sa.Column("limit_on", sa.Date(), nullable=False),
        sa.Column("threshold", sa.SmallInteger(), nullable=False),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.Column("is_tightest", sa.Boolean(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("threshold >= 0", name=op.f("ck_stay_flag_threshold")),
        sa.ForeignKeyConstraint(["acknowledged_by_id"], ["user.id"], name=op.f("fk_stay_flag_acknowledged_by_id_user")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_stay_flag_message_id_message")),
        sa.ForeignKeyConstraint(["stay_id"], ["stay.id"], name=op.f("fk_stay_flag_stay_id_stay")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stay_flag")),
        sa.UniqueConstraint("stay_id", "limit_on", "threshold", name=op.f("uq_stay_flag_stay_id_limit_on_threshold")),
    )
    op.create_index(op.f("ix_stay_flag_message_id"), "stay_flag", ["message_id"], unique=False)
    op.create_table(
        "task",
        sa.Column(
            "kind",
            sa.Enum(
                "call",
                "other_way",
                "collision",
                "closure_renewal",
                "duplicate_number",
                "import_difference",
                "no_show",
                "unreachable_site",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("dedupe_key", sa.String(length=120), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("stay_id", sa.Uuid(), nullable=True),
        sa.Column("placement_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["done_by_id"], ["user.id"], name=op.f("fk_task_done_by_id_user")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_task_household_id_household")),
        sa.ForeignKeyConstraint(["placement_id"], ["placement.id"], name=op.f("fk_task_placement_id_placement")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_task_site_id_site")),
        sa.ForeignKeyConstraint(["stay_id"], ["stay.id"], name=op.f("fk_task_stay_id_stay")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_task_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_task_dedupe_key")),
    )
    op.create_index(op.f("ix_task_done_at_due_at"), "task", ["done_at", "due_at"], unique=False)
    op.create_index(op.f("ix_task_household_id"), "task", ["household_id"], unique=False)
    op.create_index(op.f("ix_task_site_id"), "task", ["site_id"], unique=False)
    op.create_index(op.f("ix_task_stay_id"), "task", ["stay_id"], unique=False)


def downgrade() -> None:
    op.drop_table("task")
    op.drop_table("stay_flag")
