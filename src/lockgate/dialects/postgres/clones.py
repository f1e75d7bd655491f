"""Databases of our own on a PostgreSQL server, over one autocommitting psycopg connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, cast

from lockgate.dialects.clones import PREFIX, check_ours
from lockgate.dialects.postgres.commons import read_commons, restore_commons, setting
from lockgate.dialects.postgres.empty import quoted
from lockgate.dialects.postgres.recycle import PostgresRecycler
from lockgate.dialects.postgres.session import connect, facts
from lockgate.dialects.postgres.template_picture import read_picture, take_picture
from lockgate.errors import Failed
from lockgate.secret import DatabaseUrl

_TIMEOUT_S = 10.0
_STRATEGY_SINCE = 150000  # CREATE DATABASE ... STRATEGY; PostgreSQL 15 release notes


class PostgresClones:
    """See `Clones`. Locks are session advisory locks in the database that `server` names."""

    def __init__(self, server: DatabaseUrl, timeout: float) -> None:
        self._server = server
        self._connection = connect(server, timeout)
        self._connection.autocommit = True
        self.version = self._connection.info.server_version
        self.product = f"PostgreSQL {str(self._ask('show server_version')[0][0]).split()[0]}"

    @property
    def strategies(self) -> Sequence[str]:
        return ("wal_log", "file_copy") if self.version >= _STRATEGY_SINCE else ("",)

    def url(self, name: str) -> DatabaseUrl:
        return replace(self._server, database=name)

    def family(self, kind: str) -> str:
        # Locks hold within one database: who entered by another one cannot tell our living databases from orphans.
        return f"{PREFIX}{kind}_{sha256(self._server.database.encode()).hexdigest()[:8]}_"

    def names(self, prefix: str) -> Sequence[str]:
        sql = "select datname from pg_catalog.pg_database where pg_catalog.starts_with(datname, %s) order by oid"
        return [str(name) for (name,) in self._ask(sql, [prefix])]

    def create(self, name: str) -> None:
        self._run(f"create database {quoted(check_ours(name))}")

    def clone(self, template: str, name: str, strategy: str = "") -> str:
        how = f" strategy {strategy}" if strategy else ""
        self._run(f"create database {quoted(check_ours(name))} template {quoted(check_ours(template))}{how}")
        for role, text in self._ask(_SETTINGS, [template]):
            whose = f"alter role {role} in database" if role else "alter database"
            self._run(f"{whose} {quoted(name)} set {setting(str(text))}")
        return str(self._ask("select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())")[0][0])

    def rename(self, name: str, new: str) -> None:
        # The server waits some seconds for sessions that are about to end.
        self._ask("select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where datname = %s", [name])
        self._run(f"alter database {quoted(check_ours(name))} rename to {quoted(check_ours(new))}")

    def seal(self, name: str) -> None:
        # Also keeps autovacuum away, for which a copy would have to wait.
        self._run(f"alter database {quoted(check_ours(name))} with allow_connections false")

    def note(self, name: str, text: str) -> None:
        value = text.replace("'", "''")
        self._run(f"comment on database {quoted(check_ours(name))} is '{value}'")

    def noted(self, name: str) -> str:
        sql = "select pg_catalog.shobj_description(oid, 'pg_database') from pg_catalog.pg_database where datname = %s"
        return "".join(text or "" for (text,) in self._ask(sql, [name]))

    def picture(self, name: str) -> str:
        return take_picture(self.url(name), _TIMEOUT_S)

    def recycler(self, name: str, since: str, picture: str) -> PostgresRecycler:
        return PostgresRecycler(self.url(name), _TIMEOUT_S, int(since), read_picture(picture))

    def commons(self) -> str:
        return read_commons(self._ask)

    def restore_commons(self, before: str) -> None:
        restore_commons(self._ask, before)

    def configure(self, name: str, settings: Mapping[str, str]) -> None:
        for key, value in settings.items():
            # A list, such as a search_path, cannot be given as one text.
            self._ask("select pg_catalog.set_config(%s, %s, false)", [key, value])
            self._run(f"alter database {quoted(check_ours(name))} set {quoted(key)} from current")

    def in_use(self, name: str) -> bool:
        sql = "select 1 from pg_catalog.pg_stat_activity where datname = %s and backend_type = 'client backend' limit 1"
        return bool(self._ask(sql, [name]))

    def drop(self, name: str) -> None:
        check_ours(name)
        for (gid,) in self._ask("select gid from pg_catalog.pg_prepared_xacts where database = %s", [name]):
            self._rollback_prepared(name, str(gid))
        self._run(f"drop database if exists {quoted(name)} with (force)")

    def hold(self, word: str, *, shared: bool = False) -> bool:
        return bool(self._ask(f"select pg_catalog.pg_try_advisory_lock{'_shared' * shared}({_key(word)})")[0][0])

    def let_go(self, word: str, *, shared: bool = False, forever: bool = False) -> None:
        self._ask(f"select pg_catalog.pg_advisory_unlock{'_shared' * shared}({_key(word)})")

    def close(self) -> None:
        self._connection.close()

    def _rollback_prepared(self, name: str, gid: str) -> None:
        # Only from inside its own database; left open it would keep the database from being dropped.
        with connect(self.url(name), _TIMEOUT_S) as there:
            there.autocommit = True
            there.execute(cast("Any", "rollback prepared '" + gid.replace("'", "''") + "'"))

    def _run(self, sql: str) -> None:
        self._ask(sql)

    def _ask(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            cursor = self._connection.execute(cast("Any", sql), values or None)
            return cursor.fetchall() if cursor.description else []
        except Exception as error:
            found = facts(error)
            if found is None:
                raise
            denied = found.kind == "permission"
            hint = "grant the role CREATEDB, or name another server for scratch databases" if denied else "look at the server's log"
            raise Failed(
                "permission-denied" if denied else "database-error",
                f"the server refused `{sql[:120]}`: {found.message}",
                self._server.place,
                hint,
            ) from error


# What ALTER DATABASE ... SET left in the template is not copied with it.
_SETTINGS = """
select case when s.setrole <> 0 then pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.setrole)) end, c
  from pg_catalog.pg_db_role_setting s join pg_catalog.pg_database d on d.oid = s.setdatabase, pg_catalog.unnest(s.setconfig) c
 where d.datname = %s
"""


def _key(word: str) -> int:
    return int.from_bytes(sha256(f"{PREFIX}{word}".encode()).digest()[:8], "big", signed=True)
