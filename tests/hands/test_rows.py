"""Rows of seeds on real databases: read, loaded, compared, written, fingerprinted; the same battery on PostgreSQL and SQLite."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from building import MYSQL

from lockgate.dialects.base import BareSession, Dialect
from lockgate.dialects.connect import dialect_named
from lockgate.dialects.rows import Rows, Stage
from lockgate.permit import Author, Permit
from lockgate.secret import DatabaseUrl
from lockgate.seeds.rows import Counts, TableShape
from lockgate.seeds.spec import OnChange, TableName
from lockgate.words import Identity

ITEMS = "create table items (id integer primary key, name text not null, note text, qty integer)"
POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@dataclass
class Bench:
    """A writing session with a permit, and the rows part of its dialect."""

    dialect: Dialect
    session: BareSession
    permit: Permit

    @property
    def rows(self) -> Rows:
        return self.dialect.rows()

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.session.execute(statement)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        return self.session.execute(sql)

    def shape(self, name: str = "items", schema: str = "") -> TableShape:
        found = self.rows.shape(self.session, TableName(name, schema))
        assert found is not None
        return found

    def load(self, csv: str, table: str = "items", null: str | None = None) -> int:
        columns, body = split(csv)
        return self.rows.load_csv(self.permit, self.shape(table), columns, blocks(body), null)

    def stage(self, csv: str, table: str = "items", key: Sequence[str] = ("id",), null: str | None = None) -> Stage:
        columns, body = split(csv)
        return self.rows.stage_csv(self.permit, self.shape(table), columns, key, blocks(body), null)

    def seed(self, csv: str, table: str = "items", key: Sequence[str] = ("id",), *, delete: bool = False) -> Counts:
        stage = self.stage(csv, table, key)
        assert stage.duplicates() is None
        counts = stage.compare()
        stage.write(OnChange.UPDATE, delete)
        return counts

    def fingerprint(self, *columns: str, table: str = "items") -> str:
        return self.rows.fingerprint(self.session, self.shape(table), columns or [c.name for c in self.shape(table).columns])

    def refusal(self, csv: str, table: str = "items", *, staged: bool = True) -> tuple[int, str, str]:
        self.session.commit()
        with pytest.raises(Exception) as caught:
            self.stage(csv, table) if staged else self.load(csv, table)
        self.session.rollback()
        found = self.rows.bad_value(caught.value)
        assert found is not None, caught.value
        return found


def split(csv: str) -> tuple[list[str], bytes]:
    header, _, body = csv.partition("\n")
    return header.split(","), body.encode()


def blocks(body: bytes, size: int = 7) -> Iterator[bytes]:
    """A file in blocks that are cut anywhere, inside letters and quotes too."""
    size = max(size, len(body) // 1000)
    return (body[start : start + size] for start in range(0, len(body), size))


@pytest.fixture
def bench(database_url: DatabaseUrl) -> Iterator[Bench]:
    """An empty database, a session that writes, a permit over it."""
    dialect = dialect_named(database_url.backend)
    with dialect.open(database_url, 10, write=True) as session:
        if database_url.backend in MYSQL:  # so that one spelling of names serves all
            session.execute("set session sql_mode = concat(@@sql_mode, ',ANSI_QUOTES')")
        sight = dialect.look(session, "a test")
        identity = Identity("scratch", "tests", "1", sight.cluster)
        yield Bench(dialect, session, Permit(session, "seed", "scratch", sight, identity, Author("1", "a test")))


@pytest.fixture
def postgres(bench: Bench) -> bool:
    return bench.dialect.name == "postgresql"


# ---- shape


@POSTGRES
def test_the_shape_of_a_postgres_table(bench: Bench) -> None:
    """Kinds decide how values are converted; keys how rows are found; parents which seed comes first."""
    bench.run(
        "create schema other",
        "create type mood as enum ('good', 'bad')",
        "create domain positive as integer check (value > 0)",
        "create domain small as positive check (value < 100)",
        "create table other.parents (id integer primary key)",
        """create table t (
            id bigint generated always as identity, n serial, code varchar(20) not null, a integer not null, b text, price numeric(12,2),
            f float4, yes boolean, doc jsonb, old json, raw bytea, tags text[], size small, m mood, u uuid, at timestamptz,
            twice integer generated always as (a * 2) stored, dropped text, parent integer references other.parents,
            primary key (id), unique (a, code), unique (b))""",
        "alter table t drop column dropped",
        "create unique index on t (code) where a > 0",
        "create unique index on t (lower(code))",
        "create unique index included on t (code) include (b)",
    )
    shape = bench.shape("t")
    assert shape.table == TableName("t", "public")
    kinds = {c.name: (c.type, c.kind) for c in shape.columns}
    assert kinds == {
        "id": ("bigint", "number"),
        "n": ("integer", "number"),
        "code": ("character varying(20)", "text"),
        "a": ("integer", "number"),
        "b": ("text", "text"),
        "price": ("numeric(12,2)", "number"),
        "f": ("real", "number"),
        "yes": ("boolean", "boolean"),
        "doc": ("jsonb", "json"),
        "old": ("json", "json"),
        "raw": ("bytea", "bytes"),
        "tags": ("text[]", "array"),
        "size": ("public.small", "number"),
        "m": ("public.mood", "other"),
        "u": ("uuid", "other"),
        "at": ("timestamp with time zone", "other"),
        "twice": ("integer", "number"),
        "parent": ("integer", "number"),
    }
    assert {c.name: c.identity for c in shape.columns if c.identity} == {"id": "always"}
    assert {c.name: c.sequence for c in shape.columns if c.sequence} == {"id": "public.t_id_seq", "n": "public.t_n_seq"}
    assert [c.name for c in shape.columns if c.generated] == ["twice"]
    assert [c.name for c in shape.columns if not c.nullable] == ["id", "n", "code", "a"]
    assert shape.primary == ("id",)
    assert shape.unique == (("code",), ("a", "code"))  # by the index's name; not b, which may be NULL
    assert shape.parents == (TableName("parents", "other"),)


@SQLITE
def test_the_shape_of_a_sqlite_table(bench: Bench) -> None:
    """Declared types are only words in SQLite; SQLAlchemy's come first."""
    bench.run(
        "create table parents (id integer primary key)",
        """create table t (id integer primary key, code varchar(20) not null, a integer not null, b text, price numeric(12, 2), f float,
            yes boolean, doc json, raw blob, at datetime, day date, anything, twice integer generated always as (a * 2) stored,
            parent integer references parents, unique (a, code), unique (b))""",
        "create unique index partial on t (code) where a > 0",
        "create unique index expressed on t (lower(code))",
    )
    shape = bench.shape("T")
    assert shape.table == TableName("t")
    assert [(c.name, c.kind) for c in shape.columns] == [
        *(("id", "number"), ("code", "text"), ("a", "number"), ("b", "text"), ("price", "number"), ("f", "number"), ("yes", "boolean")),
        *(
            ("doc", "json"),
            ("raw", "bytes"),
            ("at", "other"),
            ("day", "other"),
            ("anything", "other"),
            ("twice", "number"),
            ("parent", "number"),
        ),
    ]
    assert [c.name for c in shape.columns if c.generated] == ["twice"]
    assert (shape.primary, shape.unique, shape.parents) == (("id",), (("a", "code"),), (TableName("parents"),))


