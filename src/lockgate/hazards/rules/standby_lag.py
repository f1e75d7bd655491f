"""Standbys replay what the primary does: locks stop their queries, copies of tables let them fall behind."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.answers import Standby
from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding, Severity

_LATE_S = 10.0
_LARGE = 1_000_000_000  # bytes of WAL that a standby needs a while for


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one note at the first exclusive lock, a warning where a standby is late already or a large table is copied."""
    standbys = plan.effects.preflight.standbys if plan.effects.preflight else ()
    for statement in plan.statements if standbys else ():
        locks = [lock for lock in statement.strong_locks if lock.strongest == "AccessExclusiveLock"]
        if locks:
            late = [standby for standby in standbys if standby.lag_s >= _LATE_S]
            sizes = [plan.yardstick.size(rewrite.relation) for statement in plan.statements for rewrite in statement.effect.rewrites]
            copies = any(size and size.heap_bytes + size.index_bytes >= _LARGE for size in sizes)
            what = (
                f"{_named(standbys)}: the exclusive lock is replayed there, ends queries that read the table or waits for them "
                "(max_standby_streaming_delay), and all that comes behind it waits as well"
            )
            severity = Severity.WARNING if late or copies else Severity.NOTE
            yield statement.finding(RULE, severity, locks[0].relation, what=what, safer="# look at pg_stat_replication before and after")
            return


def _named(standbys: tuple[Standby, ...]) -> str:
    lags = (f"`{standby.name}`" + (f" ({standby.lag_s:,.0f} s behind)" if standby.lag_s >= 1 else "") for standby in standbys)
    return f"standby{'s' * (len(standbys) != 1)} {', '.join(lags)}"


RULE = Rule("LG803", "standby-lag", "standbys replay the lock", find)
