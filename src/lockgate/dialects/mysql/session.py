"""pymysql connections of lockgate's own, and what MariaDB's and MySQL's errors mean."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lockgate.dialects.mysql import tls
from lockgate.dialects.parts import ErrorFacts
from lockgate.errors import Unreachable, UsageError
from lockgate.permit import Row
from lockgate.secret import DatabaseUrl, redact

if TYPE_CHECKING:
    import pymysql
    from pymysql.cursors import Cursor

# Error number -> our word; MariaDB Knowledge Base, Error Codes; MySQL 8.0 Error Message Reference.
_NUMBERS = {
    1205: "lock-timeout",
    3572: "lock-timeout",
    1213: "deadlock",
    1020: "deadlock",
    1412: "stale-snapshot",
    1684: "stale-snapshot",  # information_schema passes over a table that is being made; MariaDB manual, error 1684
    1146: "missing-table",
    **dict.fromkeys((1044, 1142, 1143, 1227, 1370, 1419, 1701), "permission"),
    **dict.fromkeys((1290, 1792, 1836), "read-only"),
    **dict.fromkeys((1045, 1251, 1698, 2059), "authentication"),
    1049: "no-database",
    **dict.fromkeys((1021, 1114), "disk-full"),
    2026: "tls",
    **dict.fromkeys((2002, 2003, 2005, 2006, 2013, 2055), "unreachable"),
}
_CODES = {"authentication": "authentication-failed", "no-database": "database-missing", "tls": "tls-failed"}
_DRIVERS = ("pymysql", "MySQLdb", "asyncmy", "mysql", "mariadb", "cymysql")
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)\b")
# Options of a URL, as pymysql calls them, that change how lockgate itself connects, beside TLS; SQLAlchemy's other ones are env.py's affair.
_OPTIONS = ("unix_socket", "charset")


class MysqlSession:
    """A pymysql connection that speaks lockgate's `:name` parameters, and where it leads."""

    def __init__(self, connection: pymysql.Connection[Cursor], url: DatabaseUrl) -> None:
        self.connection = connection
        self._url = url

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> list[Row]:
        """Run one statement; see `lockgate.permit.Session`."""
        with self.connection.cursor() as cursor:
            cursor.execute(*_spelled(sql, params))
            return list(cursor.fetchall()) if cursor.description else []

    def write(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        """Run one writing statement; see `lockgate.permit.Session`."""
        with self.connection.cursor() as cursor:
            return int(cursor.execute(*_spelled(sql, params)))

    def ask(self, sql: str) -> list[Row]:
        """Run one statement; the server takes no second one from a client that did not ask for several."""
        return self.execute(sql)

    def commit(self) -> None:
        """Commit the open transaction."""
        self.connection.commit()

    def rollback(self) -> None:
        """Undo the open transaction; quiet where the connection is gone."""
        import pymysql

        if self.connection.open:
            try:
                self.connection.rollback()
            except pymysql.err.Error as error:
                if number_of(error) not in (2006, 2013, 2055, 0):
                    raise

    def cancel(self) -> None:
        """Stop the statement under way; see `BareSession`."""
        from lockgate.dialects.mysql.kill import kill_statement  # not above: it connects by this module

        kill_statement(self._url, self.connection)

    def close(self) -> None:
        """Close the connection."""
        if self.connection.open:
            self.connection.close()


def _spelled(sql: str, params: Mapping[str, object] | None) -> tuple[str, dict[str, object] | None]:
    # Without parameters the driver leaves percent signs alone.
    return (_PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%")), dict(params)) if params else (sql, None)


@contextmanager
def open_session(url: DatabaseUrl, timeout: float, *, write: bool) -> Iterator[MysqlSession]:
    """Connect by pymysql; see `Dialect.open`. Without `write` every transaction is READ ONLY in the server."""
    if not url.database:
        raise UsageError("url-invalid", "this URL names no database", url.place, "write `mysql://user@host:3306/database`")
    connection = connect(url, timeout, write=write)
    session = MysqlSession(connection, url)
    try:
        if not write:
            _only_read(session, url)
        yield session
    finally:
        session.close()


def _only_read(session: MysqlSession, url: DatabaseUrl) -> None:
    from pymysql.err import Error

    try:
        session.execute("set session transaction read only")
    except Error as error:  # the server let us in and hung up
        raise _unreachable(error, url) from None


def connect(url: DatabaseUrl, timeout: float, *, write: bool) -> pymysql.Connection[Cursor]:
    """
    Open one pymysql connection.

    Args:
        timeout: seconds, at least 1.
        write: also offer `LOAD DATA LOCAL`, which seeds use.
    Raises:
        Unreachable: `unreachable`, `authentication-failed`, `database-missing` or `tls-failed`.
        UsageError: `driver-missing` where pymysql is not installed.
    """
    try:
        import pymysql
    except ImportError:
        raise UsageError("driver-missing", "pymysql is not installed", url.place, "pip install 'lockgate[mysql]'") from None
    options = {**{key: value for key, value in url.query.items() if key in _OPTIONS}, **tls.own_options(url)}
    login = {"host": url.host, "port": url.port, "user": url.username, "password": url.password.reveal(), "database": url.database}
    given: dict[str, Any] = {"charset": "utf8mb4", **options, **{key: value for key, value in login.items() if value}}
    try:
        return pymysql.connect(**given, connect_timeout=max(1, round(timeout)), local_infile=write, program_name="lockgate")
    except (pymysql.err.Error, OSError, ValueError) as error:
        # `from None`: the driver's error may quote what it was given.
        raise _unreachable(error, url) from None


def create_database(url: DatabaseUrl, timeout: float) -> None:
    """Create an empty database, for texts in any language; see `Dialect.create_database`."""
    connection = connect(replace(url, database=""), timeout, write=True)
    import pymysql

    with closing(connection), connection.cursor() as cursor:
        name = url.database.replace("`", "``")
        try:
            cursor.execute(f"create database if not exists `{name}` default character set utf8mb4")
        except pymysql.err.Error as error:
            what, hint = f"the database cannot be created: {_sentence(error)}", f"let somebody who may: CREATE DATABASE `{name}`"
            raise Unreachable("database-missing", what, url.place, hint) from error


def _unreachable(error: Exception, url: DatabaseUrl) -> Unreachable:
    # pymysql calls a certificate that is not trusted "cannot connect", as it does a host that is not there.
    failed = isinstance(error, ssl.SSLError) or isinstance(getattr(error, "original_exception", None), ssl.SSLError)
    kind = "tls" if failed else _NUMBERS.get(number_of(error), "")
    hints = {
        "authentication": "check user and password of this environment; a rotated secret may not have arrived yet",
        "no-database": f"create it: CREATE DATABASE {url.database}",
        "tls": "give the authority that signed the server's certificate: query = { ssl_ca = \"FILE\" }; check `ssl_mode`",
    }
    return Unreachable(
        _CODES.get(kind, "unreachable"),
        f"cannot connect: {_sentence(error)}",
        url.place,
        hints.get(kind, "check host, port and network, then run the command again"),
    )


def number_of(error: BaseException) -> int:
    """Return the server's or the driver's error number; 0 where there is none."""
    first = error.args[0] if error.args else 0
    number = first if isinstance(first, int) else getattr(error, "errno", 0)  # mysql.connector's have it beside their arguments
    return number if isinstance(number, int) else 0


def _sentence(error: BaseException) -> str:
    words = str(error.args[1]) if len(error.args) > 1 else str(error)
    return (redact(words).strip().splitlines() or [type(error).__name__])[0]


def facts(error: BaseException) -> ErrorFacts | None:
    """Read an error of any MariaDB or MySQL driver by its number; the drivers agree on numbers, and on nothing else."""
    driver = type(error).__module__.partition(".")[0]
    if driver not in _DRIVERS or not isinstance(error, Exception):
        return None
    message = _sentence(error)
    quoted = re.search(r"'([^']+)'", message)
    name = quoted[1].rpartition(".")[2] if quoted else ""
    return ErrorFacts(_NUMBERS.get(number_of(error), ""), message, name)
