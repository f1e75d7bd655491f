"""
Questions about rows as SELECTs of PostgreSQL.

Keys are compared by GROUP BY and EXCEPT, which take a type's own notion of equality as an index does, and not an operator `=` that somebody put
into a schema of the search_path. The expressions of the plan's constraints are taken as the scratch server printed them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lockgate.dialects.postgres.empty import quoted
from lockgate.hazards.fitting import base, is_text
from lockgate.hazards.names import Column
from lockgate.hazards.questions import Check, Source

SOFT_INPUT = 16  # pg_input_is_valid; PostgreSQL 16 release notes
_MEASURES = re.compile(r"\((\d+)(?:,(-?\d+))?\)")
_RANGES = {"smallint": 15, "integer": 31, "bigint": 63}
_MORE = "operator(pg_catalog.>)"


def sql(check: Check, names: Mapping[str, str], major: int) -> str:
    """Return a SELECT of one number; see `Questions.sql`. LookupError where this server has no means."""
    return _WAYS[check.answer.kind](check, _rows(check.source, names), names, major)


def _rows(source: Source, names: Mapping[str, str]) -> str:
    """A FROM item that has the columns by the names of the plan; a name that means two things is refused by the server."""
    if source.table not in names:
        raise LookupError(f"`{source.table}` is not there")
    table = f"{'only ' if source.only else ''}{names[source.table]}"
    if not source.columns:
        return f"{table} as {quoted(source.alias)}"
    others = ", ".join(f"{_value(column)} as {quoted(column.name)}" for column in source.columns)
    return f"(select t.*, {others} from {table} as t) as {quoted(source.alias)}"


def _value(column: Column) -> str:
    return f"t.{quoted(column.original)}" if column.original else f"cast({column.default or 'null'} as {column.type})"


def _count(check: Check, rows: str, names: Mapping[str, str], major: int) -> str:
    return f"select pg_catalog.count({check.keys[0] if check.keys else '*'}) from {rows}"


def _nulls(check: Check, rows: str, names: Mapping[str, str], major: int) -> str:
    return f"select pg_catalog.count(*) from {rows} where {check.keys[0]} is null"


def _false(check: Check, rows: str, names: Mapping[str, str], major: int) -> str:
    """NULL is not false: the server lets it pass."""
    return f"select pg_catalog.count(*) from {rows} where not ({check.condition})"


def _duplicates(check: Check, rows: str, names: Mapping[str, str], major: int) -> str:
    keys = [f"({key})" for key in check.keys]
    conditions = [f"({check.condition})"] if check.condition else []
    conditions += [] if check.nulls_equal else [f"{key} is not null" for key in keys]
    where = f" where {' and '.join(conditions)}" if conditions else ""
    again = f"select 1 from {rows}{where} group by {', '.join(keys)} having pg_catalog.count(*) {_MORE} 1"
    return f"select pg_catalog.count(*) from ({again}) as again"


def _orphans(check: Check, rows: str, names: Mapping[str, str], major: int) -> str:
    assert check.other is not None
    keys = ", ".join(check.keys)
    known = " and ".join(f"{key} is not null" for key in check.keys)
    parents = f"select {', '.join(check.other_keys)} from {_rows(check.other, names)}"
    return f"select pg_catalog.count(*) from (select {keys} from {rows} where {known} except {parents}) as alone"


def _unfit(check: Check, rows: str, names: Mapping[str, str], major: int) -> str:
    key, found = check.keys[0], _misfits(check, major)
    return f"select pg_catalog.count(*) from {rows} where {key} is not null and ({found})"


def _misfits(check: Check, major: int) -> str:
    key, now = check.keys[0], check.now
    labels = ", ".join(map(_literal, check.labels))
    stranger = f"cast({key} as text) operator(pg_catalog.<>) all (array[{labels}]::text[])"
    if not now:
        return stranger
    if major < SOFT_INPUT:
        return _misfits_before_16(key, now)
    found = f"not pg_catalog.pg_input_is_valid({_as_text(check)}, {_literal(now)})"
    found += f" and {stranger}" if labels else ""
    scale = _MEASURES.search(now)
    if base(now) == "numeric" and scale and not is_text(check.was):
        rounded = f"pg_catalog.round(cast({key} as numeric), {scale[2] or 0})"
        found += f" or {rounded} operator(pg_catalog.<>) cast({key} as numeric)"
    return found


def _as_text(check: Check) -> str:
    """A number becomes a whole one by rounding, which its text does not."""
    key = check.keys[0]
    whole = base(check.now) in _RANGES and not is_text(check.was) and base(check.was) not in _RANGES
    return f"cast(pg_catalog.round(cast({key} as numeric)) as text)" if whole else f"cast({key} as text)"


def _misfits_before_16(key: str, now: str) -> str:
    length = _MEASURES.search(now)
    if is_text(now) and length:
        return f"pg_catalog.length(pg_catalog.rtrim(cast({key} as text))) {_MORE} {length[1]}"
    bits = _RANGES.get(now)
    if bits:
        return f"cast({key} as numeric) not between {-(2**bits)} and {2**bits - 1}"
    raise LookupError(f"whether a value fits `{now}` can be asked of PostgreSQL {SOFT_INPUT} and later")


def _meeting(check: Check, rows: str, names: Mapping[str, str], major: int) -> str:
    """Rows of the other table that refer to those that a condition finds."""
    assert check.other is not None
    source, other = quoted(check.source.alias), quoted(check.other.alias)
    same = [f"{source}.{key} operator(pg_catalog.=) {other}.{mine}" for key, mine in zip(check.keys, check.other_keys, strict=True)]
    where = " and ".join([*([f"({check.condition})"] if check.condition else []), *same])
    return f"select pg_catalog.count(*) from {_rows(check.other, names)} where exists (select from {rows} where {where})"


def _found(check: Check, rows: str, names: Mapping[str, str], major: int) -> str:
    return f"select pg_catalog.count(*) from {rows} where {check.condition}"


def _computed(check: Check, rows: str, names: Mapping[str, str], major: int) -> str:
    """0, if the server has got through all rows."""
    where = f" where {check.condition}" if check.condition else ""
    counts = " operator(pg_catalog.+) ".join(f"pg_catalog.count({key})" for key in check.keys)
    return f"select 0 operator(pg_catalog.*) ({counts}) from {rows}{where}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_WAYS: Mapping[str, Callable[[Check, str, Mapping[str, str], int], str]] = {
    "referenced": _meeting,
    "carried": _meeting,
    "unset": _meeting,
    "taken": _found,
    "computed": _computed,
    "rows": _count,
    "values": _count,
    "nulls": _nulls,
    "duplicates": _duplicates,
    "orphans": _orphans,
    "violations": _false,
    "outside": _false,
    "unfit": _unfit,
}
