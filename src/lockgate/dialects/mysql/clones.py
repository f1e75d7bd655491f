"""Databases of our own on a MariaDB or MySQL server: made, filled by revisions and dropped; the server copies none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from lockgate.dialects.clones import PREFIX, check_ours
from lockgate.dialects.mysql.catalog import literal, quoted
from lockgate.dialects.mysql.session import connect, facts
from lockgate.errors import Bug, Failed
from lockgate.secret import DatabaseUrl


class MysqlClones:
    """See `Clones`. Locks are named locks, which the whole server shares."""

    strategies: Sequence[str] = ("",)

    def __init__(self, server: DatabaseUrl, timeout: float) -> None:
        self._server = server
        self._connection = connect(server, timeout, write=True)
        self._connection.autocommit(True)
        self.product = str(self._ask("select version()")[0][0])

    def url(self, name: str) -> DatabaseUrl:
        return replace(self._server, database=name)

    def family(self, kind: str) -> str:
        return f"{PREFIX}{kind}_"

    def names(self, prefix: str) -> Sequence[str]:
        # The server keeps no moment of making; and `like` would take `_` for any letter.
        sql = f"select schema_name from information_schema.schemata where left(schema_name, {len(prefix)}) = {literal(prefix)} order by 1"
        return [str(name) for (name,) in self._ask(sql)]

    def create(self, name: str) -> None:
        self._ask(f"create database {quoted(check_ours(name))} default character set utf8mb4")

    def configure(self, name: str, settings: Mapping[str, str]) -> None:
        """Tables without a character set of their own get the database's."""
        words = " ".join(f"{key} = {value}" for key, value in settings.items())
        if words:
            self._ask(f"alter database {quoted(check_ours(name))} {words}")

    def drop(self, name: str) -> None:
        database = literal(check_ours(name))
        # Sessions of a run that was killed would keep its tables locked, and the database with them.
        for (number,) in self._ask(f"select id from information_schema.processlist where db = {database} and id <> connection_id()"):
            self._end(int(number))
        self._ask(f"drop database if exists {quoted(name)}")

    def hold(self, word: str, *, shared: bool = False) -> bool:
        return bool(self._ask(f"select get_lock({_lock(word)}, 0) = 1")[0][0])

    def let_go(self, word: str, *, shared: bool = False, forever: bool = False) -> None:
        self._ask(f"select release_lock({_lock(word)})")

    def close(self) -> None:
        if self._connection.open:
            self._connection.close()

    def commons(self) -> str:
        return ""

    def restore_commons(self, before: str) -> None:
        """Nothing was kept."""

    def clone(self, template: str, name: str, strategy: str = "") -> NoReturn:
        raise _uncopied()

    def rename(self, name: str, new: str) -> NoReturn:
        raise _uncopied()

    def seal(self, name: str) -> NoReturn:
        raise _uncopied()

    def note(self, name: str, text: str) -> NoReturn:
        raise _uncopied()

    def noted(self, name: str) -> NoReturn:
        raise _uncopied()

    def in_use(self, name: str) -> NoReturn:
        raise _uncopied()

    def picture(self, name: str) -> NoReturn:
        raise _uncopied()

    def recycler(self, name: str, since: str, picture: str) -> NoReturn:
        raise _uncopied()

    def _end(self, number: int) -> None:
        try:
            self._ask(f"kill {number}")
        except Failed as error:
            if "1094" not in str(error.__cause__):  # ER_NO_SUCH_THREAD: it has ended by itself
                raise

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        except Exception as error:
            found = facts(error)
            if found is None:
                raise
            denied = found.kind in ("permission", "authentication")
            hint = f"grant the role ALL ON `{PREFIX}%`.*" if denied else "look at the server's log"
            code = "permission-denied" if denied else "database-error"
            raise Failed(code, f"the server refused `{sql[:120]}`: {found.message}", self._server.place, hint) from error


def _lock(word: str) -> str:
    # Not the name of `locks.py`: a run in the database of this name takes that one.
    return f"concat('lockgate.own.', sha1({literal(word)}))"


def _uncopied() -> Bug:
    return Bug("internal", "test databases on MariaDB or MySQL must be refused before one is made")
