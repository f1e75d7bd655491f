"""NOT VALID and VALIDATE in one transaction: the lock of the first is kept during the scan of the second."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding
from lockgate.hazards.snippets import execute, identifier, table_of


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per validation."""
    for statement in plan.statements:
        if statement.scan_cause == "validate":
            table = statement.blocked_scans[0]
            names = [change.name for change in statement.effect.changes if change.kind == "constraint"]
            what = f"every row of `{table.path}` is checked while an earlier statement of the same transaction has it locked"
            again = [execute(f"ALTER TABLE {table_of(table)} VALIDATE CONSTRAINT {identifier('', name)}") for name in names]
            safer = "\n".join(["# in a revision of its own:", *again])
            yield statement.timed(RULE, table, what=what, safer=safer, estimate=statement.blocked)


RULE = Rule("LG205", "validated-at-once", "a constraint is validated under the lock that made it", find)
