"""create document types

Revision ID: 20260302_001
Revises: 20260301_001
Create Date: 2026-03-02 09:00:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20260302_001"
down_revision: str | Sequence[str] | None = "20260301_001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """A document's kind becomes a reference later; here is what it will refer to."""
    op.create_table(
        "document_types",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("retention_days", sa.BigInteger, nullable=True),
        sa.CheckConstraint("retention_days > 0", name="document_types_retention_days_check"),
    )


def downgrade() -> None:
    """The rows are reference data and can be loaded again."""
    op.drop_table("document_types")
