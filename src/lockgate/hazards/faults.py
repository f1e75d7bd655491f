"""Statements that failed on the scratch."""

from __future__ import annotations

from lockgate.hazards.context import Statement


def broken(statement: Statement, states: tuple[str, ...]) -> str:
    """
    Return what a statement failed with, in words; empty where it did not fail, or for another reason, or the revision caught the error.

    Empty as well where the rows at fault were counted: their number says it better.

    Args:
        states: SQLSTATEs, or how they begin.
    """
    fault = statement.effect.fault
    if fault is None or statement.effect.caught or not fault.state.startswith(states) or _is_counted(statement):
        return ""
    state = f" (SQLSTATE {fault.state})" if fault.state else ""
    return f"the statement fails: {' '.join(fault.message.split())}{state}"


def _is_counted(statement: Statement) -> bool:
    """A batch is several statements of one line; its rows are counted at the one that ends it."""
    here = (other for other in statement.plan.statements if other.revision is statement.revision and other.effect.line == statement.effect.line)
    return any(answer.count > 0 and answer.kind not in ("rows", "values") for other in here for answer in other.answers)
