"""The history is not one line that every environment walks in the same order."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.effects import History, RevisionEffects
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.snippets import comment


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per head of several, per edited file, and per revision that goes beside what is applied."""
    history, revisions = plan.effects.history, {revision.id: revision for revision in plan.effects.revisions}
    if history is None or not revisions:
        return
    yield from _heads(plan, history, revisions)
    for edited in history.edited:
        if plan.effects.environment or edited.revision in revisions:
            yield _edited(plan, edited.revision, edited.file, refused=history.refuses_edited)
    for beside in history.beside:
        if beside.revision in revisions:
            names = ", ".join(f"`{name}`" for name in beside.heads)
            what = f"it does not follow {names}, applied here already: an environment that is behind runs them in another order"
            safer = comment("where the order counts, set down_revision to what must have run before")
            yield plan.about(RULE, revisions[beside.revision], Severity.NOTE, what, safer)


def _heads(plan: Plan, history: History, revisions: dict[str, RevisionEffects]) -> Iterator[Finding]:
    for head in history.heads if len(history.heads) > 1 else ():
        if head in revisions:
            others = ", ".join(f"`{other}`" for other in history.heads if other != head)
            what = f"the history has {len(history.heads)} heads, this one and {others}: `upgrade` to `head` is refused until they are joined"
            safer = comment(f'alembic merge -m "join the lines" {" ".join(history.heads)}')
            yield plan.about(RULE, revisions[head], Severity.WARNING, what, safer)


def _edited(plan: Plan, id_: str, file: str, *, refused: bool) -> Finding:
    where = f"was applied to `{plan.effects.environment}`" if plan.effects.environment else "was committed to the branch it is compared with"
    then = "`upgrade` refuses to go on" if refused else "what it says now does not run where it ran before"
    safer = comment(f"bring the file back, and write the change as a revision of its own: git log -p -- {file}")
    what = f"the file was edited after the revision {where}: {then}"
    severity = Severity.ERROR if refused else Severity.WARNING
    return Finding(id=RULE.id, name=RULE.name, severity=severity, title=RULE.title, revision=id_, file=file, what=what, safer=safer)


RULE = Rule("LG606", "parted-history", "environments do not walk the same history", find)
