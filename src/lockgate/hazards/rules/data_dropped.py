"""A table or a column is dropped with what is stored in it."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.dropped import HOLDS_ROWS, is_empty, owner_of
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.snippets import comment


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per thing that a statement names; what goes along is LG302's."""
    for statement in plan.statements:
        for drop in statement.effect.drops:
            if drop.named and not drop.new and (drop.kind in HOLDS_ROWS or drop.kind == "schema"):
                table = owner_of(statement, drop)
                severity = Severity.NOTE if is_empty(statement, table) else Severity.ERROR
                what = f"the {drop.kind.removeprefix('table ')} `{drop.identity}` goes with what is stored in it; a downgrade does not bring that back"
                safer = "# release code that does not use it first and drop it in a later revision;\n" + comment(
                    f"check before that it is empty or saved: {drop.identity}"
                )
                yield statement.finding(RULE, severity, table, what=what, safer=safer, name=drop.identity)


RULE = Rule("LG301", "data-dropped", "a table or column is dropped with its data", find)
