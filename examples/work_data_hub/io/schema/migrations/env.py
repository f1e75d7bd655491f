"""Alembic's environment: connects, and runs the revisions. lockgate's gate stands in front of it by itself."""

from __future__ import annotations

from logging.config import fileConfig

from alembic import context
from sqlalchemy import URL, create_engine, pool
from work_data_hub.config import get_settings, sqlalchemy_url

config = context.config
if config.config_file_name is not None:
    fileConfig(config.config_file_name, disable_existing_loggers=False)


def database_url() -> URL:
    """The URL that the caller put into the configuration; else the one that the settings know."""
    given = config.get_main_option("sqlalchemy.url")
    return sqlalchemy_url(given or get_settings().database_uri.get_secret_value())


def run_migrations_offline() -> None:
    """Print SQL instead of running it."""
    context.configure(url=database_url(), literal_binds=True, dialect_opts={"paramstyle": "named"})
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online() -> None:
    """Run the revisions on one connection."""
    engine = create_engine(database_url(), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
