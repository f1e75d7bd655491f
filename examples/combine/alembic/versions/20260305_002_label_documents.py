"""label documents

Revision ID: 20260305_002
Revises: 20260304_001
Create Date: 2026-03-05 09:00:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20260305_002"
down_revision: str | Sequence[str] | None = "20260304_001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Labels are free JSON, found by an index over all of it."""
    op.add_column("documents", sa.Column("labels", postgresql.JSONB, server_default=sa.text("'{}'"), nullable=False))
    op.create_index("documents_labels_idx", "documents", ["labels"], postgresql_using="gin")


def downgrade() -> None:
    """The index goes with its column."""
    op.drop_column("documents", "labels")
