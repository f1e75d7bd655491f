"""Why a database did not take a file: its line and column, the key that stands twice, the row that is referred to and missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lockgate.dialects.base import Dialect
from lockgate.dialects.parts import ErrorFacts
from lockgate.dialects.rows import Stage
from lockgate.errors import Busy, Failed, LockgateError, UsageError
from lockgate.permit import Permit
from lockgate.runs.seed_wanted import Wanted
from lockgate.secret import MASK
from lockgate.seeds.csv_body import diagnose_csv, locate_row
from lockgate.seeds.decoding import lines_of, text_of
from lockgate.seeds.parse import line_of_row, read_rows

Staging = Callable[[], Stage]
_SHOWN = 40  # characters of a value


def refuse_duplicates(stage: Stage, item: Wanted) -> None:
    """
    Refuse a file in which a key stands twice.

    Raises:
        UsageError: `seed-file`, with both lines.
    """
    if twice := _twice(stage, item):
        raise twice


def explained(error: Exception, permit: Permit, dialect: Dialect, item: Wanted, staging: Staging) -> LockgateError | Exception:
    """
    Turn a refusal of the database into an error that names the place in the file; the transaction is rolled back.

    Args:
        staging: puts the file into a temporary table, for a closer look.
    """
    load, facts = item.load, dialect.facts(error)
    bad = dialect.rows().bad_value(error)
    permit.session.rollback()
    if facts is not None and facts.kind == "lock-timeout":
        return waited_in_vain(facts, load.file.name)
    if closer := _closer(permit, dialect, item, staging):
        return closer
    if load.format == "csv" and (shape := diagnose_csv(_lines(item), len(item.columns), load.file.name)):
        return shape
    if bad is not None:
        return _unfit(dialect, item, *bad)
    return error if facts is None else _refused(item, facts.message, f"table `{item.shape.table}`")


def waited_in_vain(facts: ErrorFacts, file: str) -> Busy:
    """Say that somebody else holds a table of the seed."""
    what = f"a table's lock was not free in time: {facts.message}"
    return Busy("lock-timeout", what, file, "find the long transaction, then run the command again; nothing of this file was kept")


def orphaned(permit: Permit, dialect: Dialect, item: Wanted, staging: Staging) -> LockgateError:
    """Explain rows without their parents where the database let them in; the transaction is rolled back."""
    permit.session.rollback()
    left = "rows of another table refer to rows that it would delete or change"
    return _closer(permit, dialect, item, staging) or _refused(item, left, f"table `{item.shape.table}`")


def _unfit(dialect: Dialect, item: Wanted, number: int, column: str, message: str) -> UsageError:
    message = "a value does not fit" if column in item.load.seed.sensitive else message
    what = f"{message} (column `{column}`)" if column and f"`{column}`" not in message else message
    line = dialect.rows().line_of(_lines(item), number) if item.load.format == "csv" else _line(item, number)
    return UsageError("seed-file", what, f"{item.load.file.name}:{line}", "correct the value in the file")


def _refused(item: Wanted, reason: str, where: str, hint: str = "mend the file, or what is in the table beside it") -> Failed:
    return Failed("seed-failed", f"the database refused a row of `{item.load.file.name}`: {reason}", where, hint)


def _closer(permit: Permit, dialect: Dialect, item: Wanted, staging: Staging) -> LockgateError | None:
    """
    Look at the file in a temporary table, where nothing refuses it, and leave no trace.

    One that went straight into an empty table was not compared: a key may stand twice. Of a missing parent the server tells
    neither line nor, in its first sentence, value.
    """
    try:
        stage = staging()
        return _twice(stage, item) or _parentless(stage, item)
    except Exception as error:
        if isinstance(error, UsageError) or dialect.facts(error) is not None or dialect.rows().bad_value(error) is not None:
            return None
        raise
    finally:
        permit.session.rollback()


def _twice(stage: Stage, item: Wanted) -> UsageError | None:
    twice = stage.duplicates()
    if twice is None:
        return None
    key, numbers = twice
    lines = [_line(item, number) for number in numbers[:2]]
    what = f"the key {_shown(item, key)} stands twice, in lines {lines[0]} and {lines[-1]}"
    return UsageError("seed-file", what, f"{item.load.file.name}:{lines[-1]}", "take one of them out")


def _parentless(stage: Stage, item: Wanted) -> Failed | None:
    found = stage.orphan()
    if found is None:
        return None
    number, values, parent = found
    reason = f"{_shown(item, values)} is not in `{parent}`"
    hint = f"mend the file, or load the seed that has the missing row of `{parent}` first"
    return _refused(item, reason, f"{item.load.file.name}:{_line(item, number)}, table `{item.shape.table}`", hint)


def _shown(item: Wanted, values: Mapping[str, str]) -> str:
    short = {name: value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…" for name, value in values.items()}
    return ", ".join(f"{name} = {MASK if name in item.load.seed.sensitive else value}" for name, value in short.items())


def _line(item: Wanted, number: int) -> int:
    load = item.load
    if load.format == "csv":
        return locate_row(_lines(item), number)
    _, rows = read_rows(load.format, load.file.blocks(), item.columns, load.seed.encoding, load.file.name)
    return line_of_row(rows, number)


def _lines(item: Wanted) -> Iterator[str]:
    return lines_of(text_of(item.load.file.blocks(), item.load.seed.encoding, item.load.file.name))
