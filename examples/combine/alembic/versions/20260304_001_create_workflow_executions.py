"""create workflow executions

Revision ID: 20260304_001
Revises: 20260303_001
Create Date: 2026-03-04 09:00:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20260304_001"
down_revision: str | Sequence[str] | None = "20260303_001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


STATUS = postgresql.ENUM("pending", "running", "succeeded", "failed", name="workflow_status", create_type=False)


def upgrade() -> None:
    """One row a run of a workflow, its input and its result as JSON."""
    STATUS.create(op.get_bind())
    op.create_table(
        "workflow_executions",
        sa.Column("id", postgresql.UUID(as_uuid=True), primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("workflow", sa.Text, nullable=False),
        sa.Column("status", STATUS, server_default="pending", nullable=False),
        sa.Column("input", postgresql.JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("result", postgresql.JSONB, nullable=True),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("finished_at", sa.TIMESTAMP(timezone=True), nullable=True),
    )


def downgrade() -> None:
    """The type would stay behind by itself."""
    op.drop_table("workflow_executions")
    STATUS.drop(op.get_bind())
