"""
PostgreSQL's drivers, connecting to one database and nowhere else.

Patched where each of them comes by its address, before the project's code is imported. libpq dials below Python's sockets, so nothing
that watches those would see it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from lockgate.secret import DatabaseUrl

DRIVERS = ("psycopg", "psycopg_async", "psycopg2", "asyncpg")
# Say how a session begins; everything else says where it goes, as whom and how safely.
_KEPT = (
    "options server_settings autocommit row_factory cursor_factory prepare_threshold context connection_factory async async_"
    " statement_cache_size prepared_statement_cache_size prepared_statement_name_func command_timeout loop"
).split()


# How safely a server of `scratch_url` is reached.
_SAFELY = ("sslmode", "sslrootcert", "sslcert", "sslkey")


def jail(url: DatabaseUrl) -> None:
    """See `Tracing.jail`."""
    for name, shut in (("psycopg", _psycopg), ("psycopg2", _psycopg2), ("asyncpg", _asyncpg)):
        if find_spec(name):
            shut(_address(url))


def kept(given: dict[str, Any]) -> dict[str, Any]:
    """See `Tracing.options_kept`."""
    return {name: value for name, value in given.items() if name in _KEPT}


def _address(url: DatabaseUrl) -> dict[str, Any]:
    host = url.host or url.query.get("host", "")
    login = {"host": host, "port": url.port or int(url.query.get("port", "5432")), "user": url.username, "dbname": url.database}
    password = {"password": url.password.reveal()} if url.password else {}
    return login | password | {name: url.query[name] for name in _SAFELY if name in url.query}


def _psycopg(address: dict[str, Any]) -> None:
    import psycopg

    kinds: tuple[Any, ...] = (psycopg.Connection, psycopg.AsyncConnection)
    for kind in kinds:
        kind.connect = classmethod(_redirected(kind.connect.__func__, address))
    psycopg.connect = psycopg.Connection.connect


def _redirected(original: Callable[..., Any], address: dict[str, Any]) -> Callable[..., Any]:
    def connect(cls: type, conninfo: str = "", **given: Any) -> Any:
        return original(cls, "", **kept(given), **address)

    return connect


def _psycopg2(address: dict[str, Any]) -> None:
    from psycopg2.extensions import make_dsn

    library: Any = import_module("psycopg2")
    original = library._connect

    def connect(dsn: str, *args: Any, **given: Any) -> Any:
        return original(make_dsn(**address, **_options_of(dsn)), *args, **kept(given))

    library._connect = connect


def _options_of(dsn: str) -> dict[str, str]:
    from psycopg2.extensions import parse_dsn

    return {name: value for name, value in parse_dsn(dsn).items() if name == "options"}


def _asyncpg(address: dict[str, Any]) -> None:
    library: Any = import_module("asyncpg.connect_utils")
    original = library._connect

    async def connect(**given: Any) -> Any:
        where = {"dsn": None, "passfile": None, "ssl": address.get("sslmode", False), "database": address["dbname"]}
        own = {name: value for name, value in address.items() if name != "dbname" and name not in _SAFELY}
        return await original(**{**given, **where, **own})

    library._connect = connect
