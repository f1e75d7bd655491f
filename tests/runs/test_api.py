"""What only the Python functions do; the verbs themselves are tested through both faces elsewhere."""

from __future__ import annotations

import pytest
from building import Tiny

import lockgate
from lockgate.secret import DatabaseUrl


def test_status_knocks_at_another_database_for_one_environment(project: Tiny, database_url: DatabaseUrl) -> None:
    """A program knows its database by URL; for several environments one URL means nothing."""
    project.tables("users").point("dev", database_url)
    loaded, url = lockgate.load_project(project.folder), database_url.render().reveal()
    lockgate.upgrade(loaded, "dev", environ=project.environ)
    (row,) = lockgate.status(loaded, "dev", database_url=url, environ={})
    assert (row.says, row.heads, row.pending) == ("dev", ("r1",), 0)
    for names in ((), ("dev", "test")):
        with pytest.raises(lockgate.UsageError, match="exactly one environment"):
            lockgate.status(loaded, *names, database_url=url, environ={})


def test_url_is_what_the_command_line_prints(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """A program that needs a connection asks where its settings point."""
    project.point("dev", sqlite_url)
    url = lockgate.url(lockgate.load_project(project.folder), "dev", environ=project.environ)
    assert url == project.here("url", "dev", check=0).stdout.strip()
    with pytest.raises(lockgate.UsageError, match="TEST_DATABASE_URL"):
        lockgate.url(lockgate.load_project(project.folder), "test", environ=project.environ)
