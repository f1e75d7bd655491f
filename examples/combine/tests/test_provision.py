"""provision.py against a PostgreSQL whose master is no superuser, and a Secrets Manager over HTTP."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from stack_fixture import temporary_stack

from ops.db.provision import main
from ops.local import Stack

PROVISION = Path(__file__).resolve().parents[1] / "ops" / "db" / "provision.py"
SECRETS = {"dev": "the-combine/db-dev", "test": "the-combine/db-test"}
OWNERS = {"dev": "combine_dev_app", "test": "combine_test_app"}
_STRAY = ("AWS_", "PG", "LOCKGATE_", "PROVISION_", "CI", "CONFIRM_ENV", "COMBINE_ENV", "DATABASE_URL", "ALLOW_DESTRUCTIVE")
Done = subprocess.CompletedProcess[str]


class Ground:
    """A stack with nothing on it but its master role, and what one sees there behind the script's back."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.aws = stack, stack.environ()
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": "us-east-1"}
        self.manager: Any = boto3.client("secretsmanager", endpoint_url=self.aws["AWS_ENDPOINT_URL"], **keys)  # type: ignore[call-overload]

    def run(self, *command: str, **variables: str) -> Done:
        """Run a Python program; whatever happens, it prints no password."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_STRAY)}
        environ = clean | self.aws | variables
        done = subprocess.run([sys.executable, *command], env=environ, capture_output=True, text=True, timeout=60, check=False)
        return self._without_passwords(done)

    def script(self, *arguments: str, check: int = 0, **variables: str) -> Done:
        """Run the script as people do and expect its exit status."""
        done = self.run(str(PROVISION), *arguments, **variables)
        assert done.returncode == check, done.stdout + done.stderr
        return done

    def provision(self, *arguments: str, check: int = 0) -> Done:
        """The same in this process, where boto3 need not be loaded each time."""
        said = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(said[0]), redirect_stderr(said[1]):
            for name in [name for name in os.environ if name.startswith(_STRAY)]:
                patch.delenv(name)
            for name, value in self.aws.items():
                patch.setenv(name, value)
            status = main(list(arguments))
        done = Done(["provision.py", *arguments], status, said[0].getvalue(), said[1].getvalue())
        assert done.returncode == check, done.stdout + done.stderr
        return self._without_passwords(done)

    def _without_passwords(self, done: Done) -> Done:
        for text in self.secrets().values():
            for password in re.findall(r'"password": "([^"]+)"', text or ""):
                assert password not in done.stdout + done.stderr
        return done

    def master(self, **other: str) -> psycopg.Connection[Any]:
        """Connect as the master role."""
        return psycopg.connect(make_conninfo(self.aws["PROVISION_DATABASE_URL"], **other), autocommit=True)

    def sql(self, *statements: str) -> None:
        """Run statements as the master role."""
        with self.master() as session:
            for statement in statements:
                session.execute(statement.encode())

    def secrets(self) -> dict[str, str | None]:
        """The text of both secrets."""
        return {name: self.text(secret) for name, secret in SECRETS.items()}

    def text(self, secret: str) -> str | None:
        """A secret's text, or None where there is no such secret."""
        try:
            return str(self.manager.get_secret_value(SecretId=secret)["SecretString"])
        except (self.manager.exceptions.ResourceNotFoundException, self.manager.exceptions.InvalidRequestException):
            return None

    def put(self, environment: str, **changed: object) -> None:
        """Change fields of a secret."""
        told = json.loads(self.text(SECRETS[environment]) or "{}") | changed
        self.manager.put_secret_value(SecretId=SECRETS[environment], SecretString=json.dumps(told))

    def connect(self, environment: str, **other: str) -> psycopg.Connection[Any]:
        """Connect as a program does that has read the secret just now."""
        told = json.loads(self.text(SECRETS[environment]) or "{}")
        login = {"host": told["host"], "port": told["port"], "user": told["username"], "password": told["password"]}
        return psycopg.connect(**(login | {"dbname": told["dbname"]} | other), autocommit=True, connect_timeout=10)

    def state(self) -> object:
        """Everything that the script could change: roles, memberships, databases, and every version of every secret."""
        asked = (
            "select rolname, rolcanlogin, rolcreatedb from pg_roles where rolname like 'combine%' order by 1",
            "select roleid::regrole::text, member::regrole::text, inherit_option, set_option from pg_auth_members order by 1, 2, 3, 4",
            "select datname, datdba::regrole::text, datacl::text from pg_database where datname like 'combine%' order by 1",
            "select setrole::regrole::text, setconfig from pg_db_role_setting order by 1",
        )
        with self.master() as session:
            rows = [session.execute(sql.encode()).fetchall() for sql in asked]
        listed = [self.manager.list_secret_version_ids(SecretId=name)["Versions"] for name in SECRETS.values() if self.text(name)]
        return rows, self.secrets(), [sorted(version["VersionId"] for version in versions) for versions in listed]


