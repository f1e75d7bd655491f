"""SET LOGGED, ACCESS METHOD, TABLESPACE, VACUUM FULL, CLUSTER: the table is copied as it is."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding
from lockgate.hazards.seen import Rewrite
from lockgate.hazards.snippets import comment

_ELSEWHERE = ("type", "default", "truncate", "batch", "copy", "in place")


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per live table."""
    for statement in plan.statements:
        for rewrite in statement.effect.rewrites:
            if _is_storage(statement, rewrite):
                table = rewrite.relation
                what = f"the server writes all of `{table.path}` anew ({statement.effect.command}); nobody can read it meanwhile"
                safer = comment(f"outside of revisions, when nobody works: pg_repack --table={table.path}")
                yield statement.timed(RULE, table, what=what, safer=safer, estimate=statement.blocked)


def _is_storage(statement: Statement, rewrite: Rewrite) -> bool:
    elsewhere = any(reason in rewrite.reason for reason in _ELSEWHERE) or statement.effect.command == "REFRESH MATERIALIZED VIEW"
    return not elsewhere and statement.is_live(rewrite.relation)


RULE = Rule("LG203", "rewrite-storage", "the whole table is copied as it is", find)
