"""An index is built while writers wait."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding
from lockgate.hazards.seen import Change
from lockgate.hazards.snippets import autocommit, columns_of, execute, identifier, literal, schema_argument


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per statement, about its first index where there are several: those of partitions."""
    for statement in plan.statements:
        if statement.scan_cause == "build":
            yield _finding(statement)


def _finding(statement: Statement) -> Finding:
    first = statement.blocked_builds[0].relation
    names = ", ".join(f"`{build.relation.name}`" for build in statement.blocked_builds)
    what = f"the index {names} is built from all rows of `{first.table}` while writers wait"
    table = statement.plan.table(first.table)
    estimate = statement.blocked
    severity = statement.plan.severity(estimate)
    return statement.finding(RULE, severity, table, what=what, safer=_safer(statement), estimate=estimate, name=first.table)


def _safer(statement: Statement) -> str:
    name = statement.blocked_builds[0].relation.name
    index = next((change for change in statement.effect.changes if change.kind == "index" and change.name == name), None)
    if index is None:
        return ""
    constraint = next(
        (change for change in statement.effect.changes if change.kind == "constraint" and change.how == "added" and change.name == name),
        None,
    )
    kind = str(constraint.after.get("kind", "")) if constraint else ""
    if kind == "exclusion":
        return "# there is no way to build an exclusion constraint without the lock"
    built = {build.relation.name for build in statement.blocked_builds}
    indexes = [change for change in statement.effect.changes if change.kind == "index" and change.name in built]
    lines = [autocommit([_create(index) for index in indexes])]
    if len(indexes) > 1:
        lines += ["# then CREATE INDEX .. ON ONLY the partitioned table, and ALTER INDEX .. ATTACH PARTITION each of these"]
    if kind in ("unique", "primary key"):
        table = identifier(index.schema, index.table)
        lines += [execute(f"ALTER TABLE {table} ADD CONSTRAINT {identifier('', name)} {kind.upper()} USING INDEX {identifier('', name)}")]
    return "\n".join(lines)


def _create(index: Change) -> str:
    """Alembic's own call where it says all there is; the definition where there are expressions, predicates or other methods."""
    columns = columns_of(index)
    definition = str(index.after.get("definition", ""))
    if definition and not definition.endswith(f" USING btree ({', '.join(columns)})"):
        return execute(definition.replace("INDEX ", "INDEX CONCURRENTLY ", 1))
    listed = ", ".join(literal(column.strip('"')) for column in columns)
    options = (", unique=True" if index.after.get("unique") else "") + schema_argument(index.schema) + ", postgresql_concurrently=True"
    return f"op.create_index({literal(index.name)}, {literal(index.table)}, [{listed}]{options})"


RULE = Rule("LG206", "index-build", "an index is built while writers wait", find)
