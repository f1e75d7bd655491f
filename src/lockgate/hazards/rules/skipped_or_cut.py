"""The server did something else than was said, and only a notice tells."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding, Severity

_SIGNS = {
    "will be truncated": "a name is longer than 63 bytes and is cut",
    "already exists, skipping": "IF NOT EXISTS skipped what is there already",
}


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per notice; scratch servers speak English, and notices have no code of their own."""
    for statement in plan.statements:
        for notice in statement.effect.notices:
            found = next((words for sign, words in _SIGNS.items() if sign in notice), "")
            if found:
                what = f"{found}: {' '.join(notice.split())}"
                yield statement.finding(RULE, Severity.WARNING, what=what)


RULE = Rule("LG702", "skipped-or-cut", "a name is cut, or a statement is skipped", find)
