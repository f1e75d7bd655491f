"""create document types"""

import sqlalchemy as sa
from alembic import op

revision = "20260112_0930"
down_revision = "20260106_1100"
branch_labels = None
depends_on = None


def upgrade() -> None:
    types = op.create_table(
        "document_types",
        sa.Column("code", sa.String(30), primary_key=True),
        sa.Column("label", sa.String(100), nullable=False),
    )
    op.bulk_insert(
        types,
        [
            {"code": "note", "label": "Note"},
            {"code": "report", "label": "Report"},
            {"code": "invoice", "label": "Invoice"},
        ],
    )


def downgrade() -> None:
    op.drop_table("document_types")
