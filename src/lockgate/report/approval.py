"""What somebody is about to approve, and that it is done."""

from __future__ import annotations

from lockgate.hazards.approved import ApprovedPlan, SignedPlan
from lockgate.hazards.findings import Finding, Severity
from lockgate.report.finding_words import UNSEEN, headline, message, place, short, unseen_lines
from lockgate.report.table import Blocks, Table, cell
from lockgate.report.text import heads_text

_SHOWN = 10  # findings


def asked(plan: ApprovedPlan, approver: str) -> Blocks:
    """Return what a plan holds: on what, which revisions, what was found."""
    database, judged = plan.facts.database, plan.findings
    lines = (
        f"environment: {cell(plan.facts.environment)}",
        f"database:    {cell(database.place)}, at {cell(heads_text(database.heads))}",
        f"revisions:   {cell(', '.join(plan.revisions)) or 'none'}",
        f"planned:     {cell(plan.made_at)} by {cell(plan.made_by or 'unknown')}{f', git commit {cell(plan.git_commit)}' if plan.git_commit else ''}",
        f"valid until: {cell(plan.expires_at)}",
        f"approver:    {cell(approver)}",
        f"found:       {headline(judged)}" + (f", {len(judged.allowed)} allowed" if judged.allowed else ""),
    )
    rows = tuple(map(_row, judged.findings[:_SHOWN]))
    more = len(judged.findings) - _SHOWN
    table = (Table(("HAZARD", "SEVERITY", "WHERE", "TABLE", "WHAT"), rows),) if rows else ()
    return ("\n".join(lines), *table, *([f"and {more} more: lockgate plan {cell(plan.facts.environment)}"] if more > 0 else []), *_not_known(plan))


def approved(signed: SignedPlan, approver: str, file: str) -> Blocks:
    """Return who approved what, and the next step."""
    name = cell(signed.plan.facts.environment)
    following = f"CONFIRM_ENV={name} lockgate upgrade {name} --plan {cell(file)}"
    return (f"approved by {cell(approver)}: plan {signed.digest}\nnext: {following}",)


def _row(finding: Finding) -> tuple[str, ...]:
    severity = finding.severity.value.upper() if finding.severity is Severity.ERROR else finding.severity.value
    return finding.id, severity, place(finding), short(finding.relation), message(finding)


def _not_known(plan: ApprovedPlan) -> Blocks:
    lines = plan.findings.not_run
    not_run = (f"not told, because these lines did not run on the copy: {cell(', '.join(lines))}",) if lines else ()
    not_seen = unseen_lines(plan.findings)
    return (*not_run, "\n".join([UNSEEN, *(f"  {line}" for line in not_seen)])) if not_seen else not_run
