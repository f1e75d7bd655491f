"""A version table of another name, on PostgreSQL in a schema of its own that is committed before `configure`."""

from alembic import context
from sqlalchemy import engine_from_config, pool, text

connectable = engine_from_config(context.config.get_section("alembic", {}), prefix="sqlalchemy.", poolclass=pool.NullPool)
with connectable.connect() as connection:
    schema = "app" if connection.dialect.name == "postgresql" else None
    if schema:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
        connection.commit()
    context.configure(connection=connection, target_metadata=None, version_table="app_version", version_table_schema=schema)
    with context.begin_transaction():
        context.run_migrations()
