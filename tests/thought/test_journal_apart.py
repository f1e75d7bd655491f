"""What a statement of a revision that leaves its transaction means for its journal, told by its words."""

from __future__ import annotations

import datetime
import uuid

import pytest

from lockgate.journal.apart import Build, build_of, fingerprint, read
from lockgate.journal.statement import Kind

INSIDE = [
    "insert into t values (1)",
    "with x as (select 1) insert into t select * from x",
    "create table t (id int)",
    "alter type mood add value 'happy'",
    "create index i on t (a)",
    "refresh materialized view v",
    "update t set a = 'create index concurrently'",
    "select * into copy from t",
    "do $$ begin perform 1; end $$",
    "  -- a comment\n /* another */ delete from t",
]
OUTSIDE = [
    "create index concurrently i on t (a)",
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY s.t USING gin (a)",
    "drop index concurrently if exists s.i",
    "vacuum analyze t",
    "reindex index concurrently i",
    "call backfill(100)",
    "do $$ begin commit; end $$",
    "alter table t detach partition p concurrently",
    "-- first\ncreate index concurrently on t (a)",
]
AGAIN = ["set statement_timeout = 0", "reset all", "select set_config('a.b', 'c', false)", "create temp table x (id int)", "pragma foreign_keys = on"]


@pytest.mark.parametrize("sql", INSIDE)
def test_what_may_run_in_a_transaction_is_put_into_one(sql: str) -> None:
    """There its row in the journal is committed with it, so that it happens exactly once."""
    assert read(sql).kind is Kind.WRITE


@pytest.mark.parametrize("sql", OUTSIDE)
def test_what_a_transaction_refuses_stays_outside(sql: str) -> None:
    """The server would say that it "cannot run inside a transaction block"."""
    assert read(sql).kind in (Kind.DDL, Kind.OTHER)


@pytest.mark.parametrize("sql", AGAIN)
def test_what_is_said_to_the_session_is_said_again_in_every_run(sql: str) -> None:
    """The session of the run that broke off is gone, and its settings and temporary tables with it."""
    assert read(sql).kind is Kind.SESSION


@pytest.mark.parametrize(
    ("sql", "build"),
    [
        ("create index concurrently I on T (a)", Build("i", "T", False, "(a)")),
        ('create unique index concurrently if not exists "My ""i""" on only "S" . t using btree (a) where b;', Build('My "i"', '"S" . t', True, "using btree (a) where b")),
        ("create index concurrently on t(a)", Build("", "t", False, "(a)")),
        ("create index i on t (a)", None),
    ],
)
def test_a_build_is_read_with_its_name_table_and_definition(sql: str, build: Build | None) -> None:
    """By these an INVALID leftover is found, and a finished one proved to be the revision's own."""
    assert build_of(sql) == build


def test_random_ids_and_times_of_an_insert_do_not_count_and_everything_else_does() -> None:
    """They are new in each run; an UPDATE by id is another statement when its ids are others."""

    def row(name: str) -> dict[str, object]:
        now = datetime.datetime.now(datetime.UTC)
        return {"id": uuid.uuid4(), "text": str(uuid.uuid4()), "at": now, "iso": now.isoformat(), "name": name}

    insert = "insert into t values (:id, :text, :at, :iso, :name)"
    assert fingerprint(insert, row("a")) == fingerprint(insert, row("a"))
    assert fingerprint(insert, row("a")) != fingerprint(insert, row("b"))
    update = "update t set a = 1 where id = :id"
    assert fingerprint(update, {"id": uuid.uuid4()}) != fingerprint(update, {"id": uuid.uuid4()})
