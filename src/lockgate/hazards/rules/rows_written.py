"""Rows of live tables are written: many, or nobody knows how many."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.answers import Answer
from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.counted import of_all
from lockgate.hazards.estimate import FEW
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.past import Work


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per table; what an index does not narrow and what is deleted is for other rules."""
    for statement in plan.statements:
        told = set()
        for answer in statement.estimated:
            unknown = answer.unknown and answer.table not in told
            if unknown or (answer.kind == "written" and answer.count >= FEW):
                told.add(answer.table)
                yield _finding(statement, answer)


def _finding(statement: Statement, answer: Answer) -> Finding:
    table = statement.plan.table(answer.table)
    if answer.unknown:
        what = f"the statement writes rows of `{answer.table}`; how many is not known ({answer.unknown})"
        return statement.finding(RULE, Severity.NOTE, table, what=what, name=answer.table)
    estimate = statement.plan.yardstick.time(Work(written_rows=answer.count), statement.revision.id)
    each = "each stays locked until COMMIT, is stored a second time and goes to every replica"
    what = f"{of_all(statement, answer)} are written: {'other writers wait until COMMIT' if statement.plan.is_file else each}"
    return statement.finding(RULE, statement.plan.severity(estimate), table, what=what, estimate=estimate, name=answer.table)


RULE = Rule("LG212", "rows-written", "rows are written", find)
