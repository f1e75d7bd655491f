"""A password works whatever it is made of, for every driver and source, and is seen by nobody but `lockgate url`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

import boto3
import pytest
from building import INI, TEMPLATES, Database, Tiny, create_table, until
from guarded import ELSEWHERE, Guarded
from moto.server import ThreadedMotoServer

from lockgate.secret import DatabaseUrl

CORE = "Sp4rrow"  # in the middle of every password, so that no way of quoting it hides it
NASTY = f"""p%40s%(here)s@w/d:{CORE} '"\\ü€%?#&=+;$(id)`"""
DRIVERS = ("psycopg", "psycopg2", "asyncpg")
KEYS = {"AWS_ACCESS_KEY_ID": "a-key-id", "AWS_SECRET_ACCESS_KEY": "fake-access-key", "AWS_DEFAULT_REGION": "eu-central-1"}
DEV = 'project = "app"\n[environments.dev]\nprotection = "open"\n'
LOUD = (
    INI.replace("level = WARNING", "level = DEBUG")
    .replace("keys = root,alembic", "keys = root,alembic,engine")
    .replace(
        "[logger_alembic]\nlevel = INFO",
        "[logger_engine]\nlevel = DEBUG\nhandlers =\nqualname = sqlalchemy\n[logger_alembic]\nlevel = DEBUG",
    )
)


@pytest.fixture(scope="module")
def moto_server() -> Iterator[str]:
    """A running moto server's URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def nasty(guarded: Guarded) -> DatabaseUrl:
    """An empty database whose owner has the worst of passwords."""
    return guarded.database(NASTY)


def driven(project: Tiny, driver: str) -> str:
    """Give the project an env.py that fits a driver; the line of its settings."""
    template = "async" if driver == "asyncpg" else "generic"
    shutil.copy(TEMPLATES / template / "env.py", project.folder / "migrations" / "env.py")
    return f'driver = "{driver}"\n'


def in_variable(project: Tiny, url: DatabaseUrl, moto: str) -> str:
    """The URL as its owner wrote it down: percent-encoded."""
    project.point("dev", url)
    return 'url = { env = "DEV_DATABASE_URL" }\n'


def raw_in_variable(project: Tiny, url: DatabaseUrl, moto: str) -> str:
    """The URL as its owner wrote it down who never heard of percent-encoding; only `%` and `?` have to be."""
    password = url.password.reveal().replace("%", "%25").replace("?", "%3F").replace("#", "%23")
    project.environ["DEV_DATABASE_URL"] = f"postgres://{url.username}:{password}@{url.host}:{url.port}/{url.database}"
    return 'url = { env = "DEV_DATABASE_URL" }\n'


def in_secret(project: Tiny, url: DatabaseUrl, moto: str) -> str:
    """The shape in which RDS keeps its passwords."""
    urlopen(Request(f"{moto}/moto-api/reset", method="POST")).close()
    parts = {"host": url.host, "port": url.port, "username": url.username, "password": url.password.reveal(), "dbname": url.database}
    client = boto3.client(
        "secretsmanager", endpoint_url=moto, region_name=KEYS["AWS_DEFAULT_REGION"], aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_secret(Name="app/db-dev", SecretString=json.dumps(parts))
    project.environ |= {**KEYS, "AWS_ENDPOINT_URL": moto}
    return 'url = { aws_secret = "app/db-dev" }\n'


def in_dotenv(project: Tiny, url: DatabaseUrl, moto: str) -> str:
    """The file that most projects have."""
    (project.folder / ".env").write_text(f"DATABASE_URL='{url.render().reveal()}'\n", encoding="utf-8")
    return 'url = { dotenv = ".env" }\n'


def hidden(*done: subprocess.CompletedProcess[str]) -> bool:
    """Whether nothing of the password is in what was written."""
    return not any(CORE in text for item in done for text in (item.stdout, item.stderr))


# every password, every source, every driver


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("source", [in_variable, raw_in_variable, in_secret, in_dotenv], ids=lambda source: source.__name__)
def test_every_password_works_from_every_source_with_every_driver(
    project: Tiny, guarded: Guarded, nasty: DatabaseUrl, moto_server: str, source: object, driver: str
) -> None:
    """Through Alembic's ini file as well, where `%` means something else; rotation gives people such passwords unasked."""
    assert callable(source)
    project.settings(DEV + source(project, nasty, moto_server) + driven(project, driver)).tables("users")
    done = project.here("upgrade", "dev", check=0)
    assert Database(guarded.admin(nasty.database)).applied() == ["r1"]
    assert hidden(done)