@pytest.fixture(scope="module")
def own_stack() -> Iterator[Stack]:
    """Both servers, not provisioned, for this module alone."""
    with temporary_stack() as stack:
        stack.start_secrets()
        stack.start_postgres()
        yield stack


@pytest.fixture
def bare(own_stack: Stack) -> Ground:
    """As on the first day: a server with a master role, and no secret."""
    ground = Ground(own_stack)
    for secret in SECRETS.values():
        if ground.text(secret) is not None:
            ground.manager.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    for name in SECRETS:
        drop = (f"drop database if exists combine_{name} with (force)", f"drop role if exists {OWNERS[name]}_clone, {OWNERS[name]}")
        ground.sql(*drop)
    return ground


@pytest.fixture
def ready(bare: Ground) -> Ground:
    """Provisioned once."""
    bare.provision()
    return bare


def test_a_dry_run_tells_the_plan_and_changes_nothing_and_a_second_run_finds_nothing_to_do(bare: Ground) -> None:
    """One looks before one creates; and whoever is not sure whether it was run runs it again."""
    nothing = bare.state()
    told = bare.script("--dry-run").stdout.splitlines()
    assert bare.state() == nothing
    done = bare.script().stdout.splitlines()
    assert [line.replace(": would ", ": ") for line in told] == done and len(done) == 10
    made = bare.state()
    assert bare.provision().stdout == "dev: nothing to do\ntest: nothing to do\n"
    assert bare.provision("--dry-run").stdout == "dev: nothing to do\ntest: nothing to do\n"
    assert bare.state() == made != nothing
    for name in SECRETS:
        told_secret = json.loads(bare.text(SECRETS[name]) or "")
        assert sorted(told_secret) == ["dbname", "engine", "host", "password", "port", "username"]
        assert (told_secret["engine"], told_secret["dbname"], told_secret["username"]) == ("postgres", f"combine_{name}", OWNERS[name])
        assert len(told_secret["password"]) >= 40


def test_no_role_can_enter_the_other_environment_also_after_a_rotation(ready: Ground) -> None:
    """The second line of defence behind lockgate's: a swapped name leads nowhere."""
    ready.provision("rotate", "dev")
    for name, other in (("dev", "test"), ("test", "dev")):
        with ready.connect(name) as session:
            owner = "select datdba::regrole::text, current_user::text from pg_database where datname = current_database()"
            assert session.execute(owner).fetchone() == (OWNERS[name], OWNERS[name])
            rights = "select rolsuper or rolcreatedb or rolcreaterole from pg_roles where rolname = session_user"
            assert session.execute(rights).fetchone() == (False,)
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            ready.connect(name, dbname=f"combine_{other}")


HALF: dict[str, Callable[[Ground], object]] = {
    "secret deleted": lambda g: g.manager.delete_secret(SecretId=SECRETS["dev"], ForceDeleteWithoutRecovery=True),
    "secret empty": lambda g: g.manager.put_secret_value(SecretId=SECRETS["dev"], SecretString="{}"),
    "secret of the other environment": lambda g: g.put("dev", **json.loads(g.text(SECRETS["test"]) or "")),
    "password changed by hand": lambda g: g.sql("alter role combine_dev_app password 'changed by hand'"),
    "login switched off": lambda g: g.sql("alter role combine_dev_app nologin"),
    "port moved": lambda g: g.put("dev", port=1),
    "engine left out": lambda g: g.put("dev", engine=None),
    "database dropped": lambda g: g.sql("drop database combine_dev"),
    "database open to all": lambda g: g.sql("grant connect on database combine_dev to public"),
    "database still the master's": lambda g: g.sql("alter database combine_dev owner to combine_master"),
    "only the role is there": lambda g: [HALF[what](g) for what in ("database dropped", "secret deleted")],
}


