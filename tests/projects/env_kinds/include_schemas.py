"""All schemas of the database are compared, so lockgate's own would be seen too."""

from alembic import context
from sqlalchemy import Column, Integer, MetaData, String, Table, engine_from_config, pool

target_metadata = MetaData()
for name in ("first", "second", "third"):
    Table(name, target_metadata, Column("id", Integer, primary_key=True), Column("name", String(50)))

connectable = engine_from_config(context.config.get_section("alembic", {}), prefix="sqlalchemy.", poolclass=pool.NullPool)
with connectable.connect() as connection:
    context.configure(connection=connection, target_metadata=target_metadata, include_schemas=True)
    with context.begin_transaction():
        context.run_migrations()
