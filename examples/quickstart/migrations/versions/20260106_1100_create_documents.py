"""create documents"""

import sqlalchemy as sa
from alembic import op

revision = "20260106_1100"
down_revision = "20260105_0900"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(30), nullable=False, server_default="note"),
    )


def downgrade() -> None:
    op.drop_table("documents")
