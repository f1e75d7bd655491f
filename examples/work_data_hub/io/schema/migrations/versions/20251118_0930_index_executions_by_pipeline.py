"""index executions by pipeline"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20251118_0930"
down_revision = "20251113_000001"
branch_labels = None
depends_on = None

RUNNING = sa.text("status = 'running'")


def upgrade() -> None:
    op.create_index("ix_pipeline_executions_name_started", "pipeline_executions", ["pipeline_name", "started_at"])
    op.create_index(
        "ix_pipeline_executions_running", "pipeline_executions", ["pipeline_name"], postgresql_where=RUNNING, sqlite_where=RUNNING
    )


def downgrade() -> None:
    op.drop_index("ix_pipeline_executions_running", "pipeline_executions")
    op.drop_index("ix_pipeline_executions_name_started", "pipeline_executions")
