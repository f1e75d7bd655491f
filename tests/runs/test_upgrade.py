"""`upgrade`, whole, on both databases."""

from __future__ import annotations

from building import Database, Tiny

from lockgate.secret import DatabaseUrl


def test_an_empty_database_is_brought_to_head_with_one_ledger_row_per_revision(project: Tiny, database_url: DatabaseUrl) -> None:
    """The main job."""
    project.tables("users", "orders").point("dev", database_url)
    project.lockgate("upgrade", "dev", check=0)
    database = Database(database_url)
    assert database.user_tables() == ["orders", "users"]
    assert database.heads() == ["r2"]
    assert database.applied() == ["r1", "r2"]


def test_a_second_upgrade_has_nothing_to_do_and_writes_nothing(project: Tiny, database_url: DatabaseUrl) -> None:
    """Deployments run it every time."""
    project.tables("users").point("dev", database_url)
    project.lockgate("upgrade", "dev", check=0)
    before = Database(database_url).picture()
    assert "nothing to do" in project.lockgate("upgrade", "dev", check=0).stdout
    assert Database(database_url).picture() == before
