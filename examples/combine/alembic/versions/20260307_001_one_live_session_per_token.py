"""one live session per token

Revision ID: 20260307_001
Revises: 20260306_001
Create Date: 2026-03-07 09:00:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20260307_001"
down_revision: str | Sequence[str] | None = "20260306_001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """A token may come back once its session was revoked, so only the live ones are unique."""
    op.create_index(
        "user_sessions_live_token_key", "user_sessions", ["token_hash"], unique=True, postgresql_where=sa.text("revoked_at is null")
    )


def downgrade() -> None:
    """No row is touched."""
    op.drop_index("user_sessions_live_token_key", "user_sessions")