def test_whatever_is_half_there_is_completed_and_the_other_environment_left_alone(ready: Ground) -> None:
    """A run that was killed, or a hand that slipped: the next run makes exactly what is missing."""
    test_before = ready.text(SECRETS["test"])
    for what, spoil in HALF.items():
        spoil(ready)
        spoilt = ready.state()
        planned = ready.provision("--dry-run").stdout
        assert "dev: would " in planned and "test: nothing to do" in planned, what
        assert ready.state() == spoilt, what
        ready.provision()
        assert ready.provision().stdout == "dev: nothing to do\ntest: nothing to do\n", what
        with ready.connect("dev") as session:
            assert session.execute("select current_user::text, current_database()").fetchone() == ("combine_dev_app", "combine_dev"), what
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            ready.connect("test", dbname="combine_dev")
        assert ready.text(SECRETS["test"]) == test_before, what


def test_what_belongs_to_others_is_refused_and_production_has_no_name_here(ready: Ground) -> None:
    """Local PostgreSQL with the real AWS, or the other way round, must not overwrite what is in use elsewhere."""
    own = ready.text(SECRETS["dev"]) or ""
    for elsewhere in (json.dumps(json.loads(own) | {"host": "db-3.internal"}), "postgresql+psycopg://leo:x@db-3.internal/app"):
        ready.manager.put_secret_value(SecretId=SECRETS["dev"], SecretString=elsewhere)
        for arguments in ((), ("--dry-run",), ("rotate", "dev")):
            refused = ready.provision(*arguments, check=1)
            assert "leads to another server, `db-3.internal`" in refused.stderr and refused.stdout == ""
        assert ready.text(SECRETS["dev"]) == elsewhere
    ready.manager.put_secret_value(SecretId=SECRETS["dev"], SecretString=own)
    for arguments in (("rotate", "prod"), ("rotate",), ("prod",), ("--env=prod",)):
        refused = ready.script(*arguments, check=2)
        assert refused.stderr.startswith("usage: provision.py") and refused.stdout == ""


def test_errors_say_where_and_what_next(ready: Ground) -> None:
    """A server that is down, a variable that is missing, and a rotation of what is not there yet."""
    before = ready.state()
    for status, said, variables in (
        (2, "PROVISION_DATABASE_URL is not set", {"PROVISION_DATABASE_URL": ""}),
        (2, "no PostgreSQL URL with a host", {"PROVISION_DATABASE_URL": "postgresql://leo:a-password-here@[/x"}),
        (1, "PostgreSQL: connection", {"PROVISION_DATABASE_URL": "postgresql://leo:a-password-here@127.0.0.1:1/postgres"}),
        (1, "Secrets Manager: Could not connect", {"AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:1"}),
    ):
        done = ready.script(check=status, **variables)
        assert said in done.stderr and "\n  where: " in done.stderr and "\nhint: " in done.stderr
        assert "a-password-here" not in done.stderr and done.stdout == ""
    assert ready.state() == before
    ready.manager.delete_secret(SecretId=SECRETS["test"])
    assert "aws secretsmanager restore-secret --secret-id the-combine/db-test" in ready.script(check=1).stderr
    ready.manager.delete_secret(SecretId=SECRETS["test"], ForceDeleteWithoutRecovery=True)
    assert "`test` is not complete" in ready.provision("rotate", "test", check=1).stderr


