"""longer pipeline names"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20260112_1620"
down_revision = "20251209_0840"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # SQLite rebuilds the table, whose children are deleted with their parent: lockgate sees to it that they are not.
    with op.batch_alter_table("pipeline_executions") as table:
        table.alter_column("pipeline_name", existing_type=sa.String(120), type_=sa.String(200), existing_nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("pipeline_executions") as table:
        table.alter_column("pipeline_name", existing_type=sa.String(200), type_=sa.String(120), existing_nullable=False)
