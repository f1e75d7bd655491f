"""What a run found or did, as text for people; prints nothing and opens nothing."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.errors import CODES, NOTHING, LockgateError
from lockgate.events import Applied, Event, Notice, Retrying, Started, Waiting
from lockgate.report.table import Block, Blocks, Table, cell
from lockgate.words import Answer, EnvironmentRow, LedgerEntry, Outcome, Request, Sight, Step, StepDone, Verb

_DOING = {"upgrade": "applying", "downgrade": "downgrading", "stamp": "stamping"}
_DONE = {"upgrade": "applied", "downgrade": "downgraded", "stamp": "stamped"}
_ENDED = {
    Verb.UPGRADE: "upgraded",
    Verb.DOWNGRADE: "downgraded",
    Verb.STAMP: "stamped",
    Verb.RESET: "reset",
    Verb.ADOPT: "adopted",
    Verb.SEED: "seeded",
}
_NAMED_REVISIONS = 8  # more than this and a line of ids says less than its ends

_WILL = {
    Verb.ADOPT: "the identity marker `{environment}` is written into this database; from then on it answers to that name",
    Verb.UPGRADE: "the revisions up to `{to}` are run on this database",
    Verb.DOWNGRADE: "revisions are undone down to `{to}`; what was stored in the tables and columns that they drop is lost",
    Verb.STAMP: "the version table is set to `{to}` without running any revision",
    Verb.RESET: "every table and other object in this database is dropped with all its rows, then the revisions run again",
    Verb.SEED: "the seeds of this environment are loaded",
}
_FAILED = {
    "smoke-failed": (
        "the smoke check of `{name}` failed: {bad} of {all} answers are not as expected",
        "repair, then run `lockgate smoke {name}`",
    ),
    "not-at-target": ("`{name}` is not where the run should have taken it", "run `lockgate status {name}`"),
    "invalid-index": ("the server marks an index of `{name}` as invalid", "run `lockgate status {name}`, then the upgrade again"),
}


def error(failure: LockgateError) -> str:
    """Return what happened, where, what changed and what to do next, in the one format of all errors."""
    lines = [f"error: {_hang(failure.what, 7)}"]
    lines += [f"  where: {_hang(failure.where, 9)}"] if failure.where else []
    lines += [f"  changed: {_hang(failure.changed or NOTHING, 11)}", ""]
    lines += [f"hint: {_hang(failure.hint, 6)}"] if failure.hint else []
    return "\n".join([*lines, f"code: {failure.code}, {docs_page(failure.code)}"])


def docs_page(code: str) -> str:
    """Return the path of the page that explains an error code."""
    return f"docs/errors/{code}.md"


def outcome(done: Outcome) -> Blocks:
    """Return what an acting verb, or the smoke check, did and found."""
    lines = [_headline(done)]
    lines += [f"  {line}" for line in (*_steps(done.steps), *_other_changes(done))]
    lines += [f"  waited {duration(done.waited_s * 1000)} for the lock"] if done.waited_s >= 0.1 else []
    lines += [f"  {line}" for line in _answers(done.smoke)]
    lines += [f"  note: {cell(note)}" for note in done.notices]
    return ("\n".join(lines),)


def outcome_error(done: Outcome) -> LockgateError | None:
    """Return the error that an outcome with a code stands for; None for a success."""
    if not done.code:
        return None
    what, hint = _FAILED.get(done.code, ("`lockgate {verb} {name}` did not end well", "run `lockgate status {name}`"))
    bad = sum(not answer.good for answer in done.smoke)
    words = {"name": done.environment, "verb": done.verb.value, "bad": bad, "all": len(done.smoke)}
    where = f"environment `{done.environment}`, {done.place}, at {_heads(done.to_heads)}"
    return CODES[done.code](done.code, what.format(**words), where, hint.format(**words), "; ".join(done.changed) or NOTHING)


def environments(rows: Sequence[EnvironmentRow]) -> Blocks:
    """Return the environments of a project: where each URL comes from, and who the database says it is."""
    cells = tuple(tuple(map(cell, (_name(row), row.protection.value, row.source, row.place, says(row)))) for row in rows)
    return (Table(("environment", "protection", "url from", "database", "the database says"), cells), *_unseen(rows))


def status(rows: Sequence[EnvironmentRow]) -> Blocks:
    """Return the matrix of environments: current revision, pending ones and the last run of each."""
    columns = ("environment", "protection", "database", "says", "current", "pending", "head", "last run")
    return (Table(columns, tuple(tuple(map(cell, _status_cells(row))) for row in rows)), *_unseen(rows))


def history(name: str, entries: Sequence[LedgerEntry]) -> Blocks:
    """Return the ledger of one environment, in the order given."""
    if not entries:
        return (f"the ledger of `{cell(name)}` is empty",)
    columns = ("at (UTC)", "verb", "revision", "from -> to", "outcome", "took", "by", "error")
    return (Table(columns, tuple(tuple(map(cell, _entry_cells(entry))) for entry in entries)),)


def reached(row: EnvironmentRow) -> Blocks:
    """Return the answer of `url ENV --check` for a database that could be entered."""
    return (f"reached {cell(row.place)} ({cell(row.server or 'server unknown')}); it says: {cell(says(row))}",)


def written(paths: Sequence[str], following: str = "") -> Blocks:
    """Return the files that a verb wrote, and the next step."""
    return (*(f"wrote {cell(path)}" for path in paths), *([f"next: {following}"] if following else []))


def event(happened: Event) -> str:
    """Return one line for something that happens while a run is under way."""
    match happened:
        case Started(step):
            return f"{_DOING.get(step.direction, step.direction)} {step_name(step)}"
        case Applied(done):
            return f"{_DONE.get(done.step.direction, done.step.direction)} {step_name(done.step)} ({duration(done.duration_ms)})"
        case Waiting(holder, waited_s, limit_s):
            return f"waiting for the lock, held by {cell(holder)} ({waited_s:.0f} s of {limit_s:.0f} s)"
        case Retrying(step, attempt, delay_s, reason):
            return f"trying {step_name(step)} again in {duration(delay_s * 1000)} (try {attempt}): {cell(reason)}"
        case Notice(text):
            return f"note: {cell(text)}"


def step_name(step: Step) -> str:
    """Return a revision with the first line of its message."""
    return cell(f"{step.revision} {step.message}")


def confirmation(request: Request, sight: Sight) -> str:
    """Return what the user must know before typing the environment's name."""
    marker = f"`{cell(sight.identity.environment)}`" if sight.identity else "nothing: it has no identity marker"
    will = _WILL.get(request.verb, "").format(environment=request.environment, to=request.to)
    return "\n".join(
        [
            f"environment: {cell(request.environment)}",
            f"database:    {cell(sight.place)} ({cell(sight.server)})",
            f"it says:     {marker}",
            f"revision:    {cell(_heads(sight.heads))}",
            f"contents:    {_tables(len(sight.tables))}, about {sight.rows} rows",
            f"what comes:  {will}",
        ]
    )


