"""One explicit transaction around everything: `with engine.begin()`."""

from alembic import context
from sqlalchemy import engine_from_config, pool

connectable = engine_from_config(context.config.get_section("alembic", {}), prefix="sqlalchemy.", poolclass=pool.NullPool)
with connectable.begin() as connection:
    context.configure(connection=connection, target_metadata=None)
    context.run_migrations()
