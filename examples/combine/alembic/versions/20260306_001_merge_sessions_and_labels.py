"""merge sessions and labels

Revision ID: 20260306_001
Revises: 20260305_001, 20260305_002
Create Date: 2026-03-06 09:00:00

"""

from collections.abc import Sequence

revision: str = "20260306_001"
down_revision: str | Sequence[str] | None = ("20260305_001", "20260305_002")
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """The two branches are one line again."""


def downgrade() -> None:
    """Two heads again."""
