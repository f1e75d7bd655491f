"""Builds tiny Alembic projects for the tests of whole verbs, and reads databases the way a user would check them."""

from __future__ import annotations

import io
import os
import pty
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pymysql

from lockgate.cli.call import Face
from lockgate.cli.command import run
from lockgate.cli.output import Output
from lockgate.secret import DatabaseUrl

_ALEMBIC = find_spec("alembic")
assert _ALEMBIC is not None
assert _ALEMBIC.origin is not None
MYSQL = ("mysql", "mariadb")
# pytest for a nested session: there Hypothesis' plugin imports all of Hypothesis, which takes longer than most of these sessions.
PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
TEMPLATES = Path(_ALEMBIC.origin).parent / "templates"

SETTINGS = """
project = "app"
default_environment = "dev"
[environments.dev]
url = { env = "DEV_DATABASE_URL" }
protection = "open"
[environments.test]
url = { env = "TEST_DATABASE_URL" }
protection = "open"
[environments.staging]
url = { env = "STAGING_DATABASE_URL" }
protection = "confirm"
[environments.prod]
url = { env = "PROD_DATABASE_URL" }
protection = "locked"
"""

INI = """
[alembic]
script_location = %(here)s/migrations
prepend_sys_path = .
path_separator = os
sqlalchemy.url = driver://user:pass@localhost/dbname
[loggers]
keys = root,alembic
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = WARNING
handlers = console
[logger_alembic]
level = INFO
handlers =
qualname = alembic
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic
[formatter_generic]
format = %(levelname)-5.5s [%(name)s] %(message)s
"""

REVISION = '''"""{message}"""

import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {down!r}
branch_labels = {labels!r}
depends_on = {depends!r}


def upgrade() -> None:
{up}


def downgrade() -> None:
{down_code}
'''


