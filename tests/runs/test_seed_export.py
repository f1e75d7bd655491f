"""`seed-export`, whole, on both databases: what it writes is a seed that has nothing to do."""

from __future__ import annotations

import gzip
import json
import random
import shlex
import struct
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from building import SETTINGS, Database, Tiny, until

import lockgate
from lockgate.secret import DatabaseUrl
from lockgate.seeds.export import ExportOutcome

FORMATS = pytest.mark.parametrize("format", ["csv", "jsonl"])
KEY = '"键, ""key"""'
NASTY_TEXT = ["", " ", "NULL", "null", "\\N", "\\", '"', "a,b", "a\nb", "a\r\nb\rc", "\t", "'", "计划 Ω é", "😀", "\x01\x02\x7f", "x" * 70_000, "\\x00", "{}"]
CHANCE = random.Random(20)
FLOATS = [*(struct.unpack("<d", CHANCE.randbytes(8))[0] for _ in range(300)), *(CHANCE.random() * 10 ** CHANCE.randint(-5, 9) for _ in range(300))]
FLOATS = [number for number in FLOATS if number == number and abs(number) > 1e-280] + [0.1 + 0.2, 5e300, 1e16, -0.5, 1 / 3]

# Column -> its type and values as SQL; each value is one row.
POSTGRES: dict[str, tuple[str, list[str]]] = {
    "small": ("smallint", ["-32768", "0"]),
    "big": ("bigint", ["9223372036854775807", "-1"]),
    "exact": ("numeric", ["1.10", "0.00000000000000000001", "123456789012345678901234567890.5", "'NaN'", "'Infinity'", "1e20", "10::numeric ^ 4200"]),
    "money_like": ("numeric(12,2)", ["1.50", "-0.01"]),
    "float8": ("double precision", ["0.1", "1e300", "5e-324", "'NaN'", "'-Infinity'", "9007199254740993", "'-0'"]),
    "float4": ("real", ["0.1", "3.4e38", "16777216"]),
    "yes": ("boolean", ["true", "false"]),
    "text": ("text", []),  # below, as parameters
    "short": ("varchar(20)", ["''", "'a'"]),
    "padded": ("char(5)", ["'ab'", "''"]),
    "day": ("date", ["'2026-02-28'", "'infinity'", "'0044-03-15 BC'"]),
    "at": ("timestamptz", ["'2026-03-29 02:30:00.123456+02'", "'-infinity'", "'0001-01-01 00:00:00+00 BC'"]),
    "local": ("timestamp", ["'2026-03-29 02:30:00'", "'infinity'"]),
    "clock": ("time", ["'23:59:59.999999'"]),
    "clocktz": ("timetz", ["'12:00:00-08'"]),
    "span": ("interval", ["'-1 year -2 months 3 days -04:05:06.7'", "'1 day'", "'0'"]),
    "doc": ("jsonb", ["""'{"a": [1, 1.0, 1e400, null, true, "ü\\\\n\\t"], "b": {"": {}}}'""", "'[]'", "'\"text\"'", "'1.10'", "'false'", "'\"\"'"]),
    "old": ("json", ["""'{"a":1,\n "a":2, "b" : "\\u00e9"}'""", "'12345678901234567890'"]),
    "docs": ("jsonb[]", ["""array['{"a": 1}', 'null', null]::jsonb[]"""]),
    "id128": ("uuid", ["'123e4567-e89b-12d3-a456-426614174000'"]),
    "numbers": ("integer[]", ["'{1,2,NULL}'", "'{}'", "'{{1,2},{3,4}}'", "'[0:1]={7,8}'"]),
    "prices": ("numeric(8,2)[]", ["'{1.10,NaN}'"]),
    "floats": ("double precision[]", ["'{0.1,1e300,Infinity}'"]),
    "words": ("text[]", ["""array['', 'NULL', null, 'a"b', 'c,d', E'\\\\', '{}', E'two\\nlines', '计']"""]),
    "flags": ("boolean[]", ["'{t,f,NULL}'"]),
    "moments": ("timestamptz[]", ["'{2026-01-01 12:00:00+01,infinity}'"]),
    "raws": ("bytea[]", ["""array['\\x00ff', '']::bytea[]"""]),
    "raw": ("bytea", ["'\\x'", "'\\x00ff5c27220a'"]),
    "mood": ("mood", ["'good'", "'sehr ''gut'', ja'"]),
    "moods": ("mood[]", ["'{good,\"sehr ''gut'', ja\"}'"]),
    "positive": ("positive", ["5"]),
    "pair": ("pair", ["row(1, 'a, \"b\"')"]),
    "range": ("int4range", ["'[1,5)'", "'empty'"]),
    "period": ("tstzrange", ["'[2026-01-01 00:00:00+00,)'"]),
    "host": ("inet", ["'10.0.0.1/8'", "'::1'"]),
    "bits": ("bit varying", ["B'101'", "B''"]),
    "place": ("point", ["'(1.5,-2)'"]),
    "found": ("tsvector", ["'a:1 ''b c'':2'"]),
    "relation": ("regclass", ["'app.\"所有 types\"'::regclass"]),
    # Names that the statement of the export might have for things of its own.
    "r": ("text", ["'r'"]),
    "t": ("jsonb", ["'{}'"]),
}
SQLITE: dict[str, tuple[str, list[object]]] = {
    "big": ("bigint", [9223372036854775807, -1]),
    "exact": ("numeric(12,2)", [1, 1.5, -0.01]),
    "float8": ("real", [*FLOATS, float("inf"), float("-inf")]),
    "yes": ("boolean", [0, 1]),
    "text": ("varchar(20)", NASTY_TEXT),
    "string": ("string", ["12", 12, 1.5]),
    "day": ("date", ["2026-02-28"]),
    "at": ("datetime", ["2026-03-29 02:30:00.123456", 7]),
    "id128": ("uuid", ["123e4567-e89b-12d3-a456-426614174000"]),
    "doc": ("json", ['{"a": [1, 1.0, 1e400, null],\n "b": "ü\\n"}', "[]", '"text"', 12, 1.5, "true"]),
    "raw": ("blob", [b"", b'\x00\xff\\",\n']),
    "untyped": ("", ["12", "text", ""]),
}


