"""
The quickstart as a story: two databases on a throw-away PostgreSQL, migrated, checked, and one accident that does not happen.

Run it with `make demo` at the top of the repository. It needs no server and leaves nothing running.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from lockgate.scratch import temporary_server

HERE = Path(__file__).resolve().parent
COUNTS = ("projects", "documents", "document_types", "alembic_version")


def main() -> int:
    """Tell the story; the exit status is 0 when everything went as it says."""
    began = time.monotonic()
    say("A PostgreSQL of our own, with two empty databases: app_dev and app_test.")
    with temporary_server() as server:
        for name in ("app_dev", "app_test"):
            server.create_database(name)
        dev, test = (server.url(name).render().reveal() for name in ("app_dev", "app_test"))
        environ = {**os.environ, "DEV_DATABASE_URL": dev, "TEST_DATABASE_URL": test, "LINES": "50", "COLUMNS": "150"}
        for variable in ("CONFIRM_ENV", "CI", "LOCKGATE_ENV", "PROD_DATABASE_URL"):
            environ.pop(variable, None)
        good = migrate(environ) and accident(environ, dev, test)
    say(f"The server is gone, and so are its files. ({time.monotonic() - began:.0f} s)")
    return 0 if good else 1


def migrate(environ: dict[str, str]) -> bool:
    """The everyday part."""
    say("Upgrade dev: the database is empty, so lockgate marks it as `dev`, then applies six revisions, one transaction each.")
    good = lockgate(environ, 0, "upgrade", "dev")
    say("Once more: deployments run it every time, and there is nothing to do.")
    good &= lockgate(environ, 0, "upgrade", "dev")
    say("Upgrade test.")
    good &= lockgate(environ, 0, "upgrade", "test")
    say("Seeds: document types belong into every environment, demo projects into dev alone. One more call brings schema and seeds.")
    good &= lockgate(environ, 0, "upgrade", "dev", "--seed")
    good &= lockgate(environ, 0, "upgrade", "test", "--seed")
    say("Demo projects in test? Refused before anything is written, whatever else is in the list.")
    good &= lockgate(environ, 3, "seed", "test", "document-types", "demo-projects")
    with psycopg.connect(environ["DEV_DATABASE_URL"]) as connection:
        connection.execute("insert into projects (id, name) select n, 'project ' || n from generate_series(4, 250) n")
        connection.execute("insert into documents (project_id, title) select 1 + n % 250, 'note ' || n from generate_series(1, 1000) n")
    say("Somebody works in dev, and there are 250 projects and 1000 documents now. How do all environments stand?")
    good &= lockgate(environ, 0, "status")
    with psycopg.connect(environ["DEV_DATABASE_URL"]) as connection:
        connection.execute("drop index ix_documents_project_id")
    say("Somebody drops an index of dev by hand. How does the database differ from what its revisions make?")
    return good & lockgate(environ, 1, "drift", "dev")


def accident(environ: dict[str, str], dev: str, test: str) -> bool:
    """The part that this tool exists for."""
    say("Now the accident. A test's teardown takes the schema down to base, but TEST_DATABASE_URL points at dev by mistake.")
    before = rows(dev)
    print(f"  rows in app_dev before: {before}\n")
    swapped = {**environ, "TEST_DATABASE_URL": dev, "CONFIRM_ENV": "test"}
    good = lockgate(swapped, 3, "downgrade", "test", "base", shown="TEST_DATABASE_URL=…/app_dev CONFIRM_ENV=test")
    after = rows(dev)
    print(f"\n  rows in app_dev after:  {after}")
    say("Not one row is missing: the database itself says that it is dev." if before == after else "ROWS ARE MISSING")
    say("The same by plain alembic, from Python or from the shell: the gate stands there as well.")
    good &= run({**swapped, "LOCKGATE_ENV": "test"}, 255, [sys.executable, "-m", "alembic", "downgrade", "base"], "alembic downgrade base", env_url=dev)
    print(f"\n  rows in app_dev after:  {rows(dev)}")
    say("And with the right URL the teardown does what it should.")
    good &= lockgate({**environ, "CONFIRM_ENV": "test"}, 0, "downgrade", "test", "base", shown="CONFIRM_ENV=test")
    say("Who did what, as the database of test tells it:")
    good &= lockgate(environ, 0, "history", "test", "--limit", "4")
    return good and before == after == rows(dev)


def lockgate(environ: dict[str, str], expected: int, *arguments: str, shown: str = "") -> bool:
    """Call the command line as a user would, and show it."""
    words = " ".join(filter(None, [shown, "lockgate", shlex.join(arguments)]))
    return run(environ, expected, [sys.executable, "-m", "lockgate", *arguments], words)


def run(environ: dict[str, str], expected: int, command: list[str], words: str, env_url: str = "") -> bool:
    """Show a command, run it, and compare its exit status with the expected one."""
    print(f"  $ {words}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if env_url:
            command = [*command[:3], "-c", str(with_url(Path(folder), env_url)), *command[3:]]
        done = subprocess.run(command, cwd=HERE, env=environ, check=False)
    print(f"  (exit {done.returncode})", flush=True)
    if done.returncode != expected:
        print(f"  expected exit {expected}")
    return done.returncode == expected


def with_url(folder: Path, url: str) -> Path:
    """A copy of alembic.ini whose URL is the wrong one, as it would be in a project whose env.py reads it from there."""
    ini = folder / "alembic.ini"
    text = (HERE / "alembic.ini").read_text(encoding="utf-8").replace("%(here)s", str(HERE))
    ini.write_text(text.replace("driver://user:pass@localhost/dbname", url.replace("postgresql://", "postgresql+psycopg://").replace("%", "%%")), encoding="utf-8")
    return ini


def rows(url: str) -> dict[str, int]:
    """Count the rows of each table."""
    with psycopg.connect(url) as connection:
        return {name: connection.execute(f"select count(*) from {name}").fetchone()[0] for name in COUNTS}  # type: ignore[index, call-overload]


def say(text: str) -> None:
    """One sentence of the story."""
    print(f"\n== {text}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
