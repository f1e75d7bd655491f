"""documents need a type

Revision ID: 20260311_001
Revises: 20260310_001
Create Date: 2026-03-11 09:00:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20260311_001"
down_revision: str | Sequence[str] | None = "20260310_001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Third step: the free text goes."""
    op.alter_column("documents", "type_code", nullable=False, server_default="note")
    op.drop_column("documents", "kind")


def downgrade() -> None:
    """The free text comes back as the code of its type."""
    op.add_column(
        "documents",
        sa.Column("kind", sa.Text, server_default="note", nullable=False, comment="free text; a reference to document_types since 2026-03-11"),
    )
    op.execute("update documents set kind = type_code")
    op.alter_column("documents", "type_code", nullable=True, server_default=None)
