"""A foreign key locks the table at its other end."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding
from lockgate.hazards.seen import Change
from lockgate.hazards.snippets import comment, identifier, literal, schema_argument


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per table that a statement locks only because a foreign key ends there."""
    for statement in plan.statements:
        seen = set()
        for change in statement.effect.changes:
            other = _other_end(statement, change)
            lock = statement.strong_lock_on(other) if other else None
            if lock and other not in seen:
                seen.add(other)
                what = f"`{lock.relation.path}` is locked as well, because {_why(change)}"
                yield statement.timed(RULE, lock.relation, what=what, safer=_safer(change), estimate=statement.blocked)


def _other_end(statement: Statement, change: Change) -> str:
    """Return the table at the end that the statement does not name."""
    facts = change.after if change.how == "added" else change.before
    if change.kind != "constraint" or change.how not in ("added", "dropped") or facts.get("kind") != "foreign key":
        return ""
    own, other = change.owner, str(facts.get("references", ""))
    dropped = {gone.path for gone in statement.effect.changes if gone.kind == "table" and gone.how == "dropped"}
    return "" if own == other else own if other in dropped else other


def _why(change: Change) -> str:
    place = identifier(change.schema, change.table)
    return f"the foreign key `{change.name}` of `{place}` {'is made' if change.how == 'added' else 'goes'}"


def _safer(change: Change) -> str:
    if change.how == "dropped":
        return (
            f"# in a revision of its own, before the rest\n"
            f'op.drop_constraint({literal(change.name)}, {literal(change.table)}, type_="foreignkey"{schema_argument(change.schema)})'
        )
    return comment(
        f"in a revision of its own: the foreign key {change.name}, with postgresql_not_valid=True, then VALIDATE CONSTRAINT in another one"
    )


RULE = Rule("LG104", "foreign-key-lock", "a foreign key locks the table at its other end", find)
