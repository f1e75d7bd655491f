"""Rows for a revision to keep, made up from what a snapshot says of its columns; and what became of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lockgate.drift.items import Enum, qualified
from lockgate.drift.snapshot import Snapshot
from lockgate.drift.table_items import Column, Constraint, Relation

# By the beginning of the type, as PostgreSQL prints it or as SQLite's CREATE TABLE has it; no colon, no percent sign.
_PLAIN = (
    (r".*\[\]", "'{}'"),
    (r"bool", "true"),
    (r"(small|big|tiny|medium)?int|oid", "{number}"),
    (r"numeric|decimal|double|real|float", "1"),
    (r"uuid", "'00000000-0000-4000-8000-0000000000{number:02}'"),
    (r"date|timestamp", "'2001-01-01'"),
    (r"time", "'120000'"),
    (r"interval", "'1 day'"),
    (r"json", "'{}'"),
    (r"inet|cidr", "'127.0.0.1'"),
    (r"bytea|blob|binary|varbinary", "''"),
    (r"character|char|varchar|nvarchar|nchar|text|clob|string|bpchar|name|citext", "'{letter}'"),
)
_NAME = r'(?:"(?:[^"]|"")+"|[^\s".(]+)'
_REFERENCE = re.compile(rf"REFERENCES ({_NAME}(?:\.{_NAME})?)\s*(?:\(([^)]*)\))?")
_TEXT = re.compile(r"'((?:[^']|'')*)'")

Table = tuple[str, str]  # schema, name


@dataclass(frozen=True)
class Filling:
    """How to put one row into a table; `needs` are the tables that must have rows before."""

    table: Table
    statement: str
    needs: tuple[Table, ...]


@dataclass(frozen=True)
class Count:
    """Rows of a table, and of them those with a value, by column."""

    rows: int
    values: Mapping[str, int]


def quoted(name: str) -> str:
    """Return an identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def sql_name(table: Table) -> str:
    """Return a table's name for a statement."""
    return ".".join(quoted(part) for part in table if part)


def tables_of(snapshot: Snapshot) -> tuple[Table, ...]:
    """Return the tables that hold rows of their own in this database; a partition's are its parent's."""
    return tuple((table.schema, table.name) for table in snapshot.of(Relation) if table.kind != "foreign table" and not table.partition_of)


def count_query(snapshot: Snapshot, table: Table) -> tuple[str, tuple[str, ...]]:
    """Return a query of one row, all rows and then the values of each column, and the columns' names."""
    names = tuple(column.name for column in snapshot.of(Column) if (column.schema, column.table) == table)
    return f"select {', '.join(['count(*)', *(f'count({quoted(name)})' for name in names)])} from {sql_name(table)}", names


def fillings(snapshot: Snapshot, counts: Mapping[Table, Count]) -> tuple[Filling, ...]:
    """
    Make up a row for each table that is empty or has a column without any value, parents first.

    A column with a default keeps it; one whose type is not plain, or that refers to its own table, stays NULL where it may. Tables of
    which that is not enough, and those that need each other, are left out.
    """
    facts = _Facts(snapshot)
    poor = [table for table, count in counts.items() if not count.rows or 0 in count.values.values()]
    # The first row of a table is number 1; seeds begin with it, too.
    todo = [filling for table in poor if (filling := facts.filling(table, 97 if counts[table].rows else 1))]
    full, done = {table for table, count in counts.items() if count.rows}, []
    while ready := [filling for filling in todo if full.issuperset(filling.needs)]:
        done += ready
        full |= {filling.table for filling in ready}
        todo = [filling for filling in todo if filling not in ready]
    return tuple(done)


