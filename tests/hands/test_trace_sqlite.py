"""Numbers for what SQLite does not number: names are followed through renames, rollbacks and batch mode."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

import pytest

from lockgate.dialects.sqlite.session import SqliteSession
from lockgate.dialects.sqlite.trace_batch import copied_columns
from lockgate.dialects.sqlite.trace_picture import Catalog
from lockgate.hazards.picture import Origin


@pytest.mark.parametrize(
    ("sql", "table", "sources"),
    [
        ("INSERT INTO _alembic_tmp_t (id, b) SELECT t.id, t.a \nFROM t", "t", {"id": "id", "b": "a"}),
        ('INSERT INTO "_alembic_tmp_My T" ("A,b", c) SELECT "My T"."x,y", CAST("My T".c AS NUMERIC(4, 2)) AS c FROM "My T"', "my t", {"a,b": "x,y", "c": "c"}),
        ("INSERT INTO _alembic_tmp_t (id, n) SELECT t.id, coalesce(t.n, 0) AS n FROM t", "t", {"id": "id", "n": "n"}),
        ("INSERT INTO t (id) SELECT id FROM u", "", {}),
        ("INSERT INTO _alembic_tmp_t (id) VALUES (1)", "", {}),
    ],
    ids=["renamed", "quoted", "expression", "another table", "values"],
)
def test_batch_mode_says_what_it_fills_a_column_from(sql: str, table: str, sources: Mapping[str, str]) -> None:
    """A renamed column is not data that is lost."""
    assert copied_columns(sql) == (table, sources)


def story(catalog: Catalog, session: SqliteSession, *statements: str) -> list[tuple[str, str, str]]:
    """Run statements and look once behind them: how, kind and name of what is different."""
    before = catalog.read(session)
    for statement in statements:
        session.connection.execute(statement)
    catalog.forget()
    return [(change.how, change.kind, change.old_name or change.name) for change in Origin(before).changes(before, catalog.read(session))]


def test_names_are_followed() -> None:
    """The root page of a dropped table is given to the next one: whoever went by that would see a rename in it."""
    session = SqliteSession(sqlite3.connect(":memory:", isolation_level=None), write=True)
    catalog = Catalog()
    session.connection.execute("create table a (x, y)")
    assert story(catalog, session, "alter table a rename to b") == [("renamed", "table", "a")]
    assert story(catalog, session, "alter table b rename column x to z") == [("renamed", "column", "x")]
    assert story(catalog, session, "drop table b") == [("dropped", "column", "y"), ("dropped", "column", "z"), ("dropped", "table", "b")]
    assert ("added", "table", "c") in story(catalog, session, "create table c (x)")
    session.connection.execute("savepoint s")
    assert story(catalog, session, "alter table c rename to d") == [("renamed", "table", "c")]
    assert story(catalog, session, "rollback to s") == [("renamed", "table", "d")]
    catalog.sources["c"] = {"new": "x"}
    begun = ("create table _alembic_tmp_c (new)", "insert into _alembic_tmp_c (new) select c.x from c")
    assert story(catalog, session, *begun) == []
    assert story(catalog, session, "drop table c") == [("renamed", "column", "x")]
    assert story(catalog, session, "alter table _alembic_tmp_c rename to c") == []
    assert list(catalog.copies.values()) == [1]
    session.close()
