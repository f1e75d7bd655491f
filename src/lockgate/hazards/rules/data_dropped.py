"""A table or a column is dropped with what is stored in it."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.dropped import HOLDS_ROWS, counted, is_computed, is_empty, is_partitions, lost, not_back, owner_of
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.snippets import comment


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per thing that a statement names; what goes along is LG302's."""
    for statement in plan.statements:
        for drop in statement.effect.drops:
            stays = drop.kind not in (*HOLDS_ROWS, "schema") or not_back(statement, drop) is not None or is_computed(statement, drop)
            if drop.named and not drop.new and not stays and not is_partitions(statement, drop):
                table = owner_of(statement, drop)
                answer = counted(statement, drop)
                severity, told = lost(answer)
                if is_empty(statement, table) and not (answer and answer.count > 0):
                    severity = Severity.NOTE
                kind = drop.kind.removeprefix("table ")
                what = f"the {kind} `{drop.identity}` goes with what is stored in it{told}; a downgrade does not bring that back"
                safer = "# release code that does not use it first and drop it in a later revision;\n" + comment(
                    f"check before that it is empty or saved: {drop.identity}"
                )
                yield statement.finding(RULE, severity, table, what=what, safer=safer, name=drop.identity)


RULE = Rule("LG301", "data-dropped", "a table or column is dropped with its data", find)
