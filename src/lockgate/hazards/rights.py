"""Which rights on the target's tables a plan needs: the scratch was worked on by a superuser, who has all of them."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.blocking import is_strong
from lockgate.hazards.effects import Effect, Effects
from lockgate.hazards.names import originals, parts

_DML = ("INSERT", "UPDATE", "DELETE")
_OWNED = ("column", "constraint", "index", "policy", "rule", "table", "view", "materialized view")
_MADE = ("table", "view", "materialized view", "sequence", "type", "domain", "function")


def needed(effects: Effects) -> dict[str, set[str]]:
    """
    Return the rights by the qualified name of a table (of a schema for `CREATE`, an extension for `EXTENSION`), as the target knows them.

    A table that is only locked is there without a right: whoever holds it is in the way.
    """
    found: dict[str, set[str]] = {}
    new_schemas = {change.name for _, effect in effects.each() for change in effect.changes if change.kind == "schema" and change.how == "added"}
    for _, effect in effects.each():
        for lock in effect.locks:
            if is_strong(lock.strongest) and lock.relation.original and not lock.relation.table:
                found.setdefault(lock.relation.original, set())
        for name, right in of(effect):
            if name not in new_schemas:
                found.setdefault(name, set()).add(right)
    return found


def of(effect: Effect) -> set[tuple[str, str]]:
    """Return the rights of one statement; see `needed`."""
    return {(name, right) for name, right in _of(effect) if name}


def _of(effect: Effect) -> Iterator[tuple[str, str]]:
    tables = originals(effect)
    if effect.command in _DML:
        yield from ((lock.relation.original, effect.command) for lock in effect.locks if "RowExclusiveLock" in lock.modes)
    elif effect.command.startswith("DROP"):
        for drop in effect.drops:
            table = tables.get(".".join(parts(drop.identity)[:2])) if drop.named else None
            yield (table.original if table else ""), "owner"
    else:
        for change in effect.changes:
            if change.kind in _OWNED and change.how != "recreated" and not change.new:
                yield change.original, "owner"
            elif change.kind == "trigger" and change.how == "added":
                yield change.original, "TRIGGER"
            elif change.kind in _MADE and change.how == "added":
                yield change.schema, "CREATE"
            elif change.kind == "extension" and change.how == "added":
                yield change.name, "EXTENSION"
            references = tables.get(str(change.after.get("references", ""))) if change.kind == "constraint" else None
            yield (references.original if references else ""), "REFERENCES"