def migrated(project: Tiny, url: DatabaseUrl, *seeds: str) -> Database:
    """A marked database of environment `dev`."""
    project.settings(SETTINGS + "".join(f"\n[[seeds]]\n{seed}\n" for seed in seeds)).point("dev", url)
    project.revision("r1", None)
    project.here("upgrade", "dev", check=0)
    return Database(url)


def kinds(database: Database, rows: int = 3) -> None:
    """A small table."""
    database.query("create table kinds (code varchar(20) primary key, label text, email text)")
    values = ", ".join(f"('c{number:05}', 'label {number}', 'a{number}@example.org')" for number in range(rows, 0, -1))
    database.query(f"insert into kinds values {values}")


def everything_in_postgres(url: DatabaseUrl) -> str:
    """A table in which every type has its worst values, a row each, and NULL everywhere else; its name."""
    name = 'app."所有 types"'
    columns = ", ".join(f'"{column}" {type_}' for column, (type_, _) in POSTGRES.items())
    statements = [
        "create schema app",
        "create type mood as enum ('good', 'sehr ''gut'', ja')",
        "create domain positive as integer check (value > 0)",
        "create type pair as (number integer, word text)",
        f'create table {name} ({KEY} text primary key, {columns}, twice bigint generated always as (big / 2) stored)',
        *(
            f"insert into {name} ({KEY}, \"{column}\") values ('{column} {number}', ({value})::{type_})"
            for column, (type_, values) in POSTGRES.items()
            for number, value in enumerate(values)
        ),
    ]
    with psycopg.connect(url.render().reveal(), autocommit=True) as server:
        for statement in statements:
            server.execute(statement)  # type: ignore[call-overload]
        for number, text in enumerate(NASTY_TEXT):
            server.execute(f'insert into {name} ({KEY}, "text") values (%s, %s)', (f"text {number} {text[:5]}", text))  # type: ignore[call-overload]
    return name


def everything_in_sqlite(url: DatabaseUrl) -> str:
    """The same for SQLite."""
    import sqlite3

    name = '"所有 types"'
    columns = ", ".join(f'"{column}" {type_}' for column, (type_, _) in SQLITE.items())
    with sqlite3.connect(url.database) as connection:
        connection.execute(f'create table {name} ({KEY} text primary key, {columns}, twice integer as (big / 2))')
        for column, (_, values) in SQLITE.items():
            for number, value in enumerate(values):
                connection.execute(f'insert into {name} ({KEY}, "{column}") values (?, ?)', (f"{column} {number}", value))
    connection.close()
    return name


