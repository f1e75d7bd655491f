"""Every way in which a seed can be wrong: what is said, where, and that nothing changed."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from building import SETTINGS, Database, Tiny
from seeding import Seeding, seeding

from lockgate.secret import DatabaseUrl, parse_url

T = 'name = "t"\nfile = "seeds/t.csv"'
HEAD = "id,v,n\n"
MANY = HEAD + "".join(f"{n},text {n},{n}\n" for n in range(1, 6001))
TABLE = "create table t (id integer primary key, v varchar(20) not null, n integer)"


@pytest.fixture(params=["postgresql", "sqlite"])
def bench(project: Tiny, request: pytest.FixtureRequest) -> Seeding:
    """A table with a row of somebody else's, and a seed for it; on PostgreSQL a copy of what `projects/seed_bench` makes."""
    if request.param == "postgresql":
        url = replace(parse_url(request.getfixturevalue("migrated_database")), driver="")
        found = Seeding(project.point("dev", url), Database(url)).seeds(T)
    else:
        found = seeding(project, request.getfixturevalue("sqlite_url"), TABLE, "create table loose (id integer, v text)").seeds(T)
    found.database.query("insert into t values (0, 'there before', 0)")
    return found


# content, exit status, code, what is said beside hint and "changed: nothing"
FILES: dict[str, tuple[str | bytes, int, str, tuple[str, ...]]] = {
    "no header": ("", 2, "seed-file", ("no header", "seeds/t.csv:1")),
    "an empty first line": ("\n", 2, "seed-file", ("empty line", "seeds/t.csv:1")),
    "a column twice": ("id,v,id\n1,a,2\n", 2, "seed-file", ("`id` stands in the header twice", "seeds/t.csv:1")),
    "a column too many": ("id,v,what\n1,a,2\n", 2, "seed-invalid", ("no column `what`", "its columns are id, v, n", "seeds/t.csv")),
    "a header that is SQL": ('id,"v"") ; drop table t; --"\n1,a\n', 2, "seed-invalid", ('no column `v") ; drop table t; --`', "seeds/t.csv")),
    "a header with another delimiter": ("id;v;n\n1;a;2\n", 2, "seed-file", ("one single name", "seeds/t.csv:1", "`,`")),
    "no key": ("v,n\na,1\n", 2, "seed-invalid", ("no primary or unique key", "seeds/t.csv")),
    "too many fields in line 4711": (MANY.replace("4710,text 4710,", "4710,text 4710,,"), 2, "seed-file", ("too many fields", "seeds/t.csv:4711")),
    "too few fields in line 4711": (MANY.replace("4710,text 4710,", "4710,text 4710 "), 2, "seed-file", ("too few fields", "seeds/t.csv:4711")),
    "a value in line 4711": (MANY.replace("text 4710,4710", "text 4710,many"), 2, "seed-file", ("many", "`n`", "seeds/t.csv:4711")),
    "a value behind a spreadsheet's lines in quotes": (
        'id,v,n\r\n1,"a\nb\n\nc",1\r\n2,"a\nb",2\r\n3,"x\ny",many\r\n', 2, "seed-file", ("many", "`n`", "seeds/t.csv:8")
    ),
    "a value behind lines in quotes": (f'{HEAD}1,"a\nb\r\n\nc",1\n2,b,many\n', 2, "seed-file", ("many", "`n`", "seeds/t.csv:6")),
    "a number of more than 64 bits": (f"{HEAD}1,a,1\n2,b,99999999999999999999\n", 2, "seed-file", ("99999999999999999999", "`n`", "seeds/t.csv:3")),
    "NULL where none may be": (f"{HEAD}1,a,1\n2,,2\n", 2, "seed-file", ("NULL does not fit", "`v`", "seeds/t.csv:3")),
    "a key that is NULL": (f"{HEAD}1,a,1\n,b,2\n", 2, "seed-file", ("NULL does not fit", "`id`", "seeds/t.csv:3")),
    "the key of line 11 in line 6002": (MANY + "10,again,1\n", 2, "seed-file", ("the key id = 10", "lines 11 and 6002", "seeds/t.csv:6002")),
    "bytes of another encoding": (MANY.encode().replace(b"text 4710", b"t\xe4xt"), 2, "seed-file", ("0xe4", "utf-8", "seeds/t.csv:4711")),
    "half a character at the end": (f"{HEAD}1,a,1\n2,".encode() + b"\xe4\xbd", 2, "seed-file", ("0xe4 0xbd", "utf-8", "seeds/t.csv:3")),
    "a zero byte": (f"{HEAD}1,a,1\n2,b\0b,2\n", 2, "seed-file", ("zero byte", "seeds/t.csv:3")),
    "an open quote": (f'{HEAD}1,a,1\n2,"b,2\n3,c,3\n', 2, "seed-file", ("never closed", "seeds/t.csv:3")),
    "the end mark of COPY": (f"{HEAD}1,a,1\n\\.\n2,b,2\n", 2, "seed-file", ("`\\.`", "seeds/t.csv:3")),
    "an empty line inside": (f"{HEAD}1,a,1\n\n2,b,2\n", 2, "seed-file", ("the line is empty", "seeds/t.csv:3")),
}


