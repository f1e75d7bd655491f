"""documents have a type

Revision ID: 20260309_001
Revises: 20260308_001
Create Date: 2026-03-09 09:00:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20260309_001"
down_revision: str | Sequence[str] | None = "20260308_001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """First of three steps from free text to a reference: the column, still without values."""
    op.add_column(
        "documents", sa.Column("type_code", sa.Text, sa.ForeignKey("document_types.code", name="documents_type_code_fkey"), nullable=True)
    )


def downgrade() -> None:
    """`kind` is still there."""
    op.drop_column("documents", "type_code")
