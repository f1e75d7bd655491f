"""Indexes that are built CONCURRENTLY: under way, left INVALID, or finished by a server process whose client is gone."""

from __future__ import annotations

from contextlib import suppress

from lockgate.dialects.parts import Standing
from lockgate.journal.apart import Build
from lockgate.permit import Session

_ON_TABLE = "select i.indexrelid from pg_catalog.pg_index i where i.indrelid = pg_catalog.to_regclass({table}) order by 1"
_STANDING = """
select i.indexrelid, '"' || replace(n.nspname, '"', '""') || '"."' || replace(c.relname, '"', '""') || '"', i.indisvalid, i.indisunique,
       i.indrelid = t.oid
  from pg_catalog.pg_class t
  join pg_catalog.pg_class c on c.relnamespace = t.relnamespace and c.relkind in ('i', 'I')
  join pg_catalog.pg_index i on i.indexrelid = c.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where t.oid = pg_catalog.to_regclass({table}) and (c.relname = {name} or ({name} = '' and i.indrelid = t.oid))
 order by 1
"""
_UNDER_WAY = """
select 'pid ' || p.pid || coalesce(' (' || nullif(a.application_name, '') || ')', '') || ', ' || p.phase
       || case when p.blocks_total > 0 then ', ' || p.blocks_done || ' of ' || p.blocks_total || ' blocks' else '' end
  from pg_catalog.pg_stat_progress_create_index p
  left join pg_catalog.pg_stat_activity a on a.pid = p.pid left join pg_catalog.pg_class c on c.oid = p.index_relid
 where p.datname = pg_catalog.current_database() and p.pid <> pg_catalog.pg_backend_pid()
   and p.relid = pg_catalog.to_regclass({table}) and ({name} = '' or c.relname = {name})
 order by p.pid limit 1
"""
_PROOF = "lockgate_proof"


class ConcurrentBuilds:
    """Implements `Builds` for sessions in autocommit."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def on_table(self, build: Build) -> tuple[str, ...]:
        """See `Builds`."""
        return tuple(str(row[0]) for row in self._ask(_ON_TABLE, build))

    def under_way(self, build: Build) -> str:
        """See `Builds`."""
        rows = self._ask(_UNDER_WAY, build)
        return str(rows[0][0]) if rows else ""

    def standing(self, build: Build) -> list[Standing]:
        """See `Builds`."""
        rows = self._ask(_STANDING, build)
        return [Standing(str(oid), str(name), bool(valid)) for oid, name, valid, unique, here in rows if here and unique == build.unique]

    def same(self, standing: Standing, build: Build) -> bool | None:
        """
        See `Builds`.

        Asks the server to make the same index on an empty table of the same shape, and compares what it says of both.
        """
        definition = "pg_catalog.pg_get_indexdef({oid})"
        unique = "unique " if build.unique else ""
        try:
            self._session.execute("begin")
            self._session.execute(f"create temporary table {_PROOF} (like {build.table}) on commit drop")
            self._session.execute(f"create {unique}index {_PROOF}_index on pg_temp.{_PROOF} {build.rest}")
            ours, theirs = definition.format(oid=int(standing.id)), definition.format(oid=f"'pg_temp.{_PROOF}_index'::regclass")
            found, wanted = self._session.execute(f"select {ours}, {theirs}")[0]
        except Exception:  # a role that may make no temporary table: then name, table and time are what there is
            return None
        finally:
            with suppress(Exception):
                self._session.execute("rollback")
        return str(found).partition(" USING ")[2] == str(wanted).partition(" USING ")[2]

    def drop(self, standing: Standing) -> None:
        """See `Builds`. Concurrently, because a plain DROP INDEX would queue every reader of the table behind it."""
        self._session.execute(f"drop index concurrently if exists {standing.name}")

    def _ask(self, sql: str, build: Build) -> list[tuple[object, ...]]:
        return self._session.execute(sql.format(table=_literal(build.table), name=_literal(build.name)))


def drop_invalid(session: Session, name: str) -> bool:
    """
    Drop an index that is INVALID, in the open transaction; see `Dialect.drop_invalid_index`.

    A build under way holds SHARE UPDATE EXCLUSIVE on the table, which no reader or writer needs: who has it knows that nobody builds.
    """
    question = f"select i.indrelid::regclass::text from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass({_literal(name)}) and not i.indisvalid"
    for _ in range(2):
        rows = session.execute(question)
        if not rows:
            return False
        session.execute(f"lock table only {rows[0][0]} in share update exclusive mode")
    session.execute(f"drop index {name}")
    return True


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
