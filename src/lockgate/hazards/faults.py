"""Statements and revisions that failed on the scratch, which may only miss the target's rows."""

from __future__ import annotations

from lockgate.hazards.context import Plan, Statement
from lockgate.hazards.effects import DUMP, REPLAY, SCHEMA

# A key without its row, nothing selected, and what code raises by itself; PostgreSQL manual, appendix A.
_MAY_MISS_ROWS = ("23502", "23503", "P0001", "P0002", "P0004")
_OF_ROWS = ("22", "23")  # values that do not fit, constraints
_WITHOUT_ROWS = (DUMP, SCHEMA, REPLAY)
_MISSES = "; the copy has none of the target's rows, and that may be all that is wrong"


def broken(statement: Statement, states: tuple[str, ...]) -> str:
    """
    Return what a statement failed with, in words; empty where it did not fail, or for another reason, or the revision caught the error.

    Empty as well where the rows at fault were counted: their number says it better.

    Args:
        states: SQLSTATEs, or how they begin.
    """
    fault = statement.effect.fault
    if fault is None or statement.effect.caught or not fault.state.startswith(states):
        return ""
    if fault.state.startswith(_OF_ROWS) and _is_counted(statement):
        return ""
    state = f" (SQLSTATE {fault.state})" if fault.state else ""
    return f"the statement fails: {' '.join(fault.message.split())}{state}{missing(statement.plan, fault.state)}"


def missing(plan: Plan, state: str) -> str:
    """Return what to add where the scratch may fail for want of rows alone; empty where it cannot be that."""
    return _MISSES if plan.effects.source in _WITHOUT_ROWS and state.startswith(_MAY_MISS_ROWS) else ""


def missing_in_code(plan: Plan) -> str:
    """Return the same for Python that raised something by itself."""
    return missing(plan, _MAY_MISS_ROWS[2])


def allowing(hazard: str) -> str:
    """Return what to do where the target has the rows that the scratch misses."""
    return f"# if the target has the rows that this needs, say so here, and the plan goes on behind it:\n# lockgate: allow {hazard} REASON"


def _is_counted(statement: Statement) -> bool:
    """A batch is several statements of one line; its rows are counted at the one that ends it."""
    here = (other for other in statement.plan.statements if other.revision is statement.revision and other.effect.line == statement.effect.line)
    return any(answer.count > 0 and answer.kind not in ("rows", "values") for other in here for answer in other.answers)