def test_a_table_that_is_not_there_has_no_shape(bench: Bench) -> None:
    """A view is no table: rows cannot be promised in it."""
    bench.run("create view v as select 1 as id")
    for table in (TableName("nothing"), TableName("v"), TableName("items", "nowhere"), TableName('strange "name"')):
        assert bench.rows.shape(bench.session, table) is None


@pytest.mark.parametrize("name", ["标注 数据", 'a "quoted" name', "Capital", "select", "semi;colon's"])
def test_tables_and_columns_with_any_name(bench: Bench, name: str) -> None:
    """WorkDataHub's tables have Chinese names."""
    quoted = '"' + name.replace('"', '""') + '"'
    bench.run(f'create table {quoted} ({quoted} integer primary key, "计划 %s" text)')
    for expected in (Counts(new=2), Counts(equal=2)):
        shape = bench.shape(name)
        stage = bench.rows.stage_csv(bench.permit, shape, [name, "计划 %s"], [name], ["1,计\n2,b\n".encode()], None)
        assert (stage.duplicates(), stage.compare()) == (None, expected)
        assert bench.rows.fingerprint(bench.session, shape, [name]).startswith("0" if expected.new else "2")
        assert len(stage.sample("new", 9)) == expected.new
        stage.write(OnChange.UPDATE, False)
    assert bench.query(f"select count(*) from {quoted}") == [(2,)]


# ---- the promise, type by type

