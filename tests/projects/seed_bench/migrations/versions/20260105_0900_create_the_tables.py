"""create the tables"""

from alembic import op

revision = "20260105_0900"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create table t (id integer primary key, v varchar(20) not null, n integer)")
    op.execute("create table loose (id integer, v text)")


def downgrade() -> None:
    op.execute("drop table loose")
    op.execute("drop table t")