def test_rows_that_a_function_deletes_need_the_word_destructive(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """The script itself looks harmless, and the second run finds nothing left to delete."""
    body = "create function tidy() returns void language sql as 'delete from t'"
    bench = seeding(project, postgres_url, TABLE, body).seeds('name = "tidy"\nfile = "seeds/tidy.sql"')
    bench.database.query("insert into t values (0, 'there before', 0)")
    bench.write("seeds/tidy.sql", "insert into t values (1, 'a', 1) on conflict do nothing;\nselect tidy();\n")
    bench.refused(3, "seed-destructive", "deletes rows of `public.t` by a function", "seeds/tidy.sql")


@pytest.mark.parametrize("case", FILES)
def test_a_wrong_file_is_refused_with_file_line_and_hint(bench: Seeding, case: str) -> None:
    """The same on both databases, in an empty table and in one with rows."""
    content, status, code, said = FILES[case]
    bench.write("seeds/t.csv", content)
    if code == "seed-file" and "many" in said:
        assert "integer" in bench.refused(status, code, *said).lower()
    bench.refused(status, code, *said)
    bench.database.query("delete from t")
    bench.refused(status, code, *said)


ROWS = {
    "t.jsonl": '{"id": 1, "v": "a", "n": 1}\n{"id": 2, "v": "b", "n": "many"}\n',
    "t.json": '[{"id": 1, "v": "a", "n": 1},\n {"id": 2, "v": "b", "n": "many"}]',
    "t.yaml": "- {id: 1, v: a, n: 1}\n- {id: 2, v: b, n: many}\n",
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize(
    "wrong, said",
    [
        ("many", ("many", "`n`", "INTEGER", ":2")),
        ("surplus", ("`surplus`", ":2")),
        ("broken", (":2",)),
        ("twice", ("id = 1", "lines 1 and 2", ":2")),
        ("null", ("NULL does not fit", "`v`", ":2")),
    ],
)
def test_a_wrong_row_of_another_format_is_refused_with_its_line(bench: Seeding, name: str, wrong: str, said: tuple[str, ...]) -> None:
    """JSON Lines, JSON and YAML are read by us, and must say no less than CSV."""
    change: dict[str, Callable[[str], str]] = {
        "many": lambda text: text,
        "surplus": lambda text: text.replace('"n": "many"', '"surplus": 2').replace("n: many", "surplus: 2"),
        "broken": lambda text: text.replace('"many"', '"ma').replace("many}", "[many}"),
        "twice": lambda text: text.replace('"id": 2', '"id": 1').replace("id: 2", "id: 1").replace('"many"', "2").replace("many", "2"),
        "null": lambda text: text.replace('"b"', "null").replace("v: b", "v: null").replace('"many"', "2").replace("many", "2"),
    }
    bench.seeds(f'name = "t"\nfile = "seeds/{name}"').write(f"seeds/{name}", change[wrong](ROWS[name]))
    told = bench.refused(2, "seed-file", f"seeds/{name}:2")
    for part in said:
        assert part.lower() in told.lower(), told


SETTINGS_WRONG = {
    'table = "nothere"': ("seed-invalid", "there is no table `nothere`", "lockgate.toml:"),
    'table = "a.b.c"': ("settings-invalid", "no name of a table", "lockgate.toml:"),
    'table = "loose"': ("seed-invalid", "has no column `n`", "seeds/t.csv"),
    'key = ["n"]': ("seed-invalid", "`n` is no primary or unique key", "seeds/t.csv"),
    'key = ["nope"]': ("seed-invalid", "column `nope`", "seeds/t.csv"),
    'encoding = "klingon"': ("settings-invalid", "no encoding `klingon`", "lockgate.toml:"),
    'columns = ["id"]': ("seed-file", "the header has `n`", "seeds/t.csv:1"),
    'depends_on = ["t"]': ("settings-invalid", "cannot depend on itself", "lockgate.toml:"),
    "environments = []": ("settings-invalid", "`environments` is empty", "lockgate.toml:"),
    'environments = ["moon"]': ("settings-invalid", "no environment `moon`", "lockgate.toml:"),
    'unknown_rows = "burn"': ("settings-invalid", "must be `keep`", "lockgate.toml:"),
}


@pytest.mark.parametrize("line", SETTINGS_WRONG)
def test_wrong_settings_of_a_seed_are_refused_with_their_line(bench: Seeding, line: str) -> None:
    """Before anything is asked of the data."""
    code, *said = SETTINGS_WRONG[line]
    bench.seeds(f"{T}\n{line}").write("seeds/t.csv", MANY)
    bench.refused(2, code, *said)


def test_a_seed_of_no_environment_is_an_error(bench: Seeding) -> None:
    """Peers run such data everywhere."""
    bench.write("seeds/t.csv", MANY)
    bench.project.settings(f"{SETTINGS}\n[[seeds]]\n{T}\n")
    bench.refused(2, "settings-invalid", "environments", "lockgate.toml:")


def test_files_that_are_not_there_or_not_the_project_s(bench: Seeding) -> None:
    """A seed comes out of the project, whoever made the link."""
    outside = bench.project.folder.parent / "outside.csv"
    outside.write_text(MANY, encoding="utf-8")
    (bench.project.folder / "seeds").mkdir()
    (bench.project.folder / "seeds" / "link.csv").symlink_to(outside)
    (bench.project.folder / "elsewhere").symlink_to(outside.parent)
    (bench.project.folder / "seeds" / "folder.csv").mkdir()
    wrong = {
        "seeds/none.csv": "seed-missing-file",
        "seeds/*.jsonl": "seed-missing-file",
        "seeds/folder.csv": "seed-missing-file",
        "seeds/link.csv": "seed-invalid",
        "seeds/li*.csv": "seed-invalid",
        "elsewhere/outside.csv": "seed-invalid",
        "../outside.csv": "settings-invalid",
        str(outside): "settings-invalid",
        "seeds/t.txt": "settings-invalid",
    }
    for file, code in wrong.items():
        bench.seeds(f'name = "t"\nfile = "{file}"\ntable = "t"').refused(2, code, "lockgate.toml")


def test_one_wrong_seed_in_a_list_stops_the_others(bench: Seeding) -> None:
    """Refused before anything is written, though it would come last."""
    bench.write("seeds/t.csv", MANY)
    for name, text, code in (("u.csv", "x\n1\n", "seed-invalid"), ("u.sql", "set role postgres;", "seed-forbidden"), ("u.json", "[", "seed-file")):
        bench.seeds(T, f'name = "u"\nfile = "seeds/{name}"' + ("" if "sql" in name else '\ntable = "t"')).write(f"seeds/{name}", text)
        bench.refused(3 if code == "seed-forbidden" else 2, code, f"seeds/{name}")


def test_tables_that_refer_to_each_other_are_a_cycle_with_a_way_out(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """The chain is named, and `depends_on` breaks it."""
    tables = ("create table a (id integer primary key, b integer)", "create table b (id integer primary key, a integer references a)")
    bench = seeding(project, postgres_url, *tables, "alter table a add foreign key (b) references b")
    a, b = ('name = "a"\nfile = "seeds/a.csv"', 'name = "b"\nfile = "seeds/b.csv"')
    bench.write("seeds/a.csv", "id,b\n1,\n")
    bench.write("seeds/b.csv", "id,a\n1,1\n")
    bench.seeds(a, b).refused(2, "seed-cycle", "`a` → `b` → `a`", "lockgate.toml:", "depends_on")
    bench.seeds(f'{a}\ndepends_on = ["b"]', f'{b}\ndepends_on = ["a"]').refused(2, "settings-invalid", "`a` → `b` → `a`", "lockgate.toml:")
    bench.seeds(a, f'{b}\ndepends_on = ["a"]')
    assert [done["name"] for done in bench.done()] == ["a", "b"]


SECRETS = {
    "a value": f"{HEAD}1,a,0\n2,b,s3cret\n",
    "a key twice": f"{HEAD}1,a,0\n777001,b,1\n777001,c,2\n",
    "text too long": f"{HEAD}1,a,0\n2,s3cret{'x' * 30},2\n",
    "an unseen key": f"{HEAD}777001,a,0\n",
}


@pytest.mark.parametrize("case", SECRETS)
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_what_is_sensitive_is_in_no_message(project: Tiny, postgres_url: DatabaseUrl, case: str, ending: str) -> None:
    """Logs of pipelines are read by many; the ledger keeps the message as well."""
    bench = seeding(project, postgres_url, TABLE, "create table p (id integer primary key)", "alter table t add foreign key (id) references p")
    rows = [line.split(",") for line in SECRETS[case].splitlines()[1:]]
    lines = "".join(f'{{"id": {i}, "v": "{v}", "n": {n if n.isdigit() else repr(n)}}}\n'.replace("'", '"') for i, v, n in rows)
    bench.write(f"seeds/t.{ending}", SECRETS[case] if ending == "csv" else lines)
    bench.seeds(f'name = "t"\nfile = "seeds/t.{ending}"\nsensitive = ["id", "v", "n"]')
    done = bench.seed(check=None)
    assert done.returncode in (1, 2)
    shown = done.stderr + repr(bench.database.ledger())
    assert "s3cret" not in shown
    assert "777001" not in shown
    assert f"seeds/t.{ending}:" in done.stderr


ESCAPES = {
    "\\i other.sql": "seed-forbidden",
    "copy t from program 'id'": "seed-forbidden",
    "copy t from '/etc/passwd'": "seed-forbidden",
    "insert into t select 1, dblink('host=x', 'delete from t'), 1": "seed-forbidden",
    "set role postgres": "seed-forbidden",
    "select set_config('role', 'postgres', false)": "seed-forbidden",
    "select lo_import('/etc/passwd')": "seed-forbidden",
    "insert into t values (5, pg_read_file('/etc/passwd'), 1)": "seed-forbidden",
    "do $$ begin delete from t; end $$": "seed-destructive",
    "do $body$ begin execute 'copy t from ' || quote_literal('/etc/passwd'); end $body$": "seed-forbidden",
    "create function f() returns void language sql as 'delete from t'; select f()": "seed-destructive",
    "with gone as (delete from t returning *) select * from gone": "seed-destructive",
    "explain analyze delete from t": "seed-destructive",
    "insert into t values (5, $x$;$x$, 1); /* /* */ ; */ delete from t -- $x$": "seed-destructive",
    "select $a$ $b$ $a$; delete from t; select $b$ $b$": "seed-destructive",
    "/* /* nested */ still a comment */ truncate t": "seed-destructive",
    "insert into t values (5, E'\\'; delete from t where id = 0; --', 1); delete from t": "seed-destructive",
    "commit": "seed-forbidden",
    "insert into t values (5, 'x', 1) on conflict do nothing; rollback; begin": "seed-forbidden",
    "call p()": "seed-destructive",
    "drop table t": "seed-destructive",
    "update t set n = 0": "seed-destructive",
    "insert into lockgate.ledger default values": "seed-forbidden",
    "update alembic_version set version_num = 'x' where version_num = 'r1'": "seed-forbidden",
}


@pytest.mark.parametrize("extra", ["with the grammar", "without"])
def test_no_script_reaches_further_than_a_seed_may(project: Tiny, postgres_url: DatabaseUrl, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra `sql` more is refused, never less; the database is as it was after all of them."""
    bench = seeding(project, postgres_url, TABLE).seeds('name = "t"\nfile = "seeds/t.sql"')
    bench.database.query("insert into t values (0, 'there before', 0)")
    if extra == "without":
        monkeypatch.setitem(sys.modules, "postgast", None)
    before = bench.database.contents()
    for script, code in ESCAPES.items():
        bench.write("seeds/t.sql", f"select 1;\n{script};\n")
        done = bench.seed(check=3)
        codes = (code, "seed-forbidden") if extra == "without" else (code,)
        assert any(f"code: {word}," in done.stderr for word in codes), f"{script}\n{done.stderr}"
        assert "seeds/t.sql:2" in done.stderr
    assert bench.database.contents() == before


def test_a_confirmed_script_still_cannot_leave_its_transaction(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """COMMIT inside a procedure, a role taken inside a function: whatever it was allowed to destroy, it cannot get out."""
    commit = "create procedure out_of_it() language plpgsql as $$ begin delete from t; commit; end $$"
    bench = seeding(project, postgres_url, TABLE, commit).seeds('name = "t"\nfile = "seeds/t.sql"\ndestructive = true')
    bench.database.query("insert into t values (0, 'there before', 0)")
    bench.write("seeds/t.sql", "select 1;\ncall out_of_it();")
    bench.refused(3, "unconfirmed")
    bench.refused(1, "seed-failed", "invalid transaction termination", "seeds/t.sql:2", CONFIRM_ENV="dev")
    bench.write("seeds/t.sql", "do $$ begin delete from t; commit; end $$;")
    bench.refused(1, "seed-failed", "invalid transaction termination", "seeds/t.sql:1", CONFIRM_ENV="dev")
    bench.write("seeds/t.sql", "delete from t;\ninsert into t values (1, 'x', 1);")
    bench.seed(CONFIRM_ENV="dev")
    assert bench.database.query("select id from t") == [(1,)]


def test_a_file_that_may_not_be_read_is_no_bug(bench: Seeding) -> None:
    """Somebody ran it as another user once."""
    path = bench.write("seeds/t.csv", MANY)
    path.unlink()
    os.mkfifo(path)
    bench.refused(2, "seed-missing-file", "lockgate.toml")


def test_packed_files_say_the_same_places(bench: Seeding) -> None:
    """Lines are those of the text, not of the archive."""
    bench.seeds('name = "t"\nfile = "seeds/t.csv.gz"').write("seeds/t.csv.gz", FILES["a value in line 4711"][0])
    bench.refused(2, "seed-file", "many", "seeds/t.csv.gz:4711")
    assert gzip.decompress((bench.project.folder / "seeds/t.csv.gz").read_bytes()).startswith(b"id,v,n")
    assert Database(bench.database.url).query("select count(*) from t") == [(1,)]


def test_keys_that_only_their_case_tells_apart(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """Where the table's key ignores it, such a file has a key twice; where not, it has two rows."""
    bench = seeding(project, sqlite_url, "create table n (id text primary key not null collate nocase)", "create table t (id text primary key not null)")
    bench.write("seeds/t.csv", "id\nab\nx\nAB\n")
    bench.seeds(f'{T}\ntable = "n"')
    for there in ("z", "ab"):
        bench.database.query(f"insert into n values ('{there}')")
        bench.refused(2, "seed-file", "stands twice, in lines 2 and 4", "seeds/t.csv:4")
    assert bench.seeds(T).hows() == ["loaded"]
    assert bench.database.query("select count(*) from t") == [(3,)]
