"""Batch mode, and a directive that leaves out revisions without an operation."""

from typing import Any

from alembic import context
from sqlalchemy import Column, Integer, MetaData, String, Table, engine_from_config, pool

target_metadata = MetaData()
for name in ("first", "second", "third"):
    Table(name, target_metadata, Column("id", Integer, primary_key=True), Column("name", String(50)))


def leave_out_empty(migration_context: Any, revision: Any, directives: list[Any]) -> None:
    if directives and directives[0].upgrade_ops.is_empty():
        directives[:] = []


connectable = engine_from_config(context.config.get_section("alembic", {}), prefix="sqlalchemy.", poolclass=pool.NullPool)
with connectable.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=target_metadata,
        render_as_batch=True,
        compare_type=True,
        process_revision_directives=leave_out_empty,
    )
    with context.begin_transaction():
        context.run_migrations()
