"""What is in a database: its catalog, for comparing before and after, and everything with all rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import Inspector

OURS = ("alembic_version", "lockgate")
POSTGRES = {
    "relations": "select relname, relkind::text from pg_class where relnamespace = 'public'::regnamespace",
    "columns": """select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text, pg_get_expr(d.adbin, d.adrelid)
        from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v') and a.attnum > 0 and not a.attisdropped""",
    "constraints": "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace",
    "indexes": "select tablename, indexname, indexdef from pg_indexes where schemaname = 'public'",
    "types": """select t.typname, string_agg(e.enumlabel, ',' order by e.enumsortorder) from pg_type t left join pg_enum e on e.enumtypid = t.oid
        where t.typnamespace = 'public'::regnamespace group by t.typname""",
    "functions": "select proname, '' from pg_proc where pronamespace = 'public'::regnamespace",
    "triggers": "select tgrelid::regclass::text, tgname from pg_trigger where not tgisinternal",
    "views": "select viewname, definition from pg_views where schemaname = 'public'",
    "schemas": "select nspname, '' from pg_namespace where nspname !~ '^pg_'",
}

Catalog = dict[str, list[tuple[str, ...]]]


def catalog(url: str) -> Catalog:
    """Everything that the revisions can make, without Alembic's and lockgate's own tables."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            found = _sqlite(connection) if engine.dialect.name == "sqlite" else _postgres(connection)
    finally:
        engine.dispose()
    return {kind: sorted(row for row in rows if not _is_ours(row)) for kind, rows in found.items()}


def everything(url: str) -> dict[str, list[str]]:
    """Every table with all its rows, Alembic's and lockgate's own among them. Two equal ones mean that nothing changed."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            inspector = inspect(connection)
            schemas = [None] if engine.dialect.name == "sqlite" else ["public", "lockgate"]
            tables = [(schema, name) for schema in schemas for name in inspector.get_table_names(schema=schema)]
            sql = {(f"{schema}." if schema else "") + name: f'select * from {schema + "." if schema else ""}"{name}"' for schema, name in tables}
            return {name: sorted(repr(tuple(row)) for row in connection.execute(text(query))) for name, query in sql.items()}
    finally:
        engine.dispose()


def without_ledger(picture: dict[str, list[str]]) -> dict[str, list[str]]:
    """A refusal on the right database is written into its ledger, and changes nothing else."""
    return {name: rows for name, rows in picture.items() if not name.endswith("ledger")}


def _is_ours(row: tuple[str, ...]) -> bool:
    return row[0].lstrip("_").startswith(OURS) or row[0].startswith("sqlite_")


def _postgres(connection: Connection) -> Catalog:
    return {kind: [tuple(map(str, row)) for row in connection.execute(text(query))] for kind, query in POSTGRES.items()}


def _sqlite(connection: Connection) -> Catalog:
    # Not the text of sqlite_master: a table that was rebuilt twice is the same table in other words.
    inspector = inspect(connection)
    names = connection.execute(text("select name, type, tbl_name from sqlite_master")).all()
    return {
        "objects": [tuple(map(str, row)) for row in names],
        "tables": [(name, str(_described(inspector, name))) for name in inspector.get_table_names()],
        "views": [(name, str(inspector.get_view_definition(name))) for name in inspector.get_view_names()],
    }


def _described(inspector: Inspector, table: str) -> dict[str, Any]:
    def ordered(rows: list[Any]) -> list[str]:
        return sorted(str(sorted(row.items(), key=repr)) for row in rows)

    return {
        "columns": ordered([{**column, "type": str(column["type"])} for column in inspector.get_columns(table)]),
        "primary key": inspector.get_pk_constraint(table),
        "foreign keys": ordered(inspector.get_foreign_keys(table)),
        "uniques": ordered(inspector.get_unique_constraints(table)),
        "checks": ordered(inspector.get_check_constraints(table)),
        "indexes": ordered([{**index, "dialect_options": _spelled(index.get("dialect_options", {}))} for index in inspector.get_indexes(table)]),
    }


def _spelled(options: dict[str, Any]) -> str:
    return str({name: str(value) for name, value in options.items()})
