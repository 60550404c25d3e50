"""Sites, policies, rooms, units, closures

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "site",
        sa.Column("code_name", sa.String(length=40), nullable=False),
        sa.Column("district_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("directions_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("night_line_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("is_overflow", sa.Boolean(), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("code_name", name=op.f("uq_site_code_name")),
    )
    op.create_table(
        "room",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("floor", sa.String(length=20), nullable=True),
        sa.Column(
            "sharing",
            sa.Enum(
                "household", "women", "men", "any", name="sharing", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_room_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room")),
        sa.UniqueConstraint("id", "site_id", name=op.f("uq_room_id_site_id")),
        sa.UniqueConstraint("site_id", "label", name=op.f("uq_room_site_id_label")),
    )
    op.create_table(
        "site_membership",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.CheckConstraint("until_on IS NULL OR until_on >= from_on", name=op.f("ck_site_membership_in_order")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_site_membership_site_id_site")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_site_membership_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_membership")),
        sa.UniqueConstraint("user_id", "site_id", "from_on", name=op.f("uq_site_membership_user_id_site_id_from_on")),
    )
    op.create_index(op.f("ix_site_membership_site_id"), "site_membership", ["site_id"], unique=False)
    op.create_table(
        "stay_policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("months", sa.SmallInteger(), nullable=True),
        sa.Column("days", sa.SmallInteger(), nullable=True),
        sa.Column(
            "counting_rule",
            sa.Enum(
                "civil_code", "same_day", name="counting_rule", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("extension_months", sa.SmallInteger(), nullable=True),
        sa.Column("extension_days", sa.SmallInteger(), nullable=True),
        sa.Column("max_extensions", sa.SmallInteger(), nullable=False),
        sa.Column(
            "decided_by",
            sa.Enum(
                "coordinator",
                "manager",
                "administrator",
                "auditor",
                "referrer",
                name="decided_by",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("thresholds", sa.JSON(), nullable=False),
        sa.Column(
            "readmission_rule",
            sa.Enum(
                "reset", "cumulative", name="readmission_rule", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.CheckConstraint("(months IS NULL) <> (days IS NULL)", name=op.f("ck_stay_policy_months_or_days")),
        sa.CheckConstraint("COALESCE(months, days) > 0", name=op.f("ck_stay_policy_positive")),
        sa.CheckConstraint(
            "extension_months IS NULL OR extension_days IS NULL", name=op.f("ck_stay_policy_one_extension_step")
        ),
        sa.CheckConstraint("max_extensions >= 0", name=op.f("ck_stay_policy_extensions_not_negative")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_stay_policy_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stay_policy")),
        sa.UniqueConstraint("site_id", "effective_from", name=op.f("uq_stay_policy_site_id_effective_from")),
    )
    op.create_table(
        "unit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("room_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("capacity", sa.SmallInteger(), nullable=False),
        sa.Column(
            "pets_allowed",
            sa.Enum("none", "small", "any", name="pets_allowed", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("max_pets", sa.SmallInteger(), nullable=False),
        sa.Column("is_step_free", sa.Boolean(), nullable=False),
        sa.Column("has_cot", sa.Boolean(), nullable=False),
        sa.Column(
            "audience",
            sa.Enum(
                "women", "men", "family", "any", name="audience", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("accepts_older_boys", sa.Boolean(), nullable=False),
        sa.Column("in_service_from", sa.Date(), nullable=False),
        sa.Column("in_service_until", sa.Date(), nullable=True),
        sa.Column("cleaned_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(pets_allowed = 'none') = (max_pets = 0)", name=op.f("ck_unit_pets_and_number_agree")),
        sa.CheckConstraint("capacity BETWEEN 1 AND 20", name=op.f("ck_unit_capacity")),
        sa.CheckConstraint(
            "in_service_until IS NULL OR in_service_until >= in_service_from", name=op.f("ck_unit_service_in_order")
        ),
        sa.CheckConstraint("max_pets BETWEEN 0 AND 10", name=op.f("ck_unit_max_pets")),
        sa.ForeignKeyConstraint(
            ["room_id", "site_id"], ["room.id", "room.site_id"], name=op.f("fk_unit_room_id_site_id_room")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_unit_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint("room_id", "label", name=op.f("uq_unit_room_id_label")),
    )
    op.create_index(op.f("ix_unit_site_id"), "unit", ["site_id"], unique=False)
    op.create_table(
        "closure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("is_open_ended", sa.Boolean(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "repair",
                "deep_cleaning",
                "pests",
                "inspection",
                "staffing",
                "safety",
                "other_use",
                "other",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("until_on >= from_on", name=op.f("ck_closure_in_order")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_closure_created_by_id_user")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_closure_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closure")),
        sa.UniqueConstraint("id", "unit_id", name=op.f("uq_closure_id_unit_id")),
    )
    op.create_index(op.f("ix_closure_unit_id"), "closure", ["unit_id"], unique=False)


def downgrade() -> None:
    op.drop_table("closure")
    op.drop_table("unit")
    op.drop_table("stay_policy")
    op.drop_table("site_membership")
    op.drop_table("room")
    op.drop_table("site")
