"""executions belong to documents

Revision ID: 20260312_001
Revises: 20260311_001
Create Date: 2026-03-12 09:00:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20260312_001"
down_revision: str | Sequence[str] | None = "20260311_001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """A worker asks for what is open; the finished ones, which are nearly all, are not in its index."""
    op.add_column(
        "workflow_executions",
        sa.Column(
            "document_id", sa.BigInteger, sa.ForeignKey("documents.id", name="workflow_executions_document_id_fkey"), nullable=True
        ),
    )
    op.create_index(
        "workflow_executions_open_idx",
        "workflow_executions",
        ["document_id"],
        postgresql_where=sa.text("status in ('pending', 'running')"),
    )


def downgrade() -> None:
    """The index goes with its column."""
    op.drop_column("workflow_executions", "document_id")
