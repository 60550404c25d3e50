"""An entry of the access log that was sealed anew under another key keeps its place in the chain

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit_entry", sa.Column("resealed_mac", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("audit_entry", "resealed_mac")