def rows_of(database: Database, name: str) -> list[Any]:
    """The table, value for value; on PostgreSQL as the server prints it, for Python has no date that is infinite."""
    if database.url.backend == "sqlite":
        return sorted(database.query(f"select * from {name}"), key=repr)
    return database.query(f"select t::text from {name} t order by {KEY}")


def export(project: Tiny, *arguments: str, check: int = 0) -> dict[str, Any]:
    """The document of an export from `dev` into the folder `seeds` of the project."""
    done = project.here("seed-export", "dev", *arguments, "--out", str(project.folder / "seeds"), "--json", check=check)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def paste(project: Tiny, document: dict[str, Any]) -> None:
    """Do what the report says."""
    settings = project.folder / "lockgate.toml"
    settings.write_text(settings.read_text("utf-8") + "\n" + document["settings"], "utf-8")


def seed(project: Tiny) -> list[dict[str, Any]]:
    """What `seed dev` did, file by file."""
    answer: list[dict[str, Any]] = json.loads(project.here("seed", "dev", "--json", check=0).stdout)["seeds"]
    return answer


def files(project: Tiny) -> list[str]:
    """Names in the folder `seeds`, drafts included."""
    folder = project.folder / "seeds"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("options", [("--format", "csv"), ("--format", "jsonl"), ("--gzip",)], ids=lambda options: options[-1])
def test_a_seed_of_an_export_has_nothing_to_do_whatever_the_types(project: Tiny, database_url: DatabaseUrl, options: tuple[str, ...]) -> None:
    """Ready to be a seed: compared with its own table nothing differs, and loaded into an empty one it makes the same rows."""
    database = migrated(project, database_url)
    make: Callable[[DatabaseUrl], str] = everything_in_sqlite if database_url.backend == "sqlite" else everything_in_postgres
    name = make(database_url)
    before = rows_of(database, name)
    document = export(project, name, *options)
    assert document["files"][0]["left_out"] == ["twice"]
    paste(project, document)
    rows = document["files"][0]["rows"]
    assert seed(project)[0]["counts"] == {"new": 0, "changed": 0, "equal": rows, "unknown": 0}
    database.query(f"delete from {name}")
    assert seed(project)[0]["counts"] == {"new": rows, "changed": 0, "equal": 0, "unknown": 0}
    again = export(project, name, *options, "--overwrite")
    assert again["settings"] == "", "the file is a seed already"
    assert again["files"][0]["rows"] == rows
    if "jsonl" not in options:  # which keeps the value of a JSON document, not its white space
        assert rows_of(database, name) == before
        assert again["files"] == document["files"]


def test_the_order_is_that_of_the_key_letter_by_letter(project: Tiny, database_url: DatabaseUrl) -> None:
    """A file that changes without its rows makes every comparison of two commits useless, and servers sort texts each in their way."""
    database = migrated(project, database_url)
    database.query('create table words (word varchar(20) primary key, "a, b" integer)')
    database.query("insert into words (word) values ('b'), ('ä'), ('a'), ('B'), ('_'), ('Z')")
    assert export(project, "words", "--columns", 'word, "a, b"', "--format", "jsonl")["files"][0]["columns"] == ["word", "a, b"]
    export(project, "words", "--columns", "word")
    assert (project.folder / "seeds" / "words.csv").read_text("utf-8") == "word\nB\nZ\n_\na\nb\nä\n"
    database.query("update words set word = 'B' where word = 'B'")
    first = (project.folder / "seeds" / "words.csv").read_bytes()
    export(project, "words", "--columns", "word", "--overwrite")
    assert (project.folder / "seeds" / "words.csv").read_bytes() == first


@FORMATS
def test_a_unique_key_will_do_and_an_empty_table_too(project: Tiny, database_url: DatabaseUrl, format: str) -> None:
    """The declaration says what a seed could not find out: which key, and the columns of a file without rows."""
    database = migrated(project, database_url)
    database.query("create table pairs (a integer not null, b varchar(9) not null, c integer, unique (b, a))")
    document = export(project, "pairs", "--format", format)
    paste(project, document)
    assert seed(project)[0]["counts"] == {"new": 0, "changed": 0, "equal": 0, "unknown": 0}
    database.query("insert into pairs values (2, 'x', null), (1, 'y', 1), (1, 'x', 2)")
    document = export(project, "pairs", "--format", format, "--overwrite")
    assert document["files"][0]["key"] == ["b", "a"]
    assert seed(project)[0]["counts"] == {"new": 0, "changed": 0, "equal": 3, "unknown": 0}


