"""What a drop takes with it."""

from __future__ import annotations

from lockgate.hazards.answers import Answer, Kind
from lockgate.hazards.context import Statement
from lockgate.hazards.counted import answer_about, many
from lockgate.hazards.findings import Severity
from lockgate.hazards.names import parts
from lockgate.hazards.seen import Drop, Relation

HOLDS_ROWS = ("table", "table column", "materialized view")


def owner_of(statement: Statement, drop: Drop) -> Relation | None:
    """Return the live table that is dropped, or whose column is; None where the plan never met it."""
    return statement.plan.table(_path(drop)) if drop.kind in (*HOLDS_ROWS, "foreign table") else None


def is_empty(statement: Statement, table: Relation | None) -> bool:
    """Whether the target's statistics say that a table holds no row."""
    size = statement.plan.yardstick.size(table) if table else None
    return size is not None and size.rows == 0


def counted(statement: Statement, drop: Drop) -> Answer | None:
    """Return how many values or rows of the target go with what is dropped; None where nobody was asked."""
    names = parts(drop.identity)
    kind: Kind = "values" if drop.kind == "table column" else "rows"
    table = owner_of(statement, drop)
    path = table.original if table else _path(drop)
    here = (answer for answer in statement.answers if answer.table == path)
    return answer_about(here, names[-1] if kind == "values" else "", kind)


def lost(answer: Answer | None) -> tuple[Severity, str]:
    """Return how bad a drop of known content is, and the words for it: ` (12 values today)`."""
    if answer is None or answer.unknown:
        return Severity.ERROR, f" (how many is not known: {answer.unknown})" if answer else ""
    return (Severity.ERROR if answer.count else Severity.NOTE), f" ({many(answer.count, answer.kind.removesuffix('s'))} today)"


def _path(drop: Drop) -> str:
    names = parts(drop.identity)
    return ".".join(names[:-1] if drop.kind == "table column" else names)
