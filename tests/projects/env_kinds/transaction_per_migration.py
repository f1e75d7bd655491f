"""Asks for one transaction for the whole run, by name."""

from alembic import context
from sqlalchemy import engine_from_config, pool

connectable = engine_from_config(context.config.get_section("alembic", {}), prefix="sqlalchemy.", poolclass=pool.NullPool)
with connectable.connect() as connection:
    context.configure(connection=connection, target_metadata=None, transaction_per_migration=False, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
