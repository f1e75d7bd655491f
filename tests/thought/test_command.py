"""The first words of a statement decide how it is traced and what a rule reads."""

from __future__ import annotations

import pytest

from lockgate.hazards.command import command_of, is_concurrent, is_control, reads_or_writes_rows
from lockgate.hazards.effects import Effect, Effects, RevisionEffects
from lockgate.hazards.held import under_locks
from lockgate.hazards.seen import Lock, Relation, Rewrite


@pytest.mark.parametrize(
    ("sql", "command"),
    [
        ("-- why\n/* and */ ALTER TABLE orders ADD x int", "ALTER TABLE"),
        ("create unique index concurrently if not exists ix on t (a)", "CREATE INDEX"),
        ("create or replace view v as select 1", "CREATE VIEW"),
        ("refresh materialized view concurrently v", "REFRESH MATERIALIZED VIEW"),
        ("drop materialized view v", "DROP MATERIALIZED VIEW"),
        ("create foreign table t (a int) server s", "CREATE FOREIGN TABLE"),
        ("comment on table t is 'x'", "COMMENT"),
        ("with old as (select 1) delete from t", "WITH"),
        ("  (select 1)", "SELECT"),
        ("", ""),
    ],
)
def test_a_statement_is_called_by_its_first_words(sql: str, command: str) -> None:
    """What makes no difference to a lock (UNIQUE, OR REPLACE) is not in the way."""
    assert command_of(sql) == command


def test_only_the_word_itself_is_concurrent() -> None:
    """A table of that name, or a text that speaks of it, is nothing special."""
    assert is_concurrent("reindex (verbose) table concurrently t")
    assert not is_concurrent("comment on table t is 'built CONCURRENTLY'")
    assert not is_concurrent('create index ix on t ("concurrently") -- concurrently')


def test_rows_and_transactions_are_told_apart() -> None:
    """Rows are planned, transactions are left to Alembic."""
    assert reads_or_writes_rows("UPDATE")
    assert not reads_or_writes_rows("TRUNCATE")
    assert is_control("SAVEPOINT")
    assert not is_control("SET")


def test_a_lock_is_kept_until_its_transaction_ends() -> None:
    """The rewrite is what hurts, and it takes no new lock on the table: without the kept one it would look harmless."""
    orders = Relation(schema="public", name="orders", kind="table", original="public.orders")
    items = Relation(schema="public", name="items", kind="table", original="public.items")
    add = Effect(number=1, line=1, text="", command="ALTER TABLE", transaction=1, locks=(Lock(relation=orders, modes=("AccessExclusiveLock",)),))
    rewrite = Effect(number=2, line=2, text="", command="ALTER TABLE", transaction=1, rewrites=(Rewrite(relation=orders, reason="type"),))
    other = Effect(number=3, line=3, text="", command="UPDATE", transaction=1, locks=(Lock(relation=items, modes=("RowExclusiveLock",)),))
    after = Effect(number=1, line=1, text="", command="ALTER TABLE", transaction=2, rewrites=(Rewrite(relation=orders, reason="type"),))
    up = [
        RevisionEffects(id=name, file="", direction="upgrade", effects=effects) for name, effects in (("a", (add, rewrite, other)), ("b", (after,)))
    ]
    found = list(under_locks(Effects(revisions=tuple(up))))
    assert [[(lock.relation.name, lock.mode, lock.kept) for lock in row.locks] for row in found] == [
        [("orders", "AccessExclusiveLock", False)],
        [("orders", "AccessExclusiveLock", True)],
        [("items", "RowExclusiveLock", False)],
        [],
    ]
    assert [[lock.relation.name for lock in row.others] for row in found] == [[], [], ["orders"], []]
