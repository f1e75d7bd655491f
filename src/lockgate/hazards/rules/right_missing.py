"""The role that runs revisions lacks a right: the scratch was worked on by a superuser and could not notice."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.answers import Lacking
from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.rights import of
from lockgate.hazards.snippets import comment


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one error per right, at the first statement that needs it."""
    lacking = plan.effects.preflight.lacking if plan.effects.preflight else ()
    for right in lacking:
        needed = right.table, right.right.removeprefix("NO ")
        statement = next((one for one in plan.statements if needed in of(one.effect)), None)
        if statement:
            yield _finding(statement, right)


def _finding(statement: Statement, right: Lacking) -> Finding:
    severity = Severity.ERROR
    if right.right == "NO EXTENSION":
        what = f"the server has no extension `{right.table}` that could be made: the statement is refused (SQLSTATE 0A000)"
        safer = comment(f"install the package of {right.table} on the server first")
    elif right.right == "EXTENSION":
        severity = Severity.WARNING  # providers let others do it by means of their own
        what = f"`{right.table}` is made by superusers, or with CREATE on the database where it is trusted; `{right.role}` is refused (SQLSTATE 42501)"
        safer = comment(f"let an administrator make it first: CREATE EXTENSION {right.table}")
    elif right.right == "owner":
        what = f"`{right.role}` is neither the owner of `{right.table}` nor a member of the owning role: the statement is refused (SQLSTATE 42501)"
        safer = comment(f"run the revisions as the owner of {right.table}, or let the owner give it away: ALTER TABLE ... OWNER TO")
    else:
        what = f"`{right.role}` has no {right.right} on `{right.table}`: the statement is refused (SQLSTATE 42501)"
        safer = comment(f"let the owner GRANT {right.right} ON {right.table} TO {right.role}")
    return statement.finding(RULE, severity, statement.plan.table(right.table), what=what, safer=safer, name=right.table)


RULE = Rule("LG407", "right-missing", "the role lacks a right", find)