TYPES: dict[str, tuple[str, str, str, str]] = {
    # kind: SQL type on PostgreSQL, on SQLite (empty: it has none), a value, another spelling of the same value
    "integer": ("integer", "integer", "42", "+42"),
    "bigint": ("bigint", "bigint", "9007199254740993", "9007199254740993"),
    "numeric": ("numeric(12,2)", "numeric(12,2)", "1.50", "1.5"),
    "float": ("double precision", "double precision", "0.1", "1e-1"),
    "nan": ("double precision", "", "NaN", "nan"),
    "boolean": ("boolean", "boolean", "true", "t"),
    "boolean no": ("boolean", "boolean", "false", "off"),
    "timestamptz": ("timestamptz", "", "2026-01-01 12:00:00+00", "2026-01-01 13:00:00+01"),
    "date": ("date", "date", "2026-01-31", "2026-01-31"),
    "jsonb": ("jsonb", "json", '"{""a"": 1, ""b"": [true, 1.0]}"', '"{""b"":[true,1],""a"":1}"'),
    "json": ("json", "json", '"{""a"": 1}"', '"{""a"":1}"'),
    "uuid": ("uuid", "", "123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"),
    "array": ("integer[]", "", '"{1,2,NULL}"', '"{ 1, 2, null }"'),
    "array of json": ("json[]", "", '"{""{}""}"', '"{""{}""}"'),
    "bytea": ("bytea", "blob", "\\x00ff10", "\\x00FF10"),
    "enum": ("mood", "", "good", "good"),
    "range": ("int4range", "", '"[1,4]"', '"[1,5)"'),
    "point": ("point", "", '"(1,2)"', '"( 1 , 2 )"'),
    "inet": ("inet", "", "10.0.0.1", "10.0.0.1/32"),
    "bit": ("bit(3)", "", "101", "101"),
    "text": ("text", "text", '"a, ""b""\nç 计"', '"a, ""b""\nç 计"'),
    "empty text": ("text", "text", '""', '""'),
    "null": ("text", "text", "", ""),
}


def test_a_row_whose_parent_is_neither_in_the_table_nor_in_the_file_is_found(bench: Bench) -> None:
    """A table that refers to itself: a parent further up in the file is there."""
    bench.run("create table items (id integer primary key, boss integer references items (id))", "insert into items values (1, null)")
    stage = bench.stage("id,boss\n2,1\n3,2\n4,9\n5,8\n")
    assert stage.orphan() == (3, {"boss": "9"}, TableName("items", bench.shape().table.schema))


@pytest.mark.parametrize("how", ["staged", "direct"])
@pytest.mark.parametrize("kind", [kind for kind, (_, elsewhere, *_) in TYPES.items() if elsewhere])
def test_the_second_run_has_nothing_to_do(bench: Bench, kind: str, how: str) -> None:
    """A value is compared as a value: however it is written, nothing is new and nothing changed; NULL replaced by it is."""
    second_run(bench, kind, how)


@POSTGRES
@pytest.mark.parametrize("how", ["staged", "direct"])
@pytest.mark.parametrize("kind", [kind for kind, (_, elsewhere, *_) in TYPES.items() if not elsewhere])
def test_the_second_run_has_nothing_to_do_for_types_of_postgres_alone(bench: Bench, kind: str, how: str) -> None:
    """SQLite and MariaDB have no such type."""
    second_run(bench, kind, how)


def second_run(bench: Bench, kind: str, how: str) -> None:
    """Load a value twice, in two spellings."""
    type_, elsewhere, value, spelling = TYPES[kind]
    if kind == "enum":
        bench.run("create type mood as enum ('good', 'bad')")
    bench.run(f"create table items (id integer primary key, v {type_ if bench.dialect.name == 'postgresql' else elsewhere})")
    csv = f"id,v\n1,{value}\n2,\n"
    assert (bench.load(csv) if how == "direct" else bench.seed(csv).new) == 2
    before = bench.query("select id, v from items order by id") if kind != "nan" else []
    first = bench.fingerprint()
    assert bench.seed(f"id,v\n2,\n1,{spelling}\n") == Counts(equal=2)
    assert (bench.query("select id, v from items order by id") if kind != "nan" else []) == before
    assert bench.fingerprint() == first
    bench.run("update items set v = null")
    assert bench.seed(csv) == (Counts(equal=2) if kind == "null" else Counts(changed=1, equal=1))
    assert bench.fingerprint() == first


def test_empty_text_is_not_null(bench: Bench) -> None:
    """`""` is a text, nothing between two commas is NULL, wherever in the file it stands."""
    bench.run("create table items (id integer primary key, a text, b text)")
    bench.load('id,a,b\n1,"",\n2,,""\n3,"x "" y",","""","\n4,"",""\n')
    assert bench.query("select * from items order by id") == [(1, "", None), (2, None, ""), (3, 'x " y', ',"",'), (4, "", "")]


def test_a_null_marker_counts_only_without_quotes(bench: Bench) -> None:
    """As COPY has it; an empty field is then an empty text."""
    bench.run("create table items (id integer primary key, a text, b text, qty integer)")
    bench.load('id,a,b,qty\n1,NULL,"NULL",NULL\n2,,"",5\n', null="NULL")
    assert bench.query("select * from items order by id") == [(1, None, "NULL", None), (2, "", "", 5)]


