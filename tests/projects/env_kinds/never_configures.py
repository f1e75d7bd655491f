"""Leaves before it comes to `configure`."""

from alembic import context

if context.is_offline_mode():
    context.configure(url=context.config.get_main_option("sqlalchemy.url"))
    context.run_migrations()
