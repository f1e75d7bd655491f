"""What a SQL seed's statements are, what they touch, what they may destroy and what none may do."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.errors import LockgateError, Refused, UsageError
from lockgate.seeds.facts import Statement
from lockgate.seeds.grammar import Grammar
from lockgate.seeds.script import parts
from lockgate.seeds.statements import has_parser, statements

POSTGRES, SQLITE = Grammar.POSTGRES, Grammar.SQLITE
needs_parser = pytest.mark.skipif(not has_parser(), reason="postgast is not installed")


def read(text: str, grammar: Grammar = POSTGRES) -> list[Statement]:
    return list(statements(text, grammar, "s.sql"))


def one(text: str, grammar: Grammar = POSTGRES) -> Statement:
    (found,) = read(text, grammar)
    return found


@pytest.fixture(params=["tree", "words"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of reading PostgreSQL: by its grammar, and without it."""
    if request.param == "words":
        monkeypatch.setitem(sys.modules, "postgast", None)
    elif not has_parser():
        pytest.skip("postgast is not installed")
    return str(request.param)


# Statement, kind, tables, verdict: "" is fine, `D` destructive, `F` forbidden.
BOTH = [
    ("insert into t (a) values (1)", "insert", "t", ""),
    ("insert into s.t values (1) on conflict (a) do update set a = excluded.a", "insert", "s.t", ""),
    ("insert into t select * from u join v using (a)", "insert", "t u v", ""),
    ('insert into "规模明细" values (1)', "insert", "规模明细", ""),
    ("insert into 规模明细 values (1)", "insert", "规模明细", ""),
    ("update t set a = 1 where b = 2", "update", "t", ""),
    ("update t set a = 1", "update", "t", "D"),
    ("update t set a = (select b from u where c = 1)", "update", "t u", "D"),
    ("update t set a = 1 where true", "update", "t", "D"),
    ("delete from t where a = 1", "delete", "t", ""),
    ("delete from t", "delete", "t", "D"),
    ("delete from t where 1 = 1", "delete", "t", "D"),
    ("with x as (delete from t returning a) select * from x", "select", "t", "D"),
    ("with x as (delete from t where a = 1 returning a) insert into u select * from x", "insert", "t u", ""),
    ("explain analyze delete from t", "other", "t", "D"),
    ("select a from t for update", "select", "t", ""),
    ("select setval('t_id_seq', 10)", "select", "", ""),
    ("truncate t", "truncate", "t", "D"),
    ("truncate table only t, u", "truncate", None, "D"),
    ("drop table t", "drop", "t", "D"),
    ("drop table if exists s.t", "drop", "s.t", "D"),
    ("alter table t add column b int", "alter", "t", "D"),
    ("create table t (a int)", "create", "t", ""),
    ("create index i on t (a)", "create", "t", ""),
    ("create index concurrently i on t (a)", "create", "t", "D"),
    ("create or replace view v as select 1", "create", None, "D"),
    ("create function f() returns int language sql as 'select 1'", "create", None, "D"),
    ("create function f() returns int language c as 'x', 'y'", "create", None, "F"),
    ("create function f() returns int language plpython3u as 'x'", "create", None, "F"),
    ("create trigger g after insert on t for each row execute function f()", "create", None, "D"),
    ("create database d", "create", None, None),
    ("create extension hstore", "create", "", "F"),
    ("create role r", "create", "", "F"),
    ("alter role r superuser", "alter", "", "F"),
    ("drop role r", "drop", None, "F"),
    ("alter system set work_mem = '1GB'", "alter", "", "F"),
    ("load 'x'", "other", "", "F"),
    ("discard all", "other", "", "F"),
    ("vacuum t", "other", None, "D"),
    ("begin", "other", "", "D"),
    ("commit", "other", "", "D"),
    ("savepoint x", "other", "", "D"),
    ("set transaction isolation level serializable", "set", "", "D"),
    ("set search_path = s, public", "set", "", ""),
    ("set search_path = s, lockgate", "set", "", "F"),
    ("set role postgres", "set", "", "F"),
    ("set local role postgres", "set", "", "F"),
    ("set session authorization postgres", "set", "", "F"),
    ('set "role" to postgres', "set", "", "F"),
    ("reset role", "set", "", "F"),
    ("reset all", "set", "", "D"),
    ("set session_replication_role = replica", "set", "", "D"),
    ("set statement_timeout = 0", "set", "", ""),
    ("set client_encoding = 'UTF8'", "set", "", ""),
    ("set client_encoding = 'SJIS'", "set", "", "F"),
    ("set standard_conforming_strings = on", "set", "", ""),
    ("set standard_conforming_strings = off", "set", "", "F"),
    ("select pg_catalog.set_config('search_path', '', false)", "select", "", ""),
    ("select set_config('role', 'x', false)", "select", "", "F"),
    ("select set_config('ro' || 'le', 'x', false)", "select", "", "F"),
    ("copy t from '/etc/passwd'", "copy", "t", "F"),
    ("copy t to '/tmp/x'", "copy", "t", "F"),
    ("copy t to stdout", "copy", "t", "F"),
    ("copy t from program 'id'", "copy", "t", "F"),
    ("copy (select 1) to program 'id'", "copy", "", "F"),
    ("select dblink('x', 'y')", "select", "", "F"),
    ("select * from dblink_exec('x', 'y')", "select", None, "F"),
    ("insert into t select public.dblink('x')", "insert", "t", "F"),
    ("insert into t values (1 + length(pg_read_file('x')))", "insert", "t", "F"),
    ("update t set a = 1 where b = (select pg_ls_dir('x') limit 1)", "update", "t", "F"),
    ("select \"pg_read_file\"('x')", "select", "", "F"),
    ("select lo_import('/etc/passwd')", "select", "", "F"),
    ("select lo_export(1, '/tmp/x')", "select", "", "F"),
    ("select pg_advisory_unlock_all()", "select", "", "F"),
    ("select query_to_xml('delete from t', true, true, '')", "select", "", "F"),
    ("insert into lockgate.marker values (1)", "insert", "lockgate.marker", "F"),
    ('update "lockgate".marker set a = 1 where b = 2', "update", "lockgate.marker", "F"),
    ("delete from lockgate_ledger where a = 1", "delete", "lockgate_ledger", "F"),
    ("update alembic_version set version_num = 'x' where version_num = 'y'", "update", "alembic_version", "F"),
    ("insert into t select version_num from alembic_version", "insert", "t alembic_version", ""),
    ("create view v as select * from lockgate.marker", "create", None, "F"),
    ("drop schema lockgate cascade", "drop", None, "F"),
    ("alter schema lockgate rename to x", "alter", None, "F"),
    ("update pg_settings set setting = 'x' where name = 'role'", "update", "pg_settings", "F"),
    ("do $$ begin delete from t; end $$", "do", "", "D"),
    ("do $$ begin perform dblink('x'); end $$", "do", "", "F"),
    ("do $$ begin copy t from program 'id'; end $$", "do", "", "F"),
    ("do $$ begin set role postgres; end $$", "do", "", "F"),
    ("do language plpython3u $$ import os $$", "do", "", "F"),
    ("call p()", "other", None, "D"),
    ("grant all on t to public", "other", None, "D"),
    ("comment on table t is 'x'", "other", None, ""),
    ("insert into t values ('delete from t; drop table t; -- '' \\')", "insert", "t", ""),
    ("insert into t values ($x$it's; drop table u$x$)", "insert", "t", ""),
]


