"""A query that is kept prepared returns other columns after the plan, and fails once."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.sending import calls, shapes


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one warning for all queries: which of them are kept prepared is the drivers' affair."""
    workload = plan.effects.workload
    retyped = [query for query in workload.queries if query.retyped] if workload else []
    if workload and retyped:
        what = (
            f"{shapes(len(retyped), workload)} {'return' if len(retyped) != 1 else 'returns'} other columns or types, as `{retyped[0].text}` does"
            f"{calls(retyped, workload)}: asyncpg and psycopg 3 keep queries prepared and fail on the next call in each connection "
            '("cached plan must not change result type")'
        )
        safer = "# name the columns in queries; let the application try again, or renew its connections after the upgrade"
        yield plan.about(RULE, plan.effects.revisions[-1], Severity.WARNING, what, safer)


RULE = Rule("LG505", "result-type", "a prepared query returns other columns", find)