@pytest.mark.parametrize("csv", ['id,name\r\n1,a\r\n2,"b\r\nc"\r\n', "id,name\n1,a\n2,b"])
def test_line_ends(bench: Bench, csv: str) -> None:
    """Windows' line ends, and none at the end."""
    bench.run("create table items (id integer primary key, name text)")
    body = csv.partition("\n")[2]
    assert bench.rows.load_csv(bench.permit, bench.shape(), ["id", "name"], blocks(body.encode()), None) == 2
    assert bench.seed("id,name\n1,a\n2," + ('"b\r\nc"' if "\r" in csv else "b") + "\n") == Counts(equal=2)


def test_typed_rows(bench: Bench, postgres: bool) -> None:
    """What comes from JSON and YAML, already converted: None, truth, numbers, bytes, text."""
    kinds = ("double precision", "bytea") if postgres else ("double", "blob")
    bench.run(f"create table items (id integer primary key, name text, yes boolean, f {kinds[0]}, raw {kinds[1]})")
    columns = ["id", "name", "yes", "f", "raw"]
    rows: list[list[object]] = [
        [1, 'tab\tline\nback\\slash "q" \\N', True, 1.5, b"\x00\xff"],
        [2, "", False, -0.0, b""],
        [3, None, None, None, None],
    ]
    assert bench.rows.load_rows(bench.permit, bench.shape(), columns, iter(rows)) == 3
    assert [tuple(row) for row in bench.query("select * from items order by id")] == [tuple(row) for row in rows]
    rows[1][1] = "changed"
    stage = bench.rows.stage_rows(bench.permit, bench.shape(), columns, ["id"], iter(rows))
    assert stage.compare() == Counts(changed=1, equal=2)


# ---- only what differs


def many(count: int, edited: int = 0) -> str:
    lines = [f"{i},name {i},{'changed' if i == edited else 'note'},{i % 7}" for i in range(1, count + 1)]
    return "id,name,note,qty\n" + "\n".join(lines) + "\n"


def test_one_cell_of_many_rows(bench: Bench, postgres: bool) -> None:
    """Exactly one row is written: on PostgreSQL the others keep the transaction that wrote them."""
    count = 100_000 if postgres else 20_000
    bench.run(ITEMS)
    assert bench.load(many(count)) == count
    bench.session.commit()
    before = bench.query("select xmin::text from items limit 1") if postgres else []
    assert bench.seed(many(count, 4711)) == Counts(changed=1, equal=count - 1)
    if postgres:
        assert bench.query(f"select count(*) from items where xmin::text = '{before[0][0]}'") == [(count - 1,)]
    assert bench.query("select note from items where id = 4711") == [("changed",)]


@POSTGRES
@pytest.mark.parametrize("order", ["along the key", "backwards"])
def test_both_ways_to_join_agree(bench: Bench, order: str) -> None:
    """A large file in the table's own order is compared by two walks along indexes, any other by hashing."""
    bench.run(ITEMS)
    bench.load(many(100_000))
    bench.run("analyze items", "delete from items where id = 7", "insert into items values (0, 'zero', null, 0)")
    header, *lines = many(100_000, 4711).splitlines()
    stage = bench.stage("\n".join([header, *(lines if order == "along the key" else lines[::-1]), "5,a,b,1"]) + "\n")
    assert stage.duplicates() == ({"id": "5"}, (5, 100_001) if order == "along the key" else (99_996, 100_001))
    stage = bench.stage("\n".join([header, *(lines if order == "along the key" else lines[::-1])]) + "\n")
    assert vars(stage)["_walks"] is (order == "along the key")
    assert stage.duplicates() is None
    assert stage.compare() == Counts(1, 1, 99_998, 1)
    assert [row.key for kind in ("new", "changed", "unknown") for row in stage.sample(kind, 5)] == [
        {"id": "7"},
        {"id": "4711"},
        {"id": "0"},
    ]
    assert stage.write(OnChange.UPDATE, True) == 1
    assert bench.query("select count(*), sum(id) from items") == [(100_000, 5_000_050_000)]
    assert bench.query("show enable_hashjoin") == [("on",)]


@pytest.mark.not_on_mariadb("nothing there tells one version of a row from the next")
def test_a_second_run_writes_no_row(bench: Bench, postgres: bool) -> None:
    """The staged comparison alone touches nothing, fresh or not."""
    bench.run(ITEMS)
    bench.load(many(1000))
    bench.session.commit()
    place = "ctid::text, xmin::text" if postgres else "rowid"
    before = bench.query(f"select {place} from items order by id")
    assert bench.seed(many(1000)) == Counts(equal=1000)
    assert bench.query(f"select {place} from items order by id") == before


