"""
The drivers of MariaDB and MySQL, connecting to one database of one server and nowhere else.

The scratch database stands on the target's own server, under the same login. So every statement is looked at where the driver sends it: one that
names another database, or that is about the whole server, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

from lockgate.dialects.mysql.session import open_session
from lockgate.errors import Unreachable
from lockgate.secret import DatabaseUrl

DRIVERS = ("pymysql", "aiomysql")
_UNKNOWN = ("MySQLdb", "asyncmy", "mysql.connector", "mariadb", "cymysql")  # whose way in is not watched
_ADDRESS = ("host", "port", "user", "password", "passwd", "database", "db", "unix_socket", "read_default_file", "read_default_group")
_KEPT = "charset use_unicode autocommit init_command sql_mode conv cursorclass client_flag local_infile ssl program_name loop echo".split()
_READABLE = ("information_schema", "performance_schema", "sys")
_TIMEOUT_S = 10.0
_QUERY, _INIT_DB = 3, 2  # commands of the protocol
# Comments, texts, and quoted names, in which neither of the others begins.
_TOKEN = re.compile(r"""--(?=\s|$)[^\n]*|\#[^\n]*|/\*.*?\*/|'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*"|`[^`]*`""", re.S)
_AT_RUN_TIME = re.compile(r"\b(?:execute\s+immediate|prepare\s+\w+\s+from)\b", re.I)
_SERVER = re.compile(
    r"\s*(?:use|grant|revoke|flush|prepare|execute|shutdown|install|uninstall|reset|change|purge|stop|start\s+(?:slave|replica)"
    r"|set\s+(?:global|persist|password|@@global)|(?:create|drop|alter|rename)\s+(?:or\s+replace\s+)?(?:user|role|server|database|schema|event|tablespace))\b",
    re.I | re.S,
)


def jail(url: DatabaseUrl) -> None:
    """See `Tracing.jail`."""
    check = _checked(url)
    for name, database in zip(DRIVERS, ("database", "db"), strict=True):
        if find_spec(name):
            _shut(name, _address(url, database), check)
    for name in _UNKNOWN:
        if find_spec(name.partition(".")[0]) and find_spec(name):
            library: Any = import_module(name)
            library.connect = _refuse


def kept(given: dict[str, Any]) -> dict[str, Any]:
    """See `Tracing.options_kept`."""
    return {name: value for name, value in given.items() if name in _KEPT}


def elsewhere(sql: str, databases: tuple[str, ...]) -> str:
    """
    Return what of a statement reaches beyond its own database, in words; empty for nothing.

    Args:
        databases: names of the others. A table or an alias of such a name is taken for it, too.
    """
    if "/*!" in sql or "/*M!" in sql:
        return "it holds a comment that the server executes"
    plain = _TOKEN.sub(_kept_name, sql).lower()
    if about := next((part for part in plain.split(";") if _SERVER.match(part)), ""):
        return f"`{' '.join(about.split()[:2])}` is about the whole server"
    if _AT_RUN_TIME.search(plain):
        return "it makes a statement that is known only when it runs"
    named = next((name for name in databases if re.search(rf"(?<![\w$.])([`\"]?){re.escape(name.lower())}\1\s*\.", plain)), "")
    return f"it names the database `{named}`" if named else ""


def _kept_name(found: re.Match[str]) -> str:
    return found[0] if found[0][0] in "\"`" else "''" if found[0][0] == "'" else " "


def others(session: Any) -> tuple[str, ...]:
    """Return the names of all other databases that the login can see and write to."""
    (own,) = session.execute("select database()")[0]
    return tuple(str(name) for (name,) in session.execute("show databases") if name not in (own, *_READABLE))


def _address(url: DatabaseUrl, database: str) -> dict[str, Any]:
    socket = url.query.get("unix_socket", "")
    where = {"unix_socket": socket} if socket else {"host": url.host or "localhost", "port": url.port or 3306}
    return {**where, "user": url.username, "password": url.password.reveal(), database: url.database}


def _checked(url: DatabaseUrl) -> Callable[[int, Any], None]:
    with open_session(url, _TIMEOUT_S, write=False) as session:
        databases = others(session)

    def check(command: int, sql: Any) -> None:
        text = sql.decode(errors="replace") if isinstance(sql, bytes | bytearray) else str(sql)
        reason = elsewhere(text, databases) if command == _QUERY else "it changes the database" if command == _INIT_DB and text != url.database else ""
        if reason:
            what = f"a statement reaches beyond the scratch database, which stands on the target's own server: {reason}"
            raise Unreachable("no-plan", what, url.place, "leave the name of the database out, and what is about the server to an administrator")

    return check


def _shut(name: str, address: dict[str, Any], check: Callable[[int, Any], None]) -> None:
    library: Any = import_module(f"{name}.{'connections' if name == 'pymysql' else 'connection'}")
    begin, send = library.Connection.__init__, library.Connection._execute_command

    def connect(self: Any, *args: Any, **given: Any) -> None:
        options = {option: value for option, value in given.items() if option not in _ADDRESS}
        begin(self, **options, **address)

    def execute_command(self: Any, command: int, sql: Any) -> Any:
        check(command, sql)
        return send(self, command, sql)

    library.Connection.__init__ = connect
    library.Connection._execute_command = execute_command


def _refuse(*args: Any, **given: Any) -> NoReturn:
    what = "the plan's process does not let this driver connect: its way in is not watched"
    raise Unreachable("no-plan", what, "env.py", f"the drivers that can be planned with are {', '.join(DRIVERS)}")
