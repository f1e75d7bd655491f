"""normalise document kinds"""

import sqlalchemy as sa
from alembic import op

revision = "20260202_1015"
down_revision = "20260119_1400"
branch_labels = None
depends_on = None

documents = sa.table("documents", sa.column("kind", sa.String))
types = sa.table("document_types", sa.column("code", sa.String))


def upgrade() -> None:
    op.execute(documents.update().values(kind=sa.func.lower(documents.c.kind)))
    op.execute(documents.update().where(documents.c.kind.not_in(sa.select(types.c.code))).values(kind="note"))


def downgrade() -> None:
    """The old spelling is not kept anywhere; the new one is valid before this revision too."""
