"""AUTOCOMMIT asked for on the connection, with a statement run in it before `configure`."""

from alembic import context
from sqlalchemy import create_engine, pool, text

engine = create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)
with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
    connection.execute(text("select 1"))
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
