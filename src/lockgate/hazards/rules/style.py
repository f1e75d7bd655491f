"""Types that are regretted later; told to whoever asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Change
from lockgate.hazards.snippets import columns_of, comment, literal

_LENGTH = re.compile(r"(?:character varying|character)\((\d+)\)")
_SMALL = {"smallint": 2**15 - 1, "integer": 2**31 - 1}


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one note per column, primary key or enum; PostgreSQL's types alone, whose names as its catalog prints them no other product has."""
    types: dict[tuple[str, str, str], str] = {}
    for statement in plan.statements:
        for change in statement.effect.changes:
            if change.kind == "column":
                key = (change.schema, change.table, change.name)
                types[key] = str(change.after.get("type") or types.get(key, ""))
        for change in statement.effect.changes:
            for what, safer in _regrets(change, types):
                path = ".".join(name for name in (change.schema, change.table or change.name) if name)
                yield statement.finding(RULE, Severity.NOTE, what=what, safer=safer, name=path)


def _regrets(change: Change, types: dict[tuple[str, str, str], str]) -> Iterator[tuple[str, str]]:
    if change.kind == "column" and change.how in ("added", "altered"):
        yield from _column(change, str(change.after.get("type", "")))
    elif change.kind == "constraint" and change.how == "added" and change.after.get("kind") == "primary key":
        yield from _primary_key(change, types)
    elif change.kind == "type" and change.how == "added" and change.after.get("kind") == "enum":
        what = f"`{change.name}` is an enum: a label can be added and renamed, but not taken out again"
        yield what, f'op.create_table({literal(change.name)}, sa.Column("code", sa.Text, primary_key=True))  # and a foreign key to it'


def _column(change: Change, type_: str) -> Iterator[tuple[str, str]]:
    name = f"`{change.table}.{change.name}`"
    if match := _LENGTH.fullmatch(type_):
        padded = "is padded with blanks to its length, which comparing then ignores" if type_.startswith("character(") else "has a length"
        check = f"length({change.name}) <= {match[1]}"
        lines = [_is(change, "sa.Text()"), f"op.create_check_constraint({literal(f'{change.name}_length')}, {literal(change.table)}, {literal(check)})"]
        yield f"{name} {padded}: text with a CHECK holds the same, and another limit needs no other type", "\n".join(lines)
    elif type_.startswith("timestamp") and type_.endswith("without time zone"):
        what = f"{name} does not say which moment it is: every session reads it in its own time zone"
        yield what, _is(change, "sa.DateTime(timezone=True)")
    if str(change.after.get("default", "")).startswith("nextval(") and change.how == "added":
        what = f"{name} is serial: its sequence has rights of its own, and anybody may write another value; an identity column is the standard's way"
        yield what, _is(change, "sa.BigInteger(), sa.Identity(always=True)")


def _primary_key(change: Change, types: dict[tuple[str, str, str], str]) -> Iterator[tuple[str, str]]:
    columns = columns_of(change)
    most = _SMALL.get(types.get((change.schema, change.table, columns[0]), "")) if len(columns) == 1 else None
    if most:
        what = f"`{change.table}.{columns[0]}` ends at {most:,}: by then the type of a large table and of all that refers to it has to change"
        yield what, f"sa.Column({literal(columns[0])}, sa.BigInteger(), primary_key=True)"


def _is(change: Change, type_: str) -> str:
    column = f"sa.Column({literal(change.name)}, {type_})"
    if change.how == "altered":
        return comment(f"a new column with this type, filled in batches, instead: {column}")
    return column


RULE = Rule("LG703", "style", "a type that is regretted later", find, asked=True)
