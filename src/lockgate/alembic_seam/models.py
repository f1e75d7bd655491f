"""What env.py's `target_metadata` says of the database that it connects to, as differences in lockgate's own words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.script import ScriptDirectory
from msgspec.structs import replace
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, PrimaryKeyConstraint
from sqlalchemy.schema import CreateIndex

from lockgate.alembic_seam.run import Errand
from lockgate.drift.compare import MODELS, Difference, tell
from lockgate.drift.items import Item
from lockgate.drift.table_items import Column, Constraint, Index, Relation

Hear = Callable[[tuple[Difference, ...] | None], None]


def compare_errand(config: Config, hear: Hear) -> Errand:
    """
    Make an errand without steps that compares the models with the database when env.py runs.

    Args:
        hear: is told the differences, None where env.py gives no `target_metadata`.
    """

    def compare(heads: Any, context: Any) -> list[Any]:
        metadata = context.opts.get("target_metadata")
        hear(None if metadata is None else differences(compare_metadata(context, metadata), context))
        return []

    return Errand(config, ScriptDirectory.from_config(config), compare, {"destination_rev": "head"})


def differences(found: list[Any], context: Any) -> tuple[Difference, ...]:
    """
    Put what Alembic's autogenerate found into differences.

    Args:
        found: as `alembic.autogenerate.compare_metadata` returns it: `add_` means that only the models have it.
    """
    missing: list[Item] = []
    extra: list[Item] = []
    both: list[tuple[Item, Item]] = []
    for entry in found:
        if isinstance(entry, list):
            both += [pair for change in entry for pair in _changed(change, context.dialect)]
            continue
        verb, _, kind = entry[0].partition("_")
        if verb in ("add", "remove") and kind in _MAKERS:
            (missing if verb == "add" else extra).extend(_MAKERS[kind](entry, context.dialect))
        elif kind == "table_comment":
            both.append(_table_comment(verb, *entry[1:]))
    told = tell(missing, extra, both, MODELS, alters=True)
    # Defaults, identity and storage are the models' affair: DDL made from half of them would mend half.
    return tuple(dataclasses.replace(difference, mend=()) for difference in told)


def _tables(entry: Any, dialect: Any) -> Iterator[Item]:
    table = entry[1]
    yield Relation(table.schema or "", table.name, "table")
    for column in table.columns:
        yield _column(table.schema, table.name, column, dialect)


def _columns(entry: Any, dialect: Any) -> Iterator[Item]:
    _, schema, table, column = entry
    yield _column(schema, table, column, dialect)


def _column(schema: str | None, table: str, column: Any, dialect: Any) -> Column:
    return Column(schema or "", table, column.name, _type(column.type, dialect), not column.nullable)


def _type(kind: Any, dialect: Any) -> str:
    return str(kind.compile(dialect=dialect)).lower()


def _indexes(entry: Any, dialect: Any) -> Iterator[Item]:
    index = entry[1]
    columns = tuple(column.name for column in index.columns)
    yield Index(index.table.schema or "", index.table.name, str(index.name), str(CreateIndex(index).compile(dialect=dialect)), columns)


def _constraints(entry: Any, dialect: Any) -> Iterator[Item]:
    constraint = entry[1]
    columns = tuple(column.name for column in constraint.columns)
    kind = next((word for cls, word in _KINDS if isinstance(constraint, cls)), "unique")
    text = f"{kind.upper()} ({', '.join(columns)})"
    if isinstance(constraint, ForeignKeyConstraint):
        text += f" REFERENCES {', '.join(element.target_fullname for element in constraint.elements)}"
    yield Constraint(constraint.table.schema or "", constraint.table.name, str(constraint.name or text), kind, text, columns)


_KINDS = ((ForeignKeyConstraint, "foreign key"), (PrimaryKeyConstraint, "primary key"), (CheckConstraint, "check"))
_MAKERS: dict[str, Callable[[Any, Any], Iterator[Item]]] = {
    "table": _tables,
    "column": _columns,
    "index": _indexes,
    "constraint": _constraints,
    "fk": _constraints,
}


def _changed(change: Any, dialect: Any) -> Iterator[tuple[Item, Item]]:
    """Yield one column as the database and as the models have it, different in one field."""
    what, schema, table, name, _, have, want = change
    if what == "modify_default":
        have, want = _default(have), _default(want)
    elif what == "modify_comment":
        have, want = have or "", want or ""
    elif what == "modify_type":
        have, want = _type(have, dialect), _type(want, dialect)
    elif what == "modify_nullable":
        have, want = not have, not want
    if what in _FIELDS:
        column = Column(schema or "", table, name, "")
        yield replace(column, **{_FIELDS[what]: have}), replace(column, **{_FIELDS[what]: want})


_FIELDS = {"modify_default": "default", "modify_comment": "comment", "modify_type": "type", "modify_nullable": "not_null"}


def _default(value: Any) -> str:
    return "" if value is None or value is False else str(getattr(value, "arg", value))


def _table_comment(verb: str, table: Any, *comments: Any) -> tuple[Item, Item]:
    name = (table.schema or "", table.name, "table")
    if verb == "add":
        return Relation(*name, comment=comments[-1] or ""), Relation(*name, comment=comments[0] or "")
    return Relation(*name, comment=str(table.comment or "")), Relation(*name)