def test_what_a_seed_calls_sensitive_leaves_the_database_only_by_name(project: Tiny, database_url: DatabaseUrl) -> None:
    """Whoever wrote `sensitive` must not find the values in the repository."""
    people = 'name = "people"\nfile = "people/*.csv"\ntable = "kinds"\nenvironments = ["test"]\nsensitive = ["email", "gone"]'
    kinds(migrated(project, database_url, people))
    refused = export(project, "kinds", check=3)
    assert refused["code"] == "export-sensitive"
    assert "`email`" in refused["what"]
    assert "people" in refused["where"]
    assert files(project) == []
    assert export(project, "kinds", "--sensitive", "emial", check=3)["code"] == "export-sensitive"
    assert export(project, "kinds", "--sensitive", "email", "--sensitive", "emial", check=2)["code"] == "export-invalid"
    assert "email" not in export(project, "kinds", "--columns", "code,label")["settings"]
    assert (project.folder / "seeds" / "kinds.csv").read_text("utf-8").splitlines()[0] == "code,label"
    named = export(project, "kinds", "--sensitive", "email", "--overwrite")
    assert 'sensitive = ["email"]' in named["settings"]
    assert named["files"][0]["columns"] == ["code", "label", "email"]


WRONG = {
    ("nothing",): "export-invalid",
    ("kinds", "nothing"): "export-invalid",
    ("keyless",): "export-invalid",
    ("shown",): "export-invalid",
    ("alembic_version",): "export-invalid",
    ("kinds", "--columns", "label"): "export-invalid",
    ("kinds", "--columns", "code,nothing"): "export-invalid",
    ("computed", "--columns", "id,twice"): "export-invalid",
    ("a.b.c",): "seed-invalid",
    ("kinds", "kinds"): "usage",
    ("kinds", "computed", "--columns", "code"): "usage",
    ("kinds", "--format", "yaml"): "usage",
    (): "usage",
}


def test_what_cannot_be_a_seed_is_refused_with_a_next_step_and_no_file(project: Tiny, database_url: DatabaseUrl) -> None:
    """All tables are looked at before the first file is made."""
    database = migrated(project, database_url)
    kinds(database)
    database.query("create table keyless (id integer, name text unique)")
    database.query("create view shown as select * from kinds")
    database.query("create table computed (id integer primary key, twice integer generated always as (id * 2) stored)")
    before = database.picture()
    for words, code in WRONG.items():
        error = export(project, *words, check=2)
        assert error["code"] == code, words
        assert error["hint"], words
        assert files(project) == [], words
    registry = "lockgate_ledger" if database_url.backend == "sqlite" else "lockgate.ledger"
    assert "registry" in export(project, registry, check=2)["what"]
    assert database.picture() == before


def test_a_file_that_is_there_is_replaced_only_when_told(project: Tiny, database_url: DatabaseUrl) -> None:
    """It may be the only place where somebody's corrections are; and of several tables then none is written."""
    database = migrated(project, database_url)
    kinds(database)
    database.query("create table others (id integer primary key)")
    old = project.folder / "seeds" / "others.csv"
    old.parent.mkdir()
    old.write_text("mine", "utf-8")
    assert export(project, "kinds", "others", check=2)["code"] == "file-exists"
    assert (files(project), old.read_text("utf-8")) == (["others.csv"], "mine")
    export(project, "kinds", "others", "--overwrite")
    assert (files(project), old.read_text("utf-8")) == (["kinds.csv", "others.csv"], "id\n")
    (project.folder / "seeds" / "others.jsonl").mkdir()
    assert export(project, "kinds", "others", "--format", "jsonl", "--overwrite", check=2)["code"] == "file-exists"
    assert files(project) == ["kinds.csv", "others.csv", "others.jsonl"]


UNFIT = {
    # table's column, value as SQL, format: what is told
    "json null": ("json", "'null'", "jsonl", "JSON's own `null`"),
    "end of data": ("text", "'a\n\\.\nb'", "csv", "line"),
}
UNFIT_SQLITE = {
    "text for a number": ("integer", "'many'", "csv", "holds a text"),
    "number for a truth": ("boolean", "2", "jsonl", "neither 0 nor 1"),
    "text for bytes": ("blob", "'text'", "csv", "holds a text"),
    "bytes for a text": ("text", "x'00ff'", "jsonl", "holds bytes"),
    "no json": ("json", "'{'", "csv", "no JSON"),
    "a key twice": ("json", """'{"a": 1, "a": 2}'""", "jsonl", "key twice"),
    "number without type": ("", "1", "csv", "holds a number"),
    "zero byte": ("text", "'a' || char(0)", "csv", "zero byte"),
}


