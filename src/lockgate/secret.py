"""
Secret values and database URLs that mask themselves; the only place that renders a target for people.

Every `Secret` made in this process is remembered, so that `redact()` can take it out of any text on its way out,
whichever library wrote that text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlencode

from lockgate.errors import UsageError
from lockgate.records import dataclass

MASK = "***"
_DRIVERS = {  # of a backend, as SQLAlchemy calls them; any other one is PostgreSQL's
    "sqlite": ("pysqlite", "aiosqlite", "pysqlcipher"),
    "mysql": ("pymysql", "mysqldb", "aiomysql", "asyncmy", "mysqlconnector", "mariadbconnector", "cymysql", "pyodbc"),
}
_SERVERS = {"postgresql": "postgresql", "postgres": "postgresql", "mysql": "mysql", "mariadb": "mariadb"}
_PORTS = {"mysql": 3306, "mariadb": 3306}
_known: set[str] = set()
# A value this short would take ordinary words out of messages; it is still masked inside URLs.
_SHORTEST_REDACTED = 4
# C0 but for newline and tab, DEL and C1 (U+009B alone starts a terminal sequence), and what reverses the direction of writing.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_IN_URL = re.compile(r"(?P<head>[A-Za-z][A-Za-z0-9+.\-]{0,30}://[^\s:/@'\"]*):[^\s'\"]*@")
_IN_PAIR = re.compile(
    r"(?P<head>(?:^|[\s?&;,{(\"'])(?:password|passwd|pwd|sslpassword)[\"']?\s*[=:]\s*)(?:'[^']*'|\"[^\"]*\"|[^\s&;,)}]+)", re.I
)
# `CREATE ROLE leo PASSWORD 'x'`, `IDENTIFIED BY 'x'`: a literal behind the word, without a sign between them. What Alembic says of
# a "revision identified by" is no password.
_IN_SQL = re.compile(r"(?P<head>\b(?:password|(?<!revision )identified\s+by)\s+(?:E|U&)?)(?:'(?:[^'\\]|''|\\.)*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)", re.I | re.S)
_SECRET_NAME = re.compile(r"PASSWORD|PASSWD|(?:^|_)PASS(?:_|$)|SECRET|TOKEN|CREDENTIAL|PGPASS|MYSQL_PWD", re.I)
# Names of keys and of files and sockets that lead to some: `GH_PAT`, `API_KEY`, `SSH_AUTH_SOCK`, `KUBECONFIG`, `SENTRY_DSN`.
_WAY_IN = re.compile(r"(?:^|_)(?:KEY|APIKEY|PAT|DSN|AUTH|JWT|COOKIE)S?(?:_|$)|KUBECONFIG|NETRC|DOCKER_CONFIG", re.I)
_LOGIN_IN_URL = re.compile(r"https?://[^\s/@'\"]+@", re.I)  # `https://KEY@host`; a user name alone opens no database
_CONSENT = ("CONFIRM_ENV", "ALLOW_DESTRUCTIVE_IN_CI")
_OPTION = re.compile(r"[\w.-]+=")
_NO_LOGIN = re.compile(r"[^:/?]*(?::\d{0,5})?/[^?]*\?[\w.-]+=")  # host, port and database are over, this is an option


class Secret:
    """A value that must not be seen: `str()`, `repr()` and formatting give a mask, `reveal()` gives the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= _SHORTEST_REDACTED:
            encoded = {quote(value, safe=""), quote_plus(value), quote(value), quote(value, safe=" +")}
            quoted = {text[1:-1] for text in (repr(value), json.dumps(value), json.dumps(value, ensure_ascii=False))}
            _known.update({value}, encoded, quoted)

    def reveal(self) -> str:
        """Return the value, for a driver or the environment of a child process; never for a message."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("secret", self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return (Secret, (self._value,))


def redact(text: str) -> str:
    """Return `text` without any known secret, password of a URL or `password=` value; control characters go too."""
    if not text:
        return text
    for value in sorted(_known, key=len, reverse=True):
        text = text.replace(value, MASK)
    text = _IN_URL.sub(rf"\g<head>:{MASK}@", text)
    text = _IN_SQL.sub(rf"\g<head>'{MASK}'", text)
    text = _IN_PAIR.sub(rf"\g<head>{MASK}", text)
    return _CONTROL.sub("", text)


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """
    Return variables for a program that needs none of our secrets: what holds a known one or a password in any form, or says by its name that it is one, goes.

    Whoever may look at the program's process reads its variables, and it hands them to everything that it starts.
    """
    return {
        name: value
        for name, value in without_known(environ).items()
        if not _SECRET_NAME.search(name) and not _WAY_IN.search(name) and not _holds_password(value)
    }


def _holds_password(value: str) -> bool:
    return any(pattern.search(value) for pattern in (_IN_URL, _IN_PAIR, _IN_SQL, _LOGIN_IN_URL))


def without_known(environ: Mapping[str, str]) -> dict[str, str]:
    """Return variables without the secrets that this process has fetched, and without what was confirmed to it alone."""
    return {name: value for name, value in environ.items() if name not in _CONSENT and not any(secret in value for secret in _known)}


@dataclass(frozen=True)
class DatabaseUrl:
    """
    Where a database is and how to enter it, in parts; no part is percent-encoded.

    Args:
        backend: `postgresql`, `mysql`, `mariadb` or `sqlite` (`postgres` is read as `postgresql`).
        driver: SQLAlchemy's name of the driver (`psycopg`, `asyncpg`, `aiosqlite`), empty for the default one.
        database: name of the database; for SQLite the path of the file.
        query: driver options as given, such as `sslmode`.
    """

    backend: str
    driver: str = ""
    username: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    host: str = ""
    port: int | None = None
    database: str = ""
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Host, port and database for people: `db-3.internal:5432/app`, or the file of a SQLite database."""
        if self.backend == "sqlite":
            return self.database or ":memory:"
        host = self.host or self.query.get("host", "") or "localhost"
        socket = self.query.get("unix_socket", "")
        if socket or host.startswith("/"):
            return f"{socket or host}/{self.database}"
        return f"{host}:{self.port or _PORTS.get(self.backend, 5432)}/{self.database}"

    def __repr__(self) -> str:
        return f"DatabaseUrl({self.backend}, {self.place})"

    __str__ = __repr__

    def with_driver(self, driver: str) -> DatabaseUrl:
        """Return the URL with `driver` where it names none itself, and the driver is one for its database."""
        family = next((name for name, drivers in _DRIVERS.items() if driver in drivers), "postgresql")
        fits = family == ("mysql" if self.backend == "mariadb" else self.backend)
        return replace(self, driver=driver) if driver and not self.driver and fits else self

    def anchored(self, folder: Path) -> DatabaseUrl:
        """Return a SQLite URL with an absolute path: a relative one would name another file from another directory."""
        if self.backend != "sqlite" or self.is_memory:
            return self
        return replace(self, database=str((folder / self.database).resolve()))

    @property
    def is_memory(self) -> bool:
        """Whether this is SQLite's in-memory database, which every connection sees as its own, empty one."""
        return self.backend == "sqlite" and (self.database in ("", ":memory:") or "mode=memory" in self.database)

    def render(self) -> Secret:
        """
        Return the URL as SQLAlchemy, Alembic and libpq read it.

        SQLAlchemy before 2.1 does not decode the name of the database, so only what would be misread is percent-encoded there. Nobody but
        libpq decodes a host, so the folder of a Unix socket goes among the options. libpq takes `+` in an option for itself.
        """
        scheme = self.backend + (f"+{self.driver}" if self.driver else "")
        database = self.database.replace("%", "%25").replace("?", "%3F").replace("@", "%40")
        host, options = self.host, self.query
        if host.startswith("/"):
            host, options = "", {"host": host, **options}
        query = f"?{urlencode(options, quote_via=quote)}" if options else ""
        if self.backend == "sqlite":
            return Secret(f"{scheme}:///{database}{query}")
        login = quote(self.username, safe="")
        if self.password:
            login += ":" + quote(self.password.reveal(), safe="")
        host = f"[{host}]" if ":" in host else host
        port = f":{self.port}" if self.port else ""
        at = "@" if login else ""
        return Secret(f"{scheme}://{login}{at}{host}{port}/{database}{query}")


