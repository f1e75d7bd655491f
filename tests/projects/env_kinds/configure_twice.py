"""Two schemas, or a check before the real work: `configure` is called twice in one online run."""

from alembic import context
from sqlalchemy import engine_from_config, pool

connectable = engine_from_config(context.config.get_section("alembic", {}), prefix="sqlalchemy.", poolclass=pool.NullPool)
with connectable.connect() as connection:
    for table in ("alembic_version", "alembic_version_2"):
        context.configure(connection=connection, target_metadata=None, version_table=table)
        with context.begin_transaction():
            context.run_migrations()
