"""What a run found or did, as text for people; prints nothing and opens nothing."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.errors import CODES, NOTHING, LockgateError
from lockgate.events import Applied, Blocked, Event, LeftTransaction, Notice, Retrying, Started, Tracing, Waiting
from lockgate.outcome import Answer, Outcome
from lockgate.report.table import Blocks, cell
from lockgate.words import Request, Sight, Step, StepDone, Verb

_DOING = {"upgrade": "applying", "downgrade": "downgrading", "stamp": "stamping"}
_DONE = {"upgrade": "applied", "downgrade": "downgraded", "stamp": "stamped"}
_ENDED = {
    Verb.UPGRADE: "upgraded",
    Verb.DOWNGRADE: "downgraded",
    Verb.STAMP: "stamped",
    Verb.RESET: "reset",
    Verb.ADOPT: "adopted",
    Verb.ACKNOWLEDGE: "acknowledged",
    Verb.SEED: "seeded",
}
_NAMED_REVISIONS = 8  # more than this and a line of ids says less than its ends

_WILL = {
    Verb.ADOPT: "the identity marker `{environment}` is written into this database; from then on it answers to that name",
    Verb.UPGRADE: "the revisions up to `{to}` are run on this database",
    Verb.DOWNGRADE: "revisions are undone down to `{to}`; what was stored in the tables and columns that they drop is lost",
    Verb.STAMP: "the version table is set to `{to}` without running any revision",
    Verb.ACKNOWLEDGE: "the ledger keeps that the edited files of `{to}` are accepted; nothing is run and nothing is compared",
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
    where = f"environment `{done.environment}`, {done.place}, at {heads_text(done.to_heads)}"
    return CODES[done.code](done.code, what.format(**words), where, hint.format(**words), "; ".join(done.changed) or NOTHING)


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
        case LeftTransaction(step):
            return f"{step_name(step)} leaves its transaction: from here on each statement stays"
        case Blocked(step, by, waited_s):
            return f"{step_name(step)} waits, {waited_s:.0f} s so far, for a lock of {cell('; '.join(by))}"
        case Tracing(revision, direction):
            return f"tracing the {direction} of {cell(revision)}"
        case Notice(text):
            return f"note: {cell(text)}"


def step_name(step: Step) -> str:
    """Return a revision with the first line of its message."""
    return cell(f"{step.revision} {step.message}")


def confirmation(request: Request, sight: Sight) -> str:
    """Return what the user must know before typing the environment's name."""
    marker = f"`{cell(sight.identity.environment)}`" if sight.identity else "nothing: it has no identity marker"
    will = _WILL.get(request.verb, "").format(environment=request.environment, to=request.to)
    if request.plan:
        will = f"the revisions of the approved plan `{cell(request.plan)}` are run on this database"
    return "\n".join(
        [
            f"environment: {cell(request.environment)}",
            f"database:    {cell(sight.place)} ({cell(sight.server)})",
            f"it says:     {marker}",
            f"revision:    {cell(heads_text(sight.heads))}",
            f"contents:    {tables_text(len(sight.tables))}, about {sight.rows} rows",
            f"what comes:  {will}",
        ]
    )


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
        return f"asked {place}, at {heads_text(done.to_heads)}"
    if not done.steps and not done.changed:
        return f"nothing to do: {place} is at {heads_text(done.to_heads)}"
    moved = done.from_heads != done.to_heads
    way = f"from {heads_text(done.from_heads)} to {heads_text(done.to_heads)}" if moved else f"at {heads_text(done.to_heads)}"
    ended = "seeded" if hasattr(done, "seeds") and not done.steps else _ENDED.get(done.verb, done.verb.value)
    return f"{ended} {place} {way}"


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
    """Return what was committed besides the revisions and the seeds, which have lines of their own."""
    named = [step.step.revision for step in done.steps]
    named += [f"seed `{seed.name}`" for seed in getattr(done, "seeds", ())]
    return [cell(change) for change in done.changed if not any(name in change for name in named)]


def _answers(answers: Sequence[Answer]) -> list[str]:
    good = sum(answer.good for answer in answers)
    lines = [f"smoke: {good} of {len(answers)} answers as expected"] if answers else []
    return [*lines, *map(_answer, answers)]


def _answer(answer: Answer) -> str:
    return f"  {'ok ' if answer.good else 'BAD'} {cell(answer.question)}: expected {cell(answer.expected)}, found {cell(answer.found)}"


def heads_text(heads: Sequence[str]) -> str:
    """Return revisions for people; `base` where there is none."""
    return ", ".join(heads) or "base"


def tables_text(number: int) -> str:
    """Return a number of tables for people."""
    return "1 table" if number == 1 else f"{number} tables"


def _revisions(number: int) -> str:
    return "1 revision" if number == 1 else f"{number} revisions"
