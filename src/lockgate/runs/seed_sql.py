"""A SQL seed: read before it runs, run twice in one transaction to prove that the second time changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lockgate.dialects.base import Dialect
from lockgate.errors import Failed, Refused
from lockgate.permit import Permit, Session
from lockgate.runs.seed_faults import waited_in_vain
from lockgate.runs.seed_files import Load
from lockgate.seeds.decoding import text_of
from lockgate.seeds.diff import first_fault
from lockgate.seeds.facts import Statement
from lockgate.seeds.spec import TableName
from lockgate.seeds.statements import statements

_SAVEPOINT = "lockgate_proof"
_DELETES = re.compile(r"\b(?:delete|merge)\b", re.IGNORECASE)  # a script that says so was judged by what it says
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
    session, rows = permit.session, dialect.rows()
    orphans, before = rows.orphans(session, None), dialect.deleted(session)
    _run(permit, dialect, script, script.statements)
    _refuse_hidden_deletes(session, dialect, script, before)
    _settle(permit, dialect, script, orphans)
    dialect.forget_settings(session)
    session.execute(f"savepoint {_SAVEPOINT}")
    _prove(permit, dialect, script)
    session.execute(f"rollback to savepoint {_SAVEPOINT}")
    return promised(session, dialect, script)


def _refuse_hidden_deletes(session: Session, dialect: Dialect, script: Script, before: Mapping[TableName, int]) -> None:
    """A function or a trigger can delete every row, and the second run then finds nothing changed."""
    if script.load.seed.destructive or any(_DELETES.search(item.text) for item in script.statements):
        return
    if robbed := [table for table, count in dialect.deleted(session).items() if count > before.get(table, 0)]:
        what = f"refused to seed: the script deletes rows of `{robbed[0]}` by a function or a trigger"
        hint = "say `destructive = true` in the seed, and confirm the environment; or write it without"
        raise Refused("seed-destructive", what, script.load.file.name, hint)


def promised(session: Session, dialect: Dialect, script: Script) -> Prints:
    """Fingerprint the tables that a script is about, as they are now."""
    return fingerprints(session, dialect, _tables(session, dialect, script))


def _prove(permit: Permit, dialect: Dialect, script: Script) -> None:
    session = permit.session
    with dialect.another_time(session, _tables(session, dialect, script)) as kept:
        first = promised(session, dialect, script)
        counted = {str(table): dialect.updates(session, table) for table in kept}
        _run(permit, dialect, script, script.statements)
    second = promised(session, dialect, script)
    changed = [name for name in second if second[name] != first.get(name)]
    changed += [str(table) for table in kept if dialect.updates(session, table) != counted[str(table)]]
    if changed:
        raise _not_idempotent(script, min(changed), _culprit(permit, dialect, script, min(changed)))


def _tables(session: Session, dialect: Dialect, script: Script) -> list[TableName]:
    """
    The tables that a script is about: those whose rows it changed, by triggers too, and those that it says it writes.

    A script that finds all of its rows in place changes none, and promises them all the same.
    """
    shapes = [dialect.rows().shape(session, table) for item in script.statements for table in item.writes]
    return list(dict.fromkeys([*dialect.touched_tables(session), *(shape.table for shape in shapes if shape)]))


def _settle(permit: Permit, dialect: Dialect, script: Script, orphans: int) -> None:
    """Find rows without their parents while it can still be said whose they are."""
    name, hint = script.load.file.name, "mend the script; nothing of it was kept"
    try:
        dialect.rows().settle(permit.session)
    except Exception as error:
        facts = dialect.facts(error)
        if facts is None:
            raise
        raise Failed("seed-failed", f"the database refused the script's rows: {facts.message}", name, hint) from error
    if dialect.rows().orphans(permit.session, None) > orphans:
        what = "the script leaves a row that refers to a row of another table that is not there"
        raise Failed("seed-failed", what, name, hint)


def fingerprints(session: Session, dialect: Dialect, tables: Sequence[TableName]) -> dict[str, str]:
    """Fingerprint whole tables; one that is gone is left out."""
    rows = dialect.rows()
    shapes = [rows.shape(session, table) for table in tables]
    return {str(s.table): rows.fingerprint(session, s, [column.name for column in s.columns]) for s in shapes if s}


def _run(permit: Permit, dialect: Dialect, script: Script, chosen: Sequence[Statement]) -> None:
    for item in chosen:
        try:
            dialect.run_statement(permit.session, item.text, item.data)
        except Exception as error:
            facts, where = dialect.facts(error), f"{script.load.file.name}:{item.line}"
            if facts is None:
                raise
            if facts.kind == "lock-timeout":
                raise waited_in_vain(facts, where) from error
            hint = "mend the script; nothing of it was kept"
            raise Failed("seed-failed", f"the database refused a statement: {facts.message}", where, hint) from error


def _culprit(permit: Permit, dialect: Dialect, script: Script, table: str) -> Statement:
    """Run the statements twice more, one by one: see `first_fault`."""
    name = next(item for item in _tables(permit.session, dialect, script) if str(item) == table)
    one, other = (_course(permit, dialect, script, name) for _ in range(2))
    place = first_fault(one, other)
    if place is None:
        return next((item for item in script.statements if name.name in [t.name for t in item.writes]), script.statements[-1])
    return script.statements[place]


def _course(permit: Permit, dialect: Dialect, script: Script, table: TableName) -> list[str]:
    """A table's fingerprints before the first statement and after each."""
    with dialect.another_time(permit.session, [table]):
        prints = [_print(permit, dialect, table)]
        for item in script.statements:
            _run(permit, dialect, script, [item])
            prints.append(_print(permit, dialect, table))
    return prints


def _print(permit: Permit, dialect: Dialect, table: TableName) -> str:
    return fingerprints(permit.session, dialect, [table]).get(str(table), "")


def _not_idempotent(script: Script, table: str, statement: Statement) -> Refused:
    what = f"refused to seed: running the script twice changes table `{table}` twice"
    hint = "add `ON CONFLICT …` to the INSERT; write out what is another value each time (a sum, `now()`), or let the UPDATE skip rows that are right"
    shown = " ".join(statement.text.split())[:120]
    return Refused("seed-not-idempotent", what, f"{script.load.file.name}:{statement.line}: {shown}", hint)
