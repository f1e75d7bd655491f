"""What a drop takes with it."""

from __future__ import annotations

import re

from lockgate.hazards.context import Statement
from lockgate.hazards.seen import Drop, Relation

HOLDS_ROWS = ("table", "table column", "materialized view")
_PART = re.compile(r'"((?:[^"]|"")*)"|([^.]+)')


def owner_of(statement: Statement, drop: Drop) -> Relation | None:
    """Return the live table that is dropped, or whose column is; None where the plan never met it."""
    parts = [quoted.replace('""', '"') if quoted else plain for quoted, plain in _PART.findall(drop.identity)]
    return statement.plan.table(".".join(parts[:2])) if drop.kind in (*HOLDS_ROWS, "foreign table") else None


def is_empty(statement: Statement, table: Relation | None) -> bool:
    """Whether the target's statistics say that a table holds no row."""
    size = statement.plan.yardstick.size(table) if table else None
    return size is not None and size.rows == 0
