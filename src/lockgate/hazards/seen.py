"""
What one statement did to a scratch copy, thing by thing: locks, rewrites, scans, builds, catalog changes, drops, rows, faults.

Texts that name types, expressions and definitions are as the scratch server prints them. A field that is empty, no, zero or None is left
out of the JSON.
"""

from __future__ import annotations

from typing import Any

import msgspec

# Weakest first; PostgreSQL manual, 13.3.1 Table-Level Locks, as pg_locks spells them.
MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)


FILE = "database file"  # what SQLite locks: kind and name of a relation that stands for all tables


class Value(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all values here."""


class Relation(Value, frozen=True):
    """
    A relation as it was called when a statement met it.

    Args:
        kind: `table`, `partitioned table`, `index`, `partitioned index`, `view`, `materialized view`, `sequence`, `foreign table`,
            `database file`.
        new: it was not there when the plan began, so nobody uses it yet.
        table: of an index: the qualified name of its table when the plan began, or now where that is new; empty for what stands by itself.
        original: its qualified name when the plan began, which the target still knows it by; empty where it is new.
    """

    schema: str
    name: str
    kind: str
    new: bool = False
    table: str = ""
    original: str = ""

    @property
    def path(self) -> str:
        """Name with its schema: `public.orders`; the name alone for what has none."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Lock(Value, frozen=True):
    """
    What a statement locked that its transaction had not locked before; held until the transaction ends.

    Args:
        modes: of `MODES`, weakest first.
        waited: the mode was asked for while another session held the table; seen of statements outside a transaction only.
    """

    relation: Relation
    modes: tuple[str, ...]
    waited: bool = False

    @property
    def strongest(self) -> str:
        """The strongest mode."""
        return self.modes[-1]


class Rewrite(Value, frozen=True):
    """
    A relation that got a new file.

    Args:
        reason: `default`, `type`, `persistence`, `access method` as the server says, joined by ` and `; `truncate`;
            `batch`: copied by Alembic's batch mode; `copy`, `in place`, `in place, writers wait`: how MariaDB and MySQL do it; `new file` for VACUUM FULL, CLUSTER and REFRESH.
        indexes: number of its indexes that were built again.
    """

    relation: Relation
    reason: str
    indexes: int = 0


class Scan(Value, frozen=True):
    """A table that was read from end to end, `times` times; one that was rewritten is not listed here."""

    relation: Relation
    times: int = 1


class Build(Value, frozen=True):
    """
    An index that was built, or built again with the heap as it was.

    Args:
        relation: the index.
        concurrently: writers could go on.
        again: the index was there before the statement.
    """

    relation: Relation
    unique: bool = False
    concurrently: bool = False
    again: bool = False


class Change(Value, frozen=True):
    """
    A difference in the catalog between before and after a statement.

    Args:
        how: `added`, `dropped`, `renamed`, `altered`, `recreated` (the server itself dropped it and made it again: a constraint of a column whose type changed).
        kind: `schema`, `table` (any relation that has rows), `view`, `materialized view`, `sequence`, `column`, `constraint`, `index`,
            `trigger`, `policy`, `rule`, `enum value`, `type`, `domain`, `function`, `extension`.
        name: of the object itself, after the statement where it still exists.
        table: of its table (column, constraint, index, trigger, policy, rule), or of its type (enum value).
        original: qualified name of that table, or of the object itself where it is none's, when the plan began; empty where it is new.
        old_name: what it was called before; where it was renamed.
        before: its facts before the statement; of an altered one only those that differ.
        after: its facts after it; of an altered one only those that differ.

    Facts of a column: type, not_null, default, identity, generated, collation, implicit (rows that are there get the empty value of its type). Of a constraint: kind (`primary key`, `unique`,
    `foreign key`, `check`, `exclusion`, `not null`), definition, valid, columns, references (qualified), index. Of an index:
    definition, unique, valid, primary, columns, nulls_not_distinct, predicate. Of a table: kind, persistence, partition_of, bound,
    partition_constraint, row_security. Of a view: definition. Of a trigger: definition, enabled. Of an enum value: position.
    """

    how: str
    kind: str
    schema: str = ""
    name: str = ""
    table: str = ""
    original: str = ""
    old_name: str = ""
    new: bool = False
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}

    @property
    def path(self) -> str:
        """Its name with its schema, as `Relation.path`; for what belongs to no table."""
        return ".".join(part for part in (self.schema, self.name) if part)

    @property
    def owner(self) -> str:
        """Name of its table, with the schema."""
        return ".".join(part for part in (self.schema, self.table) if part)

    @property
    def wants_a_value(self) -> bool:
        """Whether a column is NOT NULL after it, and nothing fills it in."""
        filled = self.after.get("default") or self.after.get("identity") or self.after.get("generated")
        return bool(self.after.get("not_null")) and not filled


class Drop(Value, frozen=True):
    """
    An object that a statement dropped, as the server's `sql_drop` event tells.

    Args:
        kind: in the server's words: `table`, `table column`, `view`, `type`, `table constraint`.
        identity: qualified and quoted name: `public.customers.note`.
        named: the statement named it; otherwise it went along.
        cascade: it depended on what was named without belonging to it: only CASCADE takes such a thing.
        new: the plan itself had made it (its table, for what belongs to one).
    """

    kind: str
    identity: str
    schema: str = ""
    named: bool = False
    cascade: bool = False
    new: bool = False


class Rows(Value, frozen=True):
    """Rows of a table that a statement wrote on the scratch, which holds none of the target's; triggers and cascades included."""

    relation: Relation
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


class Fault(Value, frozen=True):
    """
    What broke a statement, or a revision outside of any statement.

    Args:
        state: SQLSTATE; empty where no server said it.
        line: of the revision's file; 0 where unknown.
    """

    message: str
    state: str = ""
    line: int = 0
