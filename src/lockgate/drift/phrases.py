"""How a changed field of an object is said: `is varchar(50), revisions make it varchar(100)`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile, zip_longest

from lockgate.drift.items import Domain, Enum, Item, Routine, Sequence, Statistics, Type, View
from lockgate.drift.table_items import Column, Constraint, Index, Policy, Relation, Rule, Trigger

_LONGEST = 120  # characters of one text within a sentence
_BEFORE = 40  # characters that are shown before the place where two long lines part
# PostgreSQL prints the standard's names; revisions and people write these.
_FAMILIAR = {
    "character varying": "varchar",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
    "character(": "char(",
}


@dataclass(frozen=True)
class Origin:
    """
    What the expected side stands for.

    Args:
        noun: `not in the ...`.
        makes: before a value that the object is.
        gives: before a value that the object has.
    """

    noun: str
    makes: str
    gives: str


_Words = Mapping[object, str]
# What an object is, as the words for the values of a field; None shows the values themselves.
_IS: dict[tuple[type[Item], str], _Words | None] = {
    (Column, "type"): None,
    (Column, "not_null"): {True: "NOT NULL", False: "nullable"},
    (Domain, "type"): None,
    (Domain, "not_null"): {True: "NOT NULL", False: "nullable"},
    (Relation, "kind"): None,
    (Relation, "unlogged"): {True: "unlogged", False: "logged"},
    (Constraint, "kind"): None,
    (Constraint, "definition"): None,
    (Constraint, "timing"): {"": "not deferrable"},
    (Constraint, "state"): {"": "validated", "NOT VALID": "not validated", "NOT ENFORCED": "not enforced"},
    (Index, "definition"): None,
    (Index, "invalid"): {True: "INVALID", False: "valid"},
    (View, "kind"): None,
    (View, "definition"): None,
    (Routine, "kind"): None,
    (Routine, "definition"): None,
    (Trigger, "definition"): None,
    (Trigger, "enabled"): {"": "enabled", "DISABLED": "disabled", "REPLICA": "enabled on replicas", "ALWAYS": "enabled always"},
    (Policy, "definition"): None,
    (Sequence, "type"): None,
    (Sequence, "cycle"): {True: "a cycle", False: "without a cycle"},
    (Type, "definition"): None,
    (Rule, "definition"): None,
    (Statistics, "definition"): None,
}
# What an object has, where the field's name would not do.
_HAS: dict[tuple[type[Item], str], str] = {
    (Column, "identity_kind"): "identity",
    (Column, "generated"): "generation expression",
    (Relation, "row_security"): "row security",
    (Relation, "forced_row_security"): "forced row security",
    (Relation, "partition_by"): "partition key",
    (Relation, "partition_of"): "place among partitions",
    (Relation, "inherits"): "parent",
    (Sequence, "table"): "owning table",
    (Sequence, "column"): "owning column",
}


def phrase(item: Item, field: str, found: object, expected: object, origin: Origin) -> str:
    """Say how one field of an object differs, to be put behind its label."""
    place = (type(item), field)
    if isinstance(found, bool) and place in _HAS:
        return f"has {_HAS[place]} {_switch(found)}, {origin.makes} {_switch(expected)}"
    if isinstance(item, Enum) and field == "labels":
        return _labels(found, expected, origin)
    if place in _IS:
        words = _IS[place]
        if words is None and ("\n" in f"{found}{expected}" or len(f"{found}{expected}") > 2 * _LONGEST):
            return _first_difference(str(found), str(expected), origin)
        if field == "type":
            found, expected = _familiar(str(found)), _familiar(str(expected))
        return f"is {_named(found, words)}, {origin.makes} {_named(expected, words)}"
    what = _HAS.get(place, field)
    return f"has {_with(what, found)}, {origin.gives} {_shown(expected) if expected else 'none'}"


def _familiar(text: str) -> str:
    """Return a type under the name that people know it by; a time's precision stands in its middle."""
    text = re.sub(r"^(time(?:stamp)?)(\(\d\)) (with(?:out)? time zone)", r"\1 \3\2", text)
    for printed, known in _FAMILIAR.items():
        text = text.replace(printed, known)
    return text


def _switch(value: object) -> str:
    return "on" if value else "off"


def _named(value: object, words: _Words | None) -> str:
    return words[value] if words and value in words else f"`{_flat(value)}`"


def _with(what: str, value: object) -> str:
    return f"{what} {_shown(value)}" if value else f"no {what}"


def _shown(value: object) -> str:
    return ", ".join(f"`{_flat(part)}`" for part in value) if isinstance(value, tuple) else f"`{_flat(value)}`"


def _flat(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _labels(found: object, expected: object, origin: Origin) -> str:
    ours, theirs = (tuple(side) if isinstance(side, tuple) else () for side in (found, expected))
    less = [label for label in theirs if label not in ours]
    more = [label for label in ours if label not in theirs]
    if not less and not more:
        return f"has its labels in the order {_shown(ours)}, {origin.gives} {_shown(theirs)}"
    said = [f"lacks label {_shown(tuple(less))}"] if less else []
    said += [f"has label {_shown(tuple(more))}, which is not in the {origin.noun}"] if more else []
    return " and ".join(said)


def _first_difference(found: str, expected: str, origin: Origin) -> str:
    """Say where two long texts part: nobody reads two whole functions in one sentence."""
    lines = zip_longest(found.splitlines(), expected.splitlines())
    pairs = ((number, *pair) for number, pair in enumerate(lines, 1) if pair[0] != pair[1])
    number, ours, theirs = next(pairs, (1, found, expected))
    if ours is None or theirs is None:
        said, wanted = (f"`{_flat(line)}`" if line is not None else "no such line" for line in (ours, theirs))
    else:
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(ours, theirs, strict=False))
        start = max(0, sum(1 for _ in alike) - _BEFORE)
        said, wanted = (f"`{_flat('...' * (start > 0) + line[start:])}`" for line in (ours, theirs))
    place = f", first in line {number}" if "\n" in f"{found}{expected}".strip() else ""
    return f"differs{place}: it has {said}, {origin.gives} {wanted}"