def test_a_value_that_would_not_come_back_leaves_no_file_at_all(project: Tiny, database_url: DatabaseUrl) -> None:
    """A file that loads as something else, or half a file, is worse than none; the file of before stays."""
    database = migrated(project, database_url)
    kinds(database, rows=500)
    cases = {**UNFIT, **(UNFIT_SQLITE if database_url.backend == "sqlite" else {})}
    for number, (name, (type_, value, format, said)) in enumerate(cases.items()):
        table = f"unfit_{number}"
        database.query(f"create table {table} (id integer primary key, c {type_})")
        database.query(f"insert into {table} values (1, null), (2, {value})")
        error = export(project, "kinds", table, "--format", format, check=2)
        assert (error["code"], table in error["where"]) == ("export-value", True), name
        assert said in error["what"], name
        assert not (project.folder / "seeds").exists(), name
    export(project, "kinds")
    before = (project.folder / "seeds" / "kinds.csv").read_bytes()
    database.query("delete from kinds")
    export(project, "kinds", "unfit_1", "--overwrite", check=2)
    assert (files(project), (project.folder / "seeds" / "kinds.csv").read_bytes()) == (["kinds.csv"], before)


def test_a_full_disk_leaves_no_file_and_says_why(project: Tiny, database_url: DatabaseUrl) -> None:
    """The largest tables are the ones that do not fit."""
    kinds(migrated(project, database_url), rows=20_000)
    command = f"ulimit -f 200; exec {shlex.quote(sys.executable)} -m lockgate seed-export dev kinds --out seeds/new/deep"
    done = project.run(["sh", "-c", command], {})
    assert done.returncode == 2, done.stderr
    assert "error: `kinds.csv` cannot be written: File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project.folder / "seeds").exists()


def test_another_environments_database_is_not_exported_under_this_name(project: Tiny, database_url: DatabaseUrl) -> None:
    """The rows of prod in a file that says dev is how they get everywhere."""
    database = migrated(project, database_url)
    kinds(database)
    before = database.picture()
    project.point("test", database_url)
    done = project.here("seed-export", "test", "kinds", "--out", str(project.folder / "seeds"), check=3)
    assert "this database says it is `dev`, you asked for `test`" in done.stderr
    assert "code: identity-mismatch" in done.stderr
    project.settings(SETTINGS.replace('"app"', '"another"'))
    assert export(project, "kinds", check=3)["code"] == "identity-mismatch"
    assert (files(project), database.picture()) == ([], before)


def test_an_unmarked_database_is_exported_with_a_word_of_warning(project: Tiny, database_url: DatabaseUrl) -> None:
    """People look before they adopt; looking marks nothing."""
    database = Database(database_url)
    kinds(database)
    before = database.picture()
    project.point("dev", database_url)
    assert "does not say which environment it is" in export(project, "kinds")["notices"][0]
    assert database.picture() == before


def test_names_lead_nowhere_but_into_the_folder(project: Tiny, database_url: DatabaseUrl) -> None:
    """A table may be called anything; its file lies in the folder, and its declaration finds it."""
    database = migrated(project, database_url)
    names = ["../../evil", "A/b", "a\\b", "x[1]*?", 'q"q', "计划 明细"]
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    for name in quoted:
        database.query(f"create table {name} (id integer primary key)")
        database.query(f"insert into {name} values (1)")
    document = export(project, *quoted)
    assert len(files(project)) == len(names)
    assert {file["file"] for file in document["files"]} == {f"seeds/{name}" for name in files(project)}
    paste(project, document)
    assert [done["counts"]["equal"] for done in seed(project)] == [1] * len(names)


