"""psycopg connections of lockgate's own, and what their errors mean."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from lockgate.dialects.parts import ErrorFacts
from lockgate.dialects.postgres.client import login
from lockgate.dialects.postgres.wire import CLIENT, SHORTEST_CONNECT
from lockgate.errors import Unreachable, UsageError
from lockgate.permit import Row
from lockgate.secret import DatabaseUrl, redact

if TYPE_CHECKING:
    import psycopg

# SQLSTATE -> our word; PostgreSQL manual, appendix A.
_STATES = {
    "55P03": "lock-timeout",
    "40P01": "deadlock",
    "40001": "deadlock",
    "42P01": "missing-table",
    "42501": "permission",
    "25006": "read-only",
    "28000": "authentication",
    "28P01": "authentication",
    "3D000": "no-database",
    "53100": "disk-full",
}
# libpq hands out no SQLSTATE for a connection that failed, only the server's sentence.
_SENTENCES = (
    (
        re.compile(r"password authentication failed|no password supplied|authentication failed|role \".*\" does not exist|pg_hba\.conf"),
        "authentication",
    ),
    (re.compile(r"database \".*\" does not exist"), "no-database"),
    (re.compile(r"certificate|SSL|TLS"), "tls"),
)
_MAINTENANCE = "postgres"
_CODES = {"authentication": "authentication-failed", "no-database": "database-missing", "tls": "tls-failed"}
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z_0-9]*)\b")


class PostgresSession:
    """A psycopg connection that speaks lockgate's `:name` parameters."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> list[Row]:
        """Run one statement; see `lockgate.permit.Session`."""
        text = _PARAMETER.sub(r"%(\1)s", sql) if params else sql
        cursor = self.connection.execute(cast("Any", text), dict(params) if params else None)
        return cursor.fetchall() if cursor.description else []

    def write(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        """Run one writing statement; see `lockgate.permit.Session`."""
        text = _PARAMETER.sub(r"%(\1)s", sql) if params else sql
        return self.connection.execute(cast("Any", text), dict(params) if params else None).rowcount

    def ask(self, sql: str) -> list[Row]:
        """
        Run one statement; see `BareSession`.

        Prepared, because only the extended protocol refuses `commit; drop table users`, which would leave a READ ONLY transaction.
        """
        cursor = self.connection.execute(cast("Any", sql), prepare=True)
        return cursor.fetchall() if cursor.description else []

    def commit(self) -> None:
        """Commit the open transaction."""
        self.connection.commit()

    def rollback(self) -> None:
        """Undo the open transaction; quiet where the connection is gone."""
        if not self.connection.closed:
            self.connection.rollback()

    def cancel(self) -> None:
        """Stop the statement under way; see `BareSession`."""
        self.connection.cancel_safe()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


@contextmanager
def open_session(url: DatabaseUrl, timeout: float, *, write: bool) -> Iterator[PostgresSession]:
    """Connect by psycopg; see `Dialect.open`. Without `write` every transaction is READ ONLY in the server."""
    connection = connect(url, timeout)
    try:
        # None, not False, for writing: whoever set `default_transaction_read_only` meant us, too.
        connection.read_only = None if write else True
        with hung_up(url, connection):
            yield PostgresSession(connection)
    finally:
        connection.close()


@contextmanager
def hung_up(url: DatabaseUrl, connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Raise `Unreachable` where the server, or something on the way to it, ended the connection within the block."""
    from psycopg import OperationalError

    try:
        yield
    except OperationalError as error:
        if not connection.closed:
            raise
        raise unreachable(error, url) from None


def connect(url: DatabaseUrl, timeout: float) -> psycopg.Connection[Any]:
    """
    Open one psycopg connection.

    Args:
        timeout: seconds, at least `SHORTEST_CONNECT`; a `connect_timeout` of the URL counts instead.
    Raises:
        Unreachable: `unreachable`, `authentication-failed`, `database-missing` or `tls-failed`.
        UsageError: `driver-missing` where psycopg is not installed; `url-invalid` for a URL without a database, which libpq would
            take for the one that is called like the user.
    """
    if not url.database and not {"dbname", "service"} & set(url.query):
        what = "this database URL names no database, and a guess may be the wrong one"
        raise UsageError("url-invalid", what, url.place, "write it at the end: `postgresql://user@host:5432/database`")
    try:
        import psycopg
    except ImportError:
        raise UsageError("driver-missing", "psycopg is not installed", url.place, "pip install 'lockgate[postgres]'") from None
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    options = {key: value for key, value in {**url.query, **login(url)}.items() if key in known}
    bound = {"connect_timeout": max(SHORTEST_CONNECT, round(timeout))}
    given: dict[str, Any] = {"application_name": "lockgate", **CLIENT, **bound, **options}
    if url.password:
        given["password"] = url.password.reveal()
    try:
        connection = psycopg.connect(**given)
        if connection.info.encoding == "ascii":  # a database of SQL_ASCII: psycopg would return every text as bytes
            connection.execute("set client_encoding to 'UTF8'")
            connection.commit()
        return connection
    except psycopg.Error as error:
        # `from None`: the driver's error may quote the connection string.
        raise unreachable(error, url) from None


def create_database(url: DatabaseUrl, timeout: float) -> None:
    """
    Create an empty database; see `Dialect.create_database`.

    Source: PostgreSQL manual, 23.2: `postgres` is there for clients to connect to when they create a database.
    """
    connection = connect(replace(url, database=_MAINTENANCE), timeout)
    from psycopg import Error, errors, sql

    with closing(connection):
        connection.autocommit = True
        try:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(url.database)))
        except (errors.DuplicateDatabase, errors.UniqueViolation):
            pass  # another process was faster
        except Error as error:
            hint = f"let somebody who may: createdb {shlex.quote(url.database)}"
            raise Unreachable("database-missing", f"the database cannot be created: {redact(str(error)).strip()}", url.place, hint) from error


def unreachable(error: Exception, url: DatabaseUrl) -> Unreachable:
    """Make the error of a database that cannot be entered, or that hung up on us."""
    message = redact(str(error))
    kind = next((word for pattern, word in _SENTENCES if pattern.search(message)), "")
    reason = message.split("FATAL:")[-1].strip().splitlines()[0]
    hints = {
        "authentication": "check user and password of this environment; a rotated secret may not have arrived yet",
        "no-database": f"check its name; a new one is made by `lockgate upgrade --create-database` or createdb {url.database or 'NAME'}",
        "tls": "give the authority that signed the server's certificate: query = { sslrootcert = \"FILE\" }; check `sslmode`",
    }
    return Unreachable(
        _CODES.get(kind, "unreachable"),
        f"cannot connect: {reason}",
        url.place,
        hints.get(kind, "check host, port and network, then run the command again"),
    )


def facts(error: BaseException) -> ErrorFacts | None:
    """
    Read an error of psycopg, psycopg2 or asyncpg by its SQLSTATE.

    Each driver calls it by another name; SQLAlchemy's asyncpg adapter keeps psycopg2's.
    """
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if not isinstance(state, str):
        return None
    message = redact(str(error)).strip()
    quoted = re.search(r'"([^"]+)"', message)
    return ErrorFacts(_STATES.get(state, "value" if state.startswith("22") else ""), message.splitlines()[0] if message else state, quoted[1] if quoted else "")
