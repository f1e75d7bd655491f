"""Whether a downgrade takes the schema back to where the upgrade found it."""

from __future__ import annotations

from typing import Any

from lockgate.hazards.effects import RevisionEffects
from lockgate.hazards.seen import Change

_Key = tuple[str, str, str, str]
_THERE = "there"  # a fact of every object, beside those of its kind


def not_restored(revision: RevisionEffects, back: RevisionEffects) -> list[str]:
    """Return what is different after both, in words: `table audit stays`, `column users.note is not back`."""
    first: dict[_Key, dict[str, Any]] = {}
    now: dict[_Key, dict[str, Any]] = {}
    for effect in (*revision.effects, *back.effects):
        renamed = {change.old_name: change.name for change in effect.changes if change.how == "renamed" and change.kind == "table"}
        _follow(first, now, renamed)
        for change in effect.changes:
            _apply(first, now, change)
    other = [key for key in now if first[key] != now[key] and (first[key][_THERE] or now[key][_THERE])]
    owners = {(schema, name): now[(kind, schema, table, name)][_THERE] for kind, schema, table, name in other if not table}
    return [_word(key, first[key], now[key]) for key in other if owners.get((key[1], key[2])) is not now[key][_THERE]]


def _follow(first: dict[_Key, dict[str, Any]], now: dict[_Key, dict[str, Any]], renamed: dict[str, str]) -> None:
    """Know what belongs to a table by the table's new name."""
    for kept in (first, now):
        for kind, schema, table, name in [key for key in kept if key[2] in renamed]:
            kept[(kind, schema, renamed[table], name)] = kept.pop((kind, schema, table, name))


def _apply(first: dict[_Key, dict[str, Any]], now: dict[_Key, dict[str, Any]], change: Change) -> None:
    """Keep of each fact what it was when it was met first, and what it is now."""
    key = (change.kind, change.schema, change.table, change.name)
    old = (change.kind, change.schema, change.table, change.old_name) if change.old_name else key
    if old in now:
        now[key], first[key] = now.pop(old), first.pop(old)
    before = {**change.before, "name": change.old_name or change.name, _THERE: change.how != "added"}
    after = {**change.after, "name": change.name, _THERE: change.how != "dropped"}
    for fact in before.keys() | after.keys():
        first.setdefault(key, {}).setdefault(fact, before.get(fact))
        now.setdefault(key, {})[fact] = after.get(fact)


def _word(key: _Key, first: dict[str, Any], now: dict[str, Any]) -> str:
    kind, _, table, name = key
    thing = f"{kind} {table + '.' if table else ''}{name}"
    if first[_THERE] != now[_THERE]:
        return f"{thing} {'stays' if now[_THERE] else 'is not back'}"
    return f"{thing} is not as before"
