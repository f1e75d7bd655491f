"""A SQL seed: read before it runs, run twice in one transaction to prove that the second time changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lockgate.dialects.base import Dialect
from lockgate.errors import Failed, Refused
from lockgate.permit import Permit, Session
from lockgate.runs.seed_files import Load
from lockgate.seeds.decoding import text_of
from lockgate.seeds.facts import Statement
from lockgate.seeds.spec import TableName
from lockgate.seeds.statements import statements

Prints = Mapping[str, str]  # table -> fingerprint of its rows


@dataclass(frozen=True)
class Script:
    """A SQL seed whose statements may run."""

    load: Load
    statements: tuple[Statement, ...]


def read_scripts(dialect: Dialect, loads: Sequence[Load], version_table: str) -> list[Script]:
    """Read those of the files that are SQL; see `read_script`."""
    return [read_script(dialect, load, version_table) for load in loads if load.format == "sql"]


def read_script(dialect: Dialect, load: Load, version_table: str) -> Script:
    """
    Read a script and refuse what no seed may do, before anything runs.

    Raises:
        Refused: `seed-forbidden`, `seed-destructive`.
        UsageError: `seed-file`.
    """
    seed, name = load.seed, load.file.name
    text = "".join(text_of(load.file.blocks(), seed.encoding, name))
    found = tuple(statements(text, dialect.grammar, name, version_table))
    for item in found:
        where = f"{name}:{item.line}"
        if item.forbidden or item.leaves_transaction:
            raise Refused(
                "seed-forbidden",
                f"refused to seed: {item.forbidden or item.destructive}",
                where,
                "take the statement out; a revision may do it",
            )
        if item.destructive and not seed.destructive:
            hint = "say `destructive = true` in the seed, and confirm the environment; or write it without"
            raise Refused("seed-destructive", f"refused to seed: {item.destructive}", where, hint)
    return Script(load, found)


def run_script(permit: Permit, dialect: Dialect, script: Script) -> Prints:
    """
    Run a script twice in the open transaction; what stays is the first run, which the second one did not change.

    Returns:
        Fingerprints of the tables that it touched.
    Raises:
        Refused: `seed-not-idempotent`, with the table and the statement at fault.
        Failed: `seed-failed`.
    """
    _run(permit, dialect, script, script.statements)
    first = fingerprints(permit.session, dialect, dialect.touched_tables(permit.session))
    _run(permit, dialect, script, script.statements)
    second = fingerprints(permit.session, dialect, dialect.touched_tables(permit.session))
    changed = sorted(name for name in second if second[name] != first.get(name))
    if changed:
        raise _not_idempotent(script, changed[0], _culprit(permit, dialect, script, changed[0]))
    return second


def fingerprints(session: Session, dialect: Dialect, tables: Sequence[TableName]) -> dict[str, str]:
    """Fingerprint whole tables; one that is gone is left out."""
    rows = dialect.rows()
    shapes = [(str(table), rows.shape(session, table)) for table in tables]
    return {name: rows.fingerprint(session, shape, [column.name for column in shape.columns]) for name, shape in shapes if shape}


def _run(permit: Permit, dialect: Dialect, script: Script, chosen: Sequence[Statement]) -> None:
    for item in chosen:
        try:
            dialect.run_statement(permit.session, item.text, item.data)
        except Exception as error:
            facts = dialect.facts(error)
            if facts is None:
                raise
            hint = "mend the script; nothing of it was kept"
            raise Failed(
                "seed-failed", f"the database refused a statement: {facts.message}", f"{script.load.file.name}:{item.line}", hint
            ) from error


def _culprit(permit: Permit, dialect: Dialect, script: Script, table: str) -> Statement:
    """Run the statements once more, one by one: the first that changes the table again is the one."""
    name = next(item for item in dialect.touched_tables(permit.session) if str(item) == table)
    for item in script.statements:
        before = fingerprints(permit.session, dialect, [name])
        _run(permit, dialect, script, [item])
        if fingerprints(permit.session, dialect, [name]) != before:
            return item
    return script.statements[-1]


def _not_idempotent(script: Script, table: str, statement: Statement) -> Refused:
    what = f"refused to seed: running the script twice changes table `{table}` twice"
    hint = "add `ON CONFLICT …` to the INSERT, or make the UPDATE set a value instead of adding to it"
    shown = " ".join(statement.text.split())[:120]
    return Refused("seed-not-idempotent", what, f"{script.load.file.name}:{statement.line}: {shown}", hint)
