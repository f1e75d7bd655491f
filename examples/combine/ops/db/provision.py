"""
Create what the migrations presuppose: two databases, two roles, two secrets; and change a password without downtime.

    provision.py [--dry-run]                     create or complete dev and test; run twice, the second run changes nothing
    provision.py rotate <dev|test> [--dry-run]   a new password: readers of the secret can connect at every moment

`PROVISION_DATABASE_URL` is the server's master connection (no superuser, as on RDS); AWS is found as by every boto3 program.
Each database belongs to its own role, and nobody else may connect to it. Rotation alternates between two logins, as Secrets
Manager's alternating-users strategy does: the owner, and a clone whose sessions become the owner as they begin, so that
whatever either creates belongs to the owner. The login that the secret does not name gets the new password and is tried;
then the secret names it, in one step. The one that it named before keeps its password until the next rotation.
Passwords are never printed; the server gets hashes. Exit status: 0 done, 1 failed or refused, 2 usage, nothing contacted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, LiteralString, NamedTuple, TypeAlias, cast

import boto3
import psycopg
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

ENVIRONMENTS = ("dev", "test")  # there is no third one: production is made elsewhere, by other people
REGION = "us-east-1"  # as in lockgate.toml
MASTER_URL = "PROVISION_DATABASE_URL"
_LOCK = 4_075_511_640  # any number, the same for every run: two runs at once would overwrite each other's password
# libpq hands out no SQLSTATE for a connection that failed, only the server's sentence.
_NOT_LET_IN = re.compile("password authentication failed|not permitted to log in|permission denied for database")
_HOST = re.compile("://(?:[^/]*@)?([^:/?@]+)")  # of a URL
Table: TypeAlias = list[tuple[bool, str, LiteralString]]  # needed?, words for people, statement


class ProvisionError(Exception):
    """What happened, where, what to do next; `status` is the exit status."""

    def __init__(self, what: str, where: str, hint: str, status: int = 1) -> None:
        super().__init__(what, where, hint, status)
        self.what, self.where, self.hint, self.status = what, where, hint, status


class Names(NamedTuple):
    """What belongs to one environment."""

    environment: str
    database: str
    owner: str
    clone: str
    secret: str


def names_of(environment: str) -> Names:
    """Return the names of an environment's parts; both logins have one beginning, as Secrets Manager's own rotation names them."""
    owner = f"combine_{environment}_app"
    return Names(environment, f"combine_{environment}", owner, f"{owner}_clone", f"the-combine/db-{environment}")


@dataclass(frozen=True)
class Found:
    """What is there before anything is done."""

    master: str  # the role that this script works as
    roles: frozenset[str]  # those of the environment's two logins that exist
    member: bool  # the master role may act as the owner
    database_owner: str  # empty where the database is missing
    public: bool  # everybody may connect to the database
    secret: dict[str, Any] | None = field(repr=False)  # None where it is missing, no more than the host where it is a URL
    works: bool  # the secret's login was tried and let in


@dataclass(frozen=True)
class Step:
    """One change, by a statement; without one it writes the secret, with a new password where a `login` is named."""

    words: str
    statement: sql.Composed | None = None
    login: str = ""


def plan(names: Names, found: Found, address: dict[str, Any]) -> list[Step]:
    """Return what is missing, in the order in which it can be made; ProvisionError where somebody else's is in the way."""
    refuse_strangers(names, found, address)
    missing = not found.database_owner
    table: Table = [
        (names.owner not in found.roles, "create role `{owner}`", "create role {owner} login"),
        (not found.member, "let `{master}` act as `{owner}`", "grant {owner} to current_user"),
        (missing, "create database `{database}`", "create database {database} owner {owner}"),
        (found.database_owner == found.master, "give database `{database}` to `{owner}`", "alter database {database} owner to {owner}"),
        (missing or found.public, "close database `{database}` to all but `{owner}`", "revoke all on database {database} from public"),
    ]
    steps = _needed(table, names, found)
    if not found.works:
        verb = "create" if found.secret is None else "correct"
        steps.append(Step(f"{verb} secret `{names.secret}`, with a new password for `{names.owner}`", login=names.owner))
    elif any((found.secret or {}).get(key) != value for key, value in address.items()):
        # It works, but only by what the reader fills in, or on another port: written again with the password it has.
        steps.append(Step(f"correct secret `{names.secret}`"))
    return steps


