"""Tables, and the objects that go with a table when it goes."""

from __future__ import annotations

from typing import ClassVar

from lockgate.drift.items import Item


class Relation(Item, frozen=True):
    """
    A table.

    Args:
        kind: `table`, `partitioned table` or `foreign table`.
        partition_by: its partition key. partition_of: its parent and bound, where it is a partition.
        options: storage parameters, `WITHOUT ROWID`, and the like.
    """

    word: ClassVar[str] = "table"
    schema: str
    name: str
    kind: str
    partition_by: str = ""
    partition_of: str = ""
    inherits: tuple[str, ...] = ()
    unlogged: bool = False
    row_security: bool = False
    forced_row_security: bool = False
    options: str = ""
    comment: str = ""


class Column(Item, frozen=True):
    """
    A column of a table; where it stands among the others is not compared.

    Args:
        default: expression; empty for none.
        identity_kind: `ALWAYS`, `BY DEFAULT` or, on SQLite, `AUTOINCREMENT`.
        generated: expression and kind.
    """

    word: ClassVar[str] = "column"
    identity: ClassVar[tuple[str, ...]] = ("schema", "table", "name")
    schema: str
    table: str
    name: str
    type: str
    not_null: bool = False
    default: str = ""
    identity_kind: str = ""
    generated: str = ""
    collation: str = ""
    comment: str = ""

    @property
    def label(self) -> str:
        """For sentences: column `users.name`."""
        return f"column `{self.path}`"


class Constraint(Item, frozen=True):
    """
    A primary key, unique, foreign key, check or exclusion constraint.

    Args:
        kind: one of those words.
        definition: without name, timing and state.
        columns: of its table; it goes with them.
        timing: `DEFERRABLE`, `DEFERRABLE INITIALLY DEFERRED`, or empty.
        state: `NOT VALID`, `NOT ENFORCED`, or empty.
    """

    word: ClassVar[str] = "constraint"
    identity: ClassVar[tuple[str, ...]] = ("schema", "table", "name")
    uncompared: ClassVar[tuple[str, ...]] = ("columns",)
    schema: str
    table: str
    name: str
    kind: str
    definition: str
    columns: tuple[str, ...] = ()
    timing: str = ""
    state: str = ""
    comment: str = ""

    @property
    def noun(self) -> str:
        """Its kind says it better: a primary key, a foreign key, a check constraint."""
        return self.kind if self.kind.endswith("key") else f"{self.kind} constraint"


class Index(Item, frozen=True):
    """
    An index that no constraint stands for.

    Args:
        definition: its CREATE INDEX, whole.
        columns: of its table, those of its expressions and its condition too; it goes with them.
    """

    word: ClassVar[str] = "index"
    uncompared: ClassVar[tuple[str, ...]] = ("columns",)
    schema: str
    table: str
    name: str
    definition: str
    columns: tuple[str, ...] = ()
    invalid: bool = False
    comment: str = ""


class Trigger(Item, frozen=True):
    """A trigger on a table or view; `enabled` is empty, `DISABLED`, `REPLICA` or `ALWAYS`."""

    word: ClassVar[str] = "trigger"
    identity: ClassVar[tuple[str, ...]] = ("schema", "table", "name")
    schema: str
    table: str
    name: str
    definition: str
    enabled: str = ""
    comment: str = ""


class Policy(Item, frozen=True):
    """A row security policy; `definition` is what stands behind the table in its CREATE POLICY."""

    word: ClassVar[str] = "policy"
    identity: ClassVar[tuple[str, ...]] = ("schema", "table", "name")
    schema: str
    table: str
    name: str
    definition: str
    comment: str = ""


class Rule(Item, frozen=True):
    """A rewrite rule, whole; those that make a view a view are not among them."""

    word: ClassVar[str] = "rule"
    identity: ClassVar[tuple[str, ...]] = ("schema", "table", "name")
    schema: str
    table: str
    name: str
    definition: str
