"""Stays are counted by the day they arrive

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_stay_arrive_on", "stay", ["arrive_on"])


def downgrade() -> None:
    op.drop_index("ix_stay_arrive_on", "stay")