def plan_rotation(names: Names, found: Found, address: dict[str, Any]) -> list[Step]:
    """Return the steps to a new password; ProvisionError where something is missing."""
    if plan(names, found, address):
        what = f"`{names.environment}` is not complete, so there is nothing to rotate"
        raise ProvisionError(what, f"secret `{names.secret}`, database `{names.database}`", "python ops/db/provision.py --dry-run")
    login = names.clone if (found.secret or {})["username"] == names.owner else names.owner
    table: Table = [
        (names.clone not in found.roles, "create role `{clone}`", "create role {clone} login"),
        (login == names.clone, "make it a member of `{owner}`", "grant {owner} to {clone}"),
        (login == names.clone, "let its sessions act as `{owner}`", "alter role {clone} set role = {owner_text}"),
    ]
    words = f"set a new password for `{login}`, try it, and name both in secret `{names.secret}`"
    return [*_needed(table, names, found), Step(words, login=login)]


def refuse_strangers(names: Names, found: Found, address: dict[str, Any]) -> None:
    """Raise ProvisionError where the database or the secret was made by others, for something else."""
    if found.database_owner not in ("", names.owner, found.master):
        what = f"database `{names.database}` belongs to `{found.database_owner}`, not to `{names.owner}`"
        hint = f"if it is ours: alter database {names.database} owner to {names.owner}; run this as `{found.database_owner}`"
        raise ProvisionError(what, str(address["host"]), hint)
    host = (found.secret or {}).get("host") or address["host"]
    if host != address["host"]:
        what = f"secret `{names.secret}` leads to another server, `{host}`"
        raise ProvisionError(what, f"{MASTER_URL} leads to `{address['host']}`", "check which AWS account and which server are meant")


def _needed(table: Table, names: Names, found: Found) -> list[Step]:
    told = {**names._asdict(), "master": found.master}
    quoted = {name: sql.Identifier(value) for name, value in told.items()} | {"owner_text": sql.Literal(names.owner)}
    return [Step(words.format(**told), sql.SQL(statement).format(**quoted)) for needed, words, statement in table if needed]


class Hands:
    """The two connections, and all that is done with them."""

    def __init__(self, session: psycopg.Connection[Any], manager: Any, master: dict[str, Any]) -> None:
        self.session, self.manager, self.master = session, manager, master

    def address(self, names: Names) -> dict[str, Any]:
        """Return what the secret of this environment must say, login and password apart; the RDS shape."""
        host, port = self.session.info.host, self.session.info.port
        return {"engine": "postgres", "host": host, "port": port, "dbname": names.database}

    def look(self, names: Names) -> Found:
        """Read what is there; changes nothing."""
        one = self._one
        roles = one("select array_agg(rolname::text) from pg_catalog.pg_roles where rolname = any(%s)", [names.owner, names.clone])
        logins = frozenset(cast("list[str]", roles or []))
        owner = one("select pg_catalog.pg_get_userbyid(datdba) from pg_catalog.pg_database where datname = %s", names.database)
        secret = self._secret(names)
        return Found(
            master=str(one("select current_user")),
            roles=logins,
            member=names.owner in logins and bool(one("select pg_catalog.pg_has_role(%s, 'usage')", names.owner)),
            database_owner=str(owner or ""),
            public=bool(owner and one("select pg_catalog.has_database_privilege('public', %s, 'connect')", names.database)),
            secret=secret,
            works=bool(secret and logins and owner) and self._works(names, secret or {}),
        )

    def do(self, step: Step, names: Names, found: Found) -> None:
        """Make one change; a new password reaches the secret only after it was let in."""
        if step.statement is not None:
            self.session.execute(step.statement)
            return
        kept = {key: (found.secret or {}).get(key) for key in ("username", "password")}
        login = {"username": step.login, "password": self._new_password(step.login)} if step.login else kept
        secret = self.address(names) | login
        self.try_login(names, secret)
        if found.secret is None:
            self.manager.create_secret(Name=names.secret, SecretString=json.dumps(secret))
        else:
            self.manager.put_secret_value(SecretId=names.secret, SecretString=json.dumps(secret))

    def try_login(self, names: Names, secret: dict[str, Any]) -> None:
        """Raise psycopg.OperationalError where the login is not let in, ProvisionError where it would not act as the owner."""
        login = {"user": secret.get("username"), "password": secret.get("password"), "dbname": secret.get("dbname")}
        with psycopg.connect(make_conninfo(**(self.master | login)), connect_timeout=10) as session:
            row = session.execute("select current_user").fetchone()
        if row != (names.owner,):
            raise ProvisionError(
                f"`{login['user']}` does not act as `{names.owner}`",
                names.database,
                f"alter role {login['user']} set role = '{names.owner}'",
            )

    def _works(self, names: Names, secret: dict[str, Any]) -> bool:
        # Another environment's login is not even tried; without a password libpq would look for one elsewhere.
        if secret.get("username") not in (names.owner, names.clone) or secret.get("dbname") != names.database or not secret.get("password"):
            return False
        try:
            self.try_login(names, secret)
        except psycopg.OperationalError as error:
            if _NOT_LET_IN.search(str(error)):
                return False
            raise  # no room, no network: a new password would not help, and would lock out those who are in
        return True

    def _new_password(self, login: str) -> str:
        password = secrets.token_urlsafe(32)
        hashed = self.session.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
        self.session.execute(sql.SQL("alter role {} login password {}").format(sql.Identifier(login), sql.Literal(hashed)))
        return password

    def _secret(self, names: Names) -> dict[str, Any] | None:
        try:
            text = self.manager.get_secret_value(SecretId=names.secret).get("SecretString", "")
        except self.manager.exceptions.ResourceNotFoundException:
            return None
        except self.manager.exceptions.InvalidRequestException as error:  # deleted, and still to be had back
            restore = f"aws secretsmanager restore-secret --secret-id {names.secret} --region {REGION}"
            raise ProvisionError(f"Secrets Manager: {error}", f"secret `{names.secret}`", restore) from error
        with suppress(ValueError):
            text = json.loads(text)
        fields = text if isinstance(text, dict) else {"DATABASE_URL": text}
        url = str(fields.get("DATABASE_URL"))  # not written by us, but lockgate reads it, and first
        return {"host": host[1]} if (host := _HOST.search(url)) else fields

    def _one(self, statement: LiteralString, *values: object) -> object:
        return (self.session.execute(statement, values).fetchone() or [None])[0]


