"""Which values of a column might not fit its new type."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from lockgate.hazards.effects import Effect
from lockgate.hazards.names import parts
from lockgate.hazards.questions import Check, Place, quoted
from lockgate.hazards.seen import Change

_TEXTS = ("text", "character varying", "character", "citext", "name")
_INTEGERS = ("smallint", "integer", "bigint")
_NUMBERS = (*_INTEGERS, "numeric", "real", "double precision", "money")
# Built-in types whose casts to another one depend on no value, or that no cast leads away from.
_OTHERS = ("boolean", "date", "time", "timestamp", "interval", "uuid", "bytea", "inet", "cidr", "oid", "json", "jsonb")
_USING = re.compile(r"\busing\s+(.+)", re.I | re.S)


def fit(place: Place, change: Change, labels: Mapping[str, Collection[str]], made: Collection[str]) -> Iterator[Check]:
    """
    Yield the question how many values do not fit; none where all of them do.

    Args:
        labels: of enums, that the plan added.
        made: types that the plan made: all their labels are among `labels`.
    """
    was, now = str(change.before.get("type", "")), str(change.after["type"])
    if fits_always(was, now):
        return
    name = parts(now)[-1]
    check = place.check(
        "unfit", change, change.name, keys=(quoted(change.name),), was=was, now="" if name in made else now, labels=tuple(labels.get(name, ()))
    )
    if _is_computed(place.effect, change.name):
        yield check.not_asked("the statement computes the new values (USING)")
    elif name in made and not check.labels:
        yield check.not_asked(f"the plan itself makes the type `{now}`")
    else:
        yield check


def base(type_: str) -> str:
    """Return a type without its measures, as PostgreSQL prints it: `numeric` for `numeric(10,2)`."""
    return re.sub(r"\(.*?\)", "", type_).strip()


def is_text(type_: str) -> bool:
    """Whether a type holds texts."""
    return base(type_) in _TEXTS


def fits_always(was: str, now: str) -> bool:
    """Whether no value of one type can fail to become one of another, whatever it is."""
    old, new = base(was), base(now)
    if new in ("text", "citext") or (new == "character varying" and "(" not in now):
        return True
    if old in _INTEGERS and new in _INTEGERS:
        return _INTEGERS.index(old) <= _INTEGERS.index(new)
    if old in _NUMBERS:
        return _is_other(new)
    if _is_other(old) or old.endswith("[]"):
        return _is_other(new) or new in _NUMBERS or new.endswith("[]")
    return was == now


def _is_other(type_: str) -> bool:
    return type_.partition(" ")[0] in _OTHERS


def _is_computed(effect: Effect, column: str) -> bool:
    """Whether USING does more than to cast the column itself."""
    found = _USING.search(effect.text)
    if found is None:
        return False
    expression = re.sub(r'[\s"();]', "", found[1]).lower()
    return not re.fullmatch(rf"{re.escape(column.lower())}(::[\w.,]+)+|cast{re.escape(column.lower())}as[\w.,]+", expression)
