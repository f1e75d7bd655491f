"""What a table of the target demands of its rows, as far as statements that write some are to be judged by it."""

from __future__ import annotations

from lockgate.hazards.seen import Value

STOPPING = ("NO ACTION", "RESTRICT")  # what keeps a row from going as long as another one refers to it


class Key(Value, frozen=True):
    """A unique index over whole columns and all rows; `nulls_equal` where a NULL can be taken, too."""

    name: str
    columns: tuple[str, ...]
    nulls_equal: bool = False


class Reference(Value, frozen=True):
    """
    A foreign key that leads to the table.

    Args:
        table: qualified name of the one that refers, by `columns` to the `others`.
        on_delete, on_update: `NO ACTION`, `RESTRICT`, `CASCADE`, `SET NULL` or `SET DEFAULT`.
        late: rows that refer may be gone, or be mended, by the time it is checked: at COMMIT, or because another foreign key takes them along.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    others: tuple[str, ...]
    on_delete: str
    on_update: str = STOPPING[0]
    late: bool = False


class Demand(Value, frozen=True):
    """
    One table, as it was before the plan.

    Args:
        table: qualified name.
        columns: all of them, in order; types: theirs, as the server prints them.
        guarded: columns that a constraint, a unique index, a domain or a generated column looks at.
        filled: columns that a sequence or a random UUID fills.
        hidden: more than these facts says what happens to a row: a trigger, a rule, a policy, it is partitioned, or has children.
        more: beside `keys` there is an index over expressions or for a part of the rows, an exclusion constraint or a generated column.
    """

    table: str
    columns: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    guarded: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    references: tuple[Reference, ...] = ()
    filled: tuple[str, ...] = ()
    hidden: bool = False
    more: bool = False
