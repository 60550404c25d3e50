"""Households, safe contacts, exclusions

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "household",
        sa.Column("reference", sa.String(length=7), nullable=False),
        sa.Column("needs_step_free", sa.Boolean(), nullable=False),
        sa.Column("needs_cot", sa.Boolean(), nullable=False),
        sa.Column("notes_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_household_created_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household")),
        sa.UniqueConstraint("reference", name=op.f("uq_household_reference")),
    )
    op.create_index(op.f("ix_household_created_by_id"), "household", ["created_by_id"], unique=False)
    op.create_table(
        "contact_number",
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("allowed", "danger", name="kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("number_index", sa.String(length=64), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["household.id"],
            name=op.f("fk_contact_number_household_id_household"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_number")),
        sa.UniqueConstraint("household_id", "number_index", name=op.f("uq_contact_number_household_id_number_index")),
    )
    op.create_index(op.f("ix_contact_number_number_index"), "contact_number", ["number_index"], unique=False)
    op.create_table(
        "person",
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "sex",
            sa.Enum("female", "male", "other", name="sex", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "age_band",
            sa.Enum(
                "adult",
                "older_boy",
                "child",
                "infant",
                name="age_band",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("allergies", sa.JSON(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("notes_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["household_id"], ["household.id"], name=op.f("fk_person_household_id_household"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("household_id", "position", name=op.f("uq_person_household_id_position")),
    )
    op.create_table(
        "pet",
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "species",
            sa.Enum("dog", "cat", "other", name="species", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "size",
            sa.Enum("small", "large", name="size", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("is_vaccinated", sa.Boolean(), nullable=True),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("notes_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["household_id"], ["household.id"], name=op.f("fk_pet_household_id_household"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pet")),
        sa.UniqueConstraint("household_id", "position", name=op.f("uq_pet_household_id_position")),
    )
    op.create_table(
        "safe_contact",
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("can_call", sa.Boolean(), nullable=True),
        sa.Column("can_text", sa.Boolean(), nullable=True),
        sa.Column("from_time", sa.Time(), nullable=True),
        sa.Column("until_time", sa.Time(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column(
            "detail",
            sa.Enum(
                "none", "call_us", "date_only", name="detail", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("has_consented_abroad", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconfirm_on", sa.Date(), nullable=True),
        sa.Column("code_word_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("who_answers_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("other_way_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("language IN ('ko', 'en')", name=op.f("ck_safe_contact_language")),
        sa.ForeignKeyConstraint(
            ["household_id"], ["household.id"], name=op.f("fk_safe_contact_household_id_household"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safe_contact")),
        sa.UniqueConstraint("household_id", name=op.f("uq_safe_contact_household_id")),
    )
    op.create_table(
        "safety_exclusion",
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("district", "site", "household", name="kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "relation",
            sa.Enum(
                "home", "work", "family", "haunt", name="relation", native_enum=False, create_constraint=True, length=32
            ),
            nullable=True,
        ),
        sa.Column("district_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("other_household_id", sa.Uuid(), nullable=True),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'district') = (district_sealed IS NOT NULL) AND (kind = 'site') = (site_id IS NOT NULL) AND (kind = 'household') = (other_household_id IS NOT NULL)",
            name=op.f("ck_safety_exclusion_one_target"),
        ),
        sa.CheckConstraint(
            "other_household_id IS NULL OR other_household_id <> household_id",
            name=op.f("ck_safety_exclusion_not_itself"),
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_safety_exclusion_created_by_id_user")),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["household.id"],
            name=op.f("fk_safety_exclusion_household_id_household"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["other_household_id"],
            ["household.id"],
            name=op.f("fk_safety_exclusion_other_household_id_household"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_safety_exclusion_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safety_exclusion")),
    )
    op.create_index(op.f("ix_safety_exclusion_household_id"), "safety_exclusion", ["household_id"], unique=False)
    op.create_index(
        op.f("ix_safety_exclusion_other_household_id"), "safety_exclusion", ["other_household_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("safety_exclusion")
    op.drop_table("safe_contact")
    op.drop_table("pet")
    op.drop_table("person")
    op.drop_table("contact_number")
    op.drop_table("household")