@pytest.mark.parametrize(
    "password", ["100%", "%(here)s", "a@b", "a/b", "a:b", "a b", "a+b", "'", '"', "\\", "пароль", "%41", "?x=1", "#", "[1]"]
)
def test_each_odd_sign_works_by_itself(project: Tiny, guarded: Guarded, password: str) -> None:
    """One mistake in quoting can make up for another when signs come together."""
    url = guarded.database(password)
    project.settings(DEV + in_variable(project, url, "") + driven(project, "psycopg")).tables("users")
    project.here("upgrade", "dev", check=0)
    assert Database(guarded.admin(url.database)).applied() == ["r1"]


@pytest.mark.parametrize("driver", ["", *DRIVERS])
def test_the_printed_url_is_the_only_place_and_works(project: Tiny, guarded: Guarded, nasty: DatabaseUrl, driver: str) -> None:
    """`pg_dump "$(lockgate url dev)"`: stdout alone, and nothing but the URL."""
    project.settings(DEV + in_variable(project, nasty, "") + (f'driver = "{driver}"\n' if driver else ""))
    done = project.lockgate("url", "dev", check=0)
    assert done.stderr == ""
    scheme, _, rest = done.stdout.strip().partition("://")
    assert scheme == "postgresql" + (f"+{driver}" if driver else "")
    assert rest == f"{nasty.username}:{quote(NASTY, safe='')}@localhost:{nasty.port}/{nasty.database}"
    assert json.loads(project.here("url", "dev", "--json", check=0).stdout)["url"] == done.stdout.strip()


def test_a_postgres_url_goes_through_asyncpg_where_the_settings_say_so(project: Tiny, guarded: Guarded) -> None:
    """SQLAlchemy knows no `postgres://`, which is what clouds hand out, and would take psycopg2 for it."""
    url = guarded.database("plain")
    project.settings(DEV + in_variable(project, url, "") + driven(project, "asyncpg"))
    project.environ["DEV_DATABASE_URL"] = url.render().reveal().replace("postgresql://", "postgres://")
    project.revision("r1", None, create_table("users") + '\nassert op.get_bind().dialect.driver == "asyncpg"')
    project.here("upgrade", "dev", check=0)
    assert Database(guarded.admin(url.database)).heads() == ["r1"]


# where it must not be seen

LEAK = """
import json, os
url = op.get_context().config.get_main_option("sqlalchemy.url")
words = [url, str(op.get_bind().engine.url), repr(op.get_bind().engine.url.password), json.dumps({"p": op.get_bind().engine.url.password})]
words += [op.get_bind().engine.url.password, os.environ["DEV_DATABASE_URL"]]
"""


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_failing_revision_gives_nothing_away(project: Tiny, guarded: Guarded, nasty: DatabaseUrl, driver: str) -> None:
    """Not in the message, the traceback, the JSON, the logs at their loudest or the ledger, even where the revision tries to."""
    (project.folder / "alembic.ini").write_text(LOUD)
    project.settings(DEV + in_variable(project, nasty, "") + driven(project, driver)).tables("users", "orders")
    project.revision("r2", "r1", f'{LEAK}\nraise RuntimeError(" ".join(words))')
    told = [project.lockgate("upgrade", "dev", *flags, check=1) for flags in (("--debug",), ("--json", "--debug"))]
    assert all("Traceback" in done.stderr and "RuntimeError" in done.stderr for done in told)
    assert "r2.py" in json.loads(told[1].stdout)["where"]
    told += [project.here(*words) for words in (("status",), ("history", "dev"), ("history", "dev", "--json"), ("env", "--json"))]
    assert hidden(*told), [line for done in told for line in (done.stdout + done.stderr).splitlines() if CORE in line]
    database = Database(guarded.admin(nasty.database))
    assert [row[1] for row in database.ledger() if row[1] == "failed"] == ["failed"] * 2
    assert CORE not in repr(database.picture())


STATEMENTS = {
    "role": "create role postgres login password '{}'",
    "odd quotes": "alter role postgres password E'{}\\'x'",
    "dollars": "alter role postgres password $x${}$x$",
    "mapping": "create user mapping for current_user server nowhere options (user 'leo', password '{}')",
    "subscription": "create subscription s connection 'host=h password={} dbname=d' publication p",
    "a URL": "select dblink('postgresql://leo:{}@h/d', 'select 1')",
}