def test_all_tables_are_of_one_moment_and_an_ended_export_leaves_nothing(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """A row of the second table that refers to one that the first file does not have would make a seed that fails."""
    database = migrated(project, postgres_url)
    kinds(database)
    database.query("create table notes (id integer primary key, code varchar(20) references kinds)")
    arguments = ("seed-export", "dev", "kinds", "notes", "--out", "seeds")

    def held(process_log: str, during: str) -> Any:
        with psycopg.connect(postgres_url.render().reveal()) as other:
            other.execute("lock table notes in access exclusive mode")
            process = project.start(*arguments, log=process_log)
            until(lambda: any(name.endswith(".part") for name in files(project)), "the first table is under way", process)
            until(lambda: database.query("select 1 from pg_locks where not granted"), "it waits for the second", process)
            if during == "end":
                process.terminate()
                return process.wait()
            other.execute("insert into kinds values ('late')")
            other.execute("insert into notes values (1, 'late')")
        return process.wait()

    assert held("ended", "end") == 143
    assert files(project) == []
    assert held("whole", "write") == 0
    assert files(project) == ["kinds.csv", "notes.csv"]
    assert (project.folder / "seeds" / "notes.csv").read_text("utf-8") == "id,code\n"
    assert "late" not in (project.folder / "seeds" / "kinds.csv").read_text("utf-8")


def test_a_policy_does_not_leave_rows_out_in_silence(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """Row security would make half a table of it, and a seed with `unknown_rows = "delete"` would delete the rest."""
    database = migrated(project, postgres_url)
    kinds(database)
    for statement in (
        "drop role if exists exporter",
        "create role exporter login",
        "grant usage on schema lockgate to exporter",
        "grant select on all tables in schema public, lockgate to exporter",
        "alter table kinds enable row level security",
        "create policy one on kinds using (code = 'c00001')",
    ):
        database.query(statement)
    given = replace(postgres_url, username="exporter").render().reveal()
    error = export(project, "kinds", "--database-url", given, check=1)
    assert "row-level security" in error["what"]
    assert files(project) == []
    database.query("drop owned by exporter")
    database.query("drop role exporter")


@FORMATS
def test_memory_does_not_grow_with_the_table(project: Tiny, database_url: DatabaseUrl, format: str) -> None:
    """People export what they could not open in an editor."""
    database = migrated(project, database_url)
    rows, row_bytes = 30_000, 2_000
    database.query("create table large (id integer primary key, filling text)")
    database.query(
        f"with recursive n (i) as (select 1 union all select i + 1 from n where i < {rows})"
        f" insert into large select i, '{'x' * row_bytes}' from n"
    )
    tracemalloc.start()
    try:
        export(project, "large", "--format", format)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (project.folder / "seeds" / f"large.{format}").stat().st_size > rows * row_bytes > 3 * peak


def test_people_read_a_table_and_what_to_paste(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """The last step is in the report, and a terminal sees how far it is."""
    kinds(migrated(project, sqlite_url), rows=20_000)
    said = project.lockgate("seed-export", "dev", "kinds", "--out", "seeds", check=0)
    assert said.stderr == ""
    lines = said.stdout.splitlines()
    assert lines[1].split() == ["table", "file", "rows", "bytes"]
    assert lines[2].split() == ["kinds", "seeds/kinds.csv", "20000", str((project.folder / "seeds" / "kinds.csv").stat().st_size)]
    pasted = said.stdout[said.stdout.index("[[seeds]]") :]
    assert pasted.rstrip() == '[[seeds]]\nname = "kinds"\nfile = "seeds/kinds.csv"\ntable = "kinds"\nenvironments = ["dev"]'
    long = f"seeds/{'a-long-name-' * 10}"
    shown = project.at_a_terminal("seed-export", "dev", "kinds", "--out", long)
    assert "export kinds" in shown
    assert "rows/s" in shown
    assert f'file = "{long}/kinds.csv"' in shown, "a line that is to be pasted is not broken at the edge"


def test_programs_export_as_well(project: Tiny, sqlite_url: DatabaseUrl, tmp_path: Path) -> None:
    """The same as a function; a folder outside the project is told, for a seed lies inside."""
    kinds(migrated(project, sqlite_url))
    loaded = lockgate.load_project(project.folder)
    done = lockgate.seed_export(loaded, "dev", "kinds", out=tmp_path / "elsewhere", format="jsonl", gzip=True, environ=project.environ)
    assert isinstance(done, ExportOutcome)
    assert [(file.rows, file.columns) for file in done.files] == [(3, ("code", "label", "email"))]
    lines = gzip.decompress(Path(done.files[0].file).read_bytes()).decode().splitlines()
    assert [json.loads(line)["code"] for line in lines] == ["c00001", "c00002", "c00003"]
    assert "outside the project" in done.notices[0]
