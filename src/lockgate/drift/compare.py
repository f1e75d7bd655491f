"""
Two snapshots -> how the first differs from the second, in the user's words.

What hangs on a table or column that is missing, or that should not be there, is told with it and not once more by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lockgate.drift.items import Grant, Item
from lockgate.drift.items import Sequence as SequenceItem
from lockgate.drift.mend import mend_changed, mend_extra, mend_missing
from lockgate.drift.phrases import Origin, phrase
from lockgate.drift.snapshot import Snapshot
from lockgate.drift.spelling import canonical
from lockgate.drift.table_items import Column, Constraint, Index, Relation

REVISIONS = Origin("revisions", "revisions make it", "revisions give it")
SNAPSHOT = Origin("snapshot", "the snapshot has it as", "the snapshot has")
MODELS = Origin("models", "the models make it", "the models give it")

_Key = tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """
    One difference.

    Args:
        how: `missing`, `extra`, `changed` or `renamed`, as seen from the database.
        kind: the object's kind, as in an ignore pattern.
        path: its dotted name, the table's before it; without the schema that goes without saying.
        table: path of the table that it belongs to; empty where it belongs to none.
        sentence: the whole of it for people.
        field: what of it differs; empty for an object as a whole.
        found, expected: values of that field, or the names of what was renamed.
        mend: DDL that would make the database as expected; empty where that is not plain.
        along: labels of what comes or goes with it.
    """

    how: str
    kind: str
    path: str
    sentence: str
    table: str = ""
    field: str = ""
    found: str = ""
    expected: str = ""
    mend: tuple[str, ...] = ()
    along: tuple[str, ...] = ()


def compare(found: Snapshot, expected: Snapshot, origin: Origin = REVISIONS) -> tuple[Difference, ...]:
    """
    Say how `found` differs from `expected`.

    Args:
        found: of the database that is looked at.
        expected: what it should be, from a server that prints texts in the same way; see `incomparable`.
        origin: what `expected` stands for, for the sentences.
    Returns:
        Differences in the order of kinds, then of names; empty where there is none.
    """
    ours, theirs = _keyed(found.items()), _keyed(expected.items())
    missing = [item for key, item in theirs.items() if key not in ours]
    extra = [item for key, item in ours.items() if key not in theirs]
    return tell(missing, extra, [(ours[key], item) for key, item in theirs.items() if key in ours], origin, found.alters)


def tell(
    missing: Iterable[Item], extra: Iterable[Item], both: Iterable[tuple[Item, Item]], origin: Origin, alters: bool
) -> tuple[Difference, ...]:
    """
    Put objects that were sorted out already into differences; see `compare`.

    Args:
        both: objects of one identity, as found and as expected; they may be equal.
        alters: see `Snapshot`.
    """
    less, more = _keyed(missing), _keyed(extra)
    done = list(_renamed(more, less, origin, alters))
    done += [*_whole(less, "missing", origin, alters), *_whole(more, "extra", origin, alters)]
    for ours, theirs in both:
        done += _changed(ours, theirs, origin, alters)
    return tuple(sorted(done, key=_rank))


def incomparable(found: Snapshot, expected: Snapshot) -> str:
    """Say why a comparison would say nothing; empty where it may be made."""
    if found.product != expected.product:
        return f"the one is of {found.product}, the other of {expected.product}"
    if found.server != expected.server:
        return f"the one is of {found.product} {found.server}, the other of {expected.server}; they print the same schema differently"
    if found.heads != expected.heads:
        ours, theirs = (", ".join(heads) or "base" for heads in (found.heads, expected.heads))
        return f"the database is at revision {ours}, the snapshot at {theirs}"
    if found.grants_read != expected.grants_read:
        return "the one has grants, the other was taken without"
    return ""


def _keyed(items: Iterable[Item]) -> dict[_Key, Item]:
    return {(item.word, *item.key): item for item in items}


def _rank(difference: Difference) -> tuple[int, str, str]:
    return (_ORDER.index(difference.kind), difference.path, difference.field)


_ORDER = [kind.word for kind in Snapshot.LISTS]


def _whole(items: Mapping[_Key, Item], how: str, origin: Origin, alters: bool) -> Iterator[Difference]:
    """Yield missing or extra objects, each with what hangs on it."""
    hanging: dict[_Key, list[Item]] = {}
    for key, item in items.items():
        top = _top(item, items)
        hanging.setdefault(key if top is item else (top.word, *top.key), []).append(item)
    for key, family in hanging.items():
        item, along = items[key], [other for other in family if other is not items[key]]
        mend = mend_missing(item, along, alters) if how == "missing" else mend_extra(item, alters)
        yield _of(item, how, _with(_sentence(item, how, origin), along), mend=mend, along=tuple(other.label for other in along))


def _sentence(item: Item, how: str, origin: Origin) -> str:
    return f"{item.label} is missing" if how == "missing" else f"{item.label} is in the database, but not in the {origin.noun}"


def _with(sentence: str, along: Sequence[Item]) -> str:
    """Name what goes with a column; with a table everything goes that it had."""
    told = [other for other in along if not isinstance(other, Column | SequenceItem | Grant)]
    if not told or any(isinstance(other, Column) for other in along):
        return sentence
    names = (f"{other.noun} `{getattr(other, 'name', '')}`" for other in told)
    return f"{sentence}, and with it {', '.join(names)}"


def _parent(item: Item, items: Mapping[_Key, Item]) -> Item | None:
    """The table or column among `items` that `item` hangs on."""
    if isinstance(item, Grant):
        return next((items[key] for key in item.of if key in items), None)
    schema = getattr(item, "schema", "")
    table = items.get((Relation.word, schema, item.owner)) or items.get(("view", schema, item.owner)) if item.owner else None
    if table is not None or isinstance(item, Column):
        return table
    columns = item.columns if isinstance(item, Constraint | Index) else (item.column,) if isinstance(item, SequenceItem) else ()
    return next((found for name in columns if (found := items.get((Column.word, schema, item.owner, name)))), None)


def _top(item: Item, items: Mapping[_Key, Item]) -> Item:
    parent = _parent(item, items)
    return item if parent is None else _top(parent, items)


def _renamed(extra: dict[_Key, Item], missing: dict[_Key, Item], origin: Origin, alters: bool) -> Iterator[Difference]:
    """Take pairs out of both that are one index or constraint under two names."""
    for ours, theirs in _pairs(extra, missing):
        del extra[(ours.word, *ours.key)], missing[(theirs.word, *theirs.key)]
        names = getattr(ours, "name", ""), getattr(theirs, "name", "")
        sentence = f"{ours.label} is named so, {origin.makes} `{names[1]}`"
        yield replace(
            _of(ours, "renamed", sentence, mend=mend_changed(ours, theirs, "name", alters)), field="name", found=names[0], expected=names[1]
        )


def _pairs(extra: Mapping[_Key, Item], missing: Mapping[_Key, Item]) -> list[tuple[Item, Item]]:
    by_meaning: dict[tuple[object, ...], tuple[list[Item], list[Item]]] = {}
    for side, items in enumerate((extra.values(), missing.values())):
        for item in items:
            if isinstance(item, Constraint | Index):
                by_meaning.setdefault(_meaning(item), ([], []))[side].append(item)
    return [(ours[0], theirs[0]) for ours, theirs in by_meaning.values() if len(ours) == len(theirs) == 1]


def _meaning(item: Constraint | Index) -> tuple[object, ...]:
    definition = canonical(item.definition)
    nameless = definition.replace(f" {item.name} ON ", " ON ").replace(f' "{item.name}" ON ', " ON ")
    return (item.word, item.schema, item.table, nameless if isinstance(item, Index) else definition)


def _changed(ours: Item, theirs: Item, origin: Origin, alters: bool) -> Iterator[Difference]:
    for name in _compared(ours):
        have, want = getattr(ours, name), getattr(theirs, name)
        if have != want and _spelled(have) != _spelled(want):
            said = phrase(ours, name, have, want, origin)
            done = _of(ours, "changed", f"{ours.label} {said}", mend=mend_changed(ours, theirs, name, alters))
            yield replace(done, field=name, found=_value(have), expected=_value(want))


def _compared(item: Item) -> Iterable[str]:
    return (name for name in item.__struct_fields__ if name not in item.identity and name not in item.uncompared)


def _spelled(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(map(_spelled, value))
    return canonical(value) if isinstance(value, str) else value


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, Collection) and not isinstance(value, str) else str(value)


def _of(item: Item, how: str, sentence: str, *, mend: tuple[str, ...], along: tuple[str, ...] = ()) -> Difference:
    owner = item.owner
    table = ".".join(filter(None, (_visible(getattr(item, "schema", "")), owner))) if owner else ""
    return Difference(how, item.word, item.path, sentence, table, mend=mend, along=along)


def _visible(schema: str) -> str:
    return "" if schema == "public" else schema
