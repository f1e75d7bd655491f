"""view latest executions"""

from __future__ import annotations

from alembic import op

revision = "20260120_0915"
down_revision = "20260112_1620"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE VIEW latest_executions AS
        SELECT e.pipeline_name, e.execution_id, e.status, e.started_at
          FROM pipeline_executions e
         WHERE NOT EXISTS (
               SELECT 1 FROM pipeline_executions later
                WHERE later.pipeline_name = e.pipeline_name AND later.started_at > e.started_at)
        """
    )


def downgrade() -> None:
    op.execute("DROP VIEW latest_executions")