def verdict(found: Statement) -> str:
    return "F" if found.forbidden else "D" if found.destructive else ""


@pytest.mark.parametrize("text, kind, tables, expected", BOTH, ids=[case[0][:60] for case in BOTH])
def test_statements_of_postgresql(reader: str, text: str, kind: str, tables: str | None, expected: str | None) -> None:
    """With the grammar and without it: the words may say worse, never better."""
    found = one(text)
    assert found.kind == kind
    if expected is not None:
        assert verdict(found) == expected, (found.destructive, found.forbidden)
    if tables is not None:
        assert {str(table) for table in found.tables} == set(tables.split())


TREE_ONLY = [
    ("merge into t using u on t.a = u.a when matched then delete", "D"),
    ("merge into t using u on t.a = u.a when matched then update set b = 1", ""),
    ("prepare x as delete from t", "D"),
    ("create database d", "D"),
    ("select U&\"dblin\\006B\"('x')", "F"),
    ("select E'a'\n'b'", ""),
    ("select E'a'\n'\\'', pg_read_file($$x$$) --'", "F"),
    ("create table lockgate.x (a int)", "F"),
    ("create rule r as on insert to t do also delete from u", "D"),
    ("create cast (text as int) with function dblink(text)", "F"),
    ("create function f() returns int language sql begin atomic delete from t; select 1; end", "D"),
    ("create function f() returns int language sql set role = 'x' as 'select 1'", "F"),
    ("comment on schema lockgate is 'x'", "F"),
    ("grant all on schema lockgate to public", "F"),
    ("select * into x from y", ""),
    ("reindex table t", "D"),
    ("create subscription s connection 'x' publication p", "F"),
    ("select aws_s3.table_import_from_s3('x')", "F"),
    ("refresh materialized view m", ""),
    ("notify x", ""),
    ("drop index i", "D"),
    ("set time zone 'UTC'", ""),
    ("set names 'latin1'", "F"),
    ("delete from t where current of c", ""),
    ("select 1" + " + 1" * 400, ""),
    ("select pg_read_file('x')" + " || 'x'" * 400, "F"),
    ("delete from t where true" + " and true = (true" * 200 + ")" * 200, "D"),
]