def says(row: EnvironmentRow) -> str:
    """Return who the database says it is; a name that is not the environment's own is pointed out."""
    if row.error:
        return "cannot be seen"
    if not row.says:
        return "unmarked, empty" if row.empty else f"unmarked, {_tables(row.tables)}"
    other = f", not {row.name}" if row.says != row.name else ""
    return row.says + other + (" (a copy)" if row.copied else "")


def duration(milliseconds: float) -> str:
    """Return a time for people: `12 ms`, `1.2 s`, `2 min 3 s`."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} min {seconds} s"


def _hang(text: str, indent: int) -> str:
    """Return a text of several lines with all lines but the first indented."""
    return text.strip().replace("\n", "\n" + " " * indent)


def _headline(done: Outcome) -> str:
    place = f"`{done.environment}` ({cell(done.place)})"
    if done.verb is Verb.SMOKE:
        return f"asked {place}, at {_heads(done.to_heads)}"
    if not done.steps and not done.changed:
        return f"nothing to do: {place} is at {_heads(done.to_heads)}"
    moved = done.from_heads != done.to_heads
    way = f"from {_heads(done.from_heads)} to {_heads(done.to_heads)}" if moved else f"at {_heads(done.to_heads)}"
    return f"{_ENDED.get(done.verb, done.verb.value)} {place} {way}"


def _steps(steps: Sequence[StepDone]) -> list[str]:
    """Return one line per direction; the live lines have already told each revision with its message."""
    return [
        _steps_line(direction, [done for done in steps if done.step.direction == direction])
        for direction in dict.fromkeys(done.step.direction for done in steps)
    ]


def _steps_line(direction: str, steps: Sequence[StepDone]) -> str:
    took = duration(sum(done.duration_ms for done in steps))
    return f"{_DONE.get(direction, direction)}: {_ids([cell(done.step.revision) for done in steps])} ({_revisions(len(steps))}, {took})"


def _ids(ids: Sequence[str]) -> str:
    return ", ".join(ids) if len(ids) <= _NAMED_REVISIONS else f"{ids[0]} ... {ids[-1]}"


def _other_changes(done: Outcome) -> list[str]:
    """Return what was committed besides the revisions, which have a line of their own."""
    ids = [step.step.revision for step in done.steps]
    return [cell(change) for change in done.changed if not any(revision in change for revision in ids)]


def _answers(answers: Sequence[Answer]) -> list[str]:
    good = sum(answer.good for answer in answers)
    lines = [f"smoke: {good} of {len(answers)} answers as expected"] if answers else []
    return [*lines, *map(_answer, answers)]


def _answer(answer: Answer) -> str:
    return f"  {'ok ' if answer.good else 'BAD'} {cell(answer.question)}: expected {cell(answer.expected)}, found {cell(answer.found)}"


def _unseen(rows: Sequence[EnvironmentRow]) -> tuple[Block, ...]:
    lines = [
        f"{cell(row.name)} cannot be seen: {cell(row.error)} ({docs_page(row.error_code or 'unreachable')})" for row in rows if row.error
    ]
    return ("\n" + "\n".join(lines),) if lines else ()


def _name(row: EnvironmentRow) -> str:
    return f"{row.name} (default)" if row.default else row.name


def _status_cells(row: EnvironmentRow) -> tuple[str, ...]:
    if row.error:
        return (_name(row), row.protection.value, row.place, says(row), "", "", "", "")
    current = f"{_heads(row.heads)}{' (unknown here: ' + ', '.join(row.unknown) + ')' if row.unknown else ''}"
    pending = "unknown" if row.pending is None else str(row.pending)
    head = "yes" if row.pending == 0 and not row.unknown else "no"
    return (_name(row), row.protection.value, row.place, says(row), current, pending, head, _last_run(row.last))


def _last_run(entry: LedgerEntry | None) -> str:
    return f"{_at(entry.at)[:16]} {entry.verb} {entry.outcome} by {entry.operator or 'unknown'}" if entry else ""


def _entry_cells(entry: LedgerEntry) -> tuple[str, ...]:
    took = "" if entry.duration_ms is None else duration(entry.duration_ms)
    way = f"{_heads(entry.from_heads)} -> {_heads(entry.to_heads)}" if entry.from_heads or entry.to_heads else ""
    return (_at(entry.at), entry.verb, entry.revision, way, entry.outcome, took, entry.operator, entry.error)


def _at(moment: str) -> str:
    return moment[:19].replace("T", " ")


def _heads(heads: Sequence[str]) -> str:
    return ", ".join(heads) or "base"


def _tables(number: int) -> str:
    return "1 table" if number == 1 else f"{number} tables"


def _revisions(number: int) -> str:
    return "1 revision" if number == 1 else f"{number} revisions"
