"""
A canary for a password, and every way by which passwords have got out of migration tools: it is seen nowhere.

Nowhere: stdout, stderr, `--json`, tracebacks of `--debug`, whatever the process logs, the ledger and everything else in the database, and
every file that the command made or changed. `tests/house/test_promised_cases.py` counts the cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest
from building import INI, Database, Tiny, create_table
from guarded import ELSEWHERE, Guarded, closed_port

from lockgate.errors import CODES
from lockgate.secret import DatabaseUrl

CANARY = "Sp4rrow"  # in the middle of every password, so that no way of quoting it hides it
PASSWORD = f"p@s/%{CANARY}:ü#&"
ENCODED = quote(PASSWORD, safe="")
EXITS = {0} | {error.exit_code for error in CODES.values()}
DEV = 'project = "app"\n[environments.dev]\nprotection = "open"\n'
VARIABLE = 'url = { env = "DEV_DATABASE_URL" }\n'
LOUD = INI.replace("level = WARNING", "level = DEBUG").replace("level = INFO", "level = DEBUG")
UPGRADE = ("upgrade", "dev")


@dataclass(frozen=True)
class Case:
    """
    One way out.

    Args:
        value: of `DEV_DATABASE_URL`; `{port}` is one that refuses connections. Empty: the URL of a real database with that password.
        line: of the settings, where the URL comes from.
        files: to write, by name; they hold the canary.
        up: code of the only revision.
        words: the command line.
        exit: the status that it must end with.
    """

    value: str = ""
    line: str = VARIABLE
    files: tuple[tuple[str, str], ...] = ()
    up: str = ""
    words: tuple[str, ...] = UPGRADE
    exit: int = 2


def function(module: str, code: str, exit: int = 5) -> Case:
    """A source that is a function of the project; each has a module of its own, because a process loads one once."""
    return Case(line=f'url = {{ python = "{module}:url" }}\n', files=((f"{module}.py", code),), exit=exit)


SHELL = 'url = {{ command = ["sh", "-c", "{}"] }}\n'
URL_OF_RUN = 'url = op.get_bind().engine.url.render_as_string(hide_password=False)\n'
URL = f"postgresql://leo:{ENCODED}@db/app"
CLOSED = f"postgresql://leo:{ENCODED}@127.0.0.1:{{port}}/app"
CASES: dict[str, Case] = {
    # a value that cannot be read
    "a port that is none": Case(f"postgresql://leo:{PASSWORD}@db:port/app"),
    "no scheme": Case(f"leo:{PASSWORD}@db/app"),
    "a broken address": Case(f"postgresql://leo:{PASSWORD}@[::1/app"),
    "a password that is not encoded": Case(f"postgresql://leo:{PASSWORD}@/{PASSWORD}@db.internal:1x/app"),
    "another kind of database": Case(f"oracle://leo:{ENCODED}@db/app"),
    "a driver in the scheme's place": Case(f"asyncpg://leo:{ENCODED}@db/app"),
    "no database": Case(f"postgresql://leo:{ENCODED}@127.0.0.1:1/"),
    "an odd option": Case(f"postgresql://leo:{ENCODED}@127.0.0.1:{{port}}/app?passfile={ENCODED}", exit=5),
    "a password as an option": Case(f"postgresql://leo@127.0.0.1:{{port}}/app?password={ENCODED}", exit=5),
    "unverified TLS": Case(f"postgresql://leo:{ENCODED}@db.internal/app?sslmode=disable"),
    "unverified TLS of MariaDB": Case(f"mysql+pymysql://leo:{ENCODED}@db.internal/app?ssl_disabled=true"),
    # settings that hold it
    "a literal URL": Case(line=f"url = 'postgresql://leo:{ENCODED}@db/app'\n"),
    "a URL for a variable's name": Case(line=f"url = {{ env = 'postgresql://leo:{ENCODED}@db/app' }}\n"),
    "a line that is no TOML": Case(line=f"url = postgresql://leo:{ENCODED}@db/app\n"),
    "an unknown key": Case(line=f"{VARIABLE}pasword = '{CANARY}'\n"),
    "a password among the options": Case("postgresql://leo@127.0.0.1:{port}/app", line=f"{VARIABLE}query = {{ password = '{CANARY}' }}\n"),
    # sources that fail
    "a dotenv file without the variable": Case(line='url = { dotenv = ".env" }\n', files=((".env", f"OTHER_URL=postgresql://leo:{ENCODED}@db/app\n"),)),
    "a dotenv file with an open quote": Case(line='url = { dotenv = ".env" }\n', files=((".env", f"DATABASE_URL='postgresql://leo:{ENCODED}@db:x\n"),)),
    "a program that complains": Case(line=SHELL.format(f"echo {URL}; echo no such vault in {URL} >&2; exit 3"), exit=5),
    "a program that says something else": Case(line=SHELL.format(f"echo token={CANARY}"), exit=5),
    "a function that raises": function("raising", f"def url():\n    raise ValueError('invalid: {URL}')\n"),
    "a function that returns something else": function("returning", f"def url():\n    return {{'password': '{CANARY}'}}\n", exit=2),
    "a module that does not load": function("unloadable", f"URL = '{URL}'\nraise ValueError(URL)\n"),
    # the command line
    "a URL argument that cannot be read": Case(words=(*UPGRADE, "--database-url", f"postgresql://leo:{PASSWORD}@db:port/app")),
    "a URL argument of no server": Case(words=(*UPGRADE, "--database-url", f"postgresql://leo:{ENCODED}@127.0.0.1:1/app"), exit=5),
    "a URL for an environment": Case(words=("upgrade", f"postgresql://leo:{ENCODED}@db/app")),
    "a URL for an option": Case(words=("upgrade", f"--url=postgresql://leo:{ENCODED}@db/app", "dev")),
    # servers that say no
    "nobody at home": Case(CLOSED, exit=5),
    "nobody at home for MariaDB": Case(f"mysql+pymysql://leo:{ENCODED}@127.0.0.1:{{port}}/app", exit=5),
    "a login that fails": Case("wrong user", exit=5),
    "a database that is not there": Case("wrong database", exit=5),
    "a certificate that nobody knows": Case("elsewhere", exit=5),
    # runs
    "logs at their loudest": Case(files=(("alembic.ini", LOUD),), up=create_table("users"), exit=0),
    "a revision that raises it": Case(up=f"{URL_OF_RUN}raise RuntimeError(url)", exit=1),
    "a revision that ends with it": Case(up=f"{URL_OF_RUN}raise SystemExit(url)", exit=1),
    "a revision that raises it from another error": Case(
        up=f"{URL_OF_RUN}try:\n    {{}}[url]\nexcept KeyError as error:\n    raise ValueError(repr(url)) from error", exit=1
    ),
    "a statement with it": Case(up=f"op.execute(\"alter role nobody_here password '{CANARY}'\")", exit=1),
    "a parameter": Case(up='op.get_bind().execute(sa.text("select cast(:it as integer)"), {"it": op.get_bind().engine.url.password})', exit=1),
    "an object of that name": Case(up=f"{URL_OF_RUN}op.get_bind().exec_driver_sql('select * from ' + chr(34) + op.get_bind().engine.url.password + chr(34))", exit=1),
    "an env.py that fails": Case(files=(("migrations/env.py", "from alembic import context\nraise KeyError(context.config.get_main_option('sqlalchemy.url'))\n"),), exit=1),
    "a smoke query that fails": Case(
        line=f'{VARIABLE}[smoke]\nqueries = [ {{ sql = "select dblink(\'host=h password={CANARY}\')", equals = 1 }} ]\n', words=("smoke", "dev"), exit=1
    ),
    "status": Case(words=("status",), exit=0),
    "the list of environments": Case(words=("env",), exit=0),
    "the ledger": Case(words=("history", "dev"), exit=0),
    "a test of the connection": Case(words=("url", "dev", "--check"), exit=0),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(guarded: Guarded) -> DatabaseUrl:
    """A database whose owner has the password; every case finds it as the one before left it."""
    return guarded.database(PASSWORD)


@pytest.fixture
def prepared(project: Tiny, guarded: Guarded, made: DatabaseUrl) -> Iterator[Callable[[Case], Database]]:
    """Writes a case's project, and tells where its database is seen with the superuser's eyes."""
    admin = Database(guarded.admin(made.database))
    admin.query("drop schema if exists public, lockgate cascade; create schema public; grant all on schema public to public")
    doors = {"wrong user": replace(made, username="nobody_here"), "elsewhere": replace(made, host=ELSEWHERE), "": made}
    doors["wrong database"] = replace(made, database="nowhere")
    with closed_port() as port:

        def prepare(case: Case) -> Database:
            url = doors[case.value].render().reveal() if case.value in doors else case.value.replace("{port}", str(port))
            project.environ["DEV_DATABASE_URL"] = url
            project.settings(DEV + case.line).revision("r1", None, case.up or create_table("users"))
            for name, text in case.files:
                (project.folder / name).write_text(text, encoding="utf-8")
            return admin

        yield prepare


def files(folder: Path) -> dict[Path, bytes]:
    """Every file with its content, what Python compiles left out."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


@pytest.mark.parametrize("name", CASES)
def test_the_canary_is_seen_nowhere(
    name: str, project: Tiny, prepared: Callable[[Case], Database], capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A log that is kept for years, a ticket with a copied error and a JSON document in a build's artifacts are read by many."""
    case = CASES[name]
    database = prepared(case)
    before = files(project.folder.parent)
    told = [project.here(*case.words), project.here(*case.words, "--json", "--debug")]
    shown = "\n".join([*(text for done in told for text in (done.stdout, done.stderr)), *capfd.readouterr(), caplog.text])
    assert [done.returncode for done in told] == [case.exit] * 2, shown
    assert case.exit in EXITS
    made = {path: content for path, content in files(project.folder.parent).items() if before.get(path) != content}
    # What the traceback quotes of a revision's own file is the revision's: it is in git, with whatever is in it.
    lines = [line for line in shown.splitlines() if line.strip() not in case.up and not line.strip().startswith("^")]
    assert not [line for line in lines if CANARY in line]
    assert not [path for path, content in made.items() if CANARY.encode() in content]
    assert CANARY not in repr(database.picture())
