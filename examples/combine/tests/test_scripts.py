"""How the scripts behave towards their callers: arguments, exit statuses, streams."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
from calling import PROJECT, SECRETS, Ground

# A stand-in for an interpreter: shows what it was called with, ends as it is told.
ECHO = '#!/bin/sh\necho "COMBINE_ENV=$COMBINE_ENV $*"\nexit "$STATUS"\n'
MISUSED = [
    "db_migrate_dev.sh --sed",
    "db_migrate_dev.sh dev",
    "db_migrate_test.sh --reset",
    "db_migrate.sh",
    "db_migrate.sh dev head",
    "db_migrate.sh --seed dev",
    "db_connect.sh",
    "db_connect.sh dev --url",
    "db_seed.sh",
    "db_seed.sh dev --force",
    "db_reset.sh",
    "db_reset.sh dev test",
    "db_status.sh dev --fix",
    "tier0.sh --base",
    "tier0.sh tests",
]


@pytest.fixture
def echo(tmp_path: Path) -> str:
    """The path of the stand-in."""
    path = tmp_path / "python"
    path.write_text(ECHO, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("call", MISUSED)
def test_wrong_usage_ends_with_2_and_shows_the_right_one(ground: Ground, call: str) -> None:
    """Nothing is contacted: a typing mistake must not be half a migration."""
    done = ground.script(*call.split(), check=2, PY="/nowhere/python")
    assert done.stdout == "" and "changed: nothing" in done.stderr
    assert "hint: usage: " in done.stderr and "ops/scripts/" in done.stderr.partition("usage: ")[2]


@pytest.mark.parametrize("name", ["db_migrate.sh", "db_migrate_dev.sh", "db_connect.sh", "db_seed.sh", "db_reset.sh", "db_status.sh", "tier0.sh"])
def test_help_is_on_standard_output(ground: Ground, name: str) -> None:
    """`--help` is no mistake. (db_migrate_dev.sh has its environment already and says the usage as an error.)"""
    done = ground.script(name, "--help", check=2 if name == "db_migrate_dev.sh" else 0)
    assert "usage: " in (done.stderr if name == "db_migrate_dev.sh" else done.stdout)


def test_without_an_interpreter_the_scripts_say_how_to_get_one(ground: Ground) -> None:
    """The first thing that a newcomer meets."""
    said = ground.script("db_migrate_dev.sh", check=2, PY="/nowhere/python").stderr
    assert "there is no Python at /nowhere/python" in said and "make install" in said


@pytest.mark.parametrize("theirs, ours", [(0, 0), (1, 1), (2, 2), (3, 1), (4, 4), (5, 5), (70, 70), (130, 130), (143, 143)])
def test_lockgates_exit_status_is_passed_on_but_refused_is_1(ground: Ground, echo: str, theirs: int, ours: int) -> None:
    """Callers know 1 as "no", 4 and 5 as "later"."""
    for call in ("db_migrate.sh dev", "db_connect.sh dev", "db_seed.sh dev", "db_reset.sh dev", "db_status.sh dev"):
        ground.script(*call.split(), check=ours, PY=echo, STATUS=str(theirs))


@pytest.mark.parametrize("environment", SECRETS)
def test_the_scripts_set_combine_env_and_leave_one_that_is_set(ground: Ground, echo: str, environment: str) -> None:
    """The gate is to see what the shell was set up for, not what the script would like it to be."""
    said = ground.script(f"db_migrate_{environment}.sh", check=0, PY=echo, STATUS="0").stdout
    assert f"COMBINE_ENV={environment} -m lockgate upgrade {environment} --project {PROJECT}" in said
    assert "COMBINE_ENV=live" in ground.script("db_seed.sh", environment, check=0, PY=echo, STATUS="0", COMBINE_ENV="live").stdout


def test_scripts_that_only_look_refuse_a_shell_that_is_set_up_for_another_environment(migrated: Ground) -> None:
    """A URL that is printed here is used elsewhere, where no gate stands."""
    for call in ("db_connect.sh dev", "db_connect.sh dev --check", "db_connect.sh dev --psql", "db_status.sh dev"):
        done = migrated.script(*call.split(), check=1, COMBINE_ENV="test")
        assert done.stdout == "" and "COMBINE_ENV says `test`, you asked for `dev`" in done.stderr and "hint: export COMBINE_ENV=dev" in done.stderr


def test_the_migration_script_uses_the_connection_script(migrated: Ground, tmp_path: Path) -> None:
    """One way to the credentials: where the connection script fails, no Alembic runs."""
    copy = migrated.copied(tmp_path / "copy")
    assert "it says: dev" in copy.script("db_migrate_dev.sh", check=0).stdout
    (copy.folder / "ops" / "scripts" / "db_connect.sh").write_text("#!/bin/sh\nexit 5\n", encoding="utf-8")
    assert copy.script("db_migrate_dev.sh", check=5).stdout == ""


@pytest.mark.parametrize("environment", SECRETS)
def test_db_connect_prints_the_url_and_nothing_else(migrated: Ground, environment: str) -> None:
    """`DATABASE_URL="$(ops/scripts/db_connect.sh dev)"` works, for SQLAlchemy and for psql alike."""
    done = migrated.script("db_connect.sh", environment, check=0)
    told = json.loads(migrated.secrets[environment])
    login = f"{told['username']}:{quote(told['password'], safe='')}"
    assert done.stdout == f"postgresql://{login}@{told['host']}:{told['port']}/{told['dbname']}\n"
    assert done.stderr == ""


def test_db_connect_check_says_who_answers_without_the_url(migrated: Ground) -> None:
    """For a look before something is done; every other output of every script is searched for passwords as well."""
    said = migrated.script("db_connect.sh", "dev", "--check", check=0).stdout
    told = json.loads(migrated.secrets["dev"])
    assert f"{told['host']}:{told['port']}/{told['dbname']}" in said and "it says: dev" in said and "://" not in said


def test_db_connect_psql_opens_psql_on_the_right_database_with_the_password_out_of_sight(migrated: Ground, tmp_path: Path) -> None:
    """A psql that shows its arguments stands in for the real one: the password is in a file for this user alone."""
    psql = tmp_path / "psql"
    psql.write_text('#!/bin/sh\necho "psql $*"\n[ -s "$PGPASSFILE" ] && echo "password file: yes"\n', encoding="utf-8")
    psql.chmod(0o755)
    path = migrated.environ({})["PATH"]
    said = migrated.script("db_connect.sh", "dev", "--psql", check=0, PATH=f"{tmp_path}:{path}").stdout
    assert f"dbname='{json.loads(migrated.secrets['dev'])['dbname']}'" in said and "password file: yes" in said


def test_db_status_shows_where_it_stands_and_check_fails_while_something_is_pending(migrated: Ground) -> None:
    """For people, and for a pipeline that wants to know before it deploys."""
    assert "4 current" in migrated.script("db_status.sh", "dev", "--check", check=0).stdout
    migrated.empty("dev")
    migrated.script("db_status.sh", "dev", check=0)
    migrated.script("db_status.sh", "dev", "--check", check=1)
    assert migrated.tables("dev") == []


def test_every_script_is_strict_and_free_of_sql() -> None:
    """No decision and no statement of its own: that is lockgate's, and what is tested there is not written again here."""
    for path in sorted((PROJECT / "ops" / "scripts").glob("*.sh")):
        text = path.read_text(encoding="utf-8")
        assert "set -euo pipefail" in text or path.name == "common.sh"
        assert not [word for word in ("psycopg", "select ", "--force", "alembic upgrade", "aws secretsmanager") if word in text], path
        subprocess.run(["bash", "-n", str(path)], check=True)


def test_no_file_uses_a_private_name_of_lockgate() -> None:
    """`import lockgate`, its command line and its ready-made tests are what it promises; everything else below may be another tomorrow."""
    private = re.compile(r"^\s*(?:from|import)\s+lockgate\.(?!pytest_plugin\.checks\b)", re.MULTILINE)
    sources = [path for folder in ("alembic", "combine", "ops", "tests") for path in (PROJECT / folder).rglob("*.py")]
    assert len(sources) > 20
    assert [str(path) for path in sources if private.search(path.read_text(encoding="utf-8"))] == []
