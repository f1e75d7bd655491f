"""Lines of upgrade() that did not run on the scratch."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.effects import COPY
from lockgate.hazards.findings import Finding, Severity


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per revision; the end of one that failed does not count."""
    for revision in plan.effects.revisions:
        if revision.not_run and not revision.fault:
            why = " copy" if plan.effects.source == COPY else ", which holds no rows"
            what = f"{ranges(revision.not_run)} did not run on the scratch{why}: the plan does not know what {'it does' if len(revision.not_run) == 1 else 'they do'}"
            yield plan.about(RULE, revision, Severity.WARNING, what, line=revision.not_run[0])


def ranges(lines: tuple[int, ...]) -> str:
    """Return `lines 3, 7 to 9`."""
    found: list[list[int]] = []
    for line in sorted(lines):
        if found and found[-1][-1] == line - 1:
            found[-1].append(line)
        else:
            found.append([line])
    words = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in found]
    return f"{'line' if len(lines) == 1 else 'lines'} {', '.join(words)}"


RULE = Rule("LG607", "not-run", "lines of a revision did not run", find)
