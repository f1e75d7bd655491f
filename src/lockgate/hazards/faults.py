"""Statements that failed on the scratch."""

from __future__ import annotations

from lockgate.hazards.context import Statement


def broken(statement: Statement, states: tuple[str, ...]) -> str:
    """
    Return what a statement failed with, in words; empty where it did not fail, or for another reason, or the revision caught the error.

    Args:
        states: SQLSTATEs, or how they begin.
    """
    fault = statement.effect.fault
    if fault is None or statement.effect.caught or not fault.state.startswith(states):
        return ""
    state = f" (SQLSTATE {fault.state})" if fault.state else ""
    return f"the statement fails: {' '.join(fault.message.split())}{state}"
