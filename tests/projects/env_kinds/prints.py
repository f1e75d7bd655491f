"""Talks to stdout, by print, by the stream and by a child process's file descriptor."""

import subprocess
import sys

from alembic import context
from sqlalchemy import engine_from_config, pool

print("about to migrate")
sys.stdout.write("still about to migrate\n")
subprocess.run([sys.executable, "-S", "-c", "print('a child process migrates too')"], check=True)

connectable = engine_from_config(context.config.get_section("alembic", {}), prefix="sqlalchemy.", poolclass=pool.NullPool)
with connectable.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
print("migrated")