def test_new_changed_equal_and_unknown(bench: Bench) -> None:
    """The four kinds of rows, counted, shown and written."""
    bench.run(ITEMS, "insert into items values (1, 'a', null, 1), (2, 'b', 'x', 2), (8, 'h', '', 8), (9, 'i', null, 9)")
    stage = bench.stage('id,name,note,qty\n3,c,"",3\n2,B,,2\n1,a,,1\n')
    assert stage.compare() == Counts(new=1, changed=1, equal=1, unknown=2)
    (new,), (changed,) = stage.sample("new", 5), stage.sample("changed", 5)
    assert (new.key, new.cells["name"], new.cells["note"]) == ({"id": "3"}, (None, "c"), (None, ""))
    assert (changed.key, changed.cells) == ({"id": "2"}, {"name": ("b", "B"), "note": ("x", None)})
    assert [row.key["id"] for row in stage.sample("unknown", 1)] == ["8"]
    assert stage.sample("unknown", 5)[0].cells["note"] == ("", None)
    assert stage.write(OnChange.UPDATE, True) == 2
    assert bench.query("select * from items order by id") == [(1, "a", None, 1), (2, "B", None, 2), (3, "c", "", 3)]


def test_insert_only_leaves_changed_rows_alone(bench: Bench) -> None:
    """And unknown rows stay where nobody asked for their deletion."""
    bench.run(ITEMS, "insert into items values (1, 'a', null, 1), (9, 'i', null, 9)")
    assert bench.stage("id,name\n1,changed\n2,b\n").write(OnChange.INSERT_ONLY, False) == 0
    assert bench.query("select id, name from items order by id") == [(1, "a"), (2, "b"), (9, "i")]


def test_only_the_columns_of_the_file_are_compared_and_written(bench: Bench) -> None:
    """The others keep what the application put there, and new rows get their defaults."""
    bench.run("create table items (id integer primary key, name text, qty integer default 7)", "insert into items values (1, 'a', 1)")
    assert bench.seed("id,name\n1,b\n2,c\n") == Counts(new=1, changed=1)
    assert bench.query("select * from items order by id") == [(1, "b", 1), (2, "c", 7)]


def test_a_key_of_two_columns_that_is_not_the_primary_key(bench: Bench, postgres: bool) -> None:
    """The surrogate key counts along the file, and stays what it is for rows that are there."""
    serial = {"postgresql": "serial", "sqlite": "integer"}.get(bench.dialect.name, "integer auto_increment")
    bench.run(f"create table items (id {serial} primary key, a varchar(20) not null, b integer not null, v text, unique (a, b))")
    assert bench.seed("a,b,v\nz,1,one\ny,2,two\nx,3,three\n", key=("a", "b")) == Counts(new=3)
    assert bench.seed("a,b,v\ny,2,TWO\nz,1,one\nw,3,new\n", key=("a", "b"), delete=True) == Counts(new=1, changed=1, equal=1, unknown=1)
    assert bench.query("select a, v from items order by id") == [("z", "one"), ("y", "TWO"), ("w", "new")]
    assert bench.query("select id from items where a in ('z', 'y') order by id") == [(1,), (2,)]


def test_a_table_that_is_nothing_but_its_key(bench: Bench) -> None:
    """There is nothing that could change."""
    bench.run("create table items (a integer, b integer, primary key (a, b))")
    assert bench.seed("a,b\n1,1\n1,2\n", key=("a", "b")) == Counts(new=2)
    assert bench.seed("a,b\n1,1\n1,3\n", key=("a", "b")) == Counts(new=1, equal=1, unknown=1)


def test_a_capital_letter_is_a_change(bench: Bench, postgres: bool) -> None:
    """Whatever the column's own equality ignores."""
    if postgres and not bench.query("select 1 from pg_available_extensions where name = 'citext'"):
        pytest.skip("this server has neither citext nor ICU")
    bench.run(*["create extension citext"] * postgres)
    type_ = {"postgresql": "citext", "sqlite": "text collate nocase"}.get(bench.dialect.name, "varchar(20) collate utf8mb4_general_ci")
    bench.run(f"create table items (id integer primary key, name {type_})")
    bench.run("insert into items values (1, 'ABC')")
    before = bench.fingerprint()
    assert bench.seed("id,name\n1,Abc\n") == Counts(changed=1)
    assert bench.fingerprint() != before


def test_documents_of_100_kilobytes(bench: Bench, postgres: bool) -> None:
    """Compared as values, in the order of keys that they come in."""
    bench.run(f"create table items (id integer primary key, doc {'jsonb' if postgres else 'json'})")
    document = {f"键{i}": "值" * 20 + str(i) for i in range(1400)}
    assert len(json.dumps(document, ensure_ascii=False).encode()) > 100_000

    def csv(doc: dict[str, str], last: str) -> str:
        texts = [json.dumps(doc, ensure_ascii=False), json.dumps({**doc, "last": last}, ensure_ascii=False), "[]"]
        return "id,doc\n" + "".join('{},"{}"\n'.format(i, text.replace('"', '""')) for i, text in enumerate(texts))

    assert bench.seed(csv(document, "a")) == Counts(new=3)
    assert bench.seed(csv(dict(reversed(document.items())), "b")) == Counts(changed=1, equal=2)