@dataclass
class Tiny:
    """A project on disk, and the variables that its command line is called with."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def settings(self, text: str) -> Tiny:
        """Replace lockgate.toml."""
        (self.folder / "lockgate.toml").write_text(text, encoding="utf-8")
        return self

    def env_py(self, text: str) -> Tiny:
        """Replace env.py."""
        (self.folder / "migrations" / "env.py").write_text(text, encoding="utf-8")
        return self

    def point(self, environment: str, url: DatabaseUrl) -> Tiny:
        """Let the variable of an environment hold a URL."""
        self.environ[f"{environment.upper()}_DATABASE_URL"] = url.render().reveal()
        return self

    def revision(
        self,
        name: str,
        down: str | tuple[str, ...] | None,
        up: str = "pass",
        back: str = "pass",
        *,
        labels: str | None = None,
        depends: str | tuple[str, ...] | None = None,
        message: str = "",
    ) -> Path:
        """Write one revision file; `up` and `back` are lines of Python."""
        text = REVISION.format(
            message=message or name,
            revision=name,
            down=down,
            labels=labels,
            depends=depends,
            up="\n".join(f"    {line}" for line in up.splitlines()),
            down_code="\n".join(f"    {line}" for line in back.splitlines()),
        )
        path = self.folder / "migrations" / "versions" / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        return path

    def tables(self, *names: str) -> Tiny:
        """Write a chain of revisions r1, r2, …, each making one table of that name."""
        down = None
        for number, table in enumerate(names, 1):
            self.revision(f"r{number}", down, create_table(table), f'op.drop_table("{table}")', message=f"create {table}")
            down = f"r{number}"
        return self

    def lockgate(self, *arguments: str, check: int | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """Call the command line in a process of its own; `check` is the exit status it must have."""
        done = self.run([sys.executable, "-m", "lockgate", *arguments], variables)
        if check is not None:
            assert done.returncode == check, f"exit {done.returncode}, not {check}\n{done.stdout}\n{done.stderr}"
        return done

    def here(self, *arguments: str, check: int | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """Call the whole command line in this process: the same way through, without the second that a new process costs."""
        out, err, before = io.StringIO(), io.StringIO(), dict(os.environ)
        os.environ.update({**self.environ, **variables})
        try:
            environ = dict(os.environ)
            output = Output(out, err, io.StringIO(), environ, json="--json" in arguments)
            status = run([*arguments[:1], "--project", str(self.folder), *arguments[1:]], Face(environ, output))
        finally:
            os.environ.clear()
            os.environ.update(before)
        done = subprocess.CompletedProcess(["lockgate", *arguments], status, out.getvalue(), err.getvalue())
        if check is not None:
            assert done.returncode == check, f"exit {done.returncode}, not {check}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *arguments: str, log: str = "", **variables: str) -> subprocess.Popen[bytes]:
        """Start the command line and go on; it writes to the files `<log>.out` and `<log>.err` in the project's folder."""
        name = log or "-".join(arguments)
        with (self.folder / f"{name}.out").open("wb") as out, (self.folder / f"{name}.err").open("wb") as err:
            command = [sys.executable, "-m", "lockgate", *arguments]
            return subprocess.Popen(command, cwd=self.folder, env={**os.environ, **self.environ, **variables}, stdout=out, stderr=err)

    def at_a_terminal(self, *arguments: str, typed: str = "", **variables: str) -> str:
        """Call the command line at a terminal where `typed` is typed; returns everything that it shows."""
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "lockgate", *arguments]
        environ = {**os.environ, **self.environ, "TERM": "xterm-256color", **variables}
        process = subprocess.Popen(command, cwd=self.folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:
            pass  # Linux's way to say that nobody holds the other end any more
        finally:
            os.close(ours)
            process.wait()
        return shown.decode()

    def said(self, log: str) -> str:
        """What a started process has written to stderr so far."""
        return (self.folder / f"{log}.err").read_text(encoding="utf-8")

    def alembic(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Call plain alembic in a process of its own."""
        return self.run([sys.executable, "-m", "alembic", *arguments], variables)

    def run(self, command: list[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Call any command in the project's folder with its variables."""
        environ = {**os.environ, **self.environ, **variables}
        return subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=120, check=False)


def until(condition: Callable[[], object], what: str, *doing: subprocess.Popen[bytes], seconds: float = 120.0) -> None:
    """Wait for something that the processes `doing` do; fails with `what` where one of them ended, or after a time in which it would have come."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert all(process.poll() is None for process in doing) or condition(), f"ended without it: {what}"
        assert time.monotonic() < give_up, f"still not so after {seconds:g} s: {what}"
        time.sleep(0.02)


def create_table(name: str) -> str:
    """The line that makes a table with an id and a name."""
    return f'op.create_table("{name}", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)))'


def tiny(folder: Path, template: str = "generic") -> Tiny:
    """Make a project with one of Alembic's own env.py templates and no revision."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text(INI, encoding="utf-8")
    for name in ("env.py", "script.py.mako"):
        shutil.copy(TEMPLATES / template / name, folder / "migrations" / name)
    return Tiny(folder).settings(SETTINGS)


def pymysql_connection(url: DatabaseUrl) -> pymysql.Connection[Any]:
    """Connect as a person at a prompt: every statement commits itself."""
    login = {"user": url.username, "password": url.password.reveal(), "database": url.database, "unix_socket": url.query["unix_socket"]}
    return pymysql.connect(**login, charset="utf8mb4", autocommit=True, ssl_disabled=True)


@dataclass
class Database:
    """A database as somebody with a SQL prompt sees it, by the bare driver."""

    url: DatabaseUrl

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement, commit it, return its rows."""
        if self.url.backend == "sqlite":
            with closing(sqlite3.connect(self.url.database)) as connection, connection:
                return connection.execute(sql).fetchall()
        if self.url.backend in MYSQL:
            with closing(pymysql_connection(self.url)) as session, session.cursor() as found:
                found.execute(sql)
                return list(found.fetchall())
        with psycopg.connect(replace(self.url, driver="").render().reveal(), autocommit=True) as server:
            cursor = server.execute(sql)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def exists(self) -> bool:
        """Whether there is anything to look at; a SQLite file may not have been made."""
        return self.url.backend != "sqlite" or Path(self.url.database).exists()

    def tables(self) -> list[str]:
        """All tables, lockgate's and Alembic's own among them, with their schema on PostgreSQL unless it is public."""
        if not self.exists():
            return []
        if self.url.backend == "sqlite":
            return sorted(row[0] for row in self.query("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"))
        if self.url.backend in MYSQL:
            names = self.query("select table_name from information_schema.tables where table_schema = database() and table_type <> 'VIEW'")
            return sorted(name for (name,) in names)
        sql = "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        return sorted(name if schema == "public" else f"{schema}.{name}" for schema, name in self.query(sql))

    def user_tables(self) -> list[str]:
        """Tables that are neither lockgate's nor Alembic's."""
        return [name for name in self.tables() if not name.startswith(("lockgate", "alembic_version"))]

    def heads(self) -> list[str]:
        """Rows of Alembic's version table."""
        return sorted(row[0] for row in self.query("select version_num from alembic_version")) if "alembic_version" in self.tables() else []

    def ledger(self) -> list[tuple[Any, ...]]:
        """Rows of the ledger, oldest first: verb, outcome, revision, error."""
        name = "lockgate.ledger" if self.url.backend == "postgresql" else "lockgate_ledger"
        if name not in self.tables():
            return []
        return self.query(f"select verb, outcome, revision, error from {name} order by id")

    def applied(self) -> list[str]:
        """Revisions that the ledger says were applied, oldest first."""
        return [row[2] for row in self.ledger() if row[1] == "applied"]

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """The picture without the ledger: a refusal on the right database is written down there, and changes nothing else."""
        return {name: rows for name, rows in self.picture().items() if not name.endswith("ledger")}

    def picture(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything: each table with all its rows. Two equal pictures mean that nothing changed."""
        mark = "`" if self.url.backend in MYSQL else '"'
        quoted = {
            name: ".".join(mark + part.replace(mark, mark * 2) + mark for part in name.split(".")) for name in self.tables()
        }
        return {name: sorted(self.query(f"select * from {sql}"), key=repr) for name, sql in quoted.items()}
