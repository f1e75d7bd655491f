"""One schema per tenant, as Alembic's cookbook does it: committed, and told to the dialect."""

from alembic import context
from sqlalchemy import engine_from_config, pool, text

connectable = engine_from_config(context.config.get_section("alembic", {}), prefix="sqlalchemy.", poolclass=pool.NullPool)
with connectable.connect() as connection:
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS tenant"))
    connection.execute(text("SET search_path TO tenant"))
    connection.commit()
    connection.dialect.default_schema_name = "tenant"
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