# ---- duplicates and values that do not fit


def test_a_key_that_stands_in_the_file_twice(bench: Bench) -> None:
    """Both rows are named, in the file's order, whether the table knows the key or not."""
    bench.run(ITEMS, "insert into items values (5, 'e', null, null)")
    assert bench.stage("id,name\n1,a\n2,b\n").duplicates() is None
    assert bench.stage("id,name\n1,a\n5,b\n2,c\n5,d\n2,e\n").duplicates() == ({"id": "5"}, (2, 4))
    bench.run("create table pairs (a varchar(20), b integer, primary key (a, b))")
    assert bench.stage("a,b\nx,1\nx,2\nx,1\n", "pairs", ("a", "b")).duplicates() == ({"a": "x", "b": "1"}, (1, 3))


@POSTGRES
def test_row_numbers_hold_where_rows_differ_in_size(bench: Bench) -> None:
    """A small row must not be put into a gap that a large one left: then `ctid` would not be the order of the file."""
    bench.run(ITEMS)
    sizes = [1, 3000, 10, 6000, 400, 7000, 5, 2500, 900]
    rows = [[i, "n", "x" * sizes[i % len(sizes)] if i % 50 else "y" * 20_000, i] for i in range(1, 5001)]
    stage = bench.rows.stage_rows(bench.permit, bench.shape(), ["id", "name", "note", "qty"], ["id"], rows)
    name = vars(stage)["name"]
    assert bench.query(f"select count(*) from (select qty, row_number() over (order by ctid) n from {name}) s where qty <> n") == [(0,)]


@pytest.mark.parametrize("staged", [True, False])
@pytest.mark.parametrize(
    "csv, row, column",
    [
        ("id,name,qty\n1,a,1\n2,b,many\n", 2, "qty"),
        ('id,name,qty\n1,a,1\n2,b,""\n', 2, "qty"),
        ("id,name,qty\n1,a,1\n2,,3\n", 2, "name"),
        ("id,name,qty\n1,a,1\n,b,3\n", 2, "id"),
        ("id,name,qty\n1,a,1\n2,b,3,4\n", 2, ""),
        ("id,name,yes\n1,a,t\n2,b,perhaps\n", 2, "yes"),
        ('id,name,doc\n1,a,1\n2,"b\nc",{\n', 3, "doc"),
        ("id,name,raw\n1,a,\\x00\n2,b,\\xzz\n", 2, "raw"),
    ],
)
def test_a_value_that_does_not_fit(bench: Bench, postgres: bool, csv: str, row: int, column: str, staged: bool) -> None:
    """Line of the body (at which the row ends) and column are said, and the database's reason."""
    raw, doc = ("bytea", "jsonb") if postgres else ("blob", "json")
    bench.run(f"create table items (id integer primary key, name text not null, qty integer, yes boolean, doc {doc}, raw {raw})")
    found = bench.refusal(csv, staged=staged)
    assert found[:2] == (row, column)
    assert len(found[2]) > 10
    assert bench.query("select count(*) from items") == [(0,)]


@POSTGRES
@pytest.mark.parametrize(
    "type_, value, said",
    [
        ("varchar(3)", "abcdef", 'value too long for type character varying(3): "abcdef"'),
        ("smallint", "70000", 'value "70000" is out of range for type smallint'),
        ("date", "2026-13-01", 'date/time field value out of range: "2026-13-01"'),
        ("uuid", "x" * 500, 'invalid input syntax for type uuid: "xxx'),
        ("mood", "ugly", 'invalid input value for enum mood: "ugly"'),
        ("positive", "-1", "violates check constraint"),
    ],
)
def test_what_postgres_says_of_a_value(bench: Bench, type_: str, value: str, said: str) -> None:
    """The beginning of the value and the type; never the whole of a long one."""
    bench.run("create type mood as enum ('good')", "create domain positive as integer check (value > 0)")
    bench.run(f'create table items (id integer primary key, "a, b" {type_})')
    columns = ["id", "a, b"]
    bench.session.commit()
    with pytest.raises(Exception) as caught:
        bench.rows.stage_csv(bench.permit, bench.shape(), columns, ["id"], [f"1,\n2,{value}\n".encode()], None)
    bench.session.rollback()
    row, column, message = bench.rows.bad_value(caught.value) or (0, "", "")
    assert (row, column) == (2, "a, b")
    assert said in message
    assert len(message) < 300


