"""
Functions, operators and types that somebody else made in `public` get no part in lockgate's own statements.

Whoever may create objects in a schema of the search_path can make an `=` that runs with the rights of whoever compares (CVE-2018-1058).
Here `public` even comes before pg_catalog, for every session of the database.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from building import SETTINGS, Database, Tiny
from running import alembic_twin, plain_up

from lockgate.secret import DatabaseUrl

_TRAP = "create function public.{name}({arguments}) returns {result} language plpgsql set search_path = pg_catalog as $$ begin raise log 'HOSTILE %', translate(current_query(), chr(10), ' '); return {value}; end $$"
FUNCTIONS = {
    "now": ("", "timestamptz", "now()"),
    "clock_timestamp": ("", "timestamptz", "clock_timestamp()"),
    "to_char": ("a timestamp, b text", "text", "to_char(a, b)"),
    "host": ("a inet", "text", "host(a)"),
    "current_database": ("", "name", "current_database()"),
    "current_setting": ("a text", "text", "current_setting(a)"),
    "set_config": ("a text, b text, c boolean", "text", "set_config(a, b, c)"),
    "sha256": ("a bytea", "bytea", "sha256(a)"),
    "encode": ("a bytea, b text", "text", "encode(a, b)"),
    "convert_to": ("a text, b name", "bytea", "convert_to(a, b)"),
    "pg_backend_pid": ("", "integer", "pg_backend_pid()"),
    "pg_try_advisory_lock": ("a bigint", "boolean", "pg_try_advisory_lock(a)"),
    "to_regclass": ("a text", "regclass", "to_regclass(a)"),
}
OPERATORS = (
    *(("=", one, other) for one, other in (("text", "text"), ("name", "name"), ("name", "text"), ("oid", "oid"), ("oid", "regclass"))),
    *(("=", one, other) for one, other in (('"char"', '"char"'), ("integer", "integer"), ("smallint", "integer"), ("oid", "integer"))),
    *(("=", one, other) for one, other in (("oid", "bigint"), ("bigint", "integer"))),
    *(("<>", one, one) for one in ("name", "text")),
    *(("!~", one, other) for one, other in (("name", "name"), ("name", "text"), ("text", "text"))),
)
# These two take what is on both sides and give back what the real one gives.
ARITHMETIC = (("+", "bigint", "integer", "bigint"), ("||", "text", "text", "text"))


def set_traps(database: Database) -> None:
    """Make every object, and let `public` win for every session from now on; each use is a line in the server's log."""
    statements = [
        _TRAP.format(name=name, arguments=arguments, result=result, value=value) for name, (arguments, result, value) in FUNCTIONS.items()
    ]
    operators = [(sign, one, other, "boolean") for sign, one, other in OPERATORS] + list(ARITHMETIC)
    for number, (sign, one, other, result) in enumerate(operators):
        value = "a = b::oid" if other == "regclass" else f"a::text {sign} b::text" if sign in ("!~", "=", "<>") else f"a {sign} b"
        statements.append(_TRAP.format(name=f"trap_{number}", arguments=f"a {one}, b {other}", result=result, value=value))
        statements.append(f"create operator public.{sign} (leftarg = {one}, rightarg = {other}, function = public.trap_{number})")
    statements.append("create domain public.text as pg_catalog.text check (public.to_regclass(value) is null or true)")
    name = database.url.database
    database.query("; ".join([*statements, f'alter database "{name}" set search_path = public, pg_catalog']))


@pytest.fixture
def log(postgres_server: object) -> Path:
    """The server's log."""
    admin = Database(postgres_server.url("postgres"))  # type: ignore[attr-defined]
    return Path(admin.query("show data_directory")[0][0]) / "log"


def caught(log: Path, start: int) -> set[str]:
    """The statements since `start` in which a hostile object had a part."""
    text = log.read_bytes()[start:].decode("utf-8", "replace")
    return {" ".join(line.partition("HOSTILE ")[2].split()) for line in text.splitlines() if "HOSTILE " in line}


