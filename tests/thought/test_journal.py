"""The journal's decisions: what a statement is, what the next run does about it, whether a broken one happened."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from lockgate.journal.answer import MOST_ROWS, Answer, from_text, to_text
from lockgate.journal.entry import Entry, Move, digest_of, happened, left_over, move_for
from lockgate.journal.statement import Kind, Statement, Thing, read, temporary_table, written_table

TABLE = Thing("table", "users")


@pytest.mark.parametrize(
    "sql, kind",
    [
        ("select 1", Kind.READ),
        ("(select 1) union (select 2)", Kind.READ),
        ("-- look\n/* first */ SHOW TABLES", Kind.READ),
        ("with a as (select 1) select * from a", Kind.READ),
        ("with a as (select 1) update users set id = 1", Kind.WRITE),
        ("select * from users into outfile '/tmp/x'", Kind.OTHER),
        ("INSERT INTO users VALUES (';')", Kind.WRITE),
        ("replace into users values (1)", Kind.WRITE),
        ("load data local infile 'x' into table users", Kind.WRITE),
        ("create table users (id int)", Kind.DDL),
        ("/*!50003 CREATE*/ /*!50003 TRIGGER t before insert on users for each row set @a = 1 */", Kind.DDL),
        ("create temporary table users (id int)", Kind.SESSION),
        ("set foreign_key_checks = 0", Kind.SESSION),
        ("/*!40101 SET NAMES utf8 */", Kind.SESSION),
        ("set global max_connections = 5", Kind.OTHER),
        ("start transaction", Kind.CONTROL),
        ("rollback to savepoint a", Kind.CONTROL),
        ("call work()", Kind.OTHER),
        ("insert into a values (1); alter table b add c int", Kind.OTHER),
        ("truncate users", Kind.OTHER),
        ("execute prepared", Kind.OTHER),
        ("whatever comes next year", Kind.OTHER),
    ],
)
def test_what_is_not_known_to_stay_in_the_transaction_counts_as_leaving_it(sql: str, kind: Kind) -> None:
    """A row of the journal too many costs nothing; one too few costs a row of data, written twice."""
    assert read(sql).kind is kind


@pytest.mark.parametrize(
    "sql, found",
    [
        ("CREATE TABLE users (\n\tid INTEGER)", Statement(Kind.DDL, (TABLE,))),
        ("create table if not exists `users` (id int)", Statement(Kind.DDL, (TABLE,), again=True)),
        ("ALTER TABLE app.users ADD COLUMN a INTEGER", Statement(Kind.DDL, (Thing("table", "users", "app"),))),
        ("DROP TABLE `a``b`, users", Statement(Kind.DDL, (Thing("table", "a`b"), TABLE), drops=True)),
        ("drop table if exists users", Statement(Kind.DDL, (TABLE,), again=True, drops=True)),
        ("CREATE UNIQUE INDEX a ON users (b)", Statement(Kind.DDL, (TABLE,))),
        ("DROP INDEX a ON `users`", Statement(Kind.DDL, (TABLE,))),
        ("RENAME TABLE users TO people", Statement(Kind.DDL, (TABLE, Thing("table", "people")))),
        ("create or replace view v as select 1", Statement(Kind.DDL, (Thing("view", "v"),), again=True)),
        ("drop view v", Statement(Kind.DDL, (Thing("view", "v"),), drops=True)),
        ("create definer=`a`@`b` trigger t before insert on users for each row set @a = 1", Statement(Kind.DDL, (Thing("trigger", "t"),))),
        ("drop procedure work", Statement(Kind.DDL, (Thing("routine", "work"),), drops=True)),
    ],
)
def test_the_things_of_ddl_are_what_shows_whether_it_happened(sql: str, found: Statement) -> None:
    """Whoever looks at the wrong table runs the statement twice."""
    assert read(sql) == found


@pytest.mark.parametrize(
    "statement, before, now, expected",
    [
        (Statement(Kind.DDL, (TABLE,)), ("a",), ("b",), True),
        (Statement(Kind.DDL, (TABLE,)), ("a",), ("a",), False),
        (Statement(Kind.DDL, (TABLE,)), ("",), ("a",), True),
        (Statement(Kind.DDL, (TABLE, TABLE), drops=True), ("a", "b"), ("", ""), True),
        (Statement(Kind.DDL, (TABLE, TABLE), drops=True), ("a", "b"), ("", "b"), None),
        (Statement(Kind.DDL, (TABLE,), drops=True), ("a",), ("a",), False),
        (Statement(Kind.DDL, (TABLE,), again=True), ("",), ("a",), False),
        (Statement(Kind.OTHER), (), (), None),
        (Statement(Kind.OTHER, again=True), (), (), False),
    ],
)
def test_whether_a_broken_statement_happened_is_said_only_where_it_is_known(
    statement: Statement, before: tuple[str, ...], now: tuple[str, ...], expected: bool | None
) -> None:
    """A guess would run it twice, or leave it out; what cannot be told is asked of a person."""
    assert happened(statement, before, now) is expected


def test_a_statement_that_is_done_is_skipped_and_another_in_its_place_is_refused() -> None:
    """Text and parameters must agree."""
    digest = digest_of("insert into a values (%s)", ("x",))
    done, begun = Entry(1, digest, Kind.WRITE, True, ""), Entry(1, digest, Kind.DDL, False, "")
    assert move_for(None, digest) is Move.RUN
    assert move_for(done, digest) is Move.SKIP
    assert move_for(begun, digest) is Move.EXAMINE
    assert move_for(done, digest_of("insert into a values (%s)", ("y",))) is Move.REFUSE
    assert move_for(Entry(1, digest, Kind.READ, True, ""), digest) is Move.RUN
    assert left_over({1: done, 2: begun}, 2) is None and left_over({1: done, 2: begun}, 1) is begun


def test_answers_come_back_as_they_were() -> None:
    """A resumed revision decides by them."""
    moments = (datetime(2026, 1, 2, 3, 4, 5, 6), datetime(2026, 1, 2, tzinfo=UTC), date(2026, 1, 2), time(1, 2), timedelta(1, 2, 3))
    rows = ((None, True, 1, 1.5, "ä", b"\0\xff", Decimal("1.10")), moments)
    for answer in (Answer((("a", 3),), rows, 2, None), Answer(None, (), 5, 17), Answer(error=("ProgrammingError", 1146, "no such table"))):
        assert from_text(to_text(answer)) == answer
    assert to_text(Answer((("a", 3),), tuple((n,) for n in range(MOST_ROWS + 1)))) == ""
    assert to_text(Answer((("a", 3),), ((object(),),))) == ""


def test_temporary_tables_and_who_writes_them() -> None:
    """They are gone with the connection, so what fills them is run again."""
    assert temporary_table("CREATE TEMPORARY TABLE if not exists `Work` (a int)") == "work"
    assert temporary_table("create table work (a int)") == ""
    assert written_table("insert ignore into app.`Work` select 1") == "work"
    assert written_table("update work set a = 1") == "work" and written_table("delete from work") == "work"
