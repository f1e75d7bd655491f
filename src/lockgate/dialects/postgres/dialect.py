"""PostgreSQL 13 and later."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lockgate.dialects import base
from lockgate.dialects.features import Features, ServerFacts
from lockgate.dialects.parts import ErrorFacts, Patience
from lockgate.dialects.postgres import blockers, catalog, client, locks, own_names, pooler, session, tls, working
from lockgate.permit import Permit, Session
from lockgate.secret import DatabaseUrl
from lockgate.seeds.grammar import Grammar
from lockgate.words import Cluster, Sight, VersionTable

if TYPE_CHECKING:
    from lockgate.dialects.postgres.builds import ConcurrentBuilds
    from lockgate.dialects.postgres.clones import PostgresClones
    from lockgate.dialects.postgres.rows import PostgresRows
    from lockgate.drift.snapshot import Snapshot
    from lockgate.journal.statement import Thing
    from lockgate.seeds.spec import TableName


class Postgres(base.Dialect):
    """
    PostgreSQL through psycopg 3 for lockgate's own looks, and whatever driver env.py brings for the work.

    What a look does not need is imported where it is used: most calls are a look and no more.
    """

    name = "postgresql"
    grammar = Grammar.POSTGRES
    features = Features(
        lock_timeout=True,
        transactional_ddl=None,
        registry_prefix="lockgate.",
        registry_setup="create schema if not exists lockgate",
        serial="bigint generated always as identity primary key",
        moment="timestamptz not null default pg_catalog.clock_timestamp()",
        moment_text="""pg_catalog.to_char({0} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
        equal="operator(pg_catalog.=)",
        plus="operator(pg_catalog.+)",
        digest="pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.concat({0}), 'UTF8')), 'hex')",
        now="pg_catalog.clock_timestamp()",
        rules="select 1 from pg_catalog.pg_class where oid operator(pg_catalog.=) pg_catalog.to_regclass('{0}') and relhasrules",
        own_driver="psycopg",
        shares_server=True,
        embeds=True,
    )

    def open(self, url: DatabaseUrl, timeout: float, *, write: bool = False) -> AbstractContextManager[base.BareSession]:
        return session.open_session(url, timeout, write=write)

    def create_database(self, url: DatabaseUrl, timeout: float) -> None:
        session.create_database(url, timeout)

    def look(self, session: Session, place: str, version_table: VersionTable | None = None) -> Sight:
        return catalog.look(session, place, version_table)

    def own_names(self, session: Session) -> AbstractContextManager[object]:
        return own_names.own_names(session)

    def cluster(self, session: Session) -> Cluster:
        return catalog.cluster(session)

    def place(self, session: Session) -> str:
        sql = (
            "select coalesce(pg_catalog.host(pg_catalog.inet_server_addr()), 'local socket'),"
            " coalesce(pg_catalog.inet_server_port(), cast(pg_catalog.current_setting('port') as integer)), pg_catalog.current_database()"
        )
        host, port, database = session.execute(sql)[0]
        return f"{host}:{port}/{database}"

    def own_tables(self, session: Session) -> Collection[str]:
        return catalog.own_tables(session)

    def lock(self, session: Session, label: str) -> locks.AdvisoryLock:
        return locks.AdvisoryLock(session, label)

    def ledger_guard(self, transaction: str = "") -> str:
        return f"{locks.HELD_BY_ME}{locks.NOT_ABORTED}" if transaction else locks.HELD_BY_ME

    def drop_everything(self, permit: Permit, version_table: VersionTable) -> Sequence[str]:
        from lockgate.dialects.postgres import empty

        return empty.drop_everything(permit, version_table.schema)

    def run_script(self, permit: Permit, connection: Any, text: str) -> int:
        from lockgate.dialects.postgres import script

        return script.run_script(permit, connection, text)

    def run_statement(self, session: Session, sql: str, data: str | None) -> None:
        from lockgate.dialects.postgres import script

        script.run_one(session, sql, data)

    def touched_tables(self, session: Session) -> Sequence[TableName]:
        with own_names.own_names(session):
            return catalog.touched_tables(session)

    def deleted(self, session: Session) -> Mapping[TableName, int]:
        with own_names.own_names(session):
            return catalog.deleted(session)

    @contextmanager
    def another_time(self, session: Session, tables: Sequence[TableName]) -> Iterator[Sequence[TableName]]:
        from lockgate.dialects.postgres import moments

        yield moments.age(session, tables)

    def forget_settings(self, session: Session) -> None:
        label = session.execute("show application_name")[0][0]  # waiting runs read there who holds the lock
        session.execute("reset all")
        session.execute("select pg_catalog.set_config('application_name', :label, false)", {"label": label})

    def updates(self, session: Session, table: TableName) -> int:
        from lockgate.dialects.postgres import moments

        return moments.updates(session, table)

    def bootstrap_url(self, url: DatabaseUrl) -> DatabaseUrl:
        return replace(url, driver="psycopg")

    def secured(self, url: DatabaseUrl, written: Mapping[str, str], where: str, environ: Mapping[str, str]) -> tuple[DatabaseUrl, str]:
        return tls.secured(url, written, where, environ)

    def project_url(self, url: DatabaseUrl, timeout: float) -> tuple[DatabaseUrl, Mapping[str, str]]:
        return client.project_url(url, timeout)

    def keep_alive(self, driver_connection: Any) -> None:
        working.keep_alive(driver_connection)

    def limit(self, session: Session, seconds: float) -> None:
        session.execute(f"set local statement_timeout = {round(seconds * 1000)}")

    def client(self, url: DatabaseUrl) -> tuple[Sequence[str], Mapping[str, str], str]:
        return client.psql(url)

    def prepare(self, connection: Any, lock_timeout: float | None, statement_timeout: float | None, patience: Patience) -> None:
        working.prepare(connection, lock_timeout, statement_timeout)

    @contextmanager
    def around_step(self, connection: Any) -> Iterator[None]:
        yield

    def open_step(self, connection: Any, savepoint: str) -> tuple[str, bool]:
        return working.open_step(connection, locks.HELD_BY_ME, savepoint)

    def was_rolled_back(self, session: Session, transaction: str) -> bool:
        return session.execute(f"select pg_catalog.txid_status({int(transaction)})")[0][0] == "aborted"

    def bound_waiting(self, session: Session, seconds: float) -> None:
        session.execute(f"set local lock_timeout = {round(seconds * 1000)}")

    def builds(self, session: Session) -> ConcurrentBuilds:
        from lockgate.dialects.postgres import builds

        return builds.ConcurrentBuilds(session)

    def has_written(self, session: Session) -> bool:
        return bool(session.execute("select pg_catalog.txid_current_if_assigned() is not null")[0][0])

    def session_has_written(self, session: Session) -> bool:
        return self.has_written(session)

    def invalid_indexes(self, session: Session) -> Sequence[str]:
        with own_names.own_names(session):
            return catalog.invalid_indexes(session)

    def definition(self, session: Session, thing: Thing) -> str:
        return catalog.index_definition(session, thing)

    def session_id(self, session: Session) -> str:
        return str(session.execute("select pg_catalog.pg_backend_pid()")[0][0])

    def blockers(self, session: Session, session_id: str) -> Sequence[str]:
        return blockers.blockers(session, session_id) if session_id else blockers.shutters(session)

    def cancel(self, driver_connection: Any, url: DatabaseUrl | None) -> None:
        working.cancel(driver_connection)

    def before_commit(self, connection: Any) -> None:
        """PostgreSQL checks its constraints itself."""

    def without_lock_timeout(self, connection: Any) -> AbstractContextManager[None]:
        return working.without_lock_timeout(connection)

    def facts(self, error: BaseException) -> ErrorFacts | None:
        return session.facts(error)

    def drop_invalid_index(self, permit: Permit, name: str) -> bool:
        from lockgate.dialects.postgres import builds

        return builds.drop_invalid(permit.session, name)

    def refuse_pooler(self, url: DatabaseUrl, timeout: float) -> None:
        pooler.refuse_transaction_pooler(url, timeout)

    def rows(self) -> PostgresRows:
        from lockgate.dialects.postgres.rows import PostgresRows

        return PostgresRows()

    def snapshot(self, session: Session, version_table: VersionTable, heads: tuple[str, ...] = (), *, grants: bool = False) -> Snapshot:
        from lockgate.dialects.postgres.snapshot import snapshot

        return snapshot(session, version_table, heads, grants)

    def server_facts(self, session: Session) -> ServerFacts:
        with own_names.own_names(session):
            return catalog.server_facts(session)

    def clones(self, server: DatabaseUrl, timeout: float) -> PostgresClones:
        from lockgate.dialects.postgres.clones import PostgresClones

        return PostgresClones(server, timeout)