@pytest.mark.parametrize("form", STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_with_a_password_is_shown_without_it(project: Tiny, guarded: Guarded, nasty: DatabaseUrl, form: str) -> None:
    """A failed statement is shown with its text; a revision that makes a role has a password that nobody told lockgate."""
    other = "Gr4yheron"
    project.settings(DEV + in_variable(project, nasty, "")).revision("r1", None, f"op.execute({form.format(other)!r})")
    told = [project.lockgate("upgrade", "dev", "--debug", check=1), project.here("upgrade", "dev", "--json", check=1)]
    told.append(project.here("history", "dev", "--json", check=0))
    assert "Traceback" in told[0].stderr
    assert not [line for done in told for line in (done.stdout + done.stderr).splitlines() if other in line]
    assert other not in repr(Database(guarded.admin(nasty.database)).picture())


def test_what_a_driver_says_of_a_failed_login_gives_nothing_away(project: Tiny, guarded: Guarded, nasty: DatabaseUrl) -> None:
    """An env.py with an engine of its own logs in without lockgate; its error comes back through SQLAlchemy."""
    project.settings(DEV + in_variable(project, nasty, ""))
    wrong = replace(nasty, username=guarded.role("another one"), driver="psycopg").render().reveal()
    project.env_py(
        "from alembic import context\nfrom sqlalchemy import create_engine\n"
        f"with create_engine({wrong!r}).connect() as connection:\n    context.configure(connection=connection)\n    context.run_migrations()\n"
    ).tables("users")
    done = project.lockgate("upgrade", "dev", "--debug", check=5)
    assert "env.py cannot connect" in done.stderr
    shown = "\n".join(line for line in done.stderr.splitlines() if "create_engine(" not in line)
    assert CORE not in shown
    assert hidden(done)


def waited_for(process: subprocess.Popen[bytes], door: Path) -> int:
    """Wait until a process reads from a named pipe; our end of it, at whose closing the process goes on."""
    ends: list[int] = []

    def opened() -> bool:
        with suppress(OSError):  # nobody reads yet
            ends.append(os.open(door, os.O_WRONLY | os.O_NONBLOCK))
        return bool(ends) or process.poll() is not None

    until(opened, "the revision is running")
    assert ends, "the process ended before"
    return ends[0]


def commands(pid: int) -> list[str]:
    """The command lines of a process and all below it, as `ps` shows them to everybody."""
    found = [Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += commands(int(child))
    return found


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the process list is read from /proc")
@pytest.mark.parametrize("source", [in_variable, in_secret, in_dotenv], ids=lambda source: source.__name__)
def test_the_process_list_does_not_show_it(project: Tiny, nasty: DatabaseUrl, moto_server: str, tmp_path: Path, source: object) -> None:
    """Every user of the machine can read it, while the run lasts, of the run and of whatever it starts."""
    assert callable(source)
    door = tmp_path / "door"
    os.mkfifo(door)
    project.settings(DEV + source(project, nasty, moto_server) + driven(project, "psycopg"))
    child = "import sys; print(1, flush=True); sys.stdin.read()"
    project.revision(
        "r1",
        None,
        f"import subprocess, sys\nrunning = subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE)\n"
        f"open({str(door)!r}).read()\nrunning.communicate()",
    )
    process = project.start("upgrade", "dev", log="run")
    end = waited_for(process, door)
    seen = commands(process.pid)
    os.close(end)
    assert process.wait(120) == 0, project.said("run")
    assert len(seen) >= 2 and "lockgate" in seen[0]
    assert not [line for line in seen if CORE in line or quote(NASTY) in line]


def test_the_shell_of_the_database_gets_it_through_a_private_file(
    project: Tiny, guarded: Guarded, nasty: DatabaseUrl, tmp_path: Path
) -> None:
    """`lockgate url dev --psql`: neither an argument nor a variable holds the password, and the file is gone afterwards."""
    tool = tmp_path / "bin" / "psql"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\necho "$@"\nenv\nls -l "$PGPASSFILE"\ncat "$PGPASSFILE" > "$SEEN"\necho "file $PGPASSFILE"\n')
    tool.chmod(0o755)
    project.environ = {"PATH": f"{tool.parent}:{os.environ['PATH']}", "SEEN": str(tmp_path / "seen")}
    project.settings(DEV + in_dotenv(project, nasty, ""))
    done = project.lockgate("url", "dev", "--psql", check=0)
    assert hidden(done)
    assert "-rw-------" in done.stdout
    escaped = NASTY.replace("\\", "\\\\").replace(":", "\\:")
    assert (tmp_path / "seen").read_text() == f"*:*:*:*:{escaped}\n"
    name = next(line.split(" ", 1)[1] for line in done.stdout.splitlines() if line.startswith("file "))
    assert not Path(name).exists()


def test_a_crash_leaves_no_image_of_the_memory(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """A core file holds every password that was fetched, and lies about for anybody who collects them."""
    project.point("dev", sqlite_url).revision("r1", None, "import resource\nassert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0")
    raised = "import resource as r; most = r.getrlimit(r.RLIMIT_CORE)[1]; r.setrlimit(r.RLIMIT_CORE, (most, most))"
    done = project.run([sys.executable, "-c", f"{raised}\nfrom lockgate.cli.main import main\nmain(['upgrade', 'dev'])"], {})
    assert done.returncode == 0, done.stderr


# TLS


def verified(root: Path) -> str:
    """Settings that insist on a server with this certificate."""
    return f'query = {{ sslmode = "verify-full", sslrootcert = "{root}" }}\n'


@pytest.mark.parametrize("driver", DRIVERS)
def test_verify_full_works_with_the_right_root(project: Tiny, guarded: Guarded, driver: str) -> None:
    """Each driver calls these options something else, and one takes the root from a variable only."""
    url = guarded.database(NASTY)
    line = 'url = { env = "DEV_DATABASE_URL" }\n'
    project.point("dev", url).settings(DEV + line + driven(project, driver) + verified(guarded.root)).tables("users")
    done = project.lockgate("upgrade", "dev", check=0)
    assert Database(guarded.admin(url.database)).applied() == ["r1"]
    assert hidden(done)


@pytest.mark.parametrize("driver", DRIVERS)
def test_verify_full_with_another_root_ends_before_the_password_is_sent(project: Tiny, guarded: Guarded, driver: str) -> None:
    """An impostor must not even get an answer to its challenge; its own code, because no retry helps."""
    url = guarded.database(NASTY)
    line = 'url = { env = "DEV_DATABASE_URL" }\n'
    project.point("dev", url).settings(DEV + line + driven(project, driver) + verified(guarded.wrong_root)).tables("users")
    done = project.lockgate("upgrade", "dev", check=5)
    assert "code: tls-failed" in done.stderr and "sslrootcert" in done.stderr and "changed: nothing" in done.stderr
    assert hidden(done)
    assert Database(guarded.admin(url.database)).tables() == []


def test_a_certificate_of_another_host_is_refused(project: Tiny, guarded: Guarded) -> None:
    """The right root is not enough: the name has to fit."""
    url = guarded.database(NASTY)
    text = DEV + 'url = { env = "DEV_DATABASE_URL" }\n' + verified(guarded.root)
    project.point("dev", replace(url, host="127.0.0.1")).settings(text).tables("users")
    assert "code: tls-failed" in project.here("upgrade", "dev", check=5).stderr


@pytest.mark.parametrize("driver", DRIVERS)
def test_another_machine_is_verified_without_being_asked_for(project: Tiny, guarded: Guarded, driver: str) -> None:
    """libpq's own default hands the password to whoever answers; less than verify-full is written down, and told by every run."""
    url = replace(guarded.database(NASTY), host=ELSEWHERE)
    text = DEV + 'url = { env = "DEV_DATABASE_URL" }\n' + driven(project, driver)
    project.point("dev", url).settings(text).tables("users", "orders")
    done = project.here("upgrade", "dev", check=5)
    assert "code: tls-failed" in done.stderr and "sslrootcert" in done.stderr
    loose = url.render().reveal() + "?sslmode=require"
    said = project.here("upgrade", "dev", check=2, DEV_DATABASE_URL=loose)
    assert "code: tls-unverified" in said.stderr and "lockgate.toml:2" in said.stderr
    assert Database(guarded.admin(url.database)).tables() == []
    project.settings(text + f'query = {{ sslrootcert = "{guarded.root}" }}\n')
    quiet = project.here("upgrade", "dev", "r1", check=0)
    project.settings(text + 'query = { sslmode = "require" }\n')
    loud = project.here("upgrade", "dev", check=0)
    assert "nobody checks who answers" not in quiet.stderr and "nobody checks who answers" in loud.stderr
    assert Database(guarded.admin(url.database)).applied() == ["r1", "r2"]
    assert hidden(done, said, quiet, loud)


def test_the_variables_for_a_driver_are_gone_after_the_run(project: Tiny, guarded: Guarded) -> None:
    """A library that leaves PGSSLROOTCERT behind changes where its host's other connections lead."""
    url = guarded.database(NASTY)
    text = DEV + 'url = { env = "DEV_DATABASE_URL" }\nexport = ["DATABASE_URL"]\n' + driven(project, "asyncpg") + verified(guarded.root)
    project.point("dev", url).settings(text)
    project.revision("r1", None, 'import os\nassert os.environ["DATABASE_URL"] and os.environ["PGSSLROOTCERT"]')
    code = (
        "import os, lockgate\nlockgate.upgrade(lockgate.load_project('.'), 'dev', environ=dict(os.environ))\n"
        "print(sorted({'DATABASE_URL', 'PGSSLROOTCERT'} & set(os.environ)))"
    )
    done = project.run([sys.executable, "-c", code], {})
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