@POSTGRES
@pytest.mark.parametrize(
    "context",
    [
        'COPY items, line 7, column a, b: "x"',
        "COPY items, Zeile 7, Spalte a, b: „x“",
        'COPY items, 行 7, 列 a, b: "x"',
        "COPY items, ligne 7, colonne a, b : « x »",
        'JSON data, line 1: x\nCOPY items, line 7, column a, b: "x"\nx, line 8"',
        'COPY items, строка 7, столбец a, b: "x"',
    ],
)
def test_the_place_is_found_in_any_language(bench: Bench, context: str) -> None:
    """The server may speak the language of its owner, and has no field for the line."""
    diag = SimpleNamespace(context=context, column_name=None, message_primary="wrong")
    error = type("Refusal", (Exception,), {"sqlstate": "22P02", "diag": diag})()
    row, column, _ = bench.rows.bad_value(error) or (0, "", "")
    assert (row, column.rstrip()) == (7, "a, b")


def test_text_that_no_database_holds(bench: Bench) -> None:
    """JSON can say a zero byte and half a character."""
    bench.run(ITEMS)
    bench.session.commit()
    for text in ("a\ud800",) if bench.dialect.name != "postgresql" else ("a\0b", "a\ud800"):
        with pytest.raises(Exception) as caught:
            bench.rows.load_rows(bench.permit, bench.shape(), ["id", "name"], [[1, "a"], [2, text]])
        bench.session.rollback()
        found = bench.rows.bad_value(caught.value)
        assert found is not None and found[0] == 2


def test_an_error_of_the_file_stays_what_it_is(bench: Bench) -> None:
    """What the reader of the blocks raises arrives unchanged, and nothing is loaded."""
    bench.run(ITEMS)
    bench.session.commit()

    def broken() -> Iterator[bytes]:
        yield b"1,a,,1\n"
        raise LookupError("the file ends here")

    with pytest.raises(LookupError, match="the file ends here"):
        bench.rows.load_csv(bench.permit, bench.shape(), ["id", "name", "note", "qty"], broken(), None)
    bench.session.rollback()
    assert bench.rows.is_empty(bench.session, bench.shape())
    assert bench.rows.bad_value(LookupError()) is None


def test_a_duplicate_or_an_orphan_is_no_bad_value(bench: Bench, postgres: bool) -> None:
    """The value is fine: it is the other rows that are missing or there already."""
    bench.run(ITEMS, "insert into items values (1, 'a', null, 1)")
    bench.session.commit()
    with pytest.raises(Exception) as caught:
        bench.load("id,name\n1,b\n")
    bench.session.rollback()
    assert bench.dialect.facts(caught.value) is not None
    assert bench.rows.bad_value(caught.value) is None


# ---- sequences


@POSTGRES
@pytest.mark.parametrize("how", ["generated always as identity", "generated by default as identity", "serial"])
@pytest.mark.parametrize("staged", [True, False])
def test_sequences_are_moved_past_the_highest_key(bench: Bench, how: str, staged: bool) -> None:
    """The application's next row must not collide; a sequence that is further already stays there."""
    type_ = "serial" if how == "serial" else f"integer {how}"
    bench.run(f'create table items ("Id" {type_} primary key, name text)')
    move = lambda: bench.rows.move_sequences(bench.permit, bench.shape(), ["Id", "name"])  # noqa: E731
    move()
    csv = "Id,name\n7,a\n3,b\n"
    bench.seed(csv, key=("Id",)) if staged else bench.load(csv)
    move()
    bench.run("insert into items (name) values ('next')")
    assert bench.query("select \"Id\" from items where name = 'next'") == [(8,)]
    bench.run("select setval(pg_get_serial_sequence('items', 'Id'), 100)")
    move()
    bench.run("insert into items (name) values ('later')")
    assert bench.query("select \"Id\" from items where name = 'later'") == [(101,)]


@POSTGRES
@pytest.mark.parametrize(
    "options, ids, following", [("", "0\n-5\n", 1), ("", "1\n", 2), ("(increment by -1)", "-3\n-9\n", -10), ("(maxvalue 10)", "50\n", 1)]
)
def test_sequences_that_count_otherwise(bench: Bench, options: str, ids: str, following: int) -> None:
    """A key below the sequence's start moves nothing; a sequence that counts down is moved down; one that cannot get there stays."""
    bench.run(f"create table items (id integer generated by default as identity {options} primary key)")
    bench.load("id\n" + ids)
    bench.rows.move_sequences(bench.permit, bench.shape(), ["id"])
    bench.run("insert into items default values")
    assert bench.query(f"select count(*) from items where id = {following}") == [(1,)]


