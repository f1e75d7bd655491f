"""create core tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "20251113_000001"
down_revision = None
branch_labels = None
depends_on = None

JSON_DOCUMENT = JSONB().with_variant(sa.JSON(), "sqlite")
ID = UUID(as_uuid=True).with_variant(sa.String(36), "sqlite")


def upgrade() -> None:
    op.create_table(
        "pipeline_executions",
        sa.Column("execution_id", ID, nullable=False),
        sa.Column("pipeline_name", sa.String(120), nullable=False),
        sa.Column("status", sa.String(20), nullable=False, server_default="pending"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("parameters", JSON_DOCUMENT, nullable=False, server_default="{}"),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("execution_id", name="pk_pipeline_executions"),
    )
    op.create_table(
        "data_quality_metrics",
        sa.Column("metric_id", ID, nullable=False),
        sa.Column("execution_id", ID, nullable=False),
        sa.Column("metric_name", sa.String(120), nullable=False),
        sa.Column("metric_value", sa.Numeric(18, 6), nullable=False),
        sa.Column("details", JSON_DOCUMENT),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("metric_id", name="pk_data_quality_metrics"),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["pipeline_executions.execution_id"], name="fk_data_quality_metrics_execution", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("execution_id", "metric_name", name="uq_data_quality_metrics_execution_name"),
    )


def downgrade() -> None:
    op.drop_table("data_quality_metrics")
    op.drop_table("pipeline_executions")