def parse_url(text: str, where: str = "") -> DatabaseUrl:
    """
    Read a database URL, in any of the forms in use: `postgres://`, `postgresql://`, `postgresql+DRIVER://`, `mysql://`,
    `mariadb+DRIVER://`, `sqlite:///`.

    A password may be percent-encoded or raw; a raw one may hold `@`, `/` and `:` (the last `@` before the options ends it).

    Args:
        text: the URL; it is never quoted in an error.
        where: the setting it came from, for errors.
    Raises:
        UsageError: `url-invalid` or `database-unsupported`.
    """
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        raise UsageError(
            "url-invalid",
            "this is no database URL: it has no `://`",
            where,
            "write `postgresql://user@host:5432/database` or `sqlite:///file.db`",
        )
    backend, _, driver = scheme.lower().partition("+")
    if backend == "sqlite":
        return _parse_sqlite(rest, driver, where)
    if backend not in _SERVERS:
        raise UsageError(
            "database-unsupported", f"`{backend}` databases are not supported", where, "lockgate knows postgresql, mysql, mariadb and sqlite"
        )
    return _parse_server(_SERVERS[backend], rest, driver, where)


def _parse_sqlite(rest: str, driver: str, where: str) -> DatabaseUrl:
    path, _, query = rest.partition("?")
    if path.startswith("file:") or path.startswith("/file:") or (path and not path.startswith("/")):
        hint = "write `sqlite:///relative/file.db` or `sqlite:////absolute/file.db`"
        raise UsageError("url-invalid", "this form of a SQLite URL is not supported", where, hint)
    return DatabaseUrl("sqlite", driver, database=unquote(path[1:]), query=dict(parse_qsl(query)))


def _parse_server(backend: str, rest: str, driver: str, where: str) -> DatabaseUrl:
    end = _login_end(rest)
    login, target = rest[: max(end, 0)], rest[end + 1 :]
    target, _, options = target.partition("?")
    query = dict(parse_qsl(options, keep_blank_values=True))
    username, _, password = login.partition(":")
    address, _, database = target.partition("/")
    found = re.fullmatch(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]*))(?::(?P<port>\d{0,5}))?", address)
    if not found:
        hint = "write `postgresql://user@host:5432/database`; percent-encode special characters"
        raise UsageError("url-invalid", "the host and port of this database URL cannot be read", where, hint)
    secret = Secret(unquote(password) or query.pop("password", ""))
    return DatabaseUrl(
        backend,
        driver,
        unquote(username),
        secret,
        unquote(found["v6"] or found["host"] or ""),
        int(found["port"]) if found["port"] else None,
        unquote(database),
        query,
    )


def _login_end(rest: str) -> int:
    """
    Return where the `@` behind user name and password is; -1 where there is none.

    A raw password may hold `@`, and so may an option (`?user=me@server`): it is the first `@` behind which no other one comes before
    the options.
    """
    for found in re.finditer("@", rest):
        target, _, options = rest[found.end() :].partition("?")
        if "@" not in target and ("@" not in options or _OPTION.match(options)):
            return -1 if _NO_LOGIN.match(rest[: found.start()]) else found.start()
    return -1
