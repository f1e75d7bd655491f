"""What a target's count is worth: how bad it is, and what is to be added to it."""

from __future__ import annotations

from collections.abc import Iterable

from lockgate.hazards.answers import Answer, Kind
from lockgate.hazards.context import Statement
from lockgate.hazards.effects import COPY
from lockgate.hazards.estimate import rows_of
from lockgate.hazards.findings import Severity


def answer_about(answers: Iterable[Answer], subject: str, *kinds: Kind) -> Answer | None:
    """Return the answer about a column, constraint or index; None where nothing was asked."""
    return next((answer for answer in answers if answer.kind in kinds and answer.subject == subject), None)


def severity(answer: Answer) -> Severity | None:
    """
    Return how bad it is; None where no row stands in the way.

    What the plan itself writes before may mend it, and may be all that there is to know: then the target is no judge.
    """
    if answer.count > 0:
        return Severity.WARNING if answer.written else Severity.ERROR
    if answer.unknown:
        return Severity.NOTE if answer.planned else Severity.WARNING
    return None


def stops(answer: Answer) -> bool:
    """Whether rows stand in the way that nothing in the plan may mend."""
    return answer.count > 0 and not answer.written


def many(number: int, thing: str) -> str:
    """Return `1 row`, `12,000 rows`."""
    return f"{number:,} {thing}{'s' * (number != 1)}"


def then(answer: Answer) -> str:
    """Return what follows from rows that stand in the way."""
    if answer.written:
        return f"as of now, and the statement fails unless {answer.written} mends that before"
    return "today: the statement fails"


def of_all(statement: Statement, answer: Answer) -> str:
    """Return `about 90,000 of 100,000 rows of NAME (the estimate of the target's planner)`; where rows came along they were counted."""
    table = statement.plan.table(answer.table)
    size = statement.plan.yardstick.size(table) if table else None
    whole = f" of {rows_of(size):,}" if size and rows_of(size) >= answer.count else ""
    rows = f"{answer.count:,}{whole} {'row' if answer.count == 1 else 'rows'} of `{answer.table}`"
    if statement.plan.effects.source == COPY:
        return rows
    now = f", as of now: {answer.written} writes there before" if answer.written else ""
    return f"about {rows} (the estimate of the database's planner{now})"
