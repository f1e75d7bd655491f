"""What `drift` found, as text."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.drift.compare import Difference
from lockgate.drift.outcome import DriftOutcome
from lockgate.errors import CODES, LockgateError
from lockgate.report.table import Blocks, cell
from lockgate.report.text import heads_text
from lockgate.secret import redact

_SIDES = {"revisions": "what its revisions make", "models": "the models"}


def drift(done: DriftOutcome) -> Blocks:
    """Return a sentence per difference, each followed by the DDL that would end it where there is some."""
    place = f"`{done.environment}` ({cell(done.place)}), at {heads_text(done.heads)}"
    if done.saved:
        return (f"saved the schema of {place}: {_objects(done.objects)}, in {cell(done.saved)}",)
    how = f"; revisions run on {done.by}" if done.by else ""
    head = f"compared {place}, with {side(done)}: {_objects(done.objects)}{how}"
    lines = [line for difference in done.differences for line in _lines(difference)]
    end = "no difference" if not done.differences else f"{_count(len(done.differences))}"
    ignored = f", {done.ignored} ignored by the settings" if done.ignored else ""
    return ("\n".join([head, *lines, f"{end}{ignored}"]),)


def drift_error(done: DriftOutcome) -> LockgateError | None:
    """Return the error that a difference is; None where there is none."""
    if not done.code:
        return None
    what = f"`{done.environment}` differs from {side(done)}: {_count(len(done.differences))}"
    where = f"environment `{done.environment}`, {done.place}, at {heads_text(done.heads)}"
    hint = "undo what was done by hand, or write a revision that does it everywhere: lockgate revision -m TEXT"
    return CODES[done.code](done.code, what, where, hint)


def side(done: DriftOutcome) -> str:
    """Return what the database was compared with, for a sentence."""
    return _SIDES.get(done.against, f"the snapshot {cell(done.against)}")


def _lines(difference: Difference) -> Iterator[str]:
    yield f"  {cell(difference.sentence)}"
    for statement in difference.mend:
        text = redact(statement).strip()
        yield "      " + (text if text.endswith(";") else f"{text};").replace("\n", "\n      ")


def _objects(number: int) -> str:
    return "1 object" if number == 1 else f"{number} objects"


def _count(number: int) -> str:
    return "1 difference" if number == 1 else f"{number} differences"
