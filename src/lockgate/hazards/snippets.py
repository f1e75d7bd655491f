"""Pieces of Python for revisions, with the user's own names in them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from lockgate.hazards.seen import Change, Relation

_SIMPLE = re.compile(r"[a-z_][a-z0-9_]*")
_DEFAULT_SCHEMA = "public"


def literal(text: str) -> str:
    """Return a text as a Python literal in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def identifier(*names: str) -> str:
    """Return a name for SQL, quoted where it has to be: `public."Orders"`; the default schema is left out."""
    kept = [name for name in names if name] if names[0] != _DEFAULT_SCHEMA else [name for name in names[1:] if name]
    return ".".join(name if _SIMPLE.fullmatch(name) else '"' + name.replace('"', '""') + '"' for name in kept)


def comment(text: str) -> str:
    """Return a line of comment: a name that holds a line break must not become code."""
    return f"# {' '.join(text.split())}"


def execute(sql: str) -> str:
    """Return a call of `op.execute`."""
    return f"op.execute({literal(sql)})"


def schema_argument(schema: str) -> str:
    """Return `, schema="sales"`; empty for the default schema."""
    return f", schema={literal(schema)}" if schema and schema != _DEFAULT_SCHEMA else ""


def table_of(relation: Relation | Change) -> str:
    """Return the name of a table, for SQL."""
    return identifier(relation.schema, relation.name if isinstance(relation, Relation) else relation.table)


def columns_of(change: Change) -> list[str]:
    """Return the columns of a constraint or an index; a placeholder where they are expressions."""
    found: Any = change.after.get("columns") or change.before.get("columns") or ["..."]
    return [str(column) for column in found]


def autocommit(lines: Sequence[str]) -> str:
    """Return calls that run outside of the revision's transaction."""
    return "\n".join(["with op.get_context().autocommit_block():", *(f"    {line}" for line in lines)])


PATIENCE = execute("SET LOCAL lock_timeout = '3s'") + "  # where something else than lockgate runs the revision"
