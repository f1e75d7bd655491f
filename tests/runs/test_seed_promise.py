"""What a seed promises, where it is easy to break: settings that change, scripts that find their rows in place, clocks, parents."""

from __future__ import annotations

import gzip

import pytest
from building import Tiny
from seeding import Seeding, seeding

from lockgate.secret import DatabaseUrl

T = 'name = "t"\nfile = "seeds/t.csv"'
SCRIPT = 'name = "t"\nfile = "seeds/t.sql"'
PAIRS = "create table t (id integer primary key, v text)"
PARENTS = ("create table p (id integer primary key)", "create table t (id integer primary key, p integer references p (id))")


def test_an_identity_that_the_server_guards_does_not_stop_an_update_of_its_row(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """PostgreSQL takes no UPDATE of a GENERATED ALWAYS column, not even to the value that it has."""
    bench = seeding(project, postgres_url, "create table t (id integer generated always as identity primary key, code text not null unique, v text)")
    bench.seeds(f'{T}\nkey = ["code"]').write("seeds/t.csv", "id,code,v\n1,a,x\n2,b,y\n")
    bench.seed()
    bench.write("seeds/t.csv", "id,code,v\n1,a,x\n2,b,z\n3,c,w\n")
    assert bench.done()[0]["counts"] == {"new": 1, "changed": 1, "equal": 1, "unknown": 0}
    assert bench.database.query("select * from t order by id") == [(1, "a", "x"), (2, "b", "z"), (3, "c", "w")]
    assert bench.database.query("insert into t (code) values ('next') returning id") == [(4,)]
    bench.write("seeds/t.csv", "id,code,v\n9,a,x\n")
    bench.refused(1, "seed-failed", 'column "id" can only be updated to DEFAULT')


@pytest.mark.parametrize("how", ["", " deferrable initially deferred"])
@pytest.mark.parametrize("filled", [False, True])
def test_a_row_without_its_parent_is_named_with_its_line(project: Tiny, database_url: DatabaseUrl, how: str, filled: bool) -> None:
    """A deferred key complains at the commit, SQLite never: the user must be told the same."""
    bench = seeding(project, database_url, PARENTS[0], PARENTS[1].replace("(id))", f"(id){how})")).seeds(T)
    bench.database.query("insert into p values (1)")
    if filled:
        bench.database.query("insert into t values (7, 1)")
    bench.write("seeds/t.csv", "id,p\n1,1\n2,\n3,5\n")
    bench.refused(1, "seed-failed", "p = 5 is not in `", "seeds/t.csv:4")
    bench.seeds(f'{T}\nsensitive = ["p"]')
    assert "p = 5" not in bench.refused(1, "seed-failed", "p = *** is not in", "seeds/t.csv:4")


def test_rows_may_refer_to_rows_further_down(project: Tiny, database_url: DatabaseUrl) -> None:
    """A table that refers to itself, loaded at once and added to later."""
    bench = seeding(project, database_url, "create table t (id integer primary key, parent integer references t (id))").seeds(T)
    bench.write("seeds/t.csv", "id,parent\n1,2\n2,\n")
    assert bench.hows() == ["loaded"]
    bench.write("seeds/t.csv", "id,parent\n1,2\n2,\n3,4\n4,1\n")
    assert bench.hows() == ["loaded"]
    bench.write("seeds/t.csv", "id,parent\n1,2\n2,\n3,4\n4,1\n5,6\n")
    bench.refused(1, "seed-failed", "parent = 6 is not in `", "seeds/t.csv:6")


def test_a_row_that_others_refer_to_is_not_deleted_under_them(project: Tiny, database_url: DatabaseUrl) -> None:
    """SQLite leaves the children behind, and says nothing."""
    bench = seeding(project, database_url, *PARENTS).seeds('name = "p"\nfile = "seeds/p.csv"\nunknown_rows = "delete"')
    bench.database.query("insert into p values (1), (2)")
    bench.database.query("insert into t values (1, 2)")
    bench.write("seeds/p.csv", "id\n1\n")
    bench.refused(1, "seed-failed", "seeds/p.csv", CONFIRM_ENV="dev")


def test_a_script_leaves_no_row_without_its_parent(project: Tiny, database_url: DatabaseUrl) -> None:
    """On SQLite nobody else would notice."""
    bench = seeding(project, database_url, PARENTS[0], PARENTS[1].replace("(id))", "(id) deferrable initially deferred)")).seeds(SCRIPT)
    bench.write("seeds/t.sql", "insert into t values (1, 99) on conflict do nothing;")
    bench.refused(1, "seed-failed", "seeds/t.sql")


def test_a_script_may_rely_on_deferred_keys_in_both_of_its_runs(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """Two tables that refer to each other: only a script can fill them, and the proof must not forbid it."""
    deferred = "deferrable initially deferred"
    tables = ("create table a (id integer primary key, b integer)", f"create table b (id integer primary key, a integer references a {deferred})")
    bench = seeding(project, postgres_url, *tables, f"alter table a add foreign key (b) references b {deferred}").seeds(SCRIPT)
    rows = "delete from a where id = 1; delete from b where id = 1; insert into a values (1, 1); insert into b values (1, 1);"
    bench.write("seeds/t.sql", rows)
    assert bench.hows() == ["loaded"]
    assert bench.hows() == ["nothing to do"]
    bench.write("seeds/t.sql", rows.replace("b values (1, 1)", "b values (1, 2)"))
    bench.refused(1, "seed-failed", "foreign key", "seeds/t.sql")


def test_columns_are_taken_by_the_header_and_must_be_those_of_the_settings(project: Tiny, database_url: DatabaseUrl) -> None:
    """Two columns of text in another order would be swapped without a word."""
    bench = seeding(project, database_url, "create table t (a text primary key not null, b text)").seeds(f'{T}\ncolumns = ["a", "b"]')
    bench.write("seeds/t.csv", "b,a\nof b,of a\n")
    bench.seed()
    assert bench.database.query("select a, b from t") == [("of a", "of b")]
    for header, said in (("a,b,c", "the header has `c`"), ("a", "the header lacks `b`"), ("a,x", "the header lacks `b`")):
        bench.write("seeds/t.csv", f"{header}\n1{',2' * header.count(',')}\n")
        bench.refused(2, "seed-file", said, "seeds/t.csv:1")


def test_a_packed_file_that_is_damaged_is_an_error_of_the_file(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """A download that broke off is no bug of lockgate."""
    bench = seeding(project, sqlite_url, PAIRS).seeds('name = "t"\nfile = "seeds/t.csv.gz"')
    path = bench.write("seeds/t.csv.gz", "id,v\n" + "".join(f"{n},some text {n * 7919}\n" for n in range(5000)))
    whole = path.read_bytes()
    for broken, said in ((b"no gzip at all", "not packed by gzip"), (whole[:-2000], "ends too early"), (whole[:99] + b"xx" * 99, "damaged")):
        path.write_bytes(broken)
        bench.refused(2, "seed-file", said, "seeds/t.csv.gz")
    path.write_bytes(gzip.compress(b"id,v\n1,a\n"))
    assert bench.hows() == ["loaded"]


def test_another_encoding_or_table_makes_another_promise_of_the_same_file(project: Tiny, database_url: DatabaseUrl) -> None:
    """`--if-changed` trusts the file, not settings that it has never seen."""
    bench = seeding(project, database_url, PAIRS, PAIRS.replace(" t ", " u "))
    bench.seeds(f'{T}\nencoding = "latin-1"').write("seeds/t.csv", "id,v\n1,€\n".encode("cp1252"))
    bench.seed()
    assert bench.seeds(f'{T}\nencoding = "cp1252"').hows("--if-changed") == ["loaded"]
    assert bench.database.query("select v from t") == [("€",)]
    assert bench.seeds(f'{T}\nencoding = "cp1252"\ntable = "u"').hows("--if-changed") == ["loaded"]
    assert bench.database.query("select v from u") == [("€",)]


def test_a_script_that_found_its_rows_in_place_promises_them_all_the_same(project: Tiny, database_url: DatabaseUrl) -> None:
    """It changed nothing when it ran; a row that goes later must come back."""
    bench = seeding(project, database_url, PAIRS).seeds(SCRIPT)
    bench.database.query("insert into t values (1, 'a')")
    bench.write("seeds/t.sql", "insert into t values (1, 'a') on conflict do nothing;")
    assert bench.hows() == ["nothing to do"]
    bench.write("seeds/t.sql", "-- again\ninsert into t values (1, 'a') on conflict do nothing;")
    assert bench.hows() == ["nothing to do"]
    bench.database.query("delete from t")
    assert bench.hows() == ["loaded"]
    assert bench.database.query("select * from t") == [(1, "a")]


def test_settings_of_one_script_are_not_those_of_the_next_seed(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """A `search_path` would lead the next file into a table of the same name."""
    other = "create table other.t (id integer primary key, v text)"
    bench = seeding(project, postgres_url, PAIRS, "create schema other", other).seeds(
        'name = "first"\nfile = "seeds/first.sql"', f'{T}\ndepends_on = ["first"]'
    )
    bench.write("seeds/first.sql", "set search_path = other; insert into t values (1, 'other') on conflict do nothing;")
    bench.write("seeds/t.csv", "id,v\n2,mine\n")
    bench.seed()
    assert bench.database.query("select v from public.t") == [("mine",)]
    assert bench.database.query("select v from other.t") == [("other",)]


AGAIN = {
    "a time": ("", "insert into t (id, at) values (1, {now}) on conflict (id) do update set at = excluded.at;", "insert into t"),
    "a time as text": ("", "insert into t (id, v) values (1, {now}) on conflict (id) do update set v = excluded.v;", "insert into t"),
    "a default time": ("", "delete from t where id = 1;\ninsert into t (id) values (1);", "insert into t (id) values"),
    "a sequence": ("", "insert into t (v) values ('x');\nupdate t set v = 'y' where v = 'y';", "insert into t (v)"),
    "a sum": ("", "insert into t (id, n) values (1, 1) on conflict (id) do nothing;\nupdate t set n = n + 1 where id = 1;", "update t set n"),
    "a random number": ("", "delete from t where id = 1;\nselect 1;\ninsert into t (id, v) values (1, random());", "insert into t (id, v)"),
    "a trigger elsewhere": ("audit", "insert into t (id, v) values (1, 'x') on conflict (id) do update set v = excluded.v;", "insert into t"),
}


def clocked(project: Tiny, url: DatabaseUrl, *more: str) -> Seeding:
    """A table with a column that has the time by default."""
    key = "integer primary key" if url.backend == "sqlite" else "serial primary key"
    at = "text default current_timestamp" if url.backend == "sqlite" else "timestamptz default now()"
    return seeding(project, url, f"create table t (id {key}, v text, n integer, at {at})", *more).seeds(SCRIPT)


def trigger(url: DatabaseUrl, moment: str, action: str) -> list[str]:
    """A trigger on `t`, for each of its rows."""
    if url.backend == "sqlite":
        return [f"create trigger g {moment} on t begin {action}; end"]
    body = f"create function f() returns trigger language plpgsql as $$ begin {action}; return new; end $$"
    return [body, f"create trigger g {moment} on t for each row execute function f()"]


@pytest.mark.parametrize("case", AGAIN)
def test_what_a_script_writes_anew_each_time_is_found_and_its_statement_named(project: Tiny, database_url: DatabaseUrl, case: str) -> None:
    """The time is the same all through a transaction, and is another one tomorrow."""
    kind, script, culprit = AGAIN[case]
    log = ["create table log (what text)", *trigger(database_url, "after update", "insert into log values (new.v)")] if kind else []
    bench = clocked(project, database_url, *log)
    now = "datetime('now')" if database_url.backend == "sqlite" else "now()"
    bench.write("seeds/t.sql", f"-- a comment\n{script.format(now=now)}")
    said = bench.refused(3, "seed-not-idempotent", "log" if kind else "t`")
    shown = said.partition("seeds/t.sql:")[2].partition("\n")[0]
    assert culprit in shown
    line = next(number for number, text in enumerate(script.splitlines(), 2) if culprit in text)
    assert shown.startswith(f"{line}: ")


@pytest.mark.parametrize(
    "script",
    [
        "insert into t (id, v) values (1, 'x') on conflict (id) do update set v = excluded.v;",
        "insert into t (id, at) values (1, {now}) on conflict (id) do nothing;",
        "insert into t (id, v, at) values (1, 'x', {now}) on conflict (id) do update set v = excluded.v where t.v <> excluded.v;",
        "insert into t (id, at) values (1, '2020-02-02 02:02:02') on conflict (id) do update set at = excluded.at;",
    ],
)
def test_a_time_that_is_only_set_for_a_new_row_is_no_fault(project: Tiny, database_url: DatabaseUrl, script: str) -> None:
    """`created_at` is how it should be; what was written is the true time, and the ledger has it as well."""
    bench = clocked(project, database_url)
    bench.write("seeds/t.sql", script.format(now="datetime('now')" if database_url.backend == "sqlite" else "now()"))
    assert bench.hows() == ["loaded"]
    recent = "at <= datetime('now') and (at > datetime('now', '-5 minutes') or at like '2020%')"
    now = recent if database_url.backend == "sqlite" else "at <= now() and (at > now() - interval '5 minutes' or at = '2020-02-02 02:02:02')"
    assert bench.database.query(f"select count(*) from t where {now}") == [(1,)]
    before = bench.database.picture()
    assert bench.hows() == ["nothing to do"]
    assert bench.database.picture() == before


def test_a_trigger_that_stamps_every_update_is_found_where_the_script_updates_each_time(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """Each seeding would touch `updated_at` of every row."""
    bench = clocked(project, postgres_url, *trigger(postgres_url, "before insert or update", "new.at := now()"))
    bench.write("seeds/t.sql", "insert into t (id, v) values (1, 'x') on conflict (id) do update set v = excluded.v;")
    bench.refused(3, "seed-not-idempotent", "seeds/t.sql:1", "insert into t")
    bench.write("seeds/t.sql", "insert into t (id, v) values (1, 'x') on conflict (id) do update set v = excluded.v where t.v is distinct from excluded.v;")
    assert bench.hows() == ["loaded"]
