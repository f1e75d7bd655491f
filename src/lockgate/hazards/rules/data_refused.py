"""Rows break a constraint that is being made."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.answers import Answer
from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.counted import many, severity, stops, then
from lockgate.hazards.effects import COPY
from lockgate.hazards.faults import allowing, broken, missing
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.rules.narrowed_type import narrowing
from lockgate.hazards.snippets import comment

_STATES = ("23503", "23505", "23514", "23P01", "22")  # orphans, duplicates, checks, exclusions, values that do not fit
_KINDS = ("duplicates", "orphans", "violations", "outside", "unfit", "referenced", "taken", "computed")
_WORDS = {
    "duplicates": ("duplicate key", "under `{subject}` in `{table}`"),
    "orphans": ("key", "of `{subject}` in `{table}` without a row at the other end"),
    "violations": ("row", "of `{table}` against `{subject}`"),
    "outside": ("row", "of `{table}` outside of the bounds"),
    "unfit": ("value", "of `{table}.{subject}` not fit for the new type"),
    "referenced": ("row", "of `{table}` referring by `{subject}` to a key that goes"),
    "taken": ("key", "of the INSERT taken already under `{subject}` in `{table}`"),
    "computed": ("row", "of `{table}` for which the new value of `{subject}` fails"),
}
_SAFER = {
    "referenced": "first delete the rows of {table} that refer to it, or let them refer to another one",
    "taken": "leave out what is there already: ON CONFLICT DO NOTHING, or INSERT .. SELECT .. WHERE NOT EXISTS",
    "computed": "leave out the rows of {table} for which it fails, or mend them in a revision before this one",
}
# SQLite lets these pass.
_IN_A_FILE = {
    "orphans": ": the revision fails where `PRAGMA foreign_keys` is on, and elsewhere they stay as they are",
    "unfit": ": nothing fails, but CAST makes others of them (of a text 0)",
}


def find(plan: Plan) -> Iterator[Finding]:
    """Yield what failed on the scratch, whose rows the revisions themselves made, and what the target's rows will break."""
    for statement in plan.statements:
        fault, what = statement.effect.fault, broken(statement, _STATES)
        if fault and what:
            safer = allowing(RULE.id) if missing(plan, fault.state) else "# mend the rows in a revision before this one"
            yield statement.finding(RULE, Severity.ERROR, what=what, safer=safer, fails=True)
        for answer in statement.answers:
            told = _severity(answer, plan) if answer.kind in _KINDS and not narrowing(statement, answer) else None
            if told:
                table = plan.table(answer.table)
                stopped = stops(answer) and told is Severity.ERROR and not (plan.is_file and answer.kind == "unfit")
                yield statement.finding(RULE, told, table, what=_what(answer, plan), safer=_safer(answer), name=answer.table, fails=stopped)


def _what(answer: Answer, plan: Plan) -> str:
    thing, clause = _WORDS[answer.kind]
    about = clause.format(subject=answer.subject, table=answer.table)
    if answer.kind == "computed" and answer.count > 0:
        return f"a {thing} {about} {then(answer)} ({answer.unknown})"
    if answer.unknown:
        return f"{thing}s {about}: how many is not known ({answer.unknown})"
    follows = _IN_A_FILE.get(answer.kind) if plan.is_file else None
    return f"{many(answer.count, thing)} {about}{follows or f' {then(answer)}'}"


def _severity(answer: Answer, plan: Plan) -> Severity | None:
    """Where rows came along and nothing failed, foreign keys are not enforced."""
    revision = next((revision for revision in plan.effects.revisions if revision.id == answer.revision), None)
    lax = plan.is_file and answer.kind == "orphans" and plan.effects.source == COPY and revision and not revision.fault
    return Severity.WARNING if lax and answer.count > 0 else severity(answer)


def _safer(answer: Answer) -> str:
    return comment(_SAFER.get(answer.kind, "mend the rows of {table} in a revision before this one").format(table=answer.table))


RULE = Rule("LG402", "data-refused", "rows break a constraint", find)
