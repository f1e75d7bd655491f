"""index documents by project, without blocking writers"""

from alembic import op

revision = "20260119_1400"
down_revision = "20260112_0930"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("ix_documents_project_id", "documents", ["project_id"], postgresql_concurrently=True, if_not_exists=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_documents_project_id", "documents", postgresql_concurrently=True, if_exists=True)
