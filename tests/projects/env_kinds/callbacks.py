"""Everything that a project may hang into `configure`: callback, filter, naming convention."""

from typing import Any

from alembic import context
from sqlalchemy import Column, Integer, MetaData, String, Table, engine_from_config, pool

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
target_metadata = MetaData(naming_convention=NAMES)
for name in ("first", "second", "third", "not_ours"):
    Table(name, target_metadata, Column("id", Integer, primary_key=True), Column("name", String(50)))


def applied(*, ctx: Any, step: Any, heads: Any, run_args: Any, **kw: Any) -> None:
    context.config.attributes.setdefault("applied", []).append(step.up_revision_id)
    ctx.connection.exec_driver_sql("create table if not exists applied (revision varchar(40))")
    ctx.connection.exec_driver_sql(f"insert into applied values ('{step.up_revision_id}')")


def ours(thing: Any, name: str | None, kind: str, reflected: bool, compared: Any) -> bool:
    return name not in ("not_ours", "applied")


connectable = engine_from_config(context.config.get_section("alembic", {}), prefix="sqlalchemy.", poolclass=pool.NullPool)
with connectable.connect() as connection:
    context.configure(connection=connection, target_metadata=target_metadata, on_version_apply=applied, include_object=ours)
    with context.begin_transaction():
        context.run_migrations()
