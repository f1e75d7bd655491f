"""index documents by project

Revision ID: 20260314_001
Revises: 20260313_001
Create Date: 2026-03-14 09:00:00

"""

from collections.abc import Sequence

from alembic import op

revision: str = "20260314_001"
down_revision: str | Sequence[str] | None = "20260313_001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """While people write: CONCURRENTLY, which cannot be in a transaction."""
    with op.get_context().autocommit_block():
        op.create_index("documents_project_id_idx", "documents", ["project_id"], postgresql_concurrently=True)


def downgrade() -> None:
    """As carefully as it came."""
    with op.get_context().autocommit_block():
        op.drop_index("documents_project_id_idx", "documents", postgresql_concurrently=True)
