"""The ledger: one unit, one night, one owner

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unit_night",
        sa.Column("unit_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("placement_id", sa.Integer(), nullable=True),
        sa.Column("closure_id", sa.Integer(), nullable=True),
        sa.Column("people", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint(
            "(placement_id IS NULL AND people = 0) OR people > 0", name=op.f("ck_unit_night_people_of_a_placement")
        ),
        sa.CheckConstraint("(placement_id IS NULL) <> (closure_id IS NULL)", name=op.f("ck_unit_night_one_owner")),
        sa.ForeignKeyConstraint(
            ["closure_id", "unit_id"],
            ["closure.id", "closure.unit_id"],
            name=op.f("fk_unit_night_closure_id_unit_id_closure"),
        ),
        sa.ForeignKeyConstraint(
            ["placement_id", "unit_id"],
            ["placement.id", "placement.unit_id"],
            name=op.f("fk_unit_night_placement_id_unit_id_placement"),
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_unit_night_unit_id_unit")),
        sa.PrimaryKeyConstraint("unit_id", "night", name=op.f("pk_unit_night")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_unit_night_closure_id"), "unit_night", ["closure_id"], unique=False)
    op.create_index(op.f("ix_unit_night_night"), "unit_night", ["night"], unique=False)
    op.create_index(op.f("ix_unit_night_placement_id"), "unit_night", ["placement_id"], unique=False)


def downgrade() -> None:
    op.drop_table("unit_night")
