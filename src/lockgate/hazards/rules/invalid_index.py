"""CREATE INDEX CONCURRENTLY that fails leaves an INVALID index behind, which IF NOT EXISTS then takes for the real one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.names import parts
from lockgate.hazards.snippets import autocommit, execute

_NAME = re.compile(r"(?:index|concurrently|exists)\s+(?!if\b|concurrently\b|on\b)([^\s(]+)", re.I)
_IF_NOT_EXISTS = re.compile(r"\bif\s+not\s+exists\b", re.I)


def find(plan: Plan) -> Iterator[Finding]:
    """Yield builds that failed, those that the target already has an INVALID index for, and those that would be skipped when tried again."""
    there = {tuple(parts(name)) for name in plan.effects.preflight.invalid_indexes} if plan.effects.preflight else set()
    for statement in plan.statements:
        effect = statement.effect
        if effect.command != "CREATE INDEX" or not effect.concurrently:
            continue
        name = _name(effect.text)
        safer = autocommit(
            [execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"), execute(" ".join(_IF_NOT_EXISTS.sub("", effect.text).split()))]
        )
        if effect.fault and effect.fault.state != "25001":
            what = f"the build fails and leaves {name} INVALID: no query uses it, every write pays for it"
            yield statement.finding(RULE, Severity.ERROR, what=what, safer=safer, name=name)
        elif any((build.relation.schema, build.relation.name) in there for build in effect.builds):
            then = "IF NOT EXISTS skips the build, and it stays INVALID" if _IF_NOT_EXISTS.search(effect.text) else "the statement fails"
            what = f"{name} is there already and INVALID, left by a build that was broken off: {then}, unless a run of this revision left it"
            yield statement.finding(RULE, Severity.WARNING, what=what, safer=safer, name=name)
        elif _IF_NOT_EXISTS.search(effect.text):
            what = f"a build that was broken off leaves {name} INVALID, and IF NOT EXISTS skips it from then on; `lockgate upgrade` builds it anew"
            yield statement.finding(RULE, Severity.NOTE, what=what, safer=safer, name=name)


def _name(text: str) -> str:
    found = _NAME.search(text)
    return found[1] if found else "the index"


RULE = Rule("LG403", "invalid-index", "an index may stay behind INVALID", find)