@needs_parser
@pytest.mark.parametrize("text, expected", TREE_ONLY, ids=[case[0][:60] for case in TREE_ONLY])
def test_what_only_the_grammar_can_tell(text: str, expected: str) -> None:
    """Everything, wherever it stands inside the statement."""
    found = one(text)
    assert verdict(found) == expected, (found.destructive, found.forbidden)


@pytest.mark.parametrize("text", [text for text, expected in TREE_ONLY if expected == "F"])
def test_without_the_grammar_what_is_forbidden_does_not_become_harmless(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Words that cannot tell say no."""
    monkeypatch.setitem(sys.modules, "postgast", None)
    assert verdict(one(text)) in ("D", "F")


SQLITE_CASES = [
    ("insert into t values (1)", "insert", ""),
    ("insert or replace into t values (1)", "insert", ""),
    ("replace into [my t] values (1)", "insert", ""),
    ("insert into t values (1) on conflict do update set a = 1", "insert", ""),
    ("update or ignore t set a = 1 where b = 2", "update", ""),
    ("update t set a = 1", "update", "D"),
    ("delete from t", "delete", "D"),
    ("delete from `t` where a = 1", "delete", ""),
    ("delete from t where 1", "delete", "D"),
    ("delete from sqlite_sequence where name = 't'", "delete", ""),
    ("update sqlite_master set sql = 'x' where name = 't'", "update", "F"),
    ("drop table t", "drop", "D"),
    ("alter table t rename to u", "alter", "D"),
    ("create table role (a, user)", "create", ""),
    ("create virtual table v using fts5(a)", "create", "D"),
    ("create trigger g after insert on t begin delete from u where a = new.a; update u set b = case when 1 then 2 end; end", "create", "D"),
    ("attach 'x.db' as y", "other", "F"),
    ("detach y", "other", "F"),
    ("pragma writable_schema = on", "other", "F"),
    ("pragma main.journal_mode = off", "other", "F"),
    ("pragma foreign_keys = off", "other", "F"),
    ("pragma table_info(t)", "other", ""),
    ("pragma main.table_info(t)", "other", ""),
    ("select load_extension('x')", "select", "F"),
    ("select \"load_extension\"('x')", "select", "F"),
    ("select writefile('x', 'y')", "select", "F"),
    ("vacuum", "other", "D"),
    ("vacuum into 'x'", "other", "F"),
    ("begin immediate", "other", "D"),
    ("end", "other", "D"),
    ("reindex", "other", "D"),
    ("insert into lockgate_marker values (1)", "insert", "F"),
    ("insert into main.lockgate_marker values (1)", "insert", "F"),
    ("delete from [alembic_version] where 1 = a", "delete", "F"),
    ("insert into t values ('it''s \\', \"x\")", "insert", ""),
]


@pytest.mark.parametrize("text, kind, expected", SQLITE_CASES, ids=[case[0][:60] for case in SQLITE_CASES])
def test_statements_of_sqlite(text: str, kind: str, expected: str) -> None:
    """By their words; every doubt counts against the statement."""
    found = one(text, SQLITE)
    assert (found.kind, verdict(found)) == (kind, expected), (found.destructive, found.forbidden)


def test_writes_come_first_and_are_known() -> None:
    """The proof of idempotency looks at them."""
    found = one("insert into s.t select * from u", SQLITE)
    assert [str(table) for table in found.tables] == ["s.t", "u"]
    assert [str(table) for table in found.writes] == ["s.t"]


@pytest.mark.parametrize("text", ["begin", "commit", "vacuum", "create index concurrently i on t (a)", "rollback to savepoint x"])
def test_what_leaves_the_transaction_is_marked(reader: str, text: str) -> None:
    """The run cannot undo it, whatever the seed says."""
    assert one(text).leaves_transaction
    assert not one("insert into t values (1)").leaves_transaction


DUMP = """\
-- a dump
\\restrict abc
SET statement_timeout = 0;
/* nested /* comment; */ */ INSERT INTO t VALUES ('a;b', $$c;d$$);

COPY public.t (a, b) FROM stdin;
1\tdrop table t;
2\t\\N
\\.

select 1
\\unrestrict abc
"""


def test_a_dump_is_split_where_its_statements_end(reader: str) -> None:
    """Data of a COPY are no SQL."""
    found = read(DUMP)
    assert [(item.line, item.kind) for item in found] == [(3, "set"), (4, "insert"), (6, "copy"), (11, "select")]
    assert found[2].data == "1\tdrop table t;\n2\t\\N\n"
    assert found[2].text == "COPY public.t (a, b) FROM stdin"
    assert not any(item.forbidden or item.destructive for item in found)


@pytest.mark.parametrize("command", ["\\i other.sql", "\\copy t from 'x'", "\\! id", "  \\gexec", "select 1 \\gexec", "\\restrictx y"])
def test_commands_of_psql_are_refused_with_their_line(reader: str, command: str) -> None:
    """They would run on the client's machine."""
    with pytest.raises(Refused) as caught:
        read(f"select 1;\n{command}\n")
    assert (caught.value.code, caught.value.where) == ("seed-forbidden", "s.sql:2")


@pytest.mark.parametrize(
    "text, line",
    [("select 1;\nselect 'a\n", 2), ("select 1;\n\n/* x", 3), ("select $$x", 1), ('select "x', 1), ("select 1;\nselect E'\\'", 2)],
)
def test_what_is_never_closed_is_told_with_its_line(text: str, line: int) -> None:
    """What follows would be swallowed."""
    with pytest.raises(UsageError) as caught:
        read(text)
    assert (caught.value.code, caught.value.where) == ("seed-file", f"s.sql:{line}")


@needs_parser
@pytest.mark.parametrize("text, line", [("select 1;\nselec 2;", 2), ("select 1;\nselect\n\n1 from from t;", 4)])
def test_what_is_no_sql_is_told_with_its_line(text: str, line: int) -> None:
    """The line of the word at fault, not of the statement."""
    with pytest.raises(UsageError) as caught:
        read(text)
    assert (caught.value.code, caught.value.where) == ("seed-file", f"s.sql:{line}")


@needs_parser
def test_a_copy_that_only_looks_like_one_swallows_nothing() -> None:
    """`stdin` may be a table."""
    found = read("copy (select * from stdin) to stdout;\ndrop table t;\n")
    assert [item.kind for item in found] == ["copy", "drop"]


def test_a_trigger_of_sqlite_stays_in_one_piece() -> None:
    """Its body has semicolons."""
    text = "create trigger g after insert on t begin select case when 1 then 2 end; select 3; end; select 4;"
    assert [item.kind for item in read(text, SQLITE)] == ["create", "select"]


def test_a_body_of_begin_atomic_stays_in_one_piece(reader: str) -> None:
    """So has PostgreSQL's."""
    text = "create function f() returns int begin atomic select case when true then 1 end; select 2; end; select 4;"
    assert [item.kind for item in read(text)] == ["create", "select"]


def test_an_empty_script_has_no_statements(reader: str) -> None:
    """Nor have comments and semicolons."""
    assert read("") == read(" ;; -- x\n/* y */;\n") == []


def test_line_ends_of_windows_are_kept_in_values() -> None:
    """A value is a value."""
    assert one("insert into t values ('a\r\nb');\r\n", SQLITE).text == "insert into t values ('a\r\nb')"


LITERALS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)


@given(st.lists(LITERALS, min_size=1, max_size=5), st.sampled_from([POSTGRES, SQLITE]))
def test_no_literal_can_end_a_statement(values: list[str], grammar: Grammar) -> None:
    """Every text in quotes stays where it is."""
    texts = ["insert into t values ('" + value.replace("'", "''") + "')" for value in values]
    assert [part.text for part in parts(";\n".join(texts), grammar)] == texts


@needs_parser
@given(st.text(st.sampled_from("ab'\"$;-/*\\(E \n"), max_size=20))
def test_nothing_is_lost_between_our_splitting_and_the_grammar(text: str) -> None:
    """Whatever is accepted has as many statements as the grammar finds in the whole."""
    import postgast

    try:
        found = read(text)
    except LockgateError:
        return
    if not any(item.forbidden for item in found):
        assert len(found) == len(postgast.parse(text).stmts)
