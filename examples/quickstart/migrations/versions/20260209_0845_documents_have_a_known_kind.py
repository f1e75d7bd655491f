"""documents have a known kind"""

from alembic import op

revision = "20260209_0845"
down_revision = "20260202_1015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("documents") as batch:
        batch.create_foreign_key("fk_documents_kind", "document_types", ["kind"], ["code"])


def downgrade() -> None:
    with op.batch_alter_table("documents") as batch:
        batch.drop_constraint("fk_documents_kind", type_="foreignkey")
