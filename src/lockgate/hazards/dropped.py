"""What a drop takes with it."""

from __future__ import annotations

from lockgate.hazards.answers import Answer, Kind
from lockgate.hazards.context import Statement
from lockgate.hazards.counted import answer_about, many
from lockgate.hazards.findings import Severity
from lockgate.hazards.names import parts
from lockgate.hazards.seen import Drop, Relation

_DEFINED = ("view", "materialized view", "function")  # by text alone, so that the same text brings all of it back
HOLDS_ROWS = ("table", "table column", "materialized view")


def owner_of(statement: Statement, drop: Drop) -> Relation | None:
    """Return the live table that is dropped, or whose column is; None where the plan never met it."""
    return statement.plan.table(_path(drop)) if drop.kind in (*HOLDS_ROWS, "foreign table") else None


def is_empty(statement: Statement, table: Relation | None) -> bool:
    """Whether the target's statistics say that a table holds no row."""
    size = statement.plan.yardstick.size(table) if table else None
    return size is not None and size.rows == 0


def is_computed(statement: Statement, drop: Drop) -> bool:
    """Whether a generated column is dropped: its expression makes the same values again."""
    path = parts(drop.identity)[1:]
    went = (change for change in statement.effect.changes if (change.how, change.kind, change.schema) == ("dropped", "column", drop.schema))
    return any([change.table, change.name] == path and change.before.get("generated") for change in went)


def is_partitions(statement: Statement, drop: Drop) -> bool:
    """Whether a column of a partition is dropped, because that of the partitioned table is: one loss, told by the name that somebody wrote."""
    if drop.kind != "table column" or ";" in statement.effect.text.rstrip("; \n"):
        return False
    same = [other for other in statement.effect.drops if other.kind == drop.kind and parts(other.identity)[-1] == parts(drop.identity)[-1]]
    owners = ((other, owner_of(statement, other)) for other in same)
    whole = next((other for other, owner in owners if owner and owner.kind == "partitioned table"), drop)
    return whole is not drop


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


def not_back(statement: Statement, drop: Drop) -> tuple[str, ...] | None:
    """
    Return which columns a view lacks that its transaction drops and makes again; none for a function. None where it does not come back.

    Nobody else sees what is between: whoever asks for the name waits for COMMIT.
    """
    own = [change for change in statement.effect.changes if change.schema == drop.schema]
    went = (change for change in own if change.how == "dropped" and change.kind == drop.kind in _DEFINED)
    old = next((one for one in went if parts(drop.identity)[-1] == one.name or drop.identity.endswith(f".{one.name}")), None)
    if old is None:
        return None
    gone = old.name
    kinds = ("function",) if drop.kind == "function" else ("view", "materialized view")
    later = [other.effect for other in statement.plan.transaction(statement) if other.place > statement.place]
    made = [change for effect in later for change in effect.changes if change.how == "added" and change.schema == drop.schema]
    new = next((change for change in made if change.kind in kinds and change.name == gone), None)
    if new is None:
        return None
    had = [change.name for change in own if (change.kind, change.table) == ("column", gone)]
    if not had and drop.kind != "function" and new.after.get("definition") != old.before.get("definition"):
        return None  # SQLite tells no columns of views
    columns = {change.name for change in made if (change.kind, change.table) == ("column", gone)}
    return tuple(name for name in had if name not in columns)


def _path(drop: Drop) -> str:
    names = parts(drop.identity)
    return ".".join(names[:-1] if drop.kind == "table column" else names)
