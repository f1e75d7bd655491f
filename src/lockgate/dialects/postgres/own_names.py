"""lockgate's own statements under a search_path of lockgate's own, on a connection whose path is somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lockgate.dialects.postgres.session import PostgresSession
from lockgate.permit import Session

# Without being named, the temporary schema would come first.
OWN_PATH = "pg_catalog, pg_temp"
_PATH = "select pg_catalog.current_setting('search_path')"
# One round trip; materialized, so that the old path is read before the new one is set.
_TAKE = f"""
with before as materialized (select pg_catalog.current_setting('search_path') as path, pg_catalog.current_schema() as first)
select path, first, pg_catalog.set_config('search_path', '{OWN_PATH}', true) from before
"""


@contextmanager
def own_names(session: Session) -> Iterator[str]:
    """
    Take the search_path away while the block runs; see `Dialect.own_names`.

    An operator finds the best match of all schemas in the path: `name !~ 'text'` has no exact one in pg_catalog, so one that
    somebody made in `public` would win, although pg_catalog comes first (CVE-2018-1058). Whoever undoes the transaction in the
    block, or by an error, has undone the change of the path as well.

    Yields:
        The first schema of the path that was taken away; empty where there is none.
    """
    path, first, _ = session.execute(_TAKE)[0]
    local = not _is_autocommit(session)
    if not local:
        _set(session, OWN_PATH, local)
    yield str(first or "")
    _set(session, str(path), local)


def _is_autocommit(session: Session) -> bool:
    """Whether what is local to a transaction is gone with its statement; our own connections are asked without a round trip."""
    if isinstance(session, PostgresSession):
        return bool(session.connection.autocommit)
    return session.execute(_PATH)[0][0] != OWN_PATH


def _set(session: Session, path: str, local: bool) -> None:
    quoted = path.replace("'", "''").replace("%", "%%")
    session.execute(f"select pg_catalog.set_config('search_path', '{quoted}', {str(local).lower()})")