@SQLITE
def test_autoincrement_moves_by_itself(bench: Bench) -> None:
    """SQLite notes the highest value, given or counted, also where the row is gone again."""
    bench.run("create table items (id integer primary key autoincrement, name text)")
    assert bench.seed("id,name\n7,a\n3,b\n") == Counts(new=2)
    bench.rows.move_sequences(bench.permit, bench.shape(), ["id", "name"])
    bench.run("delete from items where id = 7", "insert into items (name) values ('next')")
    assert bench.query("select id from items where name = 'next'") == [(8,)]


# ---- the fingerprint


def test_the_fingerprint_notices_every_change(bench: Bench) -> None:
    """A changed cell, a row more or less, two rows that exchange a value; and nothing else."""
    bench.run(ITEMS)
    assert bench.fingerprint().startswith("0-")
    bench.load(many(200))
    seen = [bench.fingerprint()]
    for change in (
        "update items set note = 'x' where id = 5",
        "update items set note = null where id = 5",
        "update items set note = '' where id = 5",
        "delete from items where id = 6",
        "insert into items values (1000, 'name 6', 'note', 6)",
        "update items set name = case id when 1 then 'name 2' else 'name 1' end where id in (1, 2)",
        "update items set id = -id where id = 7",
        "update items set note = name, name = 'note' where id = 8",
    ):
        bench.run(change)
        seen.append(bench.fingerprint())
    assert len(set(seen)) == len(seen)
    assert seen[0].startswith("200-")


def test_the_fingerprint_has_no_order(bench: Bench) -> None:
    """The same rows in another order, written at another time, have the same one; only the columns asked for count."""
    bench.run(ITEMS)
    bench.load(many(50))
    before, names = bench.fingerprint(), bench.fingerprint("id", "name")
    bench.run("delete from items")
    header, *lines = many(50).splitlines()
    bench.load("\n".join([header, *reversed(lines)]) + "\n")
    assert bench.fingerprint() == before
    bench.run("update items set qty = 0")
    assert bench.fingerprint("id", "name") == names
    assert bench.fingerprint() != before


@POSTGRES
def test_the_fingerprint_of_large_numbers_and_moments(bench: Bench) -> None:
    """Where the server folds 64 bits into 32, two values that fold into one are told apart all the same."""
    bench.run("create table items (id bigint primary key, n bigint, at timestamptz, d bigint[], i interval)")
    bench.run("insert into items values (1, 1, 'epoch', '{1}', '1 day')")
    before = bench.fingerprint()
    bench.run("update items set n = 4294967296")
    between = bench.fingerprint()
    bench.run("update items set at = 'infinity'")
    assert len({before, between, bench.fingerprint()}) == 3


@POSTGRES
def test_the_fingerprint_does_not_depend_on_the_session(bench: Bench) -> None:
    """Two operators with other settings must agree on it."""
    bench.run(
        "create table items (id integer primary key, at timestamptz, f float8, raw bytea)",
        "insert into items values (1, now(), 0.1, '\\x00')",
    )
    before = bench.fingerprint()
    bench.run(
        "set local timezone = 'Asia/Tokyo'",
        "set local datestyle = 'German'",
        "set local bytea_output = 'escape'",
        "set local extra_float_digits = 0",
    )
    assert bench.fingerprint() == before


@POSTGRES
def test_a_reader_may_ask_for_the_fingerprint(bench: Bench, database_url: DatabaseUrl) -> None:
    """`status` looks in a session in which the server refuses every write."""
    bench.run(ITEMS)
    bench.load(many(10))
    bench.session.commit()
    with bench.dialect.open(database_url, 10) as reader:
        rows: Any = bench.dialect.rows()
        shape = rows.shape(reader, TableName("items"))
        assert rows.fingerprint(reader, shape, ["id", "name", "note", "qty"]) == bench.fingerprint()
        assert not rows.is_empty(reader, shape)


# ---- the transaction


@pytest.mark.not_on_mariadb("a temporary table stays, empty, until the connection ends")
def test_a_rollback_leaves_nothing(bench: Bench) -> None:
    """Staging, comparing and writing happen in the one open transaction; the temporary tables go with it."""
    bench.run(ITEMS)
    bench.session.commit()
    bench.seed(many(20))
    bench.stage(many(20)).compare()
    bench.session.rollback()
    assert bench.rows.is_empty(bench.session, bench.shape())
    left = "select count(*) from pg_class where relname like 'lockgate_stage%'"
    left = left if bench.dialect.name == "postgresql" else "select count(*) from temp.sqlite_master"
    assert bench.query(left) == [(0,)]
    bench.seed(many(20))
    bench.session.commit()
    assert bench.query(left) == [(0,)]
    assert not bench.rows.is_empty(bench.session, bench.shape())