@contextmanager
def connected(environ: dict[str, str], *, alone: bool) -> Iterator[Hands]:
    """Connect to both; `alone` waits until no other run of this script is at work on the server."""
    address = environ.get(MASTER_URL, "")
    try:
        master = conninfo_to_dict(address)
    except psycopg.ProgrammingError:  # its message may quote the password
        master = {}
    if not master.get("host"):
        what = f"{MASTER_URL} {'is no PostgreSQL URL with a host' if address else 'is not set'}"
        raise ProvisionError(what, "the environment", 'eval "$(python -m ops.local env)", or set it to the master connection', 2)
    limits = Config(connect_timeout=10, read_timeout=10, retries={"max_attempts": 2, "mode": "standard"})
    manager = boto3.client("secretsmanager", region_name=REGION, config=limits)
    with psycopg.connect(address, autocommit=True, connect_timeout=10) as session:
        if alone:
            session.execute("set lock_timeout = '60s'")
            session.execute("select pg_catalog.pg_advisory_lock(%s)", [_LOCK])
        yield Hands(session, manager, master)


def run(arguments: argparse.Namespace, environ: dict[str, str]) -> None:
    """Plan everything first, then do it step by step and say so; in a dry run only say it."""
    planned = plan_rotation if arguments.rotate else plan
    with connected(environ, alone=not arguments.dry_run) as hands:
        work = []
        for names in map(names_of, [arguments.rotate] if arguments.rotate else ENVIRONMENTS):
            found = hands.look(names)
            work.append((names, found, planned(names, found, hands.address(names))))
        for names, found, steps in work:
            for step in steps:
                if not arguments.dry_run:
                    hands.do(step, names, found)
                print(f"{names.environment}: {'would ' if arguments.dry_run else ''}{step.words}", flush=True)
            if not steps:
                print(f"{names.environment}: nothing to do", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Return the exit status."""
    try:
        run(_arguments(argv), dict(os.environ))
    except (ProvisionError, psycopg.Error, BotoCoreError, ClientError) as error:
        told = _translated(error)
        print(f"error: {told.what}\n  where: {told.where}\n\nhint: {told.hint}", file=sys.stderr)
        return told.status
    return 0


def _translated(error: Exception) -> ProvisionError:
    if isinstance(error, ProvisionError):
        return error
    what = (str(error).strip().splitlines() or [type(error).__name__])[0]
    again = "then run this again: it continues where it stopped"
    if isinstance(error, psycopg.Error):
        return ProvisionError(f"PostgreSQL: {what}", f"the server of {MASTER_URL}", f"check the server and its master role; {again}")
    return ProvisionError(f"Secrets Manager: {what}", f"region {REGION}", f"aws sts get-caller-identity; {again}")


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    dry_run: dict[str, Any] = {"action": "store_true", "help": "say what would be done, and change nothing"}
    parser = argparse.ArgumentParser(prog="provision.py", description="Create databases, roles and secrets of dev and test.")
    parser.add_argument("--dry-run", **dry_run)
    parser.set_defaults(rotate=None)
    rotate = parser.add_subparsers(metavar="rotate").add_parser("rotate", help="change a password without downtime")
    rotate.add_argument("rotate", choices=ENVIRONMENTS, help="the environment")
    rotate.add_argument("--dry-run", **(dry_run | {"default": argparse.SUPPRESS}))
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
