"""metrics have a severity"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20251202_1105"
down_revision = "20251124_1415"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("data_quality_metrics", sa.Column("severity", sa.String(10), nullable=False, server_default="info"))
    op.execute("UPDATE data_quality_metrics SET severity = 'warning' WHERE metric_name = 'missing_rows' AND metric_value > 0")
    op.create_index("ix_data_quality_metrics_severity", "data_quality_metrics", ["severity"])


def downgrade() -> None:
    op.drop_index("ix_data_quality_metrics_severity", "data_quality_metrics")
    with op.batch_alter_table("data_quality_metrics") as table:
        table.drop_column("severity")
