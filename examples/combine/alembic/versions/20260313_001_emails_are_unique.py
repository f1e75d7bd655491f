"""emails are unique

Revision ID: 20260313_001
Revises: 20260312_001
Create Date: 2026-03-13 09:00:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20260313_001"
down_revision: str | Sequence[str] | None = "20260312_001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Whatever the case: nobody registers twice by typing a capital letter."""
    op.create_index("users_email_key", "users", [sa.text("lower(email)")], unique=True)


def downgrade() -> None:
    """No row is touched."""
    op.drop_index("users_email_key", "users")
