"""touch documents on update

Revision ID: 20260308_001
Revises: 20260307_001
Create Date: 2026-03-08 09:00:00

"""

from collections.abc import Sequence

from alembic import op

revision: str = "20260308_001"
down_revision: str | Sequence[str] | None = "20260307_001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """The application forgot it in two places; the database forgets it in none."""
    op.execute("create trigger documents_touch before update on documents for each row execute function touch_updated_at()")


def downgrade() -> None:
    """The function belongs to ops/db/schema.sql and stays."""
    op.execute("drop trigger documents_touch on documents")
