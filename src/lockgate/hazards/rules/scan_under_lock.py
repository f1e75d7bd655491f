"""A constraint is checked against every row while writers wait."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding
from lockgate.hazards.seen import Change, Relation
from lockgate.hazards.snippets import execute, identifier, literal, schema_argument, table_of


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per statement."""
    for statement in plan.statements:
        if statement.scan_cause == "check":
            yield _finding(statement, _scanned(statement))


def _scanned(statement: Statement) -> Relation:
    """Return the table that the constraint is of: a foreign key's other end is read as well."""
    owners = {(change.schema, change.table) for change in statement.effect.changes if change.kind in ("constraint", "column")}
    tables = statement.blocked_scans
    return next((table for table in tables if (table.schema, table.name) in owners), tables[0])


def _finding(statement: Statement, table: Relation) -> Finding:
    others = [f"`{other.path}`" for other in statement.blocked_scans if other != table]
    what = f"every row of `{table.path}`{' and ' + ', '.join(others) if others else ''} is checked while it is locked"
    return statement.timed(RULE, table, what=what, safer="\n".join(_safer(statement, table)), estimate=statement.blocked)


def _safer(statement: Statement, table: Relation) -> Iterator[str]:
    name = table_of(table)
    for change in statement.effect.changes:
        if change.kind == "constraint" and change.how == "added" and change.after.get("kind") in ("check", "foreign key"):
            yield from _not_valid(name, change)
        elif change.kind == "column" and change.after.get("not_null") and change.how == "altered":
            yield from _proved(name, change)
        elif change.kind == "table" and change.after.get("partition_of"):
            yield f"# first, NOT VALID and then VALIDATE: a CHECK on {name} that says what the bound says: {change.after.get('bound', '')}"


def _not_valid(table: str, change: Change) -> Iterator[str]:
    constraint = identifier("", change.name)
    definition = str(change.after.get("definition", "...")).removesuffix(" NOT VALID")
    yield execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {definition} NOT VALID")
    yield "# in the next revision, whose transaction lets writers go on:"
    yield execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")


def _proved(table: str, change: Change) -> Iterator[str]:
    column, check = identifier("", change.name), identifier("", f"{change.name}_not_null")
    yield execute(f"ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID")
    yield "# in the next revision:"
    yield execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}")
    yield "# in the one behind it, which then has nothing to read:"
    yield f"op.alter_column({literal(change.table)}, {literal(change.name)}, nullable=False{schema_argument(change.schema)})"
    yield execute(f"ALTER TABLE {table} DROP CONSTRAINT {check}")


RULE = Rule("LG204", "scan-under-lock", "every row is checked while writers wait", find)