class Reader(threading.Thread):
    """A program that reads the secret and connects, again and again."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(daemon=True)
        self.ground, self.failures, self.users = ground, list[Exception](), list[str]()
        self.stopped, self.went_round = threading.Event(), threading.Condition()

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                with self.ground.connect("dev") as session:
                    row = session.execute("select session_user::text, count(*) from seen group by 1").fetchone()
                    self.users.append(str(row and row[0]))
            except Exception as error:
                self.failures.append(error)
            with self.went_round:
                self.went_round.notify_all()

    def go_round(self, times: int = 2) -> None:
        """Wait until it has read and connected anew; so it never holds a secret that is two rotations old."""
        with self.went_round:
            wanted = len(self.users) + len(self.failures) + times
            assert self.went_round.wait_for(lambda: len(self.users) + len(self.failures) >= wanted, timeout=30)


def test_a_password_is_rotated_without_a_moment_in_which_a_reader_cannot_connect(ready: Ground) -> None:
    """Rotation on a working day: programs that connect all through it, and one that stays connected, notice nothing."""
    with ready.connect("dev") as session:
        session.execute("create table seen as select 1 as one")
    before = ready.state()
    assert "would set a new password for `combine_dev_app_clone`" in ready.provision("rotate", "dev", "--dry-run").stdout
    assert ready.state() == before
    passwords, test_before = {ready.text(SECRETS["dev"])}, ready.text(SECRETS["test"])
    reader = Reader(ready)
    reader.start()
    with ready.connect("dev") as staying:
        for number in range(3):
            reader.go_round()
            ready.provision("rotate", "dev")
            passwords.add(ready.text(SECRETS["dev"]))
            with ready.connect("dev") as session:
                session.execute(f"create table made_by_{number} ()".encode())
                session.execute("insert into seen values (1)")
        reader.go_round()
        assert staying.execute("select count(*) from seen").fetchone() == (4,)
    reader.stopped.set()
    reader.join(30)
    assert reader.failures == [] and set(reader.users) == {"combine_dev_app", "combine_dev_app_clone"}
    assert len(passwords) == 4 and ready.text(SECRETS["test"]) == test_before
    with ready.connect("dev") as session:
        owners = session.execute("select distinct tableowner::text from pg_tables where schemaname = 'public'").fetchall()
    assert owners == [("combine_dev_app",)], "one owner, whichever login was in use"
    assert ready.provision().stdout == "dev: nothing to do\ntest: nothing to do\n"


def test_rotations_at_the_same_time_wait_for_each_other(ready: Ground) -> None:
    """Two people, or a person and a schedule: the password in the secret is the one that the server has."""
    rotations = [threading.Thread(target=ready.script, args=("rotate", "dev")) for _ in range(3)]
    for rotation in rotations:
        rotation.start()
    for rotation in rotations:
        rotation.join(60)
    assert len(ready.manager.list_secret_version_ids(SecretId=SECRETS["dev"], IncludeDeprecated=True)["Versions"]) == 4
    ready.connect("dev").close()


SETTINGS = """
project = "tiny"

[environments.dev]
url = { aws_secret = "the-combine/db-dev", region = "us-east-1" }
protection = "open"
"""
REVISION = '''"""One table, one type, one function."""

from alembic import op

revision = "r1"
down_revision = None


def upgrade() -> None:
    op.execute("create type mood as enum ('good')")
    op.execute("create table things (id int primary key, mood mood)")
    op.execute("create function one() returns int language sql as 'select 1'")


def downgrade() -> None:
    op.execute("drop function one(); drop table things; drop type mood")
'''


def test_lockgate_upgrades_and_resets_whichever_login_the_secret_names(ready: Ground, tmp_path: Path) -> None:
    """What one login created the other can drop: everything, lockgate's own tables too, belongs to the owner."""

    def lockgate(*arguments: str, **variables: str) -> str:
        done = ready.run("-m", "lockgate", *arguments, "--project", str(tmp_path), **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    lockgate("init")
    (tmp_path / "lockgate.toml").write_text(SETTINGS)
    (next(tmp_path.rglob("versions")) / "r1.py").write_text(REVISION)
    lockgate("upgrade", "dev")
    for _ in range(2):
        ready.provision("rotate", "dev")
        lockgate("reset", "dev", CONFIRM_ENV="dev")
    with ready.connect("dev") as session:
        asked = "select distinct relowner::regrole::text from pg_class where relnamespace::regnamespace::text in ('public', 'lockgate')"
        assert session.execute(asked).fetchall() == [("combine_dev_app",)]
