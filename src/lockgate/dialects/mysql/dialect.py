"""MariaDB 10.6 and later, MySQL 8."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lockgate.dialects import base
from lockgate.dialects.features import Features, ServerFacts
from lockgate.dialects.mysql import catalog, client, empty, kill, locks, objects, script, session, tls, working
from lockgate.dialects.parts import ErrorFacts, Patience
from lockgate.journal.statement import Thing
from lockgate.permit import Permit, Session
from lockgate.secret import DatabaseUrl
from lockgate.seeds.grammar import Grammar
from lockgate.seeds.spec import TableName
from lockgate.words import Cluster, Sight, VersionTable

if TYPE_CHECKING:
    from lockgate.dialects.mysql.clones import MysqlClones
    from lockgate.dialects.mysql.rows import MysqlRows
    from lockgate.drift.snapshot import Snapshot


class Mysql(base.Dialect):
    """MariaDB and MySQL through pymysql for lockgate's own looks, and whatever driver env.py brings for the work."""

    name = "mysql"
    grammar = Grammar.MYSQL
    features = Features(
        lock_timeout=True,
        transactional_ddl=None,
        registry_prefix="lockgate_",
        registry_setup="",
        serial="bigint not null auto_increment primary key",
        moment="datetime not null default (utc_timestamp())",
        moment_text="concat(replace(cast({0} as char), ' ', 'T'), 'Z')",
        own_driver="pymysql",
        shares_server=True,
        long_text="longtext",
        registry_options=" engine = InnoDB default charset = utf8mb4",
        journal=True,
        copies=False,
    )

    def open(self, url: DatabaseUrl, timeout: float, *, write: bool = False) -> AbstractContextManager[base.BareSession]:
        return session.open_session(url, timeout, write=write)

    def create_database(self, url: DatabaseUrl, timeout: float) -> None:
        session.create_database(url, timeout)

    def look(self, session: Session, place: str, version_table: VersionTable | None = None) -> Sight:
        return catalog.look(session, place, version_table)

    def cluster(self, session: Session) -> Cluster:
        return catalog.cluster(session)

    def place(self, session: Session) -> str:
        host, port, database = session.execute("select @@hostname, @@port, database()")[0]
        return f"{host}:{port}/{database}"

    def own_tables(self, session: Session) -> Collection[str]:
        return catalog.own_tables(session)

    def lock(self, session: Session, label: str) -> locks.NamedLock:
        return locks.NamedLock(session)

    def session_has_written(self, session: Session) -> bool:
        # innodb_trx would tell it of the transaction alone, and wants the privilege PROCESS.
        counted = session.execute("show session status where variable_name in ('Handler_write', 'Handler_update', 'Handler_delete')")
        return any(int(str(count)) for _, count in counted)

    def ledger_guard(self, transaction: str = "") -> str:
        return locks.HELD_BY_ME

    def drop_everything(self, permit: Permit, version_table: VersionTable) -> Sequence[str]:
        return empty.drop_everything(permit, version_table)

    def run_script(self, permit: Permit, connection: Any, text: str) -> int:
        return script.run_script(connection, text)

    def run_statement(self, session: Session, sql: str, data: str | None) -> None:
        session.execute(sql)

    def touched_tables(self, session: Session) -> Sequence[TableName]:
        return [TableName(name) for name in catalog.look(session, "", None).tables]

    @contextmanager
    def another_time(self, session: Session, tables: Sequence[TableName]) -> Iterator[Sequence[TableName]]:
        """The session's clock is a variable; defaults and triggers read it, `sysdate()` does not."""
        session.execute("set session timestamp = unix_timestamp() + 90061")
        try:
            yield ()
        finally:
            session.execute("set session timestamp = default")

    def forget_settings(self, session: Session) -> None:
        session.execute("set session foreign_key_checks = default, session unique_checks = default, session sql_mode = default")

    def updates(self, session: Session, table: TableName) -> int:
        return 0

    def bootstrap_url(self, url: DatabaseUrl) -> DatabaseUrl:
        return tls.spoken(replace(url, driver="pymysql"))

    def secured(self, url: DatabaseUrl, written: Mapping[str, str], where: str, environ: Mapping[str, str]) -> tuple[DatabaseUrl, str]:
        return tls.secured(url, written, where, environ)

    def project_url(self, url: DatabaseUrl, timeout: float) -> tuple[DatabaseUrl, Mapping[str, str]]:
        return tls.spoken(url), {}

    def keep_alive(self, driver_connection: Any) -> None:
        """No driver here shows its socket."""

    def limit(self, session: Session, seconds: float) -> None:
        working.limit(session, seconds)

    def client(self, url: DatabaseUrl) -> tuple[Sequence[str], Mapping[str, str], str]:
        return client.shell(url)

    def prepare(self, connection: Any, lock_timeout: float | None, statement_timeout: float | None, patience: Patience) -> None:
        working.prepare(connection, lock_timeout, statement_timeout)

    @contextmanager
    def around_step(self, connection: Any) -> Iterator[None]:
        yield

    def keeps_transaction(self, session: Session) -> bool:
        return not session.execute("select @@global.innodb_rollback_on_timeout")[0][0]

    def definition(self, session: Session, thing: Thing) -> str:
        return objects.definition(session, thing)

    def cautions(self, session: Session) -> Sequence[str]:
        return catalog.cautions(session)

    def bound_waiting(self, session: Session, seconds: float) -> None:
        working.bound_waiting(session, seconds)

    def cancel(self, driver_connection: Any, url: DatabaseUrl | None) -> None:
        if url is not None:
            kill.kill_statement(url, driver_connection)

    def before_commit(self, connection: Any) -> None:
        """The server checks its constraints itself."""

    @contextmanager
    def without_lock_timeout(self, connection: Any) -> Iterator[None]:
        yield

    def facts(self, error: BaseException) -> ErrorFacts | None:
        return session.facts(error)

    def drop_invalid_index(self, permit: Permit, name: str) -> bool:
        """An index is there or not; none is left half built."""
        return False

    def refuse_pooler(self, url: DatabaseUrl, timeout: float) -> None:
        """Proxies that share connections take them out of the pool while a named lock is held (ProxySQL), or refuse the lock."""

    def snapshot(self, session: Session, version_table: VersionTable, heads: tuple[str, ...] = (), *, grants: bool = False) -> Snapshot:
        from lockgate.dialects.mysql.snapshot import snapshot  # not above: a look needs nothing of drift

        return snapshot(session, version_table, heads)

    def server_facts(self, session: Session) -> ServerFacts:
        from lockgate.dialects.mysql.snapshot import major

        version, charset, collation = session.execute("select version(), @@character_set_database, @@collation_database")[0]
        product = major(str(version))
        return ServerFacts(product, product, settings={"character set": str(charset), "collate": str(collation)})

    def clones(self, server: DatabaseUrl, timeout: float) -> MysqlClones:
        from lockgate.dialects.mysql.clones import MysqlClones  # not above, for the same reason

        return MysqlClones(server, timeout)

    def rows(self) -> MysqlRows:
        from lockgate.dialects.mysql.rows import MysqlRows  # not above: a look imports this module too, and needs nothing of seeds

        return MysqlRows()
