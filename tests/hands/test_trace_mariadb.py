"""The cheapest way in which MariaDB does an ALTER, asked of the server; and what must not be said to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pymysql
import pytest
from building import pymysql_connection
from maria import Maria

from lockgate.dialects.mysql.trace_jail import elsewhere
from lockgate.dialects.mysql.trace_probe import DatabaseStory, MysqlProbe
from lockgate.hazards.picture import Origin
from lockgate.hazards.reading import Reading, read_log

TABLE = """create table t (id int auto_increment primary key, name varchar(50), long_name varchar(200), age int, kind enum('a', 'b'), body text,
 parent int, key ix_parent (parent)) engine = InnoDB default charset = utf8mb4"""
# Operation, the way, what others wait with, how the table is written anew.
SHARED, ONLINE = "ShareLock", "ShareUpdateExclusiveLock"
WAYS = {
    "add column": ("alter table t add column x int not null default 1", "ALGORITHM=INSTANT", ONLINE, ""),
    "drop column": ("alter table t drop column age", "ALGORITHM=INSTANT", ONLINE, ""),
    "rename column": ("ALTER TABLE `t` CHANGE age years int", "ALGORITHM=INSTANT", ONLINE, ""),
    "rename table": ("alter table t rename to u", "ALGORITHM=INSTANT", ONLINE, ""),
    "longer text": ("alter table t modify name varchar(60)", "ALGORITHM=INSTANT", ONLINE, ""),
    "enum value at the end": ("alter table t modify kind enum('a', 'b', 'c')", "ALGORITHM=INSTANT", ONLINE, ""),
    "virtual column": ("alter table t add column v int as (age + 1) virtual", "ALGORITHM=INSTANT", ONLINE, ""),
    "default": ("alter table t alter column age set default 7;", "ALGORITHM=INSTANT", ONLINE, ""),
    "index": ("create index ix_age on t (age)", "ALGORITHM=NOCOPY LOCK=NONE", ONLINE, ""),
    "unique": ("alter table t add constraint ux unique (name)", "ALGORITHM=NOCOPY, LOCK=NONE", ONLINE, ""),
    "drop index": ("drop index ix_parent on t", "ALGORITHM=NOCOPY, LOCK=NONE", ONLINE, ""),
    "not null": ("alter table t modify age int not null", "ALGORITHM=INPLACE, LOCK=NONE", ONLINE, "in place"),
    "fulltext": ("create fulltext index ix_body on t (body)", "ALGORITHM=INPLACE LOCK=SHARED", SHARED, "in place, writers wait"),
    "wider integer": ("alter table t modify age bigint", "ALGORITHM=COPY, LOCK=SHARED", SHARED, "copy"),
    "text past 255 bytes": ("alter table t modify name varchar(100)", "ALGORITHM=COPY, LOCK=SHARED", SHARED, "copy"),
    "shorter text": ("alter table t modify name varchar(20)", "ALGORITHM=COPY, LOCK=SHARED", SHARED, "copy"),
    "enum in another order": ("alter table t modify kind enum('b', 'a')", "ALGORITHM=COPY, LOCK=SHARED", SHARED, "copy"),
    "default that is computed": ("alter table t add column u char(36) default (uuid())", "ALGORITHM=COPY, LOCK=SHARED", SHARED, "copy"),
    "foreign key": ("alter table t add foreign key (parent) references t (id)", "ALGORITHM=COPY, LOCK=SHARED", SHARED, "copy"),
    "check": ("alter table t add constraint positive check (age > 0)", "ALGORITHM=COPY, LOCK=SHARED", SHARED, "copy"),
    "character set": ("alter table t convert to character set latin1", "ALGORITHM=COPY, LOCK=SHARED", SHARED, "copy"),
    "stored column": ("alter table t add column s int as (age + 1) stored", "ALGORITHM=COPY, LOCK=SHARED", SHARED, "copy"),
    "no primary key": ("alter table t modify id int, drop primary key", "ALGORITHM=COPY, LOCK=SHARED", SHARED, "copy"),
}


@pytest.fixture(scope="module")
def connection(mariadb_server: Maria) -> Iterator[pymysql.Connection[Any]]:
    """One connection to a database that looks like a plan's copy, for all operations."""
    mariadb_server.run("create database ways")
    with closing(pymysql_connection(mariadb_server.url("ways"))) as found:
        found.cursor().execute("create table lockgate_setting (name varchar(100) primary key, value text)")
        found.cursor().execute("insert into lockgate_setting values ('plan_of', 'app')")
        found.commit()
        yield found
    mariadb_server.drop("ways")


@pytest.mark.parametrize("operation", WAYS)
def test_the_cheapest_way_is_told(connection: pymysql.Connection[Any], operation: str) -> None:
    """Whether writers wait for a second or an hour hangs on this alone, and no manual of one version says it for another."""
    sql, way, mode, reason = WAYS[operation]
    cursor, said, story = connection.cursor(), list[str](), DatabaseStory()
    cursor.execute(TABLE)
    try:
        story.say = said.append
        story.hear(sql)
        probe = MysqlProbe(connection, story)
        _, bare, _ = probe.begin(False)
        before = probe.moment()
        probe.run(cursor.execute, sql)
        log = read_log(probe.end())
        reading = Reading(Origin(before.picture), before, probe.moment(), log, "ALTER TABLE", bare)
        assert said == [way]
        assert [(lock.relation.original, lock.strongest) for lock in reading.locks()] == [("app.t", mode)]
        assert [rewrite.reason for rewrite in reading.rewrites()] == ([reason] if reason else [])
        assert bare
    finally:
        cursor.execute("drop table if exists t, u")


@pytest.mark.parametrize(
    ("sql", "refused"),
    [
        ("alter table app.orders add x int", True),
        ("delete from `app` . orders", True),
        ('insert into "APP".orders values (1)', True),
        ("/* note */ USE app", True),
        ("create or replace user x", True),
        ("set global max_connections = 1", True),
        ("drop database if exists app", True),
        ("prepare s from 'drop table t'", True),
        ("select 1 /*!50000 + 1 */", True),
        ("select 1; use app", True),
        ("begin not atomic execute immediate concat('drop table ap', 'p.t'); end", True),
        ("-- don't\ndrop table app.t -- it's", True),
        ('select "it\'s", `it\'s`, \'app.t\' from app.t', True),
        ("drop table t -- of app.t\n", False),
        ("insert into t values ('see app.orders')", False),
        ("update t set myapp.x = 1", False),
        ("select t.app from t", False),
        ("set session sql_mode = ''", False),
        ("create table reuse (x int)", False),
    ],
)
def test_no_statement_reaches_beyond_the_scratch_database(sql: str, refused: bool) -> None:
    """The copy stands on the target's own server: a qualified name would change the target while it is planned."""
    assert bool(elsewhere(sql, ("app",))) is refused
