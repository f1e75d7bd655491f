"""create validation rules"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20251209_0840"
down_revision = "20251202_1105"
branch_labels = None
depends_on = None

JSON_DOCUMENT = JSONB().with_variant(sa.JSON(), "sqlite")
# A type of its own on PostgreSQL, which outlives the table unless it is dropped; text on SQLite.
RULE_ACTION = sa.Enum("report", "reject", name="rule_action")


def upgrade() -> None:
    rules = op.create_table(
        "validation_rules",
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("action", RULE_ACTION, nullable=False),
        sa.Column("definition", JSON_DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_validation_rules"),
    )
    op.bulk_insert(
        rules,
        [
            {"code": "no-missing-rows", "action": "report", "definition": {"metric": "missing_rows", "at_most": 0}},
            {"code": "known-currency", "action": "reject", "definition": {"column": "currency", "in": ["CNY", "EUR", "USD"]}},
        ],
    )


def downgrade() -> None:
    op.drop_table("validation_rules")
    RULE_ACTION.drop(op.get_bind(), checkfirst=True)
