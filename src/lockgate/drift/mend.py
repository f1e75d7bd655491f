"""
DDL that would make a difference go away, where that is plain.

Nothing that loses rows is proposed: an extra table or column may be what a revision forgot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from lockgate.drift.items import Enum, Extension, Grant, Item, Routine, Schema, Statistics, View
from lockgate.drift.items import Sequence as SequenceItem
from lockgate.drift.keywords import RESERVED
from lockgate.drift.table_items import Column, Constraint, Index, Policy, Relation, Rule, Trigger

Statements = tuple[str, ...]
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_CONSTANT = re.compile(r"([+-]?[\d.]+|'([^']|'')*'|null|true|false)?", re.IGNORECASE)
_ENABLE = {"": "ENABLE", "DISABLED": "DISABLE", "REPLICA": "ENABLE REPLICA", "ALWAYS": "ENABLE ALWAYS"}


def name_of(*parts: str) -> str:
    """Return a dotted name in SQL, quoted where it must be, empty parts and `public` left out."""
    shown = [part for position, part in enumerate(parts) if part and not (position == 0 and part == "public" and len(parts) > 1)]
    return ".".join(part if _PLAIN.fullmatch(part) and part not in RESERVED else '"' + part.replace('"', '""') + '"' for part in shown)


def literal(text: str) -> str:
    """Return a text constant in SQL."""
    return "'" + text.replace("'", "''") + "'"


def mend_missing(item: Item, along: Sequence[Item], alters: bool) -> Statements:
    """
    Return statements that make an object.

    Args:
        along: what hangs on it and is missing with it.
        alters: see `Snapshot`.
    """
    if isinstance(item, Relation):
        return _create_table(item, along) if alters else ()
    if isinstance(item, Constraint) and not alters:
        return ()
    if isinstance(item, Column) and not alters and not _can_be_added(item):
        return ()
    make = _CREATE.get(type(item))
    made = make(item) if make else ()
    if isinstance(item, Column) and made:
        hanging = [other for other in along if not isinstance(other, SequenceItem)]
        made += tuple(text for other in hanging for text in mend_missing(other, (), alters))
    return made


def mend_extra(item: Item, alters: bool) -> Statements:
    """Return the statement that drops an object, where no row can be lost by it."""
    drop = _DROP.get(type(item))
    if drop is None or (isinstance(item, Constraint) and not alters):
        return ()
    return (drop(item),)


def mend_changed(ours: Item, theirs: Item, field: str, alters: bool) -> Statements:
    """Return statements that give one field its expected value."""
    if not alters and not isinstance(theirs, Index | View | Trigger):
        return ()
    if field == "comment":
        return _comment(theirs)
    special = _CHANGE.get((type(theirs), field))
    if special:
        return special(ours, theirs)
    if field == "definition" and isinstance(theirs, Constraint | Index | View | Routine | Trigger | Policy | Rule | Statistics):
        return _again(ours, theirs)
    return ()


def _again(ours: Any, theirs: Any) -> Statements:
    made = _CREATE[type(theirs)](theirs)
    if isinstance(theirs, Routine):  # CREATE OR REPLACE
        return made
    return (_DROP[type(ours)](ours), *made)


def _table(item: Any) -> str:
    return name_of(item.schema, item.table)


def _named(item: Any) -> str:
    return name_of(item.schema, item.name)


def _column_clause(column: Column) -> str:
    parts = [name_of(column.name), column.type]
    parts += [f"COLLATE {name_of(*column.collation.split('.'))}"] if column.collation else []
    parts += [f"GENERATED {column.identity_kind} AS IDENTITY"] if column.identity_kind and column.identity_kind != "AUTOINCREMENT" else []
    parts += [column.generated] if column.generated else []
    parts += [f"DEFAULT {column.default}"] if column.default else []
    return " ".join(filter(None, [*parts, "NOT NULL" * column.not_null]))


def _add_column(column: Column) -> Statements:
    """Where it must not be NULL and nothing fills it, only a person knows what the rows that are there shall have."""
    if column.not_null and not (column.default or column.identity_kind or column.generated):
        return ()
    return (f"ALTER TABLE {_table(column)} ADD COLUMN {_column_clause(column)}",)


def _can_be_added(column: Column) -> bool:
    """Whether SQLite adds such a column to a table with rows (sqlite.org/lang_altertable.html): no stored one, no default to compute."""
    return not column.generated.endswith("STORED") and bool(_CONSTANT.fullmatch(column.default))


def _constraint_clause(constraint: Constraint) -> str:
    return " ".join(filter(None, (f"CONSTRAINT {name_of(constraint.name)}", constraint.definition, constraint.timing, constraint.state)))


def _create_table(table: Relation, along: Sequence[Item]) -> Statements:
    """A plain table alone: parents, partitions and serial sequences need an order that only the revisions know."""
    if table.kind != "table" or table.partition_of or table.inherits or any(isinstance(item, SequenceItem) for item in along):
        return ()
    clauses = [_column_clause(item) for item in along if isinstance(item, Column)]
    clauses += [_constraint_clause(item) for item in along if isinstance(item, Constraint)]
    unlogged = "UNLOGGED " if table.unlogged else ""
    create = f"CREATE {unlogged}TABLE {_named(table)} (\n    " + ",\n    ".join(clauses) + "\n)"
    others = [item for item in along if not isinstance(item, Column | Constraint)]
    return (create, *(text for item in others for text in mend_missing(item, (), True)))


def _granted(grant: Grant) -> str:
    arguments = f"({grant.arguments})" if grant.kind == "function" else ""
    return f"{grant.kind.upper()} {_named(grant)}{arguments}"


def _create_sequence(item: SequenceItem) -> Statements:
    if item.table:
        return ()
    bounds = f"MINVALUE {item.minimum} MAXVALUE {item.maximum} START {item.start} CACHE {item.cache}"
    return (f"CREATE SEQUENCE {_named(item)} AS {item.type} INCREMENT {item.increment} {bounds}{' CYCLE' if item.cycle else ''}",)


def _create_view(item: View) -> Statements:
    options = f" WITH ({item.options})" if item.options else ""
    text = item.definition.strip().rstrip(";")
    if text.upper().startswith("CREATE"):
        return (text,)
    return (f"CREATE {item.kind.upper()} {_named(item)}{options} AS\n{text}",)


_CREATE: dict[type[Item], Callable[[Any], Statements]] = {
    Schema: lambda item: (f"CREATE SCHEMA {name_of(item.name)}",),
    Extension: lambda item: (f"CREATE EXTENSION {name_of(item.name)}",),
    Enum: lambda item: (f"CREATE TYPE {_named(item)} AS ENUM ({', '.join(map(literal, item.labels))})",),
    SequenceItem: _create_sequence,
    Column: _add_column,
    Constraint: lambda item: (f"ALTER TABLE {_table(item)} ADD {_constraint_clause(item)}",),
    Index: lambda item: (item.definition.replace(" ON ONLY ", " ON ", 1),),
    View: _create_view,
    Routine: lambda item: (item.definition.strip(),) if item.definition.startswith("CREATE") else (),
    Trigger: lambda item: (item.definition,),
    Policy: lambda item: (f"CREATE POLICY {name_of(item.name)} ON {_table(item)} {item.definition}",),
    Rule: lambda item: (item.definition,),
    Statistics: lambda item: (item.definition,),
}
_DROP: dict[type[Item], Callable[[Any], str]] = {
    Constraint: lambda item: f"ALTER TABLE {_table(item)} DROP CONSTRAINT {name_of(item.name)}",
    Index: lambda item: f"DROP INDEX {_named(item)}",
    View: lambda item: f"DROP {item.kind.upper()} {_named(item)}",
    Routine: lambda item: f"DROP {item.kind.upper()} {_named(item)}({item.arguments})",
    Trigger: lambda item: f"DROP TRIGGER {name_of(item.name)} ON {_table(item)}" if item.schema else f"DROP TRIGGER {name_of(item.name)}",
    Policy: lambda item: f"DROP POLICY {name_of(item.name)} ON {_table(item)}",
    Rule: lambda item: f"DROP RULE {name_of(item.name)} ON {_table(item)}",
    Statistics: lambda item: f"DROP STATISTICS {_named(item)}",
    Grant: lambda item: f"REVOKE ALL ON {_granted(item)} FROM {item.role if item.role == 'PUBLIC' else name_of(item.role)}",
}


def _alter_column(item: Column, action: str) -> Statements:
    return (f"ALTER TABLE {_table(item)} ALTER COLUMN {name_of(item.name)} {action}",)


def _comment(item: Item) -> Statements:
    value = literal(text) if (text := getattr(item, "comment", "")) else "NULL"
    if isinstance(item, Column):
        return (f"COMMENT ON COLUMN {_table(item)}.{name_of(item.name)} IS {value}",)
    if isinstance(item, Relation):
        return (f"COMMENT ON TABLE {_named(item)} IS {value}",)
    return ()


def _validate(ours: Constraint, theirs: Constraint) -> Statements:
    if theirs.state or ours.state != "NOT VALID":
        return ()
    return (f"ALTER TABLE {_table(ours)} VALIDATE CONSTRAINT {name_of(ours.name)}",)


def _new_labels(ours: Enum, theirs: Enum) -> Statements:
    """ADD VALUE where labels are only missing; taking one away means to make the type anew."""
    if [label for label in theirs.labels if label in ours.labels] != list(ours.labels):
        return ()
    made = []
    for before, label in zip((None, *theirs.labels), theirs.labels, strict=False):
        if label not in ours.labels:
            place = f" AFTER {literal(before)}" if before is not None else f" BEFORE {literal(ours.labels[0])}" if ours.labels else ""
            made.append(f"ALTER TYPE {_named(ours)} ADD VALUE {literal(label)}{place}")
    return tuple(made)


def _rename(kind: str) -> Callable[[Any, Any], Statements]:
    def rename(ours: Any, theirs: Any) -> Statements:
        if kind == "index":
            return (f"ALTER INDEX {_named(ours)} RENAME TO {name_of(theirs.name)}",) if ours.schema else ()
        return (f"ALTER TABLE {_table(ours)} RENAME CONSTRAINT {name_of(ours.name)} TO {name_of(theirs.name)}",)

    return rename


def _row_security(on: str, off: str, field: str) -> Callable[[Any, Any], Statements]:
    return lambda ours, theirs: (
        f"ALTER TABLE {_named(ours)} {on if getattr(theirs, field) else off} ROW LEVEL SECURITY",
    )


_CHANGE: dict[tuple[type[Item], str], Callable[[Any, Any], Statements]] = {
    (Column, "type"): lambda ours, theirs: _alter_column(theirs, f"TYPE {theirs.type}"),
    (Column, "not_null"): lambda ours, theirs: _alter_column(theirs, f"{'SET' if theirs.not_null else 'DROP'} NOT NULL"),
    (Column, "default"): lambda ours, theirs: _alter_column(theirs, f"SET DEFAULT {theirs.default}" if theirs.default else "DROP DEFAULT"),
    (Constraint, "name"): _rename("constraint"),
    (Constraint, "timing"): _again,
    (Constraint, "state"): _validate,
    (Index, "name"): _rename("index"),
    (Index, "invalid"): lambda ours, theirs: (f"REINDEX INDEX CONCURRENTLY {_named(ours)}",) if ours.invalid else (),
    (Relation, "row_security"): _row_security("ENABLE", "DISABLE", "row_security"),
    (Relation, "forced_row_security"): _row_security("FORCE", "NO FORCE", "forced_row_security"),
    (Trigger, "enabled"): lambda ours, theirs: (f"ALTER TABLE {_table(ours)} {_ENABLE[theirs.enabled]} TRIGGER {name_of(ours.name)}",),
    (Enum, "labels"): _new_labels,
    (SequenceItem, "increment"): lambda ours, theirs: (f"ALTER SEQUENCE {_named(ours)} INCREMENT {theirs.increment}",),
    (SequenceItem, "cache"): lambda ours, theirs: (f"ALTER SEQUENCE {_named(ours)} CACHE {theirs.cache}",),
    (SequenceItem, "cycle"): lambda ours, theirs: (f"ALTER SEQUENCE {_named(ours)} {'' if theirs.cycle else 'NO '}CYCLE",),
}
