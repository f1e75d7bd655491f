"""move kinds into types

Revision ID: 20260310_001
Revises: 20260309_001
Create Date: 2026-03-10 09:00:00

"""

from collections.abc import Sequence

from alembic import op

revision: str = "20260310_001"
down_revision: str | Sequence[str] | None = "20260309_001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Second step, data only: kinds that differ in case and blanks are one type, and none is lost."""
    op.execute(
        """
        insert into document_types (code, name)
        select distinct lower(trim(kind)), initcap(trim(kind)) from documents where trim(kind) <> ''
        on conflict (code) do nothing
        """
    )
    op.execute("insert into document_types (code, name) values ('note', 'Note') on conflict (code) do nothing")
    op.execute("update documents set type_code = coalesce(nullif(lower(trim(kind)), ''), 'note') where type_code is null")


def downgrade() -> None:
    """The types may be in use by now, so they stay; only what this revision filled is emptied."""
    op.execute("update documents set type_code = null")