def test_no_statement_of_lockgate_calls_what_somebody_else_made(
    project: Tiny, log: Path, postgres_url: DatabaseUrl, make_postgres_database: object, tmp_path: Path
) -> None:
    """What is left are the statements of Alembic and SQLAlchemy, which run without lockgate just the same."""
    assert callable(make_postgres_database)
    project.tables("users", "orders").point("dev", postgres_url)
    database, other = Database(postgres_url), Database(make_postgres_database())
    twin = alembic_twin(project, tmp_path / "twin")
    for one in (database, other):
        set_traps(one)
    start = log.stat().st_size
    plain_up(twin, other.url, "r1")
    plain_up(twin, other.url)
    theirs = caught(log, start)
    assert theirs, "the traps catch nothing"
    start = log.stat().st_size
    project.here("adopt", "dev", check=0, CONFIRM_ENV="dev")
    project.here("upgrade", "dev", "r1", check=0)
    project.here("downgrade", "dev", "base", check=3)
    project.here("upgrade", "dev", check=0)
    project.here("stamp", "dev", "r2", check=0)
    for words in (("status",), ("history", "dev"), ("history", "dev", "--verify"), ("url", "dev", "--check")):
        project.here(*words, check=0)
    ours = caught(log, start) - theirs
    assert not ours, "\n".join(sorted(ours))
    assert database.applied() == ["r1", "r2"]


def test_of_a_seed_only_what_compares_its_rows_looks_along_the_roles_path(project: Tiny, log: Path, postgres_url: DatabaseUrl) -> None:
    """Tables and their triggers need that path; catalog and ledger do not, and hold the rights of whoever seeds."""
    rows = '[[seeds]]\nname = "users"\nfile = "users.csv"\nkey = ["id"]\nenvironments = ["dev"]\nunknown_rows = "delete"\n'
    script = '[[seeds]]\nname = "orders"\nfile = "orders.sql"\nenvironments = ["dev"]\n'
    project.settings(SETTINGS + rows + script).tables("users", "orders").point("dev", postgres_url)
    (project.folder / "orders.sql").write_text("insert into orders values (1, 'x') on conflict (id) do nothing;\n", encoding="utf-8")
    project.here("upgrade", "dev", check=0)
    database = Database(postgres_url)
    set_traps(database)
    start = log.stat().st_size
    for text in ("id,name\n1,a\n2,b\n", "id,name\n1,other\n3,c\n"):
        (project.folder / "users.csv").write_text(text, encoding="utf-8")
        project.here("seed", "dev", check=0, CONFIRM_ENV="dev")
    found = caught(log, start)
    assert found, "the traps catch nothing"
    assert sorted(sql for sql in found if '"public"."users"' not in sql and "orders" not in sql) == []
    assert database.query("select * from users order by id") == [(1, "other"), (3, "c")]


@pytest.mark.parametrize("seed", ["users.csv", "users.sql"])
def test_a_table_of_the_same_name_in_an_earlier_schema_gets_no_rows(project: Tiny, postgres_url: DatabaseUrl, seed: str) -> None:
    """Whoever may make a schema called like the role could take in what a seed writes, personal data and all."""
    text = f'{SETTINGS}[[seeds]]\nname = "users"\nfile = "{seed}"\nenvironments = ["dev"]\n'
    (project.folder / "users.csv").write_text("id,name\n1,a\n", encoding="utf-8")
    (project.folder / "users.sql").write_text("insert into users values (1, 'a') on conflict do nothing;\n", encoding="utf-8")
    project.settings(text).tables("users").point("dev", postgres_url).here("upgrade", "dev", check=0)
    database = Database(postgres_url)
    database.query("create schema postgres; create table postgres.users (id integer primary key, name text)")
    said = project.here("seed", "dev", check=2).stderr
    assert "code: seed-invalid" in said and "`postgres.users` and `public.users`" in said and "changed: nothing" in said
    assert database.query("select * from users") == database.query("select * from public.users") == []
    (project.folder / "users.sql").write_text("insert into public.users values (1, 'a') on conflict do nothing;\n", encoding="utf-8")
    project.settings(text + 'table = "public.users"\n' if seed == "users.csv" else text)
    project.here("seed", "dev", check=0)
    assert database.query("select * from public.users") == [(1, "a")]
