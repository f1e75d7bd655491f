"""
Create what the migrations presuppose: two databases, two roles, two secrets; and change a password without downtime.

    provision.py [--dry-run]                     create or complete dev and test; run twice, the second run changes nothing
    provision.py rotate <dev|test> [--dry-run]   a new password: readers of the secret can connect at every moment

`PROVISION_DATABASE_URL` is the server's master connection (on RDS: its master user, which is no superuser), AWS is found as
by every boto3 program. Each database belongs to its own role, and nobody else may connect to it. Rotation alternates between two
logins, as Secrets Manager's alternating-users strategy does: `combine_dev_app`, the owner, and `combine_dev_app_clone`, whose
sessions become the owner as they begin, so that whatever either of them creates belongs to the owner. The login that the
secret does not name gets the new password and is tried; then the secret names it, in one step. The one that it named
before keeps its password until the next rotation. Passwords are never printed, and the server gets their hashes only.

Exit status: 0 done or nothing to do, 1 failed or refused, 2 wrong usage (nothing was contacted).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString

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
_LOCK_WAIT = "60s"
# libpq hands out no SQLSTATE for a connection that failed, only the server's sentence.
_NOT_LET_IN = re.compile("password authentication failed|not permitted to log in|permission denied for database")


class ProvisionError(Exception):
    """What happened, where, what to do next; `status` is the exit status."""

    def __init__(self, what: str, where: str, hint: str, status: int = 1) -> None:
        super().__init__(what, where, hint, status)
        self.what, self.where, self.hint, self.status = what, where, hint, status


@dataclass(frozen=True)
class Names:
    """What belongs to one environment."""

    environment: str

    @property
    def database(self) -> str:
        return f"combine_{self.environment}"

    @property
    def owner(self) -> str:
        return f"combine_{self.environment}_app"

    @property
    def clone(self) -> str:
        return f"{self.owner}_clone"

    @property
    def secret(self) -> str:
        return f"the-combine/db-{self.environment}"


@dataclass(frozen=True)
class Found:
    """
    What is there before anything is done.

    Args:
        roles: those of the environment's two logins that exist.
        member: the master role may act as the owner.
        database_owner: empty where the database is missing.
        public: everybody may connect to the database.
        secret: None where it is missing, empty where it is no JSON object.
        works: the secret's login was tried and let in.
    """

    master: str
    roles: frozenset[str] = frozenset()
    member: bool = False
    database_owner: str = ""
    public: bool = True
    secret: dict[str, Any] | None = field(default=None, repr=False)
    works: bool = False


@dataclass(frozen=True)
class Step:
    """One change: `words` for people, and the statement that makes it; without one it is the password with its secret."""

    words: str
    statement: sql.Composed | None = None
    login: str = ""


def plan(names: Names, found: Found, address: dict[str, Any]) -> list[Step]:
    """
    Return what is missing, in the order in which it can be made; nothing where all is there.

    Raises:
        ProvisionError: something of this name belongs to somebody else.
    """
    refuse_strangers(names, found, address)
    steps = []
    if names.owner not in found.roles:
        steps.append(_sql(f"create role `{names.owner}`", "create role {owner} login", names))
    if not found.member:
        steps.append(_sql(f"let `{found.master}` act as `{names.owner}`", "grant {owner} to current_user", names))
    if not found.database_owner:
        steps.append(_sql(f"create database `{names.database}`", "create database {database} owner {owner}", names))
    elif found.database_owner != names.owner:
        words = f"give database `{names.database}` to `{names.owner}`"
        steps.append(_sql(words, "alter database {database} owner to {owner}", names))
    if not found.database_owner or found.public:
        words = f"close database `{names.database}` to everybody but `{names.owner}`"
        steps.append(_sql(words, "revoke all on database {database} from public", names))
    if not found.works:
        verb = "create" if found.secret is None else "correct"
        steps.append(Step(f"{verb} secret `{names.secret}`, with a new password for `{names.owner}`", login=names.owner))
    elif any((found.secret or {}).get(key) != value for key, value in address.items()):
        # It works, but only by what the reader fills in, or on another port: written again with the password it has.
        steps.append(Step(f"correct secret `{names.secret}`"))
    return steps


def plan_rotation(names: Names, found: Found, address: dict[str, Any]) -> list[Step]:
    """
    Return the steps to a new password.

    Raises:
        ProvisionError: `provision.py` has not finished its work here.
    """
    if plan(names, found, address):
        what = f"`{names.environment}` is not complete, so there is nothing to rotate"
        raise ProvisionError(what, f"secret `{names.secret}`, database `{names.database}`", "python ops/db/provision.py --dry-run")
    login = names.clone if (found.secret or {})["username"] == names.owner else names.owner
    steps = []
    if names.clone not in found.roles:
        steps.append(_sql(f"create role `{names.clone}`", "create role {clone} login", names))
    if login == names.clone:
        steps.append(_sql(f"make it a member of `{names.owner}`", "grant {owner} to {clone}", names))
        words = f"let its sessions be `{names.owner}`, who will own what they create"
        steps.append(_sql(words, "alter role {clone} set role = {owner_text}", names))
    words = f"set a new password for `{login}`, try it, and name both in secret `{names.secret}`"
    return [*steps, Step(words, login=login)]


def refuse_strangers(names: Names, found: Found, address: dict[str, Any]) -> None:
    """Raise ProvisionError where the database or the secret was made by others, for something else."""
    if found.database_owner not in ("", names.owner, found.master):
        what = f"database `{names.database}` belongs to `{found.database_owner}`, not to `{names.owner}`"
        hint = f"if it is ours: alter database {names.database} owner to {names.owner}; run this as `{found.database_owner}`"
        raise ProvisionError(what, str(address["host"]), hint)
    host = (found.secret or {}).get("host", address["host"])
    if host != address["host"]:
        what = f"secret `{names.secret}` leads to another server, `{host}`"
        raise ProvisionError(what, f"{MASTER_URL} leads to `{address['host']}`", "check which AWS account and which server are meant")


def _sql(words: str, statement: LiteralString, names: Names) -> Step:
    roles = {"owner": sql.Identifier(names.owner), "clone": sql.Identifier(names.clone), "owner_text": sql.Literal(names.owner)}
    return Step(words, sql.SQL(statement).format(**roles, database=sql.Identifier(names.database)))


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
        roles = self.session.execute("select rolname from pg_catalog.pg_roles where rolname = any(%s)", [[names.owner, names.clone]])
        logins = frozenset(row[0] for row in roles)
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
        text = json.dumps(secret)
        if found.secret is None:
            self.manager.create_secret(Name=names.secret, SecretString=text, Description=f"The Combine, database of {names.environment}")
        else:
            self.manager.put_secret_value(SecretId=names.secret, SecretString=text)

    def try_login(self, names: Names, secret: dict[str, Any]) -> None:
        """Raise psycopg.OperationalError where the login is not let in, ProvisionError where it would not act as the owner."""
        login = {"user": secret.get("username"), "password": secret.get("password"), "dbname": secret.get("dbname")}
        with psycopg.connect(make_conninfo(**(self.master | login)), connect_timeout=10) as session:
            row = session.execute("select current_user").fetchone()
        if row != (names.owner,):
            raise ProvisionError(f"`{login['user']}` does not act as `{names.owner}`", names.database, "look at `\\drds` in psql")

    def _works(self, names: Names, secret: dict[str, Any]) -> bool:
        if secret.get("username") not in (names.owner, names.clone) or secret.get("dbname") != names.database:
            return False  # another environment's: not even tried
        if not secret.get("password"):
            return False  # libpq would look for one elsewhere
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
        try:
            found = json.loads(text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _one(self, statement: LiteralString, *values: object) -> object:
        row = self.session.execute(statement, values).fetchone()
        return row[0] if row else None


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
            session.execute(f"set lock_timeout = '{_LOCK_WAIT}'".encode())
            session.execute("select pg_catalog.pg_advisory_lock(%s)", [_LOCK])
        yield Hands(session, manager, master)


def run(arguments: argparse.Namespace, environ: dict[str, str]) -> None:
    """Plan everything first, say it, and do it unless this is a dry run."""
    planned = plan_rotation if arguments.rotate else plan
    with connected(environ, alone=not arguments.dry_run) as hands:
        work = []
        for names in map(Names, [arguments.rotate] if arguments.rotate else ENVIRONMENTS):
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
    except ProvisionError as error:
        return _complain(error)
    except psycopg.Error as error:
        what = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return _complain(ProvisionError(f"PostgreSQL: {what}", f"the server of {MASTER_URL}", "run this again: it continues where it stopped"))
    except (BotoCoreError, ClientError) as error:
        where = f"Secrets Manager in {REGION}"
        return _complain(ProvisionError(str(error), where, "aws sts get-caller-identity; then run this again: it continues where it stopped"))
    return 0


def _complain(error: ProvisionError) -> int:
    print(f"error: {error.what}\n  where: {error.where}\n\nhint: {error.hint}", file=sys.stderr)
    return error.status


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
