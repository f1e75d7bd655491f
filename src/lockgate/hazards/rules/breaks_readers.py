"""What running code names is renamed, dropped or detached."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lockgate.hazards.answers import Query
from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.dropped import is_partitions, not_back
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.names import parts
from lockgate.hazards.seen import Change, Drop
from lockgate.hazards.sending import broken
from lockgate.hazards.snippets import comment, execute, identifier

_RENAMED = ("schema", "table", "view", "materialized view", "column", "enum value", "function")
_DROPPED = ("schema", "table", "table column", "view", "materialized view", "foreign table", "function")


def find(plan: Plan) -> Iterator[Finding]:
    """Yield a warning per name, an error where a known query of the target fails on it; queries that no name explains come last."""
    told: set[Query] = set()
    for statement in plan.statements:
        for change in statement.live_changes:
            if change.how == "renamed" and change.kind in _RENAMED:
                what = f"the {change.kind} `{change.old_name}` is called `{change.name}` at once; code that is still running fails on it"
                yield _named(statement, told, change.old_name, what, _both_names(change), _path(change, change.old_name))
            elif change.kind == "table" and change.how == "altered" and change.before.get("partition_of"):
                what = f"the rows of `{change.name}` are no longer found in `{change.before['partition_of']}`"
                yield statement.finding(RULE, Severity.WARNING, what=what, name=_path(change, change.name))
        for drop in statement.effect.drops:
            lacks = not_back(statement, drop)
            if drop.kind in _DROPPED and not drop.new and lacks != () and not is_partitions(statement, drop):
                yield _dropped(statement, told, drop, lacks or ())
    yield from _unexplained(plan, told)


def _dropped(statement: Statement, told: set[Query], drop: Drop, lacks: tuple[str, ...]) -> Finding:
    named = f"`{', '.join(lacks)}` of `{drop.identity}`, which is made again without that," if lacks else f"`{drop.identity}`"
    what = f"code that is still running and names {named} fails at once"
    safer = comment(f"release code that does without {drop.identity} first; drop it in the next revision")
    return _named(statement, told, parts(drop.identity)[-1].partition("(")[0], what, safer, drop.identity)


def _named(statement: Statement, told: set[Query], name: str, what: str, safer: str, path: str) -> Finding:
    """Add what the target's queries say; a query counts for each name in it, as the server tells the first one only."""
    workload = statement.plan.effects.workload
    if workload is None or not workload.known:
        return statement.finding(RULE, Severity.WARNING, what=what, safer=safer, name=path)
    missed = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    fail = [query for query in workload.queries if query.breaks and (missed.search(query.breaks) or missed.search(query.text))]
    told |= set(fail)
    known = f"{broken(fail, workload)}{_once(fail)}" if fail else f"of {workload.known:,} known queries none does"
    return statement.finding(RULE, _severity(fail), what=f"{what}; {known}", safer=safer, name=path)


def _unexplained(plan: Plan, told: set[Query]) -> Iterator[Finding]:
    workload = plan.effects.workload
    rest = [query for query in workload.queries if query.breaks and query not in told] if workload else []
    if workload and rest:
        what = f"{broken(rest, workload)} ({rest[0].breaks}){_once(rest)}"
        yield plan.about(RULE, plan.effects.revisions[-1], _severity(rest), what, "# release code that does without it first")


def _severity(fail: Sequence[Query]) -> Severity:
    """The statements of migrations are counted like an application's; each of them was run once."""
    return Severity.ERROR if any(query.calls != 1 for query in fail) else Severity.WARNING


def _once(fail: Sequence[Query]) -> str:
    return "" if not fail or _severity(fail) is Severity.ERROR else ", run once since counting began, as an earlier migration's would be"


def _path(change: Change, name: str) -> str:
    return ".".join(part for part in (change.schema, change.table, name) if part)


def _both_names(change: Change) -> str:
    if change.kind == "column":
        both = f"add {change.name}, let the code write both and read the new one, drop {change.old_name} in a later revision;"
        view = f"or keep the old name for readers in a view over {identifier(change.schema, change.table)}"
        return f"{comment(both)}\n{comment(view)}"
    if change.kind == "table":
        old, new = identifier(change.schema, change.old_name), identifier(change.schema, change.name)
        return f"# behind the rename, in the same transaction; drop it when no code uses it any more\n{execute(f'CREATE VIEW {old} AS SELECT * FROM {new}')}"
    return comment(f"release code that knows both names first: {change.old_name} and {change.name}")


RULE = Rule("LG501", "breaks-readers", "running code names what is gone", find)
