"""SQLite, by Python's own driver."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from lockgate.dialects import base
from lockgate.dialects.features import Features, ServerFacts
from lockgate.dialects.parts import ErrorFacts, Patience
from lockgate.dialects.sqlite import catalog, dump, locks, moments, session, working
from lockgate.errors import Failed
from lockgate.permit import Permit, Session
from lockgate.secret import DatabaseUrl
from lockgate.seeds.grammar import Grammar
from lockgate.seeds.spec import TableName
from lockgate.words import Cluster, Sight, VersionTable

if TYPE_CHECKING:
    from lockgate.dialects.sqlite.clones import SqliteClones
    from lockgate.dialects.sqlite.rows import SqliteRows
    from lockgate.dialects.sqlite.session import SqliteSession
    from lockgate.drift.snapshot import Snapshot


class Sqlite(base.Dialect):
    """A SQLite file; one writer at a time, no lock timeout of its own, no schemas."""

    name = "sqlite"
    grammar = Grammar.SQLITE
    features = Features(
        lock_timeout=False,
        transactional_ddl=True,
        registry_prefix="lockgate_",
        registry_setup="",
        serial="integer primary key autoincrement",
        moment="text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
        moment_text="{0}",
        own_driver="",
        shares_server=False,
        begin="begin immediate",
    )

    def open(self, url: DatabaseUrl, timeout: float, *, write: bool = False) -> AbstractContextManager[base.BareSession]:
        return session.open_session(url, timeout, write=write)

    def create_database(self, url: DatabaseUrl, timeout: float) -> None:
        """A file that is missing is made by the first write."""

    def look(self, session: Session, place: str, version_table: VersionTable | None = None) -> Sight:
        return catalog.look(session, place, version_table)

    def cluster(self, session: Session) -> Cluster:
        return catalog.cluster_of(catalog.file_of(session))

    def place(self, session: Session) -> str:
        return catalog.file_of(session)

    def own_tables(self, session: Session) -> Collection[str]:
        return catalog.own_tables(session)

    def lock(self, session: Session, label: str) -> locks.SideFileLock:
        path = catalog.file_of(session)
        session.rollback()
        return locks.SideFileLock(path, label)

    def ledger_guard(self, transaction: str = "") -> str:
        return "1 = 1"  # the side file's lock lives in this process: it cannot be lost while the process runs

    def drop_everything(self, permit: Permit, version_table: VersionTable) -> Sequence[str]:
        dropped = []
        for kind, name in permit.session.execute(
            "select type, name from sqlite_master where type in ('view', 'table') and name not like 'sqlite\\_%' escape '\\'"
            " and name not like 'lockgate\\_%' escape '\\' order by type desc, name"
        ):
            permit.session.execute(f"drop {kind} if exists {catalog.quoted(str(name))}")
            dropped.append(f"{kind} {name}")
        return dropped

    def run_script(self, permit: Permit, connection: Any, text: str) -> int:
        return _run_script(connection.connection.driver_connection, text)

    def dump(self, session: Session, version_table: VersionTable) -> str:
        return "".join(dump.statements(session, version_table))

    def run_statement(self, session: Session, sql: str, data: str | None) -> None:
        cast("SqliteSession", session).execute_noting(sql)

    def touched_tables(self, session: Session) -> Sequence[TableName]:
        touched = cast("SqliteSession", session).touched
        return [TableName(name) for name in catalog.user_tables(session) if name in touched]

    @contextmanager
    def another_time(self, session: Session, tables: Sequence[TableName]) -> Iterator[Sequence[TableName]]:
        with moments.later(session.connection):  # type: ignore[attr-defined]  # a session of this dialect
            yield ()

    def forget_settings(self, session: Session) -> None:
        """No seed may set any."""

    def updates(self, session: Session, table: TableName) -> int:
        return 0

    def bootstrap_url(self, url: DatabaseUrl) -> DatabaseUrl:
        return replace(url, driver="")

    def project_url(self, url: DatabaseUrl, timeout: float) -> tuple[DatabaseUrl, Mapping[str, str]]:
        return url, {}

    def keep_alive(self, driver_connection: Any) -> None:
        """A file has no wire."""

    def session_has_written(self, session: Session) -> bool:
        return int(str(session.execute("select total_changes()")[0][0])) > 0

    def bound_waiting(self, session: Session, seconds: float) -> None:
        """Connecting set how long SQLite waits for another writer."""

    def limit(self, session: Session, seconds: float) -> None:
        """SQLite has no statement timeout."""

    def client(self, url: DatabaseUrl) -> tuple[Sequence[str], Mapping[str, str], str]:
        return ("sqlite3", url.database), {}, ""

    def prepare(self, connection: Any, lock_timeout: float | None, statement_timeout: float | None, patience: Patience) -> None:
        working.prepare(connection, lock_timeout or 1.0, patience)

    def around_step(self, connection: Any) -> AbstractContextManager[None]:
        return working.around_step(connection)

    def open_step(self, connection: Any, savepoint: str) -> tuple[str, bool]:
        return "", True  # as for `ledger_guard`

    def cancel(self, driver_connection: Any, url: DatabaseUrl | None) -> None:
        if isinstance(driver_connection, sqlite3.Connection):
            driver_connection.interrupt()

    def before_commit(self, connection: Any) -> None:
        working.before_commit(connection)

    @contextmanager
    def without_lock_timeout(self, connection: Any) -> Iterator[None]:
        yield

    def facts(self, error: BaseException) -> ErrorFacts | None:
        return session.facts(error)

    def drop_invalid_index(self, permit: Permit, name: str) -> bool:
        """SQLite has no invalid indexes."""
        return False

    def refuse_pooler(self, url: DatabaseUrl, timeout: float) -> None:
        """A file has no pooler in front of it."""

    def rows(self) -> SqliteRows:
        from lockgate.dialects.sqlite.rows import SqliteRows  # not above: a look imports this module too, and needs nothing of seeds

        return SqliteRows()

    def snapshot(self, session: Session, version_table: VersionTable, heads: tuple[str, ...] = (), *, grants: bool = False) -> Snapshot:
        from lockgate.dialects.sqlite.snapshot import snapshot  # not above: a look needs nothing of drift

        return snapshot(session, version_table, heads)

    def server_facts(self, session: Session) -> ServerFacts:
        major = str(session.execute("select sqlite_version()")[0][0]).partition(".")[0]
        return ServerFacts(major, f"SQLite {major}")

    def clones(self, server: DatabaseUrl, timeout: float) -> SqliteClones:
        from lockgate.dialects.sqlite.clones import SqliteClones  # not above, for the same reason

        return SqliteClones(server)


def _run_script(connection: sqlite3.Connection, text: str) -> int:
    """Run a script statement by statement; `.dump` wraps its output in a transaction and a PRAGMA, which are ours here."""
    statement, count = "", 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        statement += line
        if not sqlite3.complete_statement(statement):
            continue
        if statement.strip().rstrip(";").upper() not in ("BEGIN TRANSACTION", "COMMIT", "PRAGMA FOREIGN_KEYS=OFF"):
            _run(connection, statement, number)
            count += 1
        statement = ""
    if statement.strip():
        raise Failed(
            "bootstrap-failed", "the last statement is not complete", hint="end it with a semicolon; the database is as it was before"
        )
    return count


def _run(connection: sqlite3.Connection, statement: str, line: int) -> None:
    try:
        connection.execute(statement)
    except sqlite3.Error as error:
        raise Failed("bootstrap-failed", f"line {line}: {error}", hint="mend the script; the database is as it was before") from error
