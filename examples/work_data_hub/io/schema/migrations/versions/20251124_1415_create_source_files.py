"""create source files"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "20251124_1415"
down_revision = "20251118_0930"
branch_labels = None
depends_on = None

ID = UUID(as_uuid=True).with_variant(sa.String(36), "sqlite")


def upgrade() -> None:
    op.create_table(
        "source_files",
        sa.Column("source_file_id", ID, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("source_file_id", name="pk_source_files"),
        sa.UniqueConstraint("sha256", name="uq_source_files_sha256"),
        sa.CheckConstraint("size_bytes >= 0", name="ck_source_files_size"),
    )
    op.create_table(
        "execution_sources",
        sa.Column("execution_id", ID, nullable=False),
        sa.Column("source_file_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("execution_id", "source_file_id", name="pk_execution_sources"),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["pipeline_executions.execution_id"], name="fk_execution_sources_execution", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["source_file_id"], ["source_files.source_file_id"], name="fk_execution_sources_file"),
    )
    op.create_index("ix_execution_sources_file", "execution_sources", ["source_file_id"])


def downgrade() -> None:
    op.drop_table("execution_sources")
    op.drop_table("source_files")