class _Facts:
    """A snapshot, by table."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._columns = snapshot.of(Column)
        self._constraints = snapshot.of(Constraint)
        self._enums = {qualified(enum.schema, enum.name): enum.labels for enum in snapshot.of(Enum)}

    def filling(self, table: Table, number: int) -> Filling | None:
        """One row for a table; None where a column without NULL and default is not plain."""
        references = list(self._foreign_keys(table))
        keys = [(parent, pairs) for parent, pairs in references if parent != table]
        own = {column for parent, pairs in references if parent == table for column, _ in pairs}
        given = {column: f"p{number}.{quoted(target)}" for number, (_, pairs) in enumerate(keys) for column, target in pairs}
        for column in self._columns:
            if (column.schema, column.table) != table or column.name in given or column.generated or column.identity_kind or column.default:
                continue
            value = "" if column.name in own else self._value(column, number)
            if value:
                given[column.name] = value
            elif column.not_null:
                return None
        return Filling(table, _insert(table, given, [parent for parent, _ in keys]), tuple(parent for parent, _ in keys))

    def _foreign_keys(self, table: Table) -> Iterator[tuple[Table, list[tuple[str, str]]]]:
        """Yield parents with pairs of columns, the table itself among them; of two keys on a column one counts."""
        taken: set[str] = set()
        for item in self._constraints:
            found = _REFERENCE.search(item.definition) if item.kind == "foreign key" and (item.schema, item.table) == table else None
            if found and taken.isdisjoint(item.columns):
                parts = [_unquoted(part) for part in re.findall(_NAME, found[1])]
                parent = (parts[0], parts[1]) if len(parts) == 2 else (table[0], parts[0])
                targets = [_unquoted(name.strip()) for name in found[2].split(",")] if found[2] else self._primary(parent)
                taken.update(item.columns)
                yield parent, list(zip(item.columns, targets, strict=False))

    def _primary(self, table: Table) -> Sequence[str]:
        keys = (item.columns for item in self._constraints if item.kind == "primary key" and (item.schema, item.table) == table)
        return next(keys, ())

    def _value(self, column: Column, number: int) -> str:
        """A literal that the column takes: one that its check names, its enum's first label, or one of its type."""
        for item in self._constraints:
            mine = item.kind == "check" and (item.schema, item.table, item.columns) == (column.schema, column.table, (column.name,))
            if mine and (told := _TEXT.search(item.definition)):
                return told[0]
        if labels := self._enums.get(column.type):
            return "'" + labels[0].replace("'", "''") + "'"
        literal = next((value for pattern, value in _PLAIN if re.match(pattern, column.type.lower())), "")
        return literal if "{}" in literal else literal.format(number=number, letter="a" if number == 1 else "z")


def _insert(table: Table, given: Mapping[str, str], parents: Sequence[Table]) -> str:
    if not given:
        return f"insert into {sql_name(table)} default values"
    into = f"insert into {sql_name(table)} ({', '.join(map(quoted, given))})"
    if not parents:
        return f"{into} values ({', '.join(given.values())})"
    sources = ", ".join(f"(select * from {sql_name(parent)} limit 1) p{number}" for number, parent in enumerate(parents))
    return f"{into} select {', '.join(given.values())} from {sources}"


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def losses(before: Mapping[Table, Count], after: Mapping[Table, Count]) -> tuple[str, ...]:
    """
    Say which rows or values are gone.

    A table that is gone lost its rows, unless a new one has as many: it was renamed or moved. A column that is gone was dropped on
    purpose; one that is still there and lost its values was dropped and made again.
    """
    new = sorted(count.rows for table, count in after.items() if table not in before)
    said = []
    for table, had in before.items():
        name = qualified(*table)
        has = after.get(table)
        if has is None:
            heir = next((rows for rows in new if rows >= had.rows), None)
            if had.rows and heir is None:
                said.append(f"table `{name}` is gone, and {_rows(had.rows)} with it")
            elif heir is not None:
                new.remove(heir)
        elif has.rows < had.rows:
            said.append(f"table `{name}` had {_rows(had.rows)}, and has {has.rows} now")
        else:
            said += _lost_values(name, had, has)
    return tuple(said)


def _lost_values(name: str, had: Count, has: Count) -> Iterator[str]:
    for column, values in had.values.items():
        if has.values.get(column, values) < values:
            word = "value" if values == 1 else "values"
            yield f"column `{name}.{column}` had {values} {word}, and has {has.values[column]} now"


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"
