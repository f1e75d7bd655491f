"""base tables

Revision ID: 20260301_001
Revises:
Create Date: 2026-03-01 09:00:00

"""

from collections.abc import Sequence

revision: str = "20260301_001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """The tables come from ops/db/schema.sql; this revision only stands for them."""


def downgrade() -> None:
    """Nothing was made here, so nothing goes."""
