"""lockgate's own statements under a search_path of lockgate's own, on a connection whose path is somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lockgate.permit import Session

# Without being named, the temporary schema would come first.
OWN_PATH = "pg_catalog, pg_temp"
_PATH = "select pg_catalog.current_setting('search_path')"


@contextmanager
def own_names(session: Session) -> Iterator[None]:
    """
    Take the search_path away while the block runs; see `Dialect.own_names`.

    An operator finds the best match of all schemas in the path: `name !~ 'text'` has no exact one in pg_catalog, so one that
    somebody made in `public` would win, although pg_catalog comes first (CVE-2018-1058). Whoever undoes the transaction in the
    block, or by an error, has undone the change of the path as well.
    """
    before = str(session.execute(_PATH)[0][0])
    local = "true"
    _set(session, OWN_PATH, local)
    if session.execute(_PATH)[0][0] != OWN_PATH:  # autocommit: what is local to a transaction is gone with the statement
        local = "false"
        _set(session, OWN_PATH, local)
    yield
    _set(session, before, local)


def _set(session: Session, path: str, local: str) -> None:
    quoted = path.replace("'", "''").replace("%", "%%")
    session.execute(f"select pg_catalog.set_config('search_path', '{quoted}', {local})")
